//! The room's promises on what the tools really print. The fixtures were captured from the pinned versions on the
//! inputs in `fixtures/README.md`; what no reader looks at was cut from the larger ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

mod advisories;
mod arbitrary;
mod calls;
mod readers;
mod reports;

use std::path::Path;
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::tool::ToolOutput;
use penstock_scan::{Judged, Sources, Tree};

/// Where the tools were shown the tree when the fixtures were captured.
const ROOT: &str = "/srv/penstock-fixture";

fn judged<'a>(paths: &'a [String], tree: &'a Tree, sources: &'a dyn Sources) -> Judged<'a> {
    Judged { input: Path::new(ROOT), paths, tree, sources }
}

fn output(exit_code: i32, result: &[u8], stderr: &str) -> ToolOutput {
    ToolOutput {
        exit_code,
        ran: true,
        result: result.to_vec().into(),
        stderr: stderr.to_owned(),
        version: "1".to_owned(),
        digest: Digest::of(b"tool"),
        took: Duration::ZERO,
    }
}
