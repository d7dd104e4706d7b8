//! Names and identifiers. Each is a type of its own with one door in: [`FromStr`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name that is accepted, in bytes. Namespaces and labels of Kubernetes allow 63.
pub const MAX_NAME: usize = 63;

/// A name that does not have the form its type asks for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{given}` is not a valid {what}: {rule}")]
pub struct InvalidName {
    /// What kind of name was expected.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// Writes a string newtype whose only constructor is `FromStr`.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $valid:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(given: &str) -> Result<Self, Self::Err> {
                if $valid(given) {
                    Ok(Self(given.to_owned()))
                } else {
                    let given = given.chars().take(80).collect();
                    Err(InvalidName { what: $what, given, rule: $rule })
                }
            }
        }
        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(given: String) -> Result<Self, Self::Error> {
                given.parse()
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// RFC 1123 label: lower-case letters, digits and inner `-`.
fn is_label(given: &str) -> bool {
    let bytes = given.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    given.len() <= MAX_NAME
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

fn is_user(given: &str) -> bool {
    !given.is_empty()
        && given.len() <= MAX_NAME
        && given.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !given.starts_with(['-', '.'])
}

fn is_job(given: &str) -> bool {
    !given.is_empty() && given.chars().count() <= 255 && !given.chars().any(char::is_control)
}

fn is_commit(given: &str) -> bool {
    matches!(given.len(), 40 | 64) && given.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_run(given: &str) -> bool {
    given.len() == 26 && ulid::Ulid::from_string(given).is_ok() && given == given.to_ascii_uppercase()
}

name!(
    /// A project: a Git repository that Penstock delivers.
    ProjectName, "project name", "lower-case letters, digits and inner `-`, at most 63", is_label
);
name!(
    /// A repository on Penstock's Git host: a project's source, or a config repository.
    RepositoryName, "repository name", "lower-case letters, digits and inner `-`, at most 63", is_label
);
name!(
    /// An environment: staging, production, …
    EnvironmentName, "environment name", "lower-case letters, digits and inner `-`, at most 63", is_label
);
name!(
    /// A person or a machine that may log in.
    UserName, "user name", "letters, digits, `-`, `_` and `.`, at most 63, not starting with `-` or `.`", is_user
);
name!(
    /// A job's name within its plan, as the pipeline file gives it (GitLab allows 255 characters, spaces and colons).
    JobName, "job name", "1 to 255 characters without control characters", is_job
);
name!(
    /// A commit's full object id, SHA-1 or SHA-256, in lower-case hexadecimal.
    CommitId, "commit id", "40 or 64 lower-case hexadecimal digits", is_commit
);
name!(
    /// A run: one execution of a plan. A ULID, so that text order is the order of creation.
    RunId, "run id", "26 characters of Crockford base 32", is_run
);

impl From<ProjectName> for RepositoryName {
    fn from(project: ProjectName) -> Self {
        Self(project.0)
    }
}

impl CommitId {
    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl RunId {
    /// Makes a run's id from the time in milliseconds and 80 bits of randomness, both handed in.
    pub fn from_parts(unix_millis: u64, random: u128) -> Self {
        Self(ulid::Ulid::from_parts(unix_millis, random).to_string())
    }
}

/// Who did something: a person as authenticated, a job under its token, or Penstock by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Actor {
    /// An authenticated user.
    User(UserName),
    /// A job under its own token, as `run/job`.
    Job(String),
    /// A driver of Penstock.
    Penstock,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "{name}"),
            Self::Job(name) => write!(f, "job {name}"),
            Self::Penstock => f.write_str("penstock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_their_directory_are_refused() {
        for bad in ["", "..", "a/b", "-a", "a-", "A", "a b", "a\0", &"a".repeat(64)] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("oran-config".parse::<RepositoryName>().unwrap().as_str(), "oran-config");
    }

    #[test]
    fn a_job_may_be_called_as_in_gitlab() {
        let (long, longer) = ("é".repeat(255), "é".repeat(256));
        for good in ["test 1/3", "test: [3.11, linux]", "a:b/c", "test (3.11, x)", &long] {
            assert_eq!(good.parse::<JobName>().unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "a\0", &longer] {
            assert!(bad.parse::<JobName>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_serialised_name_is_checked_on_the_way_in() {
        assert!(serde_json::from_str::<EnvironmentName>("\"../etc\"").is_err());
    }

    #[test]
    fn run_ids_sort_by_time() {
        assert!(RunId::from_parts(1, 9) < RunId::from_parts(2, 0));
    }
}
