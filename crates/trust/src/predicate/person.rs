//! What people decided. The server signs it after it has authenticated them.

use penstock_model::release::Revision;
use penstock_model::{Digest, EnvironmentName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// An approval of a release for an environment. Its subject is the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The environment.
    pub environment: EnvironmentName,
    /// The revision that was looked at.
    pub revision: Revision,
    /// The digest of the policy that was in force.
    pub policy: Digest,
    /// Milliseconds since 1970; it counts before this moment.
    pub expires: Timestamp,
    /// Who approved, as authenticated.
    pub approver: UserName,
}

/// An image that was not built here was let in. Its subject is the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Where it came from, as it was asked for.
    pub source: String,
    /// Why.
    pub reason: String,
    /// Who let it in, as authenticated.
    pub by: UserName,
    /// Milliseconds since 1970; it counts before this moment. `None` for ever.
    pub expires: Option<Timestamp>,
}

/// Two people opened a gate for a time. Its subject is the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// The environment.
    pub environment: EnvironmentName,
    /// What would run there.
    pub revision: Revision,
    /// The digest of the policy that refused.
    pub policy: Digest,
    /// The two, as authenticated.
    pub people: [UserName; 2],
    /// Why.
    pub reason: String,
    /// Milliseconds since 1970; it counts before this moment.
    pub expires: Timestamp,
}
