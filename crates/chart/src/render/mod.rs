//! A chart and its values to documents: which templates run, in which order, and what each sees.

mod alone;
mod capabilities;
mod files;
mod glob;
mod recorded;
mod seen;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use bstr::ByteSlice as _;
use thiserror::Error;

pub use alone::render_alone;
pub use capabilities::{Capabilities, KubeVersion};
pub use recorded::render_record;

use crate::{
    budget::{Budget, Exhausted, Limits, TimeLimit},
    chart::{Chart, File},
    function::{Fault, Lookup, Random, Scope},
    functions, load,
    template::{self, Failure, MissingKey, Parsed, Run, Set},
    value::{Kind, Map, Method, Str, Type, Value, types},
    values, yaml,
};

/// The release that templates see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that is being made, from 1.
    pub revision: u32,
    /// Whether it is an upgrade or a rollback; an installation otherwise.
    pub is_upgrade: bool,
}

/// How a chart is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// A value that is not there is an error.
    pub strict: bool,
    /// What is `required` may be missing, and `fail` does not.
    pub lint: bool,
}

/// What a render is given from outside. All of it decides what comes out.
pub struct Surroundings<'a> {
    /// What `now` gives.
    pub now: &'a jiff::ZonedDateTime,
    /// What keys, passwords and the like are drawn from.
    pub random: &'a mut dyn Random,
    /// What `lookup` asks; without it nothing is found.
    pub lookup: Option<&'a dyn Lookup>,
    /// What `getHostByName` asks; without it the answer is empty.
    pub hosts: Option<&'a dyn Fn(&str) -> Vec<String>>,
    /// What a render may cost.
    pub limits: Limits,
    /// How long it may take.
    pub time: Option<TimeLimit>,
    /// Templates that were parsed before.
    pub cache: Option<&'a Cache>,
}

impl<'a> Surroundings<'a> {
    /// A time and randomness, and nothing else.
    pub fn new(now: &'a jiff::ZonedDateTime, random: &'a mut dyn Random) -> Self {
        Self { now, random, lookup: None, hosts: None, limits: Limits::default(), time: None, cache: None }
    }

    /// All that a render may cost here.
    pub fn budget(&self) -> Budget {
        Budget::new(self.limits).within(self.time.clone())
    }
}

/// Parsed templates, for charts that are rendered again and again: a template is the same when its file and name are.
///
/// A file is told by where it lies in memory, and held so that nothing else can lie there.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<(Str, usize), (Str, Parsed)>>);

/// How many templates a [`Cache`] holds before it is emptied.
const CACHED: usize = 20_000;

/// Why a chart did not render. The text is Helm's.
#[derive(Clone, Debug, Error)]
pub enum RenderError {
    /// A template is none, or fails.
    #[error("{0}")]
    Template(String),
    /// It met a limit.
    #[error(transparent)]
    Limit(#[from] Exhausted),
    /// A template did.
    #[error("{template}: {limit}")]
    LimitIn {
        /// By its path.
        template: String,
        /// Which limit.
        limit: Exhausted,
    },
}

/// What templates make: the files that they are, by path (`web/templates/service.yaml`).
pub type Files = BTreeMap<Str, Str>;

/// Renders a chart whose dependencies are settled, with the values that [`values::coalesce`] gives.
pub fn render(
    chart: &Chart,
    chart_values: Map,
    release: &Release,
    capabilities: &Capabilities,
    mode: Mode,
    around: &mut Surroundings<'_>,
    budget: &mut Budget,
) -> Result<Files, RenderError> {
    let shared = Shared { release: seen::release(release), capabilities: seen::capabilities(capabilities) };
    let mut templates = Vec::new();
    gather(chart, chart_values.with_type(&VALUES), true, &shared, &mut templates);
    templates.sort_by(|one, two| (two.depth(), &two.name).cmp(&(one.depth(), &one.name)));
    let set = parse(&templates, around.cache)?;
    let missing = if mode.strict { MissingKey::Error } else { MissingKey::Zero };
    carried_out(around, budget, mode.lint, missing, |run| execute(&templates, &set, run))
}

/// Carries templates out on what is around them, and empties the maps that they have changed.
pub(crate) fn carried_out<T>(
    around: &mut Surroundings<'_>,
    budget: &mut Budget,
    lint: bool,
    missing: MissingKey,
    act: impl FnOnce(&mut Run<'_>) -> T,
) -> T {
    let mut changed = Vec::new();
    let mut expressions = functions::regex::Cache::default();
    let scope = Scope {
        budget,
        now: around.now,
        random: &mut *around.random,
        lookup: around.lookup,
        hosts: around.hosts,
        lint,
        changed: &mut changed,
        expressions: &mut expressions,
    };
    let outcome = act(&mut Run::new(scope, missing));
    for map in changed {
        // what a template has put into a map may hold that map
        map.clear();
    }
    outcome
}

/// What the templates of every chart see alike.
struct Shared {
    release: Value,
    capabilities: Value,
}

/// A template, and what it sees.
struct Renderable<'a> {
    name: Str,
    base_path: String,
    file: &'a File,
    sees: Map,
}

impl Renderable<'_> {
    fn depth(&self) -> usize {
        self.name.split(|byte| *byte == b'/').count()
    }

