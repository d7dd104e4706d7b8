//! The check of the house's own rules: `cargo xtask check`.
//!
//! Reads the workspace's manifests and sources, prints every breach with what to do, and exits 1 if there is one.
//! It changes nothing.

mod edges;
mod sizes;
mod words;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// A breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// The check fails.
    Error(String),
    /// It is told and no more.
    Warning(String),
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("check") {
        check()
    } else {
        eprintln!("usage: cargo xtask check");
        ExitCode::from(2)
    }
}

fn check() -> ExitCode {
    let root = root();
    let metadata = match metadata(&root) {
        Ok(metadata) => metadata,
        Err(why) => {
            eprintln!("xtask: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut breaches = edges::check(&metadata);
    breaches.extend(edges::manifests(&root, &metadata));
    breaches.extend(sizes::check(&root));
    breaches.extend(words::check(&root));
    let mut errors = 0;
    for breach in &breaches {
        match breach {
            Breach::Error(text) => {
                errors += 1;
                eprintln!("error: {text}");
            }
            Breach::Warning(text) => eprintln!("warning: {text}"),
        }
    }
    println!("xtask: {} rooms, {errors} errors, {} warnings", metadata.packages.len(), breaches.len() - errors);
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The checkout: two levels above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf()
}

fn metadata(root: &Path) -> Result<edges::Metadata, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata printed something else: {e}"))
}
