//! Variables of a container.

use serde::Deserialize;

use crate::refuse::{Read, Refusal};

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value; `$(NAME)` is replaced.
    pub value: Option<String>,
    /// Where its value is.
    pub value_from: Option<ValueFrom>,
}

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "Kubernetes' names")]
pub struct ValueFrom {
    /// In a `ConfigMap`.
    pub config_map_key_ref: Option<KeyRef>,
    /// In a Secret.
    pub secret_key_ref: Option<KeyRef>,
    /// In the pod itself.
    pub field_ref: Option<FieldRef>,
}

/// A key of a `ConfigMap` or Secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRef {
    /// The object.
    pub name: String,
    /// The key.
    pub key: String,
    /// Fine if it is absent.
    #[serde(default)]
    pub optional: bool,
}

/// A field of the pod.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldRef {
    #[serde(default)]
    #[allow(dead_code, reason = "v1 is the only one and says nothing")]
    api_version: Option<String>,
    /// `metadata.name`, `metadata.namespace` or `status.podIP`.
    pub field_path: String,
}

/// All keys of a `ConfigMap` or Secret as variables.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvFrom {
    /// Put before each key.
    #[serde(default)]
    pub prefix: String,
    /// Of a `ConfigMap`.
    pub config_map_ref: Option<ObjectRef>,
    /// Of a Secret.
    pub secret_ref: Option<ObjectRef>,
}

/// A `ConfigMap` or Secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Its name.
    pub name: String,
    /// Fine if it is absent.
    #[serde(default)]
    pub optional: bool,
}

/// Fields of the pod that can be asked for.
const FIELDS: [&str; 3] = ["metadata.name", "metadata.namespace", "status.podIP"];

impl EnvVar {
    /// Refuses what has no value or more than one.
    pub fn check(&self, path: &str) -> Read<()> {
        if self.name.is_empty() || self.name.contains('=') || self.name.contains('\0') {
            return Err(Refusal::new(format!("the value of `{path}.name`"), "a variable's name has no `=` and is not empty"));
        }
        let Some(from) = &self.value_from else { return Ok(()) };
        let sources = [from.config_map_key_ref.is_some(), from.secret_key_ref.is_some(), from.field_ref.is_some()];
        if self.value.is_some() || sources.iter().filter(|there| **there).count() != 1 {
            return Err(Refusal::new(format!("`{path}` without exactly one source"), "write value, or one key of valueFrom"));
        }
        if let Some(field) = &from.field_ref
            && !FIELDS.contains(&field.field_path.as_str())
        {
            let what = format!("`{path}.valueFrom.fieldRef.fieldPath` {}", field.field_path);
            return Err(Refusal::new(what, format!("one of {} is expected", FIELDS.join(", "))));
        }
        Ok(())
    }
}

impl EnvFrom {
    /// Refuses what has no source or two.
    pub fn check(&self, path: &str) -> Read<()> {
        if self.config_map_ref.is_some() == self.secret_ref.is_some() {
            return Err(Refusal::new(format!("`{path}` without exactly one source"), "write configMapRef or secretRef"));
        }
        Ok(())
    }
}

/// Replaces `$(NAME)` by what is known, as Kubernetes does: `$$(NAME)` stays `$(NAME)`, an unknown name stays as it is.
pub fn expand<'a>(text: &str, known: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
            continue;
        }
        let named = rest.strip_prefix("$(").and_then(|inner| inner.split_once(')'));
        match named.and_then(|(name, after)| known(name).map(|value| (value, after))) {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('$');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand_as_in_kubernetes() {
        let known = |name: &str| (name == "A").then_some("x");
        for (text, expected) in [
            ("$(A)", "x"),
            ("a$(A)b$(A)", "axbx"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$x"),
            ("$A", "$A"),
            ("$", "$"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(text, known), expected, "{text}");
        }
    }
}
