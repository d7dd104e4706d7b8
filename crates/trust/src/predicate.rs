//! What statements say. Others' types are as their authors define them; ours are documented here field by field.

use penstock_model::evidence::predicate as types;
use serde::Serialize;

mod check;
mod person;
mod provenance;
mod summary;

pub use check::{Coverage, EnvironmentCheck, Findings, FindingsSummary, Outcome, Scanner, Spdx, TestResult};
pub use person::{Approval, BreakGlass, Import};
pub use provenance::{BUILD_TYPE, BuildDefinition, BuildMetadata, Builder, Provenance, ProvenanceInput, RunDetails};
pub use summary::{PolicyRef, Summary, SummaryInput, VerificationResult, Verifier};

/// A predicate that Penstock makes.
pub trait Predicate: Serialize {
    /// Its type.
    const TYPE: &'static str;
}

macro_rules! predicate {
    ($($type:ty => $uri:expr),+ $(,)?) => { $(impl Predicate for $type { const TYPE: &'static str = $uri; })+ };
}
predicate! {
    Provenance => types::PROVENANCE,
    Summary => types::VSA,
    Spdx => types::SPDX,
    TestResult => types::TEST_RESULT,
    Findings => types::FINDINGS,
    Coverage => types::COVERAGE,
    Approval => types::APPROVAL,
    EnvironmentCheck => types::ENVIRONMENT_CHECK,
    Import => types::IMPORT,
    BreakGlass => types::BREAK_GLASS,
}
