//! A real cluster, and the programs that are compared with.

use std::path::{Path, PathBuf};

/// A program that `setup/setup.sh kube` built.
pub(crate) fn built(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("PENSTOCK_KUBE").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/kube"), PathBuf::from);
    let program = folder.join(name);
    assert!(program.exists(), "{} is missing: run setup/setup.sh kube", program.display());
    program
}