    /// A partial is only there for what it defines.
    fn is_partial(&self) -> bool {
        is_partial(&self.name)
    }
}

/// Gathers the templates of a chart and those inside it, and gives what its templates see.
fn gather<'a>(chart: &'a Chart, sees_values: Map, is_root: bool, shared: &Shared, templates: &mut Vec<Renderable<'a>>) -> Value {
    let subcharts = Map::new(&types::MAP, BTreeMap::new());
    let sees = Map::new(&VALUES, BTreeMap::new());
    for (key, value) in [
        ("Chart", seen::chart(&chart.metadata, is_root)),
        ("Files", files::files(&chart.files)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", Value::Map(sees_values.clone())),
        ("Subcharts", Value::Map(subcharts.clone())),
    ] {
        sees.insert(key.into(), value);
    }
    for child in &chart.dependencies {
        let path = format!("Values.{}", child.name());
        let inner = values::table(&sees, &path).unwrap_or_else(|_| Map::new(&types::MAP, BTreeMap::new()));
        let child_sees = gather(child, inner.with_type(&VALUES), false, shared, templates);
        subcharts.insert(child.name().into(), child_sees);
    }
    // a chart may be called `.`, `..` or `/`
    let below = |name: &[u8]| load::clean(&[chart.path.as_bytes(), b"/", name].concat());
    let base_path = String::from_utf8_lossy(&below(b"templates")).into_owned();
    for file in &chart.templates {
        if !chart.is_library() || is_partial(&file.name) {
            templates.push(Renderable { name: below(&file.name).into(), base_path: base_path.clone(), file, sees: sees.clone() });
        }
    }
    Value::Map(sees.with_type(&types::MAP))
}

fn is_partial(name: &Str) -> bool {
    name.rsplit(|byte| *byte == b'/').next().unwrap_or_default().starts_with(b"_")
}

