//! Ours, asked to render what the oracle is asked to: the same question, the same files.

use penstock_chart::{
    budget::{Budget, Limits},
    chart::{Chart, File},
    function::{Fault, Lookup},
    functions::semver,
    json,
    load::{self, LoadError, Loaded},
    random::Seeded,
    release::{self, Request},
    render::{Capabilities, Files, KubeVersion, Mode, Release, RenderError, Surroundings, render},
    schema::{self, Unfit},
    value::{Data, Str, Table},
    values::{self, Nulls, Taken},
    yaml,
};
use serde_json::{Value as Json, json};

use super::{oracle, oracle::Outcome, templates};

/// A template in a chart that has little else.
pub fn template(template: &str, definitions: &str, values: &str) -> Outcome {
    let mut files = vec![
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: \"4.5\"\n"),
        ("f.txt", templates::FILE),
        ("templates/t.yaml", template),
    ];
    if !definitions.is_empty() {
        files.insert(2, ("templates/_h.tpl", definitions));
    }
    let files = files.into_iter().map(|(name, text)| File { name: name.into(), data: text.into() }).collect();
    match rendered(&json!({ "values": [values] }), load::files(files)) {
        Ok(files) => Outcome::Made(files.get(&b"c/templates/t.yaml"[..]).map(|text| text.as_bytes().to_vec()).unwrap_or_default()),
        Err(outcome) => outcome,
    }
}

/// The files of a chart, as one answer.
pub fn chart(question: &Json, read: Result<Loaded, LoadError>) -> Outcome {
    match rendered(question, read) {
        Ok(files) => answer(&files),
        Err(outcome) => outcome,
    }
}

/// The files of a chart, as they stand in the answer.
pub fn chart_files(question: &Json, read: Result<Loaded, LoadError>) -> Outcome {
    match rendered(question, read) {
        Ok(files) => super::ours::answered(files_of(&files)),
        Err(outcome) => outcome,
    }
}

/// What is rendered, sorted into manifests and hooks.
pub fn manifests(files: &Files) -> Outcome {
    match release::sort(files, release::INSTALL) {
        Ok(sorted) => {
            let manifests: Vec<Json> =
                sorted.manifests.iter().map(|it| json!({ "name": it.source, "content": oracle::text(it.content.as_bytes()) })).collect();
            super::ours::answered(json!({ "manifests": manifests, "hooks": sorted.hooks.iter().map(hook).collect::<Vec<_>>() }))
        }
        Err(fault) => Outcome::Refused(fault.to_string().into_bytes()),
    }
}

fn hook(hook: &release::Hook) -> Json {
    json!({
        "name": hook.manifest.head.name,
        "kind": hook.manifest.head.kind,
        "path": hook.manifest.source,
        "manifest": oracle::text(hook.manifest.content.as_bytes()),
        "events": hook.events,
        "weight": hook.weight,
        "deletePolicies": hook.delete_policies,
    })
}

/// What is warned of when a chart's dependencies are settled and its values merged, a line each.
pub fn warnings(question: &Json, read: Result<Loaded, LoadError>) -> Outcome {
    let mut budget = Budget::new(Limits::default());
    let chart = match read {
        Ok(loaded) => loaded.chart,
        Err(error) => return Outcome::Refused(error.to_string().into_bytes()),
    };
    let given = match given(question, &mut budget) {
        Ok(given) => given,
        Err(text) => return Outcome::Refused(text.into_bytes()),
    };
    let merged = values::settle(&chart, &given, Nulls::Keep, &mut budget)
        .and_then(|settled| Ok((values::coalesce(&settled.chart, &given, &mut budget)?.1, settled.warnings)));
    match merged {
        Ok((of_values, of_dependencies)) => Outcome::Made([of_dependencies, of_values].concat().join("\n").into_bytes()),
        Err(fault) => super::ours::refused(fault),
    }
}

fn answer(files: &Files) -> Outcome {
    super::ours::answered(json!({ "files": files_of(files) }))
}

fn files_of(files: &Files) -> Json {
    files.iter().map(|(name, text)| (name.lossy().into_owned(), oracle::text(text.as_bytes()))).collect::<serde_json::Map<_, _>>().into()
}

/// What `helm template` prints of a chart.
pub fn printed(question: &Json, read: Result<Loaded, LoadError>) -> Outcome {
    let said = |text: String| Outcome::Refused(text.into_bytes());
    let mut budget = Budget::new(Limits::default());
    let chart = match read {
        Ok(loaded) => loaded.chart,
        Err(error) => return said(error.to_string()),
    };
    let (values, capabilities) = match (given(question, &mut budget), capabilities(question)) {
        (Ok(values), Ok(capabilities)) => (values, capabilities),
        (Err(text), _) | (_, Err(text)) => return said(text),
    };
    let request = Request { values, capabilities, release: the_release(question), check_schema: true, ..Request::default() };
    let now = now();
    let mut random = Seeded::new([7; 32]);
    match release::compose(&chart, &request, &mut Surroundings::new(&now, &mut random)) {
        Ok(composed) => {
            let mut text = format!("{}\n", composed.manifest.trim());
            for hook in &composed.hooks {
                text.push_str(&format!("---\n# Source: {}\n{}\n", hook.manifest.source, hook.manifest.content));
            }
            Outcome::Made(text.into_bytes())
        }
        Err(error) => said(error.to_string()),
    }
}

/// The time as Helm's programs have it: their clock cannot be set, and a date rounded to years depends on it.
pub fn now() -> jiff::ZonedDateTime {
    jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC)
}

