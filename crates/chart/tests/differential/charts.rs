//! Charts in charts as cases: dependencies, their conditions, tags, aliases and imports, and values that meet or miss them.

use penstock_chart::{chart::File, load};
use serde_json::{Map, Value as Json, json};

use super::{compare::Case, oracle::Outcome, random::Random, render};

/// A chart's metadata and values, and the charts below it.
#[derive(Clone, Debug)]
pub struct Node {
    name: String,
    metadata: Map<String, Json>,
    values: Json,
    inside: Vec<Node>,
}

/// A chart and the values that are given for it.
#[derive(Clone, Debug)]
pub struct Nest {
    root: Node,
    given: Vec<Json>,
    set: Vec<String>,
}

impl Nest {
    /// Its files by path.
    pub fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        self.root.write("", &mut files);
        files
    }

    /// The question to render it.
    pub fn asked(&self) -> Json {
        let files: Map<String, Json> = self.files().into_iter().map(|(name, text)| (name, json!(text))).collect();
        let values: Vec<String> = self.given.iter().map(Json::to_string).collect();
        json!({ "op": "render", "files": files, "values": values, "set": self.set })
    }
}

/// What every chart of a nest renders: all that it sees of values.
const TEMPLATE: &str = "{{ toJson .Values }} {{ .Chart.Name }} {{ .Chart.IsRoot }} {{ keys .Subcharts | sortAlpha }} {{ range .Chart.Dependencies }}{{ .Name }}={{ .Enabled }} {{ end }}{{ include \"own\" . }}{{ define \"own\" }}{{ .Template.Name }}{{ end }}";

impl Node {
    fn write(&self, path: &str, files: &mut Vec<(String, String)>) {
        files.push((format!("{path}Chart.yaml"), Json::Object(self.metadata.clone()).to_string()));
        files.push((format!("{path}values.yaml"), self.values.to_string()));
        files.push((format!("{path}templates/t.yaml"), TEMPLATE.to_owned()));
        for inside in &self.inside {
            inside.write(&format!("{path}charts/{}/", inside.name), files);
        }
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for at in 0..self.inside.len() {
            let mut fewer = self.clone();
            fewer.inside.remove(at);
            found.push(fewer);
            found.extend(self.inside[at].smaller().into_iter().map(|inside| {
                let mut smaller = self.clone();
                smaller.inside[at] = inside;
                smaller
            }));
        }
        found.extend(less(&self.values).into_iter().map(|values| Self { values, ..self.clone() }));
        found.extend(less(&Json::Object(self.metadata.clone())).into_iter().filter_map(|metadata| match metadata {
            Json::Object(metadata) if metadata.contains_key("name") && metadata.contains_key("version") => {
                Some(Self { metadata, ..self.clone() })
            }
            _ => None,
        }));
        found
    }
}

/// Every value that is this one with an entry or item less.
pub fn less(value: &Json) -> Vec<Json> {
    match value {
        Json::Object(entries) => entries
            .keys()
            .flat_map(|key| {
                let mut without = entries.clone();
                without.remove(key);
                std::iter::once(Json::Object(without)).chain(less(&entries[key]).into_iter().map(|smaller| {
                    let mut with = entries.clone();
                    with.insert(key.clone(), smaller);
                    Json::Object(with)
                }))
            })
            .collect(),
        Json::Array(items) => (0..items.len())
            .flat_map(|at| {
                let mut without = items.clone();
                without.remove(at);
                std::iter::once(Json::Array(without)).chain(less(&items[at]).into_iter().map(move |smaller| {
                    let mut with = items.clone();
                    with[at] = smaller;
                    Json::Array(with)
                }))
            })
            .collect(),
        _ => Vec::new(),
    }
}

impl Case for Nest {
    fn question(&self) -> (Json, &'static str) {
        (self.asked(), "files")
    }

    fn ours(&self) -> Outcome {
        let files = self.files().into_iter().map(|(name, text)| File { name: name.into(), data: text.into() }).collect();
        render::chart_files(&self.asked(), load::files(files))
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found: Vec<Self> = self.root.smaller().into_iter().map(|root| Self { root, ..self.clone() }).collect();
        for at in 0..self.given.len() {
            let mut fewer = self.clone();
            fewer.given.remove(at);
            found.push(fewer);
            found.extend(less(&self.given[at]).into_iter().map(|given| {
                let mut smaller = self.clone();
                smaller.given[at] = given;
                smaller
            }));
        }
        if !self.set.is_empty() {
            found.push(Self { set: Vec::new(), ..self.clone() });
        }
        found
    }