fn parse(templates: &[Renderable<'_>], cache: Option<&Cache>) -> Result<Set, RenderError> {
    let mut set = Set::default();
    for template in templates {
        let parsed = match cache {
            None => parse_one(template)?,
            Some(cache) => cache.parsed(template)?,
        };
        set.add(&parsed);
    }
    Ok(set)
}

fn parse_one(template: &Renderable<'_>) -> Result<Parsed, RenderError> {
    Parsed::new(&template.name, &template.file.data)
        .map_err(|fault| RenderError::Template(parse_error(&template.name.lossy(), &fault.to_string())))
}

impl Cache {
    fn parsed(&self, template: &Renderable<'_>) -> Result<Parsed, RenderError> {
        let key = (template.name.clone(), template.file.data.as_bytes().as_ptr().addr());
        let held = |cache: &Self| cache.0.lock().ok().and_then(|known| known.get(&key).map(|(_, parsed)| parsed.clone()));
        if let Some(parsed) = held(self) {
            return Ok(parsed);
        }
        let parsed = parse_one(template)?;
        if let Ok(mut known) = self.0.lock() {
            if known.len() >= CACHED {
                known.clear();
            }
            known.insert(key, (template.file.data.clone(), parsed.clone()));
        }
        Ok(parsed)
    }
}

fn execute(templates: &[Renderable<'_>], set: &Set, run: &mut Run<'_>) -> Result<Files, RenderError> {
    let mut files = Files::new();
    for template in templates.iter().filter(|template| !template.is_partial()) {
        let own = [("Name", Value::Str(template.name.clone())), ("BasePath", Value::str(template.base_path.as_str()))];
        let own = own.into_iter().map(|(key, value)| (Str::from(key), value)).collect();
        template.sees.insert("Template".into(), Value::Map(Map::new(&VALUES, own)));
        let data = Value::Map(template.sees.clone());
        let written = template::execute(set, &template.name, &data, run).map_err(|failure| match failure {
            Failure::Execution(text) => RenderError::Template(exec_error(&template.name.lossy(), &text.lossy())),
            Failure::Missing(text) => RenderError::Template(text.to_string()),
            Failure::Limit(limit @ Exhausted::GivenUp) => RenderError::Limit(limit),
            Failure::Limit(limit) => RenderError::LimitIn { template: template.name.lossy().into_owned(), limit },
        })?;
        files.insert(template.name.clone(), without_no_value(written));
    }
    Ok(files)
}

/// What is not there is written as `<no value>`, which Helm takes out again.
fn without_no_value(written: Vec<u8>) -> Str {
    if written.find(b"<no value>").is_none() { written.into() } else { written.replace(b"<no value>", b"").into() }
}

/// Helm's short form of a parser's error: where it is, and its last part.
fn parse_error(file: &str, text: &str) -> String {
    let parts: Vec<&str> = text.split(": ").collect();
    match parts.as_slice() {
        [_, place, .., last] => format!("parse error at ({place}): {last}"),
        [_, last] => format!("parse error at ({last}): {last}"),
        _ => format!("parse error in ({file}): {text}"),
    }
}

/// Helm's short form of an error of `required` and `fail`; any other error is told whole.
fn exec_error(file: &str, text: &str) -> String {
    let mut parts = text.splitn(3, ": ");
    let (Some(_), Some(place), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return format!("execution error in ({file}): {text}");
    };
    let marked = rest.find("HELM_ERR_START").zip(rest.rfind("HELM_ERR_END"));
    match marked {
        Some((start, end)) if start + 14 <= end => format!("execution error at ({place}): {}", &rest[start + 14..end]),
        _ => text.to_owned(),
    }
}

/// `chartutil.Values`, with the methods that can be called from a template.
static VALUES: Type = Type {
    name: "chartutil.Values",
    kind: Kind::Map,
    elem: Some(&types::ANY),
    methods: &[
        Method { name: "YAML", takes: &[], rest: None, call: as_yaml },
        Method { name: "AsMap", takes: &[], rest: None, call: as_map },
        Method { name: "Table", takes: &[&types::STRING], rest: None, call: table },
        Method { name: "PathValue", takes: &[&types::STRING], rest: None, call: path_value },
    ],
    named: true,
};

fn as_yaml(scope: &mut Scope<'_>, receiver: &Value, _: &[Value]) -> Result<Value, Fault> {
    Ok(Value::Str(yaml::write(receiver, scope.budget)?))
}

fn as_map(_: &mut Scope<'_>, receiver: &Value, _: &[Value]) -> Result<Value, Fault> {
    match receiver {
        Value::Map(map) if map.is_empty() => Ok(Value::map(BTreeMap::new())),
        Value::Map(map) => Ok(Value::Map(map.with_type(&types::MAP))),
        other => Ok(other.clone()),
    }
}

fn table(_: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    let (Value::Map(map), [Value::Str(path)]) = (receiver, arguments) else { return Ok(Value::Nil) };
    let found = values::table(map, &path.lossy()).map_err(|missing| Fault::said(missing.to_string()))?;
    Ok(Value::Map(found.with_type(&VALUES)))
}

fn path_value(_: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    let (Value::Map(map), [Value::Str(path)]) = (receiver, arguments) else { return Ok(Value::Nil) };
    if path.is_empty() {
        return Err(Fault::said("YAML path cannot be empty"));
    }
    values::at_path(map, &path.lossy()).map_err(|missing| Fault::said(missing.to_string()))
}
