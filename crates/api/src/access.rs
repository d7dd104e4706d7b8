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

/// What a job gets a variable as, in GitLab's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableType {
    /// The value itself.
    #[default]
    EnvVar,
    /// The path of a file that has the value.
    File,
}

/// Body of `PUT /projects/NAME/variables/NAME`.
#[derive(Clone, Serialize, Deserialize)]
pub struct VariableValue {
    /// The value.
    pub value: String,
    /// What a job gets.
    #[serde(default)]
    pub variable_type: VariableType,
    /// Whether logs do not show it; then the value is never sent back either.
    #[serde(default)]
    pub masked: bool,
    /// Whether `$NAME` in it stands for itself.
    #[serde(default)]
    pub raw: bool,
    /// Whether it reaches jobs of every branch, and not only of the one that is delivered.
    #[serde(default)]
    pub all_branches: bool,
    /// For which environments it is; `*` is any text.
    #[serde(default)]
    pub environment: Option<String>,
}

/// Query of `GET` and `DELETE /projects/NAME/variables/NAME`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct VariableScope {
    /// The one that is for these environments.
    #[serde(default)]
    pub environment: Option<String>,
}

/// A variable in the list of `GET /projects/NAME/variables`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VariableView {
    /// Its name.
    pub name: String,
    /// What a job gets.
    pub variable_type: VariableType,
    /// Whether logs do not show it.
    pub masked: bool,
    /// Whether `$NAME` in it stands for itself.
    pub raw: bool,
    /// Whether it reaches jobs of every branch, and not only of the one that is delivered.
    pub all_branches: bool,
    /// For which environments it is; `*` is for every job.
    pub environment: String,
    /// When it was set last.
    pub set: Timestamp,
    /// By whom.
    pub by: String,
}

/// A variable as GitLab's API gives it (`GET /projects/:id/variables`), to be taken over.
#[derive(Clone, Deserialize)]
pub struct GitlabVariable {
    /// Its name.
    pub key: String,
    /// Its value; absent if GitLab hides it.
    #[serde(default)]
    pub value: Option<String>,
    /// What a job gets.
    #[serde(default)]
    pub variable_type: VariableType,
    /// Whether it reaches protected branches and tags alone.
    #[serde(default)]
    pub protected: bool,
    /// Whether logs do not show it.
    #[serde(default)]
    pub masked: bool,
    /// Whether `$NAME` in it stands for itself.
    #[serde(default)]
    pub raw: bool,
    /// For which environments it is.
    #[serde(default)]
    pub environment_scope: Option<String>,
}
