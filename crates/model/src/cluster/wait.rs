//! What is waited for.

use std::fmt;

use super::ObjectName;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Each object is ready by Helm's rules for its kind; a kind without a rule is ready.
    Ready {
        /// Whether a Job has to be completed too.
        jobs: bool,
    },
    /// Each Job and each Pod has succeeded; another kind is not waited for. Helm's rule for hooks.
    Completed,
    /// None of them is there any more.
    Deleted,
}

/// An object that is not yet as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub object: ObjectName,
    /// What it lacks.
    pub why: String,
}

/// Who hears what is waited for.
pub type Told<'a> = &'a (dyn Fn(&Waiting) + Send + Sync);

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.why)
    }
}