fn rendered(question: &Json, read: Result<Loaded, LoadError>) -> Result<Files, Outcome> {
    let mut budget = Budget::new(Limits::default());
    let said = |text: String| Outcome::Refused(text.into_bytes());
    let chart = read.map_err(|error| said(error.to_string()))?.chart;
    let given = given(question, &mut budget).map_err(said)?;
    let settled = values::settle(&chart, &given, Nulls::Keep, &mut budget).map_err(super::ours::refused)?;
    let capabilities = capabilities(question).map_err(said)?;
    let (chart_values, _) = values::coalesce(&settled.chart, &given, &mut budget).map_err(super::ours::refused)?;
    let plain = values::table_of(&chart_values, &mut budget).map_err(super::ours::refused)?;
    schema::check(&settled.chart, &plain, &mut budget).map_err(|unfit| match unfit {
        Unfit::Said(text) => said(text),
        Unfit::Limit(limit) => Outcome::None(limit.to_string()),
    })?;
    fits(&settled.chart, &capabilities).map_err(said)?;
    let flag = |name: &str| question.get(name).and_then(Json::as_bool).unwrap_or_default();
    let now = now();
    let mut random = Seeded::new([7; 32]);
    let objects = Objects(question.get("objects").and_then(Json::as_array).cloned().unwrap_or_default());
    let mut around = Surroundings::new(&now, &mut random);
    around.lookup = Some(&objects);
    let mode = Mode { strict: flag("strict"), lint: flag("lint") };
    render(&settled.chart, chart_values, &the_release(question), &capabilities, mode, &mut around, &mut budget).map_err(|error| match error
    {
        RenderError::Template(text) => said(text),
        RenderError::Limit(limit) | RenderError::LimitIn { limit, .. } => Outcome::None(limit.to_string()),
    })
}

/// The values that files and flags give, in the order of Helm's command line.
pub fn given(question: &Json, budget: &mut Budget) -> Result<Table, String> {
    let mut table = Table::new();
    for (index, text) in texts(question, "values").enumerate() {
        let above = yaml::read_table(text.as_bytes()).map_err(|error| format!("failed to parse {index}.yaml: {error}"))?;
        (table, _) = values::lay_over(&above, &table, Nulls::Keep, budget).map_err(|fault| fault.to_string())?;
    }
    let mut read = |name: &str| {
        let text = question.get("readable").and_then(|files| files.get(name)).and_then(Json::as_str);
        text.map(Str::from).ok_or_else(|| format!("open {name}: no such file or directory"))
    };
    for (field, flag) in [
        ("setJson", "--set-json"),
        ("set", "--set"),
        ("setString", "--set-string"),
        ("setFile", "--set-file"),
        ("setLiteral", "--set-literal"),
    ] {
        for text in texts(question, field) {
            let taken = match field {
                "setJson" => Taken::Json,
                "setString" => Taken::Text,
                "setFile" => Taken::File(&mut read),
                "setLiteral" => Taken::Literal,
                _ => Taken::Typed,
            };
            values::set(text.as_bytes(), taken, &mut table, budget).map_err(|fault| match (field, fault) {
                ("setJson", _) => format!("failed parsing {flag} data {text}"),
                (_, Fault::Said(said)) => format!("failed parsing {flag} data: {said}"),
                (_, limit) => limit.to_string(),
            })?;
        }
    }
    Ok(table)
}

fn texts<'a>(question: &'a Json, field: &str) -> impl Iterator<Item = String> + 'a {
    let texts = question.get(field).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    texts.iter().map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned))
}

fn the_release(question: &Json) -> Release {
    let asked = question.get("release");
    let text = |name: &str, without: &str| asked.and_then(|it| it.get(name)).and_then(Json::as_str).unwrap_or(without).to_owned();
    Release {
        name: text("name", "release-name"),
        namespace: text("namespace", "default"),
        revision: asked.and_then(|it| it.get("revision")).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        is_upgrade: asked.and_then(|it| it.get("upgrade")).and_then(Json::as_bool).unwrap_or_default(),
    }
}

fn capabilities(question: &Json) -> Result<Capabilities, String> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = question.get("kubeVersion").and_then(Json::as_str) {
        capabilities.kube_version = KubeVersion::parse(version)?;
    }
    capabilities.api_versions.extend(texts(question, "apiVersions"));
    Ok(capabilities)
}

fn fits(chart: &Chart, capabilities: &Capabilities) -> Result<(), String> {
    let (wanted, there) = (&chart.metadata.kube_version, &capabilities.kube_version.version);
    if wanted.is_empty() || semver::satisfies(wanted, there).unwrap_or_default() {
        return Ok(());
    }
    Err(format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {there}"))
}

/// The objects of a cluster that is not there.
struct Objects(Vec<Json>);

impl Lookup for Objects {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Option<Data>, String> {
        let text = |object: &Json, path: &str| object.pointer(path).and_then(Json::as_str).unwrap_or_default().to_owned();
        let of_kind: Vec<&Json> = self.0.iter().filter(|it| text(it, "/apiVersion") == api_version && text(it, "/kind") == kind).collect();
        let here: Vec<&Json> = of_kind
            .into_iter()
            .filter(|it| namespace.is_empty() || text(it, "/metadata/namespace").is_empty() || text(it, "/metadata/namespace") == namespace)
            .collect();
        if !name.is_empty() {
            return Ok(here.into_iter().find(|it| text(it, "/metadata/name") == name).map(json::data));
        }
        if self.0.is_empty() {
            return Ok(None);
        }
        Ok(Some(json::data(&json!({ "apiVersion": "v1", "kind": "List", "items": here }))))
    }
}
