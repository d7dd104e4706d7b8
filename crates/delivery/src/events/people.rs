//! What people are told, what they set, and who they are.

use penstock_model::Digest;
use penstock_model::event::{DomainEvent, EventType};
use serde::{Deserialize, Serialize};

/// What people were told, on `notice/KEY`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum NoticeEvent {
    /// One way to tell them worked.
    Sent {
        /// Such as `slack` or `email`.
        channel: String,
        /// What was said.
        text: String,
    },
    /// It did not work and will not be tried again.
    GivenUp {
        /// Such as `slack` or `email`.
        channel: String,
        /// Why.
        why: String,
    },
}

/// How jobs get a variable of their project. As nothing says otherwise, it is a secret: masked, as it is, for the delivered branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own, as people set them")]
pub struct Handling {
    /// Whether it reaches jobs of every branch. Version 1 did not say: such a secret is protected.
    #[serde(default)]
    pub all_branches: bool,
    /// For which environments it is, `*` standing for any text; `None` is for every job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether a job gets it as a file, and the file's path as the variable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file: bool,
    /// Whether logs may show it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plain: bool,
    /// Whether `$NAME` in it stands for another variable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expand: bool,
}

/// Settings that people change, on `settings/PROJECT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum SettingEvent {
    /// A secret, or another variable, was set; its value is elsewhere, encrypted.
    SecretSet {
        /// Its name.
        name: String,
        /// How jobs get it.
        #[serde(flatten)]
        how: Handling,
    },
    /// It was removed, its value first.
    SecretRemoved {
        /// Its name.
        name: String,
        /// The one for these environments.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<String>,
    },
    /// A variable was set. Read for ever, and not written any more: its value would lie open.
    VariableSet {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look, and offer commits for a branch: those are from outside.
    Reader,
    /// Push, start, stop, and approve where the config repository names them.
    Developer,
    /// Everything: projects, users, secrets too.
    Admin,
}

/// What happens to a user, on `user/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum UserEvent {
    /// Somebody may log in.
    Added {
        /// What they may do.
        role: Role,
        /// The digest of their token of 256 random bits.
        token: Digest,
        /// Addresses under which they write commits.
        emails: Vec<String>,
    },
    /// They have another token; the one before is void.
    TokenChanged {
        /// Its digest.
        token: Digest,
    },
    /// They may not any more.
    Removed,
}

domain!(NoticeEvent, "notice", { Self::Sent { .. } => "sent", Self::GivenUp { .. } => "given_up" });
domain!(SettingEvent, "setting", {
    Self::SecretSet { .. } => "secret_set" version 2, Self::SecretRemoved { .. } => "secret_removed",
    Self::VariableSet { .. } => "variable_set",
});
domain!(UserEvent, "user", {
    Self::Added { .. } => "added", Self::TokenChanged { .. } => "token_changed", Self::Removed => "removed",
});
