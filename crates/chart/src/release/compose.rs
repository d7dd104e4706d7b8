//! From a chart and the values that a user gives to what is applied, run and told: what `helm template` and `helm install` share.

use std::fmt;

use thiserror::Error;

use super::{
    Hook, INSTALL, Manifest, NotAManifest,
    manifest::{Unsorted, sort_within},
};
use crate::{
    budget::{Budget, Limits},
    chart::Chart,
    documents::Documents,
    function::Fault,
    functions::semver,
    json,
    render::{Capabilities, Files, Mode, Release, RenderError, Surroundings, render},
    schema::{self, Unfit},
    value::Table,
    values::{self, Nulls},
};

/// With what a chart is rendered.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of Helm's, independent of the others")]
pub struct Request {
    /// The values that the user gives.
    pub values: Table,
    /// The release.
    pub release: Release,
    /// The cluster.
    pub capabilities: Capabilities,
    /// How templates are read.
    pub mode: Mode,
    /// Whether values are checked against the chart's schema.
    pub check_schema: bool,
    /// Whether definitions below `crds/` stand before the documents.
    pub include_crds: bool,
    /// Whether what Secrets hold is left out.
    pub hide_secrets: bool,
    /// Whether the notes of the charts inside are given, too.
    pub sub_notes: bool,
}

impl Default for Request {
    /// No values and a release without a name, as Helm would render them: held against the schema, and nothing beside the documents.
    fn default() -> Self {
        Self {
            values: Table::new(),
            release: Release::default(),
            capabilities: Capabilities::default(),
            mode: Mode::default(),
            check_schema: true,
            include_crds: false,
            hide_secrets: false,
            sub_notes: false,
        }
    }
}

/// What came of it.
#[derive(Clone, Default)]
pub struct Composed {
    /// The documents in the order in which they are installed, each under `# Source: …`.
    pub manifest: String,
    /// The same, one by one.
    pub manifests: Vec<Manifest>,
    /// Hooks.
    pub hooks: Vec<Hook>,
    /// Hooks of events that are none, which Helm leaves out: their annotations.
    pub unknown_hooks: Vec<String>,
    /// `NOTES.txt`.
    pub notes: String,
    /// The chart with its dependencies settled: those inside it are those that are enabled.
    pub chart: Chart,
    /// What Helm would warn of.
    pub warnings: Vec<String>,
}

/// What was made, not what stands in it: neither texts nor warnings, which quote values.
impl fmt::Debug for Composed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifests, hooks, chart, .. } = self;
        let mut shown = formatter.debug_struct("Composed");
        shown.field("manifests", manifests).field("hooks", hooks).field("chart", chart).finish_non_exhaustive()
    }
}

/// Why nothing came of it. Texts are Helm's.
#[derive(Clone, Error)]
pub enum ComposeError {
    /// The values or the dependencies.
    #[error("{0}")]
    Values(Fault),
    /// The chart wants another Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {there}")]
    KubeVersion {
        /// What it wants.
        wanted: String,
        /// What there is.
        there: String,
    },
    /// Values that the schema does not take.
    #[error("{0}")]
    Schema(String),
    /// The templates.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What the templates made is no YAML. The whole of it is kept to be shown.
    #[error("{fault}")]
    NotManifests {
        /// What is wrong.
        fault: NotAManifest,
        /// What was rendered.
        rendered: String,
    },
}

/// What it says, not what was rendered.
impl fmt::Debug for ComposeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ComposeError({self})")
    }
}

impl From<Fault> for ComposeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Limit(limit) => Self::Render(limit.into()),
            said @ Fault::Said(_) => Self::Values(said),
        }
    }
}

/// Renders a chart, with the charts that it depends on inside it, and sorts what comes out.
pub fn compose(chart: &Chart, request: &Request, around: &mut Surroundings<'_>) -> Result<Composed, ComposeError> {
    let mut budget = around.budget();
    let settled = values::settle(chart, &request.values, Nulls::Keep, &mut budget)?;
    let chart = settled.chart;
    let (chart_values, warnings) = values::coalesce(&chart, &request.values, &mut budget)?;
    if request.check_schema && has_schema(&chart) {
        let plain = values::table_of(&chart_values, &mut budget)?;
        schema::check(&chart, &plain, &mut budget).map_err(|unfit| match unfit {
            Unfit::Said(text) => ComposeError::Schema(text),
            Unfit::Limit(limit) => ComposeError::Render(limit.into()),
        })?;
    }
    check_kube_version(&chart, &request.capabilities)?;
    let mut files = render(&chart, chart_values, &request.release, &request.capabilities, request.mode, around, &mut budget)?;
    let notes = take_notes(&mut files, &chart, request.sub_notes);
    let sorted = sort_within(&files, INSTALL, &mut budget).map_err(|unsorted| match unsorted {
        Unsorted::Not(fault) => ComposeError::NotManifests { fault, rendered: raw(&files) },
        Unsorted::Limit(limit) => ComposeError::Render(limit.into()),
    })?;
    let mut manifest = String::new();
    if request.include_crds {
        for crd in chart.crds() {
            document(&mut manifest, &crd.path.lossy(), &crd.file.data.lossy());
        }
    }
    for one in &sorted.manifests {
        let hidden = request.hide_secrets && one.head.is_secret();
        let shown = if hidden { "# HIDDEN: The Secret output has been suppressed".into() } else { one.content.lossy() };
        document(&mut manifest, &one.source, &shown);
    }
    let mut told: Vec<String> = settled.warnings.into_iter().chain(warnings).collect();
    told.extend(sorted.unknown_hooks.iter().map(|hook| format!("skipping unknown hook: {hook:?}")));
    Ok(Composed {
        manifest,
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        unknown_hooks: sorted.unknown_hooks,
        notes,
        chart,
        warnings: told,
    })
}

