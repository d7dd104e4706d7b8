//! Charts as cases for lint: sound ones, spoilt in one place or several. All messages are compared.

use std::collections::BTreeMap;

use penstock_chart::{
    budget::{Budget, Limits},
    chart::File,
    lint::{Directory, Options, lint},
    load::{IGNORE_FILE, Rules},
    random::Seeded,
    render::{KubeVersion, Surroundings},
    value::Str,
};
use serde_json::{Map, Value as Json, json};

use super::{compare::Case, lint_charts, lint_templates, oracle, oracle::Outcome, random::Random, render, shrink};

/// A chart's files, and what lint is told besides.
#[derive(Clone, Debug)]
pub struct Linted {
    files: BTreeMap<String, String>,
    given: String,
    kube_version: Option<&'static str>,
}

/// What stands for the directory that the oracle writes a chart to.
const PLACE: &str = "DIR";

impl Case for Linted {
    fn question(&self) -> (Json, &'static str) {
        let files: Map<String, Json> = self.files.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
        let mut question = json!({ "op": "lint", "files": files, "values": [self.given], "release": { "namespace": "ns" } });
        if let Some(version) = self.kube_version {
            question["kubeVersion"] = json!(version);
        }
        (question, "messages")
    }

    fn ours(&self) -> Outcome {
        let options = Options {
            values: match render::given(&self.question().0, &mut Budget::new(Limits::default())) {
                Ok(values) => values,
                Err(text) => return Outcome::Refused(text.into_bytes()),
            },
            namespace: "ns".to_owned(),
            kube_version: self.kube_version.and_then(|version| KubeVersion::parse(version).ok()),
            skip_schema: false,
        };
        let (now, mut random) = (render::now(), Seeded::new([7; 32]));
        let messages = lint(&self.directory(), &options, &mut Surroundings::new(&now, &mut random));
        let lines: Vec<String> = messages.iter().map(ToString::to_string).collect();
        Outcome::Made(lines.join("\n").into_bytes())
    }

    fn comparable(&self, helm: Outcome) -> Outcome {
        let answer = match &helm {
            Outcome::Made(answer) => answer,
            // values that lint is given are sound here: what is left is a panic
            Outcome::Refused(_) => return Outcome::None("Go panicked".to_owned()),
            Outcome::None(_) => return helm,
        };
        let messages: Vec<Json> = serde_json::from_slice(answer).unwrap_or_default();
        let line = |message: &Json| {
            let severity = ["UNKNOWN", "INFO", "WARNING", "ERROR"]
                [message["severity"].as_u64().map_or(0, |it| usize::try_from(it).unwrap_or_default())];
            let text = String::from_utf8_lossy(&oracle::bytes(&message["text"])).into_owned();
            placed(&format!("[{severity}] {}: {text}", message["path"].as_str().unwrap_or_default()))
        };
        Outcome::Made(messages.iter().map(line).collect::<Vec<_>>().join("\n").into_bytes())
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (name, text) in &self.files {
            let mut fewer = self.clone();
            fewer.files.remove(name);
            // without it Helm has nothing to lint
            if name != "Chart.yaml" {
                found.push(fewer);
            }
            found.extend(shrink::shorter(text).into_iter().map(|text| {
                let mut smaller = self.clone();
                smaller.files.insert(name.clone(), text);
                smaller
            }));
        }
        found.push(Self { given: "{}".to_owned(), ..self.clone() });
        found
    }

    fn shown(&self) -> String {
        let files: Vec<String> = self.files.iter().map(|(name, text)| format!("{name}: {text:?}")).collect();
        format!("{}\nvalues {}\nversion {:?}", files.join("\n"), self.given, self.kube_version)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

impl Linted {
    /// The directory as Helm walks it.
    fn directory(&self) -> Directory {
        let file = |(name, text): (&String, &String)| File { name: name.as_str().into(), data: text.as_str().into() };
        let mut files: Vec<File> = self.files.iter().map(file).collect();
        let parts = |name: &Str| -> Vec<Vec<u8>> { name.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect() };
        files.sort_by_cached_key(|file| parts(&file.name));
        let rules = self.files.get(IGNORE_FILE).and_then(|text| Rules::parse(text.as_bytes()).ok()).unwrap_or_default().with_defaults();
        let all = Directory::of(PLACE, files.clone());
        files.retain(|file| {
            let folders = file.name.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &file.name[..at]);
            !folders.into_iter().any(|folder| rules.ignores(folder, true)) && !rules.ignores(&file.name, false)
        });
        Directory { files, ..all }
    }
}

/// A text without the directory that the oracle made for this question.
fn placed(text: &str) -> String {
    let start = format!("{}/oracle", std::env::temp_dir().display());
    let mut parts = text.split(&start);
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
        all.push_str(PLACE);
        all.push_str(behind.strip_prefix("/chart").unwrap_or(behind));
    }
    all
}

