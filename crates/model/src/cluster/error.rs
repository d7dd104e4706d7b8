//! Why a cluster refused or failed.

use std::fmt;

use super::{ObjectName, Waiting};

/// One cause of a refusal, as the server tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// `FieldManagerConflict`, `FieldValueRequired`, …
    pub reason: String,
    /// The server's words.
    pub message: String,
    /// The field's path: `.spec.replicas`.
    pub field: String,
}

/// The server's answer to what it did not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status code.
    pub code: u16,
    /// `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, …; empty where the server gave none.
    pub reason: String,
    /// The server's words.
    pub message: String,
    /// What it came of.
    pub causes: Vec<Cause>,
}

impl Refusal {
    /// The fields that somebody else owns, where a server-side apply was refused for that.
    pub fn conflicts(&self) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict")
    }

    /// Whether the same asked again may succeed.
    pub fn may_pass(&self) -> bool {
        self.code == 0 || self.code == 429 || (self.code >= 500 && self.code != 501)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An object of a kind that the cluster does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbuilt {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The object's name, where one is known.
    pub name: String,
    /// Its namespace as its manifest has it.
    pub namespace: String,
}

impl fmt::Display for Unbuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind, name, namespace } = self;
        if !name.is_empty() {
            write!(f, "resource mapping not found for name: {name:?} namespace: {namespace:?} from \"\": ")?;
        }
        write!(f, "no matches for kind {kind:?} in version {api_version:?}")?;
        if name.is_empty() { Ok(()) } else { f.write_str("\nensure CRDs are installed first") }
    }
}

/// Why a cluster refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// How to reach the cluster cannot be read.
    #[error("{0}")]
    Settings(String),
    /// It gave no answer.
    #[error("Kubernetes cluster unreachable: {0}")]
    Unreachable(String),
    /// It serves no such kind.
    #[error("{0}")]
    NoSuchKind(Unbuilt),
    /// A manifest without what every object has.
    #[error("an object has no {0}")]
    Unnamed(&'static str),
    /// It refused.
    #[error("{0}")]
    Refused(Refusal),
    /// What is to change of an object cannot be told.
    #[error("failed to create patch: {0}")]
    Unpatchable(String),
    /// One call took too long.
    #[error("no answer within the deadline: {0}")]
    TimedOut(String),
    /// The deadline of a wait passed first. Told with what is lacking.
    #[error("context deadline exceeded{}", lacking(.0))]
    NotYet(Vec<Waiting>),
    /// What was waited for cannot come any more.
    #[error("{why}")]
    Failed {
        /// Which object failed.
        object: ObjectName,
        /// How.
        why: String,
    },
    /// What was being done when it failed.
    #[error("{doing}: {error}")]
    During {
        /// What was being done.
        doing: String,
        /// Why it failed.
        error: Box<ClusterError>,
    },
    /// Each for itself failed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" && "))]
    Several(Vec<ClusterError>),
    /// It answered what cannot be read.
    #[error("the cluster's answer cannot be read: {0}")]
    Unreadable(String),
}

/// The first few of those that are waited for, and how many more there are.
fn lacking(waiting: &[Waiting]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = waiting.iter().take(SHOWN).map(ToString::to_string).collect();
    match (shown.is_empty(), waiting.len().saturating_sub(SHOWN)) {
        (true, _) => String::new(),
        (false, 0) => format!(": {}", shown.join("; ")),
        (false, more) => format!(": {}; and {more} more", shown.join("; ")),
    }
}

impl ClusterError {
    /// The server's refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::During { error, .. } => error.refusal(),
            _ => None,
        }
    }

    /// The same, told with what was being done.
    #[must_use]
    pub fn during(self, doing: impl Into<String>) -> Self {
        Self::During { doing: doing.into(), error: Box::new(self) }
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.reason == "NotFound" || refusal.code == 404)
    }

    /// Whether there is one of that name already.
    pub fn is_already_exists(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.reason == "AlreadyExists")
    }

    /// Whether somebody else changed it meanwhile, or owns a field of it.
    pub fn is_conflict(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.reason == "Conflict")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_not_served_is_told_in_helms_words() {
        let unbuilt = Unbuilt { api_version: "a.b/v1".into(), kind: "C".into(), name: "d".into(), namespace: String::new() };
        assert_eq!(
            unbuilt.to_string(),
            "resource mapping not found for name: \"d\" namespace: \"\" from \"\": no matches for kind \"C\" in version \"a.b/v1\"\nensure CRDs are installed first"
        );
    }

    #[test]
    fn a_wait_that_took_too_long_tells_what_is_lacking_but_no_endless_list() {
        let object = |name: &str| ObjectName { api_version: "v1".into(), kind: "Pod".into(), namespace: "shop".into(), name: name.into() };
        let waiting = |count: usize| vec![Waiting { object: object("web"), why: "the pod is not ready".into() }; count];
        let told = |count| ClusterError::NotYet(waiting(count)).to_string();
        assert_eq!(told(0), "context deadline exceeded");
        assert_eq!(told(1), "context deadline exceeded: Pod shop/web: the pod is not ready");
        assert!(told(7).ends_with("not ready; and 2 more"), "{}", told(7));
    }

    #[test]
    fn only_what_may_pass_is_worth_asking_again() {
        let code = |code| Refusal { code, ..Refusal::default() };
        assert!([429, 500, 503].into_iter().all(|at| code(at).may_pass()));
        assert!(![400, 403, 404, 409, 422, 501].into_iter().any(|at| code(at).may_pass()));
    }
}
