//! `Chart.yaml`, `requirements.yaml` and the locks as Go reads them into its structs: names in any case, numbers and truths
//! taken for texts where a text is wanted, and Go's error texts.

use std::collections::BTreeMap;

use crate::{
    chart::{Dependency, Lock, Maintainer, Metadata},
    format,
    functions::dates,
    value::{Data, Str, Table},
    values::fold,
};

/// What Go says of a value that does not fit.
pub(super) type Decoded<T> = Result<T, String>;

/// `Chart.yaml` before it is looked at: a list may still hold nothing where an item should be.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) metadata: Metadata,
    pub(super) maintainers: Vec<Option<Maintainer>>,
    /// None where there is no list, which is not the same as an empty one.
    pub(super) dependencies: Option<Vec<Option<Dependency>>>,
}

impl Draft {
    /// Reads a document over what was read before.
    pub(super) fn read(&mut self, document: &Data) -> Decoded<()> {
        let Some(table) = object(document, "chart.Metadata", At::TOP)? else { return Ok(()) };
        for (key, value) in table {
            self.take(At::of("Metadata"), field(key, METADATA), value)?;
        }
        Ok(())
    }

    /// Reads a field; nothing for one that is not the chart's.
    pub(super) fn take(&mut self, at: At<'_>, field: &str, value: &Data) -> Decoded<()> {
        let metadata = &mut self.metadata;
        match field {
            "name" => at.field("name").text(value, &mut metadata.name),
            "home" => at.field("home").text(value, &mut metadata.home),
            "sources" => at.field("sources").texts(value, &mut metadata.sources),
            "version" => at.field("version").text(value, &mut metadata.version),
            "description" => at.field("description").text(value, &mut metadata.description),
            "keywords" => at.field("keywords").texts(value, &mut metadata.keywords),
            "maintainers" => at.field("maintainers").items(value, &mut self.maintainers, "chart.Maintainer", maintainer),
            "icon" => at.field("icon").text(value, &mut metadata.icon),
            "apiVersion" => at.field("apiVersion").text(value, &mut metadata.api_version),
            "condition" => at.field("condition").text(value, &mut metadata.condition),
            "tags" => at.field("tags").text(value, &mut metadata.tags),
            "appVersion" => at.field("appVersion").text(value, &mut metadata.app_version),
            "deprecated" => at.field("deprecated").truth(value, &mut metadata.deprecated),
            "annotations" => at.field("annotations").pairs(value, &mut metadata.annotations),
            "kubeVersion" => at.field("kubeVersion").text(value, &mut metadata.kube_version),
            "dependencies" => dependencies(at, value, &mut self.dependencies),
            "type" => at.field("type").text(value, &mut metadata.kind),
            _ => Ok(()),
        }
    }
}

pub(super) const METADATA: &[&str] = &[
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];
const MAINTAINER: &[&str] = &["name", "email", "url"];
const DEPENDENCY: &[&str] = &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];
const LOCK: &[&str] = &["generated", "digest", "dependencies"];

/// Reads `Chart.lock`; nothing where the document holds nothing.
pub(super) fn lock(document: &Data) -> Decoded<Option<Lock>> {
    let Some(table) = object(document, "chart.Lock", At::TOP)? else { return Ok(None) };
    let mut lock = Lock { generated: NEVER.to_owned(), ..Lock::default() };
    let at = At::of("Lock");
    // what a type of its own objects to comes before what does not fit, wherever that stands
    for (_, value) in table.iter().filter(|(key, value)| field(key, LOCK) == "generated" && **value != Data::Null) {
        lock.generated = timestamp(value)?;
    }
    for (key, value) in table {
        match field(key, LOCK) {
            "digest" => at.field("digest").text(value, &mut lock.digest)?,
            "dependencies" => {
                let mut found = None;
                dependencies(at, value, &mut found)?;
                lock.dependencies = found.into_iter().flatten().flatten().collect();
            }
            _ => {}
        }
    }
    Ok(Some(lock))
}

/// Go's zero time.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

/// A time as Go writes it again.
pub(super) fn timestamp(value: &Data) -> Decoded<String> {
    match value {
        Data::Text(text) => dates::rfc_3339_again(text),
        _ => Err("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
    }
}

fn dependencies(at: At<'_>, value: &Data, into: &mut Option<Vec<Option<Dependency>>>) -> Decoded<()> {
    if *value == Data::Null {
        *into = None;
        return Ok(());
    }
    at.field("dependencies").items(value, into.get_or_insert_default(), "chart.Dependency", dependency)
}

fn maintainer(table: &Table, path: &str, into: &mut Maintainer) -> Decoded<()> {
    let at = At { of: "Maintainer", path, field: "" };
    for (key, value) in table {
        match field(key, MAINTAINER) {
            "name" => at.field("name").text(value, &mut into.name)?,
            "email" => at.field("email").text(value, &mut into.email)?,
            "url" => at.field("url").text(value, &mut into.url)?,
            _ => {}
        }
    }
    Ok(())
}

fn dependency(table: &Table, path: &str, into: &mut Dependency) -> Decoded<()> {
    let at = At { of: "Dependency", path, field: "" };
    for (key, value) in table {
        match field(key, DEPENDENCY) {
            "name" => at.field("name").text(value, &mut into.name)?,
            "version" => at.field("version").text(value, &mut into.version)?,
            "repository" => at.field("repository").text(value, &mut into.repository)?,
            "condition" => at.field("condition").text(value, &mut into.condition)?,
            "tags" => at.field("tags").texts(value, &mut into.tags)?,
            "enabled" => at.field("enabled").truth(value, &mut into.enabled)?,
            "import-values" => match value {
                Data::Null => into.import_values.clear(),
                Data::List(items) => into.import_values = items.iter().map(document).collect(),
                other => return at.field("import-values").refuse(other, "[]interface {}"),
            },
            "alias" => at.field("alias").text(value, &mut into.alias)?,
            _ => {}
        }
    }
    Ok(())
}

/// The field that a key means: the one of that name, or else the one of that name in another case; none of them otherwise.
pub(super) fn field(key: &Str, known: &'static [&'static str]) -> &'static str {
    let key = key.lossy();
    let exact = known.iter().find(|name| **name == key);
    exact.or_else(|| known.iter().find(|name| fold(&key, &name.to_ascii_lowercase()))).copied().unwrap_or_default()
}

