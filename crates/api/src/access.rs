//! Users and secrets.

use penstock_model::{Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// Body of `POST /users`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewUser {
    /// The name.
    pub name: UserName,
    /// `reader`, `developer` or `admin`.
    pub role: String,
    /// Addresses under which they write commits.
    #[serde(default)]
    pub emails: Vec<String>,
}

/// Its answer, and that of `POST /users/NAME/token`: the one time that the token is shown.
#[derive(Clone, Serialize, Deserialize)]
pub struct NewUserToken {
    /// The name.
    pub name: UserName,
    /// The token.
    pub token: String,
}

/// A user in the list of `GET /users`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserView {
    /// Their name.
    pub name: UserName,
    /// `reader`, `developer` or `admin`.
    pub role: String,
    /// Since when they are a user.
    pub since: Timestamp,
    /// Since when they have their token.
    pub token_since: Timestamp,
}

/// Body of `PUT /projects/NAME/secrets/NAME`.
#[derive(Clone, Serialize, Deserialize)]
pub struct SecretValue {
    /// The value; never sent back.
    pub value: String,
    /// Whether it reaches jobs of every branch, and not only of the one that is delivered.
    #[serde(default)]
    pub all_branches: bool,
}

/// A secret in the list of `GET /projects/NAME/secrets`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretView {
    /// Its name.
    pub name: String,
    /// When it was set last.
    pub set: Timestamp,
    /// By whom.
    pub by: String,
    /// Whether it reaches jobs of every branch, and not only of the one that is delivered.
    pub all_branches: bool,
}
