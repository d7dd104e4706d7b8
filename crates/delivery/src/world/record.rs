//! The records that a world is made of.

mod people;
mod project;
mod release;
mod rollout;
mod run;

pub use people::{NoticeRecord, UserRecord};
pub use project::{ConfigSeen, EvidenceRecord, ProjectRecord, SecretRecord, TimeRecord};
pub use release::{EnvironmentState, GateAnswer, ReleaseRecord, ReleaseStep, WayBack};
pub use rollout::{CanarySpan, RolloutId, RolloutRecord};
pub use run::{BuiltImage, JobTimes, PushSeen, RunRecord, Upstream};
