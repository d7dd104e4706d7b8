//! The record of a release, as Helm 3 stores it: JSON, compressed, in a Secret `sh.helm.release.v1.NAME.vN`.
//!
//! What Helm wrote is kept as it was written: a chart that Helm stored is stored again unread when only the status changes.

use std::{
    collections::BTreeMap,
    fmt,
    io::{Read as _, Write as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Hook, HookEvent};

/// The type of the Secrets that hold records.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The most that a record may hold once it is unpacked. A Secret holds 1 MiB at most, so that this is a bomb, not a release.
const LARGEST: u64 = 256 << 20;

/// Where a release stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "Helm's words")]
pub enum Status {
    #[default]
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    /// Whether an operation is under way, or was when whoever carried it out died.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        })
    }
}

/// One revision of a release.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The release's name.
    pub name: String,
    /// When, and how it went.
    pub info: Info,
    /// The chart: its metadata, values, templates and files, as Helm writes them.
    pub chart: serde_json::Value,
    /// The values that the user gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Map<String, serde_json::Value>>,
    /// The documents, hooks apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The hooks.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nothing_is_empty")]
    pub hooks: Vec<RecordedHook>,
    /// The revision, from 1.
    #[serde(rename = "version")]
    pub revision: u32,
    /// Where it is installed.
    pub namespace: String,
    /// Labels that the user gave; they stand on the Secret, not in the record.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// Which revision it is and how it went; of its values the names.
impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, namespace, revision, info, hooks, config, .. } = self;
        let keys: Vec<&String> = config.iter().flat_map(serde_json::Map::keys).collect();
        let mut shown = formatter.debug_struct("Record");
        shown.field("name", name).field("namespace", namespace).field("revision", revision);
        shown.field("info", info).field("hooks", hooks).field("config", &keys).finish_non_exhaustive()
    }
}

/// When a revision was made, and how it went.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// When the release was first installed; RFC 3339, empty for never.
    pub first_deployed: String,
    /// When this revision was.
    pub last_deployed: String,
    /// When it was uninstalled.
    pub deleted: String,
    /// How it went, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// `NOTES.txt`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

/// Not the notes, which tell passwords.
impl fmt::Debug for Info {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first_deployed, last_deployed, deleted, description, status, notes: _ } = self;
        let mut shown = formatter.debug_struct("Info");
        shown.field("first_deployed", first_deployed).field("last_deployed", last_deployed).field("deleted", deleted);
        shown.field("description", description).field("status", status).finish_non_exhaustive()
    }
}

/// A hook of a revision.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "see Hook")]
pub struct RecordedHook {
    pub name: String,
    pub kind: String,
    pub path: String,
    pub manifest: String,
    #[serde(deserialize_with = "nothing_is_empty")]
    pub events: Vec<HookEvent>,
    pub last_run: HookRun,
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nothing_is_empty")]
    pub delete_policies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nothing_is_empty")]
    pub output_log_policies: Vec<String>,
}

/// Not its manifest.
impl fmt::Debug for RecordedHook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, path, events, last_run, weight, .. } = self;
        let mut shown = formatter.debug_struct("RecordedHook");
        shown.field("name", name).field("kind", kind).field("path", path).field("events", events);
        shown.field("last_run", last_run).field("weight", weight).finish_non_exhaustive()
    }
}

/// When a hook last ran, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    /// When it began; RFC 3339, empty for never.
    pub started_at: String,
    /// When it ended.
    pub completed_at: String,
    /// How.
    pub phase: HookPhase,
}

/// How a hook ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "Helm's words")]
pub enum HookPhase {
    /// It has not run.
    #[default]
    #[serde(rename = "")]
    None,
    Unknown,
    Running,
    Succeeded,
    Failed,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Go writes an empty list as `null`.
fn nothing_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl From<&Hook> for RecordedHook {
    fn from(hook: &Hook) -> Self {
        Self {
            name: hook.manifest.head.name.clone(),
            kind: hook.manifest.head.kind.clone(),
            path: hook.manifest.source.clone(),
            manifest: hook.manifest.content.lossy().into_owned(),
            events: hook.events.clone(),
            last_run: HookRun::default(),
            weight: hook.weight,
            delete_policies: hook.delete_policies.clone(),
            output_log_policies: hook.output_log_policies.clone(),
        }
    }
}

/// A Secret that holds no record.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// Not base64.
    #[error("the record is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not compressed as it says, or a bomb.
    #[error("the record cannot be unpacked: {0}")]
    Gzip(std::io::Error),
    /// Unpacks to more than any release is.
    #[error("the record unpacks to more than {LARGEST} bytes")]
    TooLarge,
    /// Not a release.
    #[error("the record is no release: {0}")]
    Json(#[from] serde_json::Error),
}

impl Record {
    /// The name of the Secret that holds it.
    pub fn secret_name(&self) -> String {
        secret_name(&self.name, self.revision)
    }