    fn shown(&self) -> String {
        let files: Vec<String> =
            self.files().into_iter().filter(|(name, _)| !name.ends_with("t.yaml")).map(|(name, text)| format!("{name}: {text}")).collect();
        let given: Vec<String> = self.given.iter().map(Json::to_string).collect();
        format!("{}\nvalues {}\nset {:?}", files.join("\n"), given.join(" "), self.set)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const NAMES: &[&str] = &["one", "two", "three", "four"];
const KEYS: &[&str] = &["a", "b", "one", "two", "three", "global", "enabled", "tags", "exports", "x", "alias1", "alias2", "back", "data"];

/// Grows a nest.
pub fn grow(seed: u64) -> Nest {
    let mut random = Random::new(seed);
    let root = node(&mut random, "top", 2);
    let given = (0..random.below(3)).map(|_| values(&mut random, 3)).collect();
    let set = if random.percent(25) {
        vec![
            random
                .word(&[
                    "one.enabled=false",
                    "tags.back=true",
                    "global.a=1",
                    "one.a=null",
                    "two.x.y=z",
                    "alias1.enabled=true",
                    "one.two.a=5",
                    "exports.data.a=1",
                ])
                .to_owned(),
        ]
    } else {
        Vec::new()
    };
    Nest { root, given, set }
}

/// Grows a nest that is given what its charts have, with tables in places of texts and texts in places of tables.
pub fn clashing(seed: u64) -> Nest {
    let mut nest = grow(seed);
    let mut random = Random::new(seed ^ 0x5eed);
    // an alias that is no name ends it all before anything is merged
    sound(&mut nest.root);
    nest.given = (0..=random.below(2)).map(|_| nest.root.clash(&mut random)).collect();
    nest
}

fn sound(node: &mut Node) {
    if let Some(needs) = node.metadata.get_mut("dependencies").and_then(Json::as_array_mut) {
        let mut taken = Vec::new();
        needs.retain_mut(|need| {
            if need["alias"] == json!("bad name") || need["alias"] == json!("x.y") {
                need["alias"] = json!("alias1");
            }
            let name = need.get("alias").unwrap_or(&need["name"]).clone();
            let is_first = !taken.contains(&name);
            taken.push(name);
            is_first
        });
    }
    node.inside.iter_mut().for_each(sound);
}

impl Node {
    /// Values for this chart and those inside it that mostly do not fit.
    fn clash(&self, random: &mut Random) -> Json {
        let mut own = clash(random, &self.values, 3);
        if let Json::Object(entries) = &mut own {
            for inside in &self.inside {
                if random.percent(70) {
                    entries.insert(inside.name.clone(), inside.clash(random));
                }
            }
        } else {
            own = json!({});
        }
        own
    }
}

fn clash(random: &mut Random, here: &Json, depth: usize) -> Json {
    match here {
        Json::Object(_) if depth < 3 && random.percent(25) => json!(random.word(&["text", "", "other"])),
        Json::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), clash(random, value, depth.saturating_sub(1)))).collect(),
        _ if random.percent(30) => values(random, 1),
        _ if random.percent(10) => Json::Null,
        other => other.clone(),
    }
}

fn node(random: &mut Random, name: &str, depth: usize) -> Node {
    let inside: Vec<Node> = if depth == 0 {
        Vec::new()
    } else {
        (0..random.below(3))
            .map(|at| {
                let name = NAMES[(at + random.below(2)) % 4];
                node(random, name, depth - 1)
            })
            .collect()
    };
    let mut metadata = Map::new();
    metadata.insert("apiVersion".to_owned(), json!(random.word(&["v2", "v2", "v2", "v1"])));
    metadata.insert("name".to_owned(), json!(name));
    metadata.insert("version".to_owned(), json!(random.word(&["1.0.0", "1.2.3", "2.0.0-rc.1", "0.1.0"])));
    if random.percent(10) {
        metadata.insert("type".to_owned(), json!(random.word(&["library", "application"])));
    }
    if random.percent(75) && !inside.is_empty() {
        let needs: Vec<Json> = (0..=random.below(3)).map(|_| need(random, &inside)).collect();
        metadata.insert("dependencies".to_owned(), json!(needs));
    }
    let mut inside = inside;
    inside.dedup_by(|one, two| one.name == two.name);
    Node { name: name.to_owned(), metadata, values: values(random, 3), inside }
}

fn need(random: &mut Random, inside: &[Node]) -> Json {
    let mut need = json!({ "name": inside[random.below(inside.len())].name, "repository": "", "version": random.word(&["1.x", "*", ">=0.1.0", "^1.0.0", "1.2.3", ">=0-0", "2.x"]) });
    if random.percent(40) {
        need["condition"] =
            json!(random.word(&["one.enabled", "two.enabled,global.a", "enabled", "x.y", "global.enabled", "a", "alias1.enabled"]));
    }
    if random.percent(30) {
        need["tags"] = json!([random.word(&["back", "front", "a"]), random.word(&["data", "b"])]);
    }
    if random.percent(25) {
        need["alias"] = json!(random.word(&["alias1", "alias2", "one", "bad name", "x.y"]));
    }
    if random.percent(35) {
        let imports: Vec<Json> = (0..=random.below(2))
            .map(|_| match random.below(3) {
                0 => json!(random.word(&["data", "a", "missing"])),
                1 => json!({ "child": random.word(&["a", "x.y", "exports.data", "missing", "global"]), "parent": random.word(&["a", "imported", ".", "one.x", "x.y"]) }),
                _ => json!(random.word(&["data", "x"])),
            })
            .collect();
        need["import-values"] = json!(imports);
    }
    need
}

fn values(random: &mut Random, depth: usize) -> Json {
    let mut entries = Map::new();
    for _ in 0..random.below(5) {
        let key = random.word(KEYS);
        entries.insert(key.to_owned(), value(random, depth));
    }
    Json::Object(entries)
}

fn value(random: &mut Random, depth: usize) -> Json {
    match if depth == 0 { random.below(7) } else { random.below(12) } {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(random.below(9)),
        4 => json!(random.word(&["text", "", "true"])),
        5 => json!([1, "x", null]),
        6 => json!(1.5),
        _ => values(random, depth - 1),
    }
}
