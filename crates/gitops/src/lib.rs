//! Applications and manifests: what is wanted, what lives, what to do about the difference, and how well it is.
//!
//! Files of a directory, or what a chart's templates made, become [`Manifest`]s with their lines; these have a [`revision`] that comments, order and file
//! names do not change. [`plan()`] compares them with what lives and orders the difference into waves; [`next`] says which
//! part of it is due now. The state machine of an Application ([`app`]) decides whether it may be carried out: by
//! itself, by a person, or, for a revision that was refused, never.
//!
//! What never happens here: a removal without `prune: true`; a step of a refused revision, by self-heal neither; a key
//! of a user's file that is skipped in silence. No clock, no files, no network.

pub mod app;
pub mod application;
pub mod compare;
pub mod diff;
pub mod health;
pub mod images;
pub mod manifest;
pub mod order;
pub mod plan;
pub mod value_images;
pub mod yaml;

pub use app::{AppEvent, AppState, Command, Look, Refusal, decide, next_look, stream, wanted};
pub use application::{Application, Helm, Home, parse_application};
pub use compare::{EnvironmentDifference, compare_environments};
pub use diff::{Difference, differences};
pub use health::{Health, HealthStatus, health};
pub use images::{ImageUse, images_of, set_images};
pub use manifest::{Manifest, ManifestError, Rendered, parse_manifests, rendered_manifests, revision};
pub use plan::{Next, Plan, Step, next, plan};
pub use value_images::{UnsetImage, set_value_images, unset_images};
