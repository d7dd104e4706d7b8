//! `ConfigMaps` and Secrets: keys with bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::{EmptyStatus, Meta};
use crate::refuse::{Read, Refusal, strict};

/// Keys with bytes. Does not print.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Data(pub BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConfigMapManifest {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Meta,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    binary_data: BTreeMap<String, String>,
    #[serde(rename = "immutable")]
    _immutable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretManifest {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Meta,
    #[serde(rename = "type")]
    _type: Option<String>,
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default)]
    string_data: BTreeMap<String, String>,
    #[serde(rename = "immutable")]
    _immutable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Opaque {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Meta,
    #[serde(default, rename = "spec")]
    _spec: Value,
    #[serde(default, rename = "status")]
    _status: EmptyStatus,
}

fn key(name: &str, path: &str) -> Read<()> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 253 || !name.bytes().all(good) || name == "." || name.starts_with("..") {
        return Err(Refusal::new(format!("the key `{name}` of `{path}`"), "letters, digits, `-`, `_` and `.` are expected"));
    }
    Ok(())
}

fn collect(plain: BTreeMap<String, String>, encoded: BTreeMap<String, String>, encoded_path: &str) -> Read<Data> {
    let mut all = BTreeMap::new();
    for (name, text) in encoded {
        key(&name, encoded_path)?;
        let bytes = STANDARD.decode(text.split_whitespace().collect::<String>()).map_err(|error| {
            // never the value itself: it may be a secret
            Refusal::new(format!("the value of `{encoded_path}.{name}`"), format!("base64 is expected ({error})"))
        })?;
        all.insert(name, bytes);
    }
    for (name, text) in plain {
        key(&name, "data")?;
        all.insert(name, text.into_bytes());
    }
    Ok(Data(all))
}

/// Reads a `ConfigMap`.
pub fn config_map(value: &Value) -> Read<Data> {
    let read: ConfigMapManifest = strict(value)?;
    collect(read.data, read.binary_data, "binaryData")
}

/// Reads a Secret.
pub fn secret(value: &Value) -> Read<Data> {
    // serde's own message could quote a value
    let read: SecretManifest = strict(value).map_err(|mut refusal| {
        if refusal.what.starts_with("the value of") {
            "text is expected".clone_into(&mut refusal.hint);
        }
        refusal
    })?;
    collect(read.string_data, read.data, "data")
}

/// Reads what is only kept: a Namespace or an `AnalysisTemplate`.
pub fn kept(value: &Value) -> Read<()> {
    strict::<Opaque>(value).map(drop)
}