fn has_schema(chart: &Chart) -> bool {
    chart.schema.is_some() || chart.dependencies.iter().any(has_schema)
}

/// A document under the file that it comes from.
fn document(manifest: &mut String, source: &str, content: &str) {
    manifest.push_str("---\n# Source: ");
    manifest.push_str(source);
    manifest.push('\n');
    manifest.push_str(content);
    manifest.push('\n');
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), ComposeError> {
    let (wanted, there) = (&chart.metadata.kube_version, &capabilities.kube_version.version);
    // a constraint that is none is compatible with nothing
    if wanted.is_empty() || semver::satisfies(wanted, there).unwrap_or(false) {
        return Ok(());
    }
    Err(ComposeError::KubeVersion { wanted: wanted.clone(), there: there.clone() })
}

/// Takes the notes out of what was rendered: they are no document.
fn take_notes(files: &mut Files, chart: &Chart, sub_notes: bool) -> String {
    let own = format!("{}/templates/NOTES.txt", chart.name());
    let mut notes = String::new();
    files.retain(|path, content| {
        if !path.ends_with(b"NOTES.txt") {
            return true;
        }
        if sub_notes || *path == own.as_str() {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&content.lossy());
        }
        false
    });
    notes
}

/// What was rendered, as it is, for whoever looks for the fault in it.
fn raw(files: &Files) -> String {
    let mut all = String::new();
    for (path, content) in files.iter().filter(|(_, content)| !bstr::ByteSlice::trim(content.as_bytes()).is_empty()) {
        document(&mut all, &path.lossy(), &content.lossy());
    }
    all
}

/// A chart as a record keeps it: Helm's `chart.Chart` as JSON. The charts inside it are not there: Helm does not store them either.
/// What a chart has none of is `null`, as Go writes a list or map that nobody made.
pub fn stored(chart: &Chart) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let files = |files: &[crate::chart::File]| -> Option<Vec<serde_json::Value>> {
        let one =
            |file: &crate::chart::File| serde_json::json!({ "name": file.name.lossy(), "data": STANDARD.encode(file.data.as_bytes()) });
        (!files.is_empty()).then(|| files.iter().map(one).collect())
    };
    let made = chart.values_text().is_some() || !chart.metadata.dependencies.is_empty();
    serde_json::json!({
        "metadata": chart.metadata,
        "lock": chart.lock,
        "templates": files(&chart.templates),
        "values": (made || !chart.values.is_empty()).then(|| json::object(&chart.values)),
        "schema": chart.schema.as_ref().map(|schema| STANDARD.encode(schema.as_bytes())),
        "files": files(&chart.files),
    })
}

/// The objects of a manifest, those of a list one by one. Read as Kubernetes' decoder reads it: each line of a document ends, and
/// whole numbers are kept to the last digit.
pub fn objects(manifest: &[u8]) -> Result<Vec<serde_json::Value>, String> {
    let budget = &mut Budget::new(Limits::default());
    let mut documents = Documents::new(manifest);
    let mut objects = Vec::new();
    while let Some(document) = documents.next(budget, |data| Ok(json::value(data))).map_err(|why| format!("error parsing : {why}"))? {
        match document {
            serde_json::Value::Null => {}
            serde_json::Value::Object(object) => match items(&object) {
                Some(items) => objects.extend(items.iter().cloned()),
                None => objects.push(serde_json::Value::Object(object)),
            },
            _ => return Err("a document is no object".to_owned()),
        }
    }
    objects.iter().try_for_each(check_metadata)?;
    Ok(objects)
}

/// Refuses metadata whose texts are something else, as Kubernetes' own types do: a version without quotes in a label is a number.
fn check_metadata(object: &serde_json::Value) -> Result<(), String> {
    let Some(metadata) = object.get("metadata").and_then(serde_json::Value::as_object) else { return Ok(()) };
    let is = |wanted: &str, field: &str, value: &serde_json::Value| {
        let of = match value {
            serde_json::Value::Null => return Ok(()),
            serde_json::Value::String(_) => "string",
            serde_json::Value::Bool(_) => "bool",
            serde_json::Value::Number(_) => "number",
            serde_json::Value::Array(_) => "array",
            serde_json::Value::Object(_) => "object",
        };
        let fits = of == wanted || of == "object" && wanted == "map[string]string";
        let why = || format!("cannot unmarshal {of} into Go struct field ObjectMeta.metadata.{field} of type {wanted}");
        if fits { Ok(()) } else { Err(format!("unable to decode \"\": json: {}", why())) }
    };
    for field in ["name", "generateName", "namespace"] {
        metadata.get(field).map_or(Ok(()), |value| is("string", field, value))?;
    }
    for field in ["labels", "annotations"] {
        let Some(value) = metadata.get(field) else { continue };
        is("map[string]string", field, value)?;
        value.as_object().into_iter().flatten().try_for_each(|(_, value)| is("string", field, value))?;
    }
    Ok(())
}