    /// The labels of that Secret: the user's, and those by which Helm finds it.
    pub fn secret_labels(&self) -> BTreeMap<String, String> {
        let own = [
            ("name", self.name.clone()),
            ("owner", "helm".to_owned()),
            ("status", self.info.status.to_string()),
            ("version", self.revision.to_string()),
        ];
        let mut labels = self.labels.clone();
        labels.extend(own.map(|(key, value)| (key.to_owned(), value)));
        labels
    }

    /// It as the Secret's `release` entry holds it, before Kubernetes' own base64.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let json = serde_json::to_vec(self)?;
        let packed = gzip.write_all(&json).and_then(|()| gzip.finish()).map_err(serde_json::Error::io)?;
        Ok(STANDARD.encode(packed))
    }

    /// Reads what [`Record::encode`], or Helm, has written. Records of early Helm 3 are not compressed.
    pub fn decode(entry: &[u8]) -> Result<Self, Unreadable> {
        let packed = STANDARD.decode(entry)?;
        if !packed.starts_with(&[0x1f, 0x8b, 0x08]) {
            return Ok(serde_json::from_slice(&packed)?);
        }
        let mut json = Vec::new();
        let unpacked =
            flate2::read::GzDecoder::new(packed.as_slice()).take(LARGEST + 1).read_to_end(&mut json).map_err(Unreadable::Gzip)?;
        if unpacked as u64 > LARGEST {
            return Err(Unreadable::TooLarge);
        }
        Ok(serde_json::from_slice(&json)?)
    }
}

/// The name of the Secret that holds a revision.
pub fn secret_name(release: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let record = Record {
            name: "web".into(),
            info: Info { status: Status::PendingUpgrade, description: "Preparing upgrade".into(), ..Info::default() },
            chart: serde_json::json!({"metadata": {"name": "web"}, "lock": null}),
            config: Some(serde_json::Map::new()),
            manifest: "---\n# Source: web/templates/a.yaml\na: 1\n".into(),
            hooks: vec![RecordedHook {
                name: "migrate".into(),
                events: vec![HookEvent::PreInstall],
                weight: -5,
                ..RecordedHook::default()
            }],
            revision: 7,
            namespace: "production".into(),
            labels: BTreeMap::new(),
        };
        assert_eq!(Record::decode(record.encode().unwrap().as_bytes()).unwrap(), record);
        assert_eq!(record.secret_name(), "sh.helm.release.v1.web.v7");
        assert_eq!(record.secret_labels()["status"], "pending-upgrade");
    }

    #[test]
    fn what_go_writes_as_null_is_empty() {
        let json = r#"{"name":"a","info":{"first_deployed":"","last_deployed":"","deleted":"","status":"deployed"},"chart":null,
            "hooks":[{"events":null,"delete_policies":null,"last_run":{"started_at":"","completed_at":"","phase":""}}],"version":1,"namespace":"d"}"#;
        let record = Record::decode(STANDARD.encode(json).as_bytes()).unwrap();
        assert_eq!(record.hooks[0].events, []);
        assert_eq!(record.info.status, Status::Deployed);
    }

    #[test]
    fn a_record_that_is_none_is_refused_with_the_reason() {
        assert!(matches!(Record::decode(b"%%"), Err(Unreadable::Base64(_))));
        assert!(matches!(Record::decode(STANDARD.encode("{").as_bytes()), Err(Unreadable::Json(_))));
        assert!(matches!(
            Record::decode(STANDARD.encode(b"\x1f\x8b\x08nothing").as_bytes()),
            Err(Unreadable::Gzip(_) | Unreadable::Json(_))
        ));
    }
}
