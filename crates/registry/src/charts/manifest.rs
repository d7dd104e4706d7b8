//! The manifest of a chart as Helm writes it, to the byte, so that the same chart has the same digest whoever pushed it. Pure.

use std::collections::BTreeMap;

use penstock_model::Digest;
use serde::{Deserialize, Serialize};

use super::FetchError;

/// The configuration: `Chart.yaml` as JSON.
pub(super) const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
/// The chart's archive.
pub(super) const ARCHIVE: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// The archive, as charts had it before 2021.
pub(super) const OLD_ARCHIVE: &str = "application/tar+gzip";
/// The provenance file.
pub(super) const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";

/// A manifest, its fields in the order in which Go has them. What else it may have is of no use here.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChartManifest {
    pub(super) schema_version: u8,
    /// Helm writes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) config: Blob,
    #[serde(default)]
    pub(super) layers: Vec<Blob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

/// A descriptor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

impl Blob {
    /// What describes these bytes.
    pub(super) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self { media_type: media_type.to_owned(), digest: Digest::of(bytes).to_string(), size: bytes.len() as u64 }
    }
}

/// The manifest of what is pushed.
pub(super) fn write(config: Blob, mut layers: Vec<Blob>, annotations: &BTreeMap<String, String>) -> Result<Vec<u8>, FetchError> {
    layers.sort_by(|a, b| a.digest.cmp(&b.digest));
    let annotations = Some(annotations.clone()).filter(|annotations| !annotations.is_empty());
    let manifest = ChartManifest { schema_version: 2, media_type: None, config, layers, annotations };
    let text = serde_json::to_string(&manifest)
        .map_err(|error| FetchError::Unusable { what: "the chart's manifest".to_owned(), why: error.to_string() })?;
    Ok(as_go_writes(&text).into_bytes())
}

/// Go writes what HTML could take for its own in another way. Outside of texts, JSON has none of it.
fn as_go_writes(json: &str) -> String {
    let mut written = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '<' => written.push_str("\\u003c"),
            '>' => written.push_str("\\u003e"),
            '&' => written.push_str("\\u0026"),
            '\u{2028}' => written.push_str("\\u2028"),
            '\u{2029}' => written.push_str("\\u2029"),
            other => written.push(other),
        }
    }
    written
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    home: Option<String>,
    sources: Option<Vec<String>>,
    maintainers: Option<Vec<Maintainer>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Maintainer {
    name: Option<String>,
    email: Option<String>,
}

/// The annotations that Helm gives the manifest of a chart, from its configuration (`Chart.yaml` as JSON) and the time at which
/// the archive was made (RFC 3339; Helm takes the file's time of change).
///
/// # Errors
/// When the configuration is not a chart's.
pub fn annotations(config: &[u8], created: &str) -> Result<BTreeMap<String, String>, FetchError> {
    let metadata: Metadata = serde_json::from_slice(config)
        .map_err(|error| FetchError::Unusable { what: "the chart's configuration".to_owned(), why: error.to_string() })?;
    let mut all = BTreeMap::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            all.insert(key.to_owned(), value);
        }
    };
    add("org.opencontainers.image.description", metadata.description);
    add(TITLE, metadata.name);
    add(VERSION, metadata.version);
    add("org.opencontainers.image.url", metadata.home);
    add("org.opencontainers.image.created", Some(created.to_owned()));
    add("org.opencontainers.image.source", metadata.sources.and_then(|sources| sources.into_iter().next()));
    add("org.opencontainers.image.authors", metadata.maintainers.map(|people| authors(&people)));
    // a chart may say anything else about itself, but not be another one
    let own = metadata.annotations.unwrap_or_default();
    all.extend(own.into_iter().filter(|(key, _)| key != TITLE && key != VERSION));
    Ok(all)
}

fn authors(people: &[Maintainer]) -> String {
    let one = |person: &Maintainer| {
        let email = person.email.as_deref().filter(|email| !email.is_empty()).map(|email| format!(" ({email})"));
        person.name.clone().unwrap_or_default() + &email.unwrap_or_default()
    };
    people.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_about_itself_what_it_likes_but_its_name_and_version() {
        let config = br#"{"name":"app","version":"1.0.0","description":" ","home":"https://h","sources":["https://s","https://t"],
            "maintainers":[{"name":"Ada","email":"ada@x"},{"name":"Bob"},{"email":"c@x"}],
            "annotations":{"org.opencontainers.image.title":"other","org.opencontainers.image.created":"never","x":""}}"#;
        let seen: Vec<_> = annotations(config, "2026-01-02T03:04:05Z").unwrap().into_iter().collect();
        let seen: Vec<_> = seen.iter().map(|(key, value)| (key.trim_start_matches("org.opencontainers.image."), &**value)).collect();
        let expected = [
            ("authors", "Ada (ada@x), Bob,  (c@x)"),
            ("created", "never"),
            ("source", "https://s"),
            ("title", "app"),
            ("url", "https://h"),
            ("version", "1.0.0"),
            ("x", ""),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_manifest_is_written_as_go_writes_it() {
        let annotations = BTreeMap::from([("a".to_owned(), "<b> & \u{2028}\"\u{8}".to_owned())]);
        let layers = vec![Blob::of(PROVENANCE, b"b"), Blob::of(ARCHIVE, b"c")];
        let text = String::from_utf8(write(Blob::of(CONFIG, b"{}"), layers, &annotations).unwrap()).unwrap();
        assert!(
            text.starts_with(r#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:"#)
        );
        assert!(text.ends_with(r#","annotations":{"a":"\u003cb\u003e \u0026 \u2028\"\b"}}"#), "{text}");
        // sha256 of "c" is 2e7d…, of "b" 3e23…
        assert!(text.find("2e7d").unwrap() < text.find("3e23").unwrap());
    }
}