fn items(object: &serde_json::Map<String, serde_json::Value>) -> Option<&Vec<serde_json::Value>> {
    let kind = object.get("kind")?.as_str()?;
    if kind.ends_with("List") { object.get("items")?.as_array() } else { None }
}

/// Whether a release may have this name; why not, in Helm's words (`chartutil.ValidateReleaseName`).
pub fn check_name(name: &str) -> Result<(), &'static str> {
    const LONGEST: usize = 53;
    if name.is_empty() {
        return Err("no name provided");
    }
    let part = |part: &str| {
        let bytes = part.as_bytes();
        let ends = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        ends(bytes.first())
            && ends(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    if name.len() <= LONGEST && name.split('.').all(part) {
        return Ok(());
    }
    Err(
        "invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ComposeError, Request, objects};
    use crate::{budget::Limits, chart::File, load, random::Seeded, render::Surroundings};

    #[test]
    fn values_are_held_against_the_schema_unless_somebody_says_otherwise() {
        let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
        let schema = file("values.schema.json", r#"{"required":["team"]}"#);
        let chart = load::files(vec![file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0"), schema]).unwrap().chart;
        let compose = |request: &Request| {
            let (now, mut random) = ("2026-01-02T03:04:05[UTC]".parse().unwrap(), Seeded::new([0; 32]));
            super::compose(&chart, request, &mut Surroundings::new(&now, &mut random)).map(|_| ())
        };
        assert!(matches!(compose(&Request::default()), Err(ComposeError::Schema(_))));
        assert!(compose(&Request { check_schema: false, ..Request::default() }).is_ok());
    }

    #[test]
    fn what_it_takes_to_read_documents_is_taken_from_the_render() {
        let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
        let document = format!("---\na: &a [{}]\nb: [{}]\n", "1,".repeat(100), "*a,".repeat(50));
        let files = vec![file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0"), file("templates/a.yaml", &document.repeat(40))];
        let chart = load::files(files).unwrap().chart;
        let compose = |steps| {
            let (now, mut random) = ("2026-01-02T03:04:05[UTC]".parse().unwrap(), Seeded::new([0; 32]));
            let limits = Limits { steps, ..Limits::default() };
            let composed =
                super::compose(&chart, &Request::default(), &mut Surroundings { limits, ..Surroundings::new(&now, &mut random) });
            composed.map(|composed| composed.manifests.len()).map_err(|error| error.to_string())
        };
        assert!(compose(100_000).unwrap_err().contains("takes more than 100000 steps"));
        assert_eq!(compose(1_000_000), Ok(40));
    }

    #[test]
    fn a_text_at_a_documents_end_keeps_its_line_break_and_a_number_its_digits() {
        let manifest = b"---\n# Source: a\na: |\n  last\n---\n# Source: b\nb: 9007199254740993\nc: |\n  last";
        assert_eq!(objects(manifest).unwrap(), [json!({"a": "last\n"}), json!({"b": 9_007_199_254_740_993_i64, "c": "last\n"})]);
    }

    #[test]
    fn a_list_is_its_items_and_json_may_stand_behind_json() {
        let list = b"kind: ConfigMapList\nitems:\n- {a: 1}\n- {a: 2}\n---\n---\n# nothing\n";
        assert_eq!(objects(list).unwrap(), [json!({"a": 1}), json!({"a": 2})]);
        assert_eq!(objects(b"{\"a\": 1}\n{\"a\": 2}\n").unwrap(), [json!({"a": 1}), json!({"a": 2})]);
    }

    #[test]
    fn metadata_that_is_no_text_is_refused_in_the_words_of_kubernetes() {
        let refused = |metadata: &str| objects(format!("metadata: {metadata}").as_bytes()).unwrap_err();
        let said = |of: &str, field: &str| {
            format!("unable to decode \"\": json: cannot unmarshal {of} into Go struct field ObjectMeta.metadata.{field} of type string")
        };
        assert_eq!(refused("{labels: {version: 1.2}}"), said("number", "labels"));
        assert_eq!(refused("{annotations: {a: b, scrape: true}}"), said("bool", "annotations"));
        assert_eq!(refused("{name: 1}"), said("number", "name"));
        assert_eq!(refused("{labels: [a]}"), said("array", "labels").replace("type string", "type map[string]string"));
        assert!(objects(b"metadata: {labels: {a: null}, annotations: null, name: a, generation: 1}").is_ok());
    }
}
