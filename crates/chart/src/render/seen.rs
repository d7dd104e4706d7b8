//! What templates see beside values: `.Chart`, `.Release`, `.Capabilities`, `.Template`, each a value of the type that Helm gives it.

use std::{collections::BTreeMap, rc::Rc};

use crate::{
    chart::{Dependency, Maintainer, Metadata},
    function::{Fault, Scope},
    value::{Field, Kind, List, Map, Method, Shown, Str, Struct, Type, Value, types},
};

use super::{Capabilities, Release};

/// `chartutil.VersionSet`.
static VERSION_SET: Type = Type {
    name: "chartutil.VersionSet",
    kind: Kind::Slice,
    elem: Some(&types::STRING),
    methods: &[Method { name: "Has", takes: &[&types::STRING], rest: None, call: has }],
    named: true,
};

fn has(scope: &mut Scope<'_>, receiver: &Value, arguments: &[Value]) -> Result<Value, Fault> {
    let (Value::List(versions), [Value::Str(wanted)]) = (receiver, arguments) else { return Ok(Value::Bool(false)) };
    scope.budget.step(versions.items().len() as u64 / 8)?;
    Ok(Value::Bool(versions.items().iter().any(|version| matches!(version, Value::Str(version) if version == wanted))))
}

/// A method of a struct that gives one of its fields.
macro_rules! gives_field {
    ($name:literal, $field:literal) => {
        Method {
            name: $name,
            takes: &[],
            rest: None,
            call: |_, receiver, _| match receiver {
                Value::Struct(it) => Ok(it.field($field).cloned().unwrap_or(Value::Nil)),
                _ => Ok(Value::Nil),
            },
        }
    };
}

static KUBE_VERSION: Type = Type {
    name: "chartutil.KubeVersion",
    kind: Kind::Struct,
    elem: None,
    methods: &[gives_field!("String", "Version"), gives_field!("GitVersion", "Version")],
    named: true,
};
static BUILD_INFO: Type = Type::plain("version.BuildInfo", Kind::Struct);
static CAPABILITIES: Type = Type {
    name: "*chartutil.Capabilities",
    kind: Kind::Pointer,
    elem: None,
    methods: &[Method { name: "Copy", takes: &[], rest: None, call: |_, receiver, _| Ok(receiver.clone()) }],
    named: false,
};
static CHART: Type = Type::plain("struct { chart.Metadata; IsRoot bool }", Kind::Struct);
static METADATA: Type = Type::plain("chart.Metadata", Kind::Struct);
static MAINTAINER: Type = Type { name: "*chart.Maintainer", kind: Kind::Pointer, elem: None, methods: &[], named: false };
static MAINTAINERS: Type = Type::of("[]*chart.Maintainer", Kind::Slice, &MAINTAINER);
static DEPENDENCY: Type = Type { name: "*chart.Dependency", kind: Kind::Pointer, elem: None, methods: &[], named: false };
pub(super) static DEPENDENCIES: Type = Type::of("[]*chart.Dependency", Kind::Slice, &DEPENDENCY);

pub(super) fn field(name: &'static str, key: &'static str, omit_empty: bool, value: Value) -> Field {
    Field { name, key: Some(key), omit_empty, embedded: false, value }
}

pub(super) fn made(ty: &'static Type, fields: Vec<Field>) -> Value {
    Value::Struct(Rc::new(Struct { ty, fields, shown: Shown::Fields }))
}

pub(super) fn text(name: &'static str, key: &'static str, value: &str) -> Field {
    field(name, key, true, Value::str(value))
}

fn texts(name: &'static str, key: &'static str, values: &[String]) -> Field {
    let list = if values.is_empty() {
        Value::List(List::nil(&types::STRINGS))
    } else {
        Value::strings(values.iter().map(|value| Str::from(value.as_str())))
    };
    field(name, key, true, list)
}

pub(super) fn several<T>(ty: &'static Type, values: &[T], one: impl Fn(&T) -> Value) -> Value {
    Value::List(if values.is_empty() { List::nil(ty) } else { List::new(ty, values.iter().map(one).collect()) })
}

fn maintainer(it: &Maintainer) -> Value {
    made(&MAINTAINER, vec![text("Name", "name", &it.name), text("Email", "email", &it.email), text("URL", "url", &it.url)])
}

