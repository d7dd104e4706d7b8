//! Who may log in, and what people were told.

use std::collections::BTreeMap;

use penstock_model::{Digest, Timestamp, UserName};
use serde::Serialize;

use crate::events::Role;

/// What people were told about one thing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NoticeRecord {
    /// Channel → text.
    pub sent: BTreeMap<String, String>,
    /// Channel → why not.
    pub given_up: BTreeMap<String, String>,
}

/// Somebody who may log in.
#[derive(Clone, Debug)]
pub struct UserRecord {
    /// Their name.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// The digest of their token.
    pub token: Digest,
    /// Addresses under which they write commits.
    pub emails: Vec<String>,
    /// Since when they may log in.
    pub since: Timestamp,
    /// Since when they have this token.
    pub token_since: Timestamp,
}