/// Grows a chart.
pub fn grow(seed: u64) -> Linted {
    let mut random = Random::new(seed);
    let spoilt = random.below(3);
    let mut files = BTreeMap::new();
    files.insert("Chart.yaml".to_owned(), metadata(&mut random, "c", spoilt));
    if random.percent(90) {
        files.insert("values.yaml".to_owned(), mostly(&mut random, 75, lint_charts::VALUES, lint_charts::BAD_VALUES).to_owned());
    }
    if random.percent(25) {
        files.insert("values.schema.json".to_owned(), random.word(lint_charts::SCHEMAS).to_owned());
    }
    for _ in 0..random.below(4) {
        let name = mostly(&mut random, 80, lint_templates::TEMPLATES, lint_templates::ODD_TEMPLATES);
        files.insert(name.to_owned(), template(&mut random));
    }
    for _ in 0..random.below(3) {
        below(&mut random, &mut files);
    }
    if random.percent(15) {
        let (name, text) = *random.pick(lint_charts::OTHERS);
        files.insert(name.to_owned(), text.to_owned());
    }
    let given = random.word(lint_charts::GIVEN).to_owned();
    let kube_version = random.percent(60).then(|| random.word(lint_charts::VERSIONS));
    Linted { files, given, kube_version }
}

/// A chart below, or what only looks like one.
fn below(random: &mut Random, files: &mut BTreeMap<String, String>) {
    let name = random.word(&["sub", "sub", "other", "_x", ".y"]);
    let spoilt = usize::from(random.percent(15));
    files.insert(format!("charts/{name}/Chart.yaml"), metadata(random, "sub", spoilt));
    if random.percent(50) {
        files.insert(format!("charts/{name}/values.yaml"), random.word(lint_charts::VALUES).to_owned());
    }
    if random.percent(50) {
        files.insert(format!("charts/{name}/templates/t.yaml"), template(random));
    }
    if random.percent(10) {
        let (name, text) = *random.pick(&[
            ("charts/a.tgz", "no archive"),
            ("charts/README.md", "text"),
            ("charts/lib/values.yaml", "a: 1"),
            ("charts/.keep", ""),
        ]);
        files.insert(name.to_owned(), text.to_owned());
    }
}

/// A `Chart.yaml` with so many fields spoilt.
fn metadata(random: &mut Random, name: &'static str, spoilt: usize) -> String {
    if spoilt > 0 && random.percent(6) {
        return random.word(lint_charts::BAD_FILES).to_owned();
    }
    let mut fields: BTreeMap<&str, &str> = BTreeMap::from([("apiVersion", "v2"), ("name", name), ("version", "0.1.0")]);
    if random.percent(70) {
        fields.insert("icon", "https://x.y/z.png");
    }
    let dependencies = random.below(3);
    for _ in 0..spoilt {
        let (field, bad) = random.pick(lint_charts::FIELDS);
        let text = random.word(bad);
        if text.is_empty() {
            fields.remove(field);
        } else {
            fields.insert(field, text);
        }
    }
    let lines: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    let mut text = lines.concat();
    if name == "c" && dependencies > 0 && !fields.contains_key("dependencies") {
        text.push_str("dependencies:\n");
        for _ in 0..dependencies {
            let whole = format!("- {{name: {}, version: 0.x, repository: \"\"}}\n", random.word(&["sub", "sub", "other", "gone"]));
            text.push_str(&if random.percent(60) { whole } else { random.word(lint_charts::DEPENDENCIES).to_owned() });
        }
    }
    text
}

/// One of the usual words so many times of a hundred, or else one of the odd.
fn mostly(random: &mut Random, chance: usize, usual: &[&'static str], odd: &[&'static str]) -> &'static str {
    let words = if random.percent(chance) { usual } else { odd };
    random.word(words)
}

/// A template: documents, joined in some way.
fn template(random: &mut Random) -> String {
    if random.percent(12) {
        return random.word(lint_templates::ODD_TEXTS).to_owned();
    }
    let documents: Vec<String> = (0..=random.below(3)).map(|_| document(random)).collect();
    let join = mostly(random, 75, &["\n---\n"], lint_templates::SEPARATORS);
    let begin = mostly(random, 80, &["", "---\n"], lint_templates::BEGINNINGS);
    begin.to_owned() + &documents.join(join) + random.word(&["", "\n", "\n---\n"])
}

fn document(random: &mut Random) -> String {
    if random.percent(15) {
        return random.word(lint_templates::ODD_DOCUMENTS).to_owned();
    }
    let (version, kind) = *random.pick(lint_templates::KINDS);
    let name = mostly(random, 60, &["a", "b-c"], lint_templates::NAMES);
    if random.percent(8) {
        return json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name } }).to_string();
    }
    let mut text = String::new();
    if random.percent(95) {
        text.push_str(&format!("apiVersion: {version}\n"));
    }
    if random.percent(95) {
        text.push_str(&format!("kind: {kind}\n"));
    }
    match random.below(12) {
        0 => text.push_str(random.word(lint_templates::ODD_METADATA)),
        1 => {}
        _ => text.push_str(&format!("metadata:\n  name: {name}\n")),
    }
    text.push_str(random.word(lint_templates::ENDS));
    text
}