pub(super) fn object<'a>(value: &'a Data, ty: &str, at: At<'_>) -> Decoded<Option<&'a Table>> {
    match value {
        Data::Null => Ok(None),
        Data::Map(table) => Ok(Some(table)),
        other => at.refuse(other, ty),
    }
}

/// Where a value stands, as Go's error text tells it.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    of: &'a str,
    path: &'a str,
    field: &'a str,
}

impl<'a> At<'a> {
    pub(super) const TOP: At<'static> = At { of: "", path: "", field: "" };

    pub(super) fn of(of: &'a str) -> Self {
        Self { of, path: "", field: "" }
    }

    pub(super) fn below(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    pub(super) fn field(self, field: &'a str) -> Self {
        Self { field, ..self }
    }

    pub(super) fn refuse<T>(self, value: &Data, ty: &str) -> Decoded<T> {
        let is = match value {
            Data::Bool(_) => "bool",
            Data::Int(_) | Data::Float(_) => "number",
            Data::List(_) => "array",
            Data::Map(_) => "object",
            Data::Text(_) | Data::Null => "string",
        };
        if self.field.is_empty() {
            return Err(format!("json: cannot unmarshal {is} into Go value of type {ty}"));
        }
        let Self { of, path, field } = self;
        Err(format!("json: cannot unmarshal {is} into Go struct field {of}.{path}{field} of type {ty}"))
    }

    pub(super) fn text(self, value: &Data, into: &mut String) -> Decoded<()> {
        *into = match value {
            Data::Null => return Ok(()),
            Data::Text(text) => text.to_string(),
            Data::Bool(it) => it.to_string(),
            Data::Int(it) => it.to_string(),
            Data::Float(it) => short(*it),
            other => return self.refuse(other, "string"),
        };
        Ok(())
    }

    pub(super) fn truth(self, value: &Data, into: &mut bool) -> Decoded<()> {
        match value {
            Data::Null => {}
            Data::Bool(it) => *into = *it,
            other => return self.refuse(other, "bool"),
        }
        Ok(())
    }

    pub(super) fn texts(self, value: &Data, into: &mut Vec<String>) -> Decoded<()> {
        match value {
            Data::Null => into.clear(),
            Data::List(items) => {
                into.resize(items.len(), String::new());
                for (item, into) in items.iter().zip(into) {
                    self.text(item, into)?;
                }
            }
            other => return self.refuse(other, "[]string"),
        }
        Ok(())
    }

    pub(super) fn table<'v>(self, value: &'v Data, ty: &str) -> Decoded<Option<&'v Table>> {
        object(value, ty, self)
    }

    pub(super) fn pairs(self, value: &Data, into: &mut BTreeMap<String, String>) -> Decoded<()> {
        let table = match value {
            Data::Null => {
                into.clear();
                return Ok(());
            }
            Data::Map(table) => table,
            other => return self.refuse(other, "map[string]string"),
        };
        for (key, value) in table {
            let mut text = String::new();
            self.text(value, &mut text)?;
            into.insert(key.to_string(), text);
        }
        Ok(())
    }

    /// A list of structs. Like Go, what is read goes over the items of a list that was there before.
    pub(super) fn items<T: Default + Clone>(
        self,
        value: &Data,
        into: &mut Vec<Option<T>>,
        ty: &str,
        read: fn(&Table, &str, &mut T) -> Decoded<()>,
    ) -> Decoded<()> {
        let items = match value {
            Data::Null => {
                into.clear();
                return Ok(());
            }
            Data::List(items) => items,
            other => return self.refuse(other, &format!("[]*{ty}")),
        };
        into.resize(items.len(), None);
        let path = format!("{}{}.", self.path, self.field);
        for (item, into) in items.iter().zip(into) {
            match object(item, ty, self)? {
                None => *into = None,
                Some(table) => read(table, &path, into.get_or_insert_default())?,
            }
        }
        Ok(())
    }
}

/// A fraction where a text is wanted: in as few digits as tell it from its neighbours in single precision.
fn short(number: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "single precision is what is wanted")]
    let single = number as f32;
    format::float(single.to_string().parse().unwrap_or(number), 'g', None)
}

fn document(value: &Data) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Data::Null => Value::Null,
        Data::Bool(it) => Value::Bool(*it),
        Data::Int(it) => Value::from(*it),
        Data::Float(it) => Value::from(*it),
        Data::Text(it) => Value::String(it.to_string()),
        Data::List(items) => Value::Array(items.iter().map(document).collect()),
        Data::Map(table) => Value::Object(table.iter().map(|(key, value)| (key.to_string(), document(value))).collect()),
    }
}
