//! What the work of a run leaves: images, results of tests, evidence.

use std::collections::BTreeSet;

use penstock_model::event::{DomainEvent, EventType};
use penstock_model::evidence::Evidence;
use penstock_model::release::{ImageName, ReleaseId};
use penstock_model::{Digest, JobName, RunId};
use penstock_scan::{CoverageReport, TestTotals};
use serde::{Deserialize, Serialize};

/// What the spine adds to a run's stream, `run/ID`, beside the pipeline's own events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum WorkEvent {
    /// The pipeline file cannot be carried out.
    Rejected {
        /// For people: file, line, caret, what to do.
        diagnostics: String,
    },
    /// An image was built.
    ImageBuilt {
        /// By which job.
        job: JobName,
        /// Its name.
        image: ImageName,
        /// Its manifest's digest.
        digest: Digest,
        /// Milliseconds.
        took_ms: u64,
        /// Milliseconds that were Penstock's own and not a RUN's.
        own_ms: u64,
    },
    /// What the reports of an attempt said of tests and coverage.
    Tested {
        /// Of which job.
        job: JobName,
        /// The attempt's number.
        attempt: u32,
        /// The tests, in figures and a few names.
        totals: TestTotals,
        /// The reports that they were read from.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reports: Vec<Digest>,
        /// Lines that tests reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage: Option<CoverageReport>,
        /// Tests that ended otherwise in another attempt of the job at this commit.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        flaky: BTreeSet<String>,
    },
    /// Its images became a release, or are one that was there already.
    Released {
        /// Which.
        release: ReleaseId,
    },
}

/// Evidence as it comes, on `evidence/PROJECT`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EvidenceEvent {
    /// A statement was signed, verified and kept.
    Recorded {
        /// What it says.
        evidence: Evidence,
        /// In which run.
        run: Option<RunId>,
        /// Why it was made: the same key is not made twice.
        key: String,
    },
}

domain!(WorkEvent, "work", { Self::Rejected { .. } => "rejected", Self::ImageBuilt { .. } => "image_built", Self::Tested { .. } => "tested", Self::Released { .. } => "released" });
domain!(EvidenceEvent, "evidence", { Self::Recorded { .. } => "recorded" });
