//! What people let through on their own word: broken glass, and images that were not built here.

use penstock_model::release::{ImageRef, ReleaseId};
use penstock_model::{Digest, EnvironmentName, ProjectName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// `POST /releases/HEX/break-glass`: the first approver asks, a second one confirms by the same call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Which environment's gate.
    pub environment: EnvironmentName,
    /// Why. Whoever confirms may leave it out.
    #[serde(default)]
    pub reason: String,
    /// How long the gate is to stay open, in seconds; 4 hours unless given, 24 at most. Of two wishes the shorter counts.
    #[serde(default)]
    pub expires_seconds: Option<u64>,
    /// Only confirm what another asked.
    #[serde(default)]
    pub confirm: bool,
}

/// Its answer, and how glass stands on views.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GlassView {
    /// Which environment's gate.
    pub environment: EnvironmentName,
    /// `asked`: a second person is needed; `open`; `expired`.
    pub state: String,
    /// Who asked, and who confirmed.
    pub people: Vec<UserName>,
    /// Why.
    pub reason: String,
    /// `asked`: a second person has to confirm before this moment; `open`: the gate is open before it.
    pub until: Timestamp,
    /// How long the gate stays open once it is opened, in seconds.
    pub lasts_seconds: u64,
    /// The statement by both.
    pub envelope: Option<Digest>,
}

/// Glass in an environment's list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GlassInList {
    /// For which release.
    pub release: ReleaseId,
    /// How it stands.
    #[serde(flatten)]
    pub glass: GlassView,
}

/// `POST /imports`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewImport {
    /// The image in the own registry: by digest, or by a tag that is resolved at once.
    pub reference: String,
    /// Why.
    pub reason: String,
    /// For how long, in seconds; for ever unless given. Nothing is started from it afterwards.
    #[serde(default)]
    pub expires_seconds: Option<u64>,
    /// Under which project's approvers; the image's first part or the only project unless given.
    #[serde(default)]
    pub project: Option<ProjectName>,
}

/// Its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportView {
    /// The image by digest: what was let in.
    pub image: ImageRef,
    /// Under which project.
    pub project: ProjectName,
    /// Who let it in.
    pub by: UserName,
    /// Why.
    pub reason: String,
    /// Until when; `None` for ever.
    pub expires: Option<Timestamp>,
    /// The statement.
    pub envelope: Digest,
}