pub(super) fn dependency(it: &Dependency) -> Value {
    let imports = it.import_values.iter().map(|value| Value::from(&crate::json::data(value))).collect::<Vec<_>>();
    let imports = if imports.is_empty() { Value::List(List::nil(&types::LIST)) } else { Value::list(imports) };
    made(
        &DEPENDENCY,
        vec![
            field("Name", "name", false, Value::str(it.name.as_str())),
            text("Version", "version", &it.version),
            field("Repository", "repository", false, Value::str(it.repository.as_str())),
            text("Condition", "condition", &it.condition),
            texts("Tags", "tags", &it.tags),
            field("Enabled", "enabled", true, Value::Bool(it.enabled)),
            field("ImportValues", "import-values", true, imports),
            text("Alias", "alias", &it.alias),
        ],
    )
}

/// `Chart.yaml`, as a value of this type: the struct, or a pointer to it.
pub(super) fn metadata(ty: &'static Type, metadata: &Metadata) -> Value {
    let annotations = if metadata.annotations.is_empty() {
        Map::nil(&types::STRING_MAP)
    } else {
        let entries = metadata.annotations.iter().map(|(key, value)| (Str::from(key.as_str()), Value::str(value.as_str())));
        Map::new(&types::STRING_MAP, entries.collect())
    };
    made(
        ty,
        vec![
            text("Name", "name", &metadata.name),
            text("Home", "home", &metadata.home),
            texts("Sources", "sources", &metadata.sources),
            text("Version", "version", &metadata.version),
            text("Description", "description", &metadata.description),
            texts("Keywords", "keywords", &metadata.keywords),
            field("Maintainers", "maintainers", true, several(&MAINTAINERS, &metadata.maintainers, maintainer)),
            text("Icon", "icon", &metadata.icon),
            text("APIVersion", "apiVersion", &metadata.api_version),
            text("Condition", "condition", &metadata.condition),
            text("Tags", "tags", &metadata.tags),
            text("AppVersion", "appVersion", &metadata.app_version),
            field("Deprecated", "deprecated", true, Value::Bool(metadata.deprecated)),
            field("Annotations", "annotations", true, Value::Map(annotations)),
            text("KubeVersion", "kubeVersion", &metadata.kube_version),
            field("Dependencies", "dependencies", true, several(&DEPENDENCIES, &metadata.dependencies, dependency)),
            text("Type", "type", &metadata.kind),
        ],
    )
}

/// `.Chart`.
pub(super) fn chart(of: &Metadata, is_root: bool) -> Value {
    let inner = metadata(&METADATA, of);
    made(
        &CHART,
        vec![
            Field { name: "Metadata", key: None, omit_empty: false, embedded: true, value: inner },
            field("IsRoot", "IsRoot", false, Value::Bool(is_root)),
        ],
    )
}

/// `.Capabilities`.
pub(super) fn capabilities(it: &Capabilities) -> Value {
    let kube = Struct {
        ty: &KUBE_VERSION,
        fields: vec![
            field("Version", "Version", false, Value::str(it.kube_version.version.as_str())),
            field("Major", "Major", false, Value::str(it.kube_version.major.as_str())),
            field("Minor", "Minor", false, Value::str(it.kube_version.minor.as_str())),
        ],
        shown: Shown::TextInPlace(it.kube_version.version.as_str().into()),
    };
    let versions = it.api_versions.iter().map(|version| Value::str(version.as_str())).collect();
    let helm = made(
        &BUILD_INFO,
        vec![
            text("Version", "version", &it.helm_version),
            text("GitCommit", "git_commit", ""),
            text("GitTreeState", "git_tree_state", ""),
            text("GoVersion", "go_version", &it.go_version),
        ],
    );
    made(
        &CAPABILITIES,
        vec![
            field("KubeVersion", "KubeVersion", false, Value::Struct(Rc::new(kube))),
            field("APIVersions", "APIVersions", false, Value::List(List::new(&VERSION_SET, versions))),
            field("HelmVersion", "HelmVersion", false, helm),
        ],
    )
}

/// `.Release`.
pub(super) fn release(it: &Release) -> Value {
    let entries: BTreeMap<Str, Value> = [
        ("Name", Value::str(it.name.as_str())),
        ("Namespace", Value::str(it.namespace.as_str())),
        ("IsUpgrade", Value::Bool(it.is_upgrade)),
        // lint renders a release that is neither: it has no revision
        ("IsInstall", Value::Bool(!it.is_upgrade && it.revision > 0)),
        ("Revision", Value::int(it.revision.into())),
        ("Service", Value::str("Helm")),
    ]
    .into_iter()
    .map(|(key, value)| (Str::from(key), value))
    .collect();
    Value::map(entries)
}
