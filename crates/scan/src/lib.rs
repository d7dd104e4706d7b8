//! Outputs of tools read into findings; SBOMs matched with advisories; SARIF.
//!
//! For every tool there is a call (pinned arguments, offline, output for machines) and a reader of what it leaves.
//! Findings have fingerprints that survive a shift of lines. What a tool printed is somebody else's text: it is read
//! within limits and never panics. Of a secret that was found nothing is kept but where it is.
//!
//! Never here: a clock, a file, a process or the network. The runner makes the calls; this room only says which.

mod advisories;
mod finding;
mod flaky;
mod judged;
mod reports;
mod sarif;
mod sbom;
mod tools;

pub use advisories::{ADVISORIES, Advisory, AdvisoryDb, AdvisoryError, Ecosystem};
pub use finding::{Finding, Level, Location, MAX_FINDINGS, PackageRef, Report, ScannerInfo, Severity, Summary};
pub use flaky::{Seen, SlowTest, Tally, TestTotals, flaky};
pub use judged::{Judged, NoSources, Sources, Tree};
pub use reports::ReportError;
pub use reports::cobertura::{CoverageReport, read_cobertura};
pub use reports::codequality::read_codequality;
pub use reports::jacoco::read_jacoco;
pub use reports::junit::{CaseOutcome, TestCase, read_junit};
pub use reports::k6::{K6Summary, Threshold, k6_args, read_k6};
pub use reports::sarif::read_sarif;
pub use reports::security::{SecurityReport, read_security};
pub use sarif::sarif;
pub use sbom::{Package, Sbom, SbomError, read_spdx};
pub use tools::{CallError, ReadError, SyftInput, Tool, syft_call, tools};
