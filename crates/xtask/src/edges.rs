//! Which room may know which. The table is the one of ARCHITECTURE.md.

use std::path::Path;

use serde::Deserialize;

use crate::Breach;

/// The part of `cargo metadata` that counts here.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Every member of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// A room.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Where a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Ground,
    Feature,
    Hand,
    /// Drivers of one thing over traits, which the spine puts to work.
    Driver,
    /// The order of things, over traits.
    Spine,
    /// Wire types.
    Wire,
    Surface,
    Roof,
    /// Never part of the product.
    Yard,
    /// Fakes, for tests alone.
    Fakes,
}

const FEATURES: &[&str] = &["pipeline", "image", "chart", "trust", "scan", "gate", "gitops", "rollout", "recover", "observe"];
const HANDS: &[&str] = &["runner", "container", "registry", "gateway", "target", "git", "store"];

/// Libraries that bring a clock, files, processes or the network: never below a pure room.
const IMPURE: &[&str] = &[
    "tokio",
    "tokio-util",
    "tokio-stream",
    "async-trait",
    "futures",
    "reqwest",
    "hyper",
    "axum",
    "sqlx",
    "nix",
    "rustix",
    "libc",
    "libcontainer",
    "walkdir",
    "tempfile",
    "getrandom",
    "tracing",
];

fn floor(room: &str) -> Option<Floor> {
    Some(match room {
        "model" => Floor::Ground,
        "builder" | "helm" => Floor::Driver,
        "delivery" => Floor::Spine,
        "api" => Floor::Wire,
        "server" | "cli" => Floor::Surface,
        "penstock" => Floor::Roof,
        "testkit" => Floor::Fakes,
        "xtask" | "demo" | "journeys" => Floor::Yard,
        room if FEATURES.contains(&room) => Floor::Feature,
        room if HANDS.contains(&room) => Floor::Hand,
        _ => return None,
    })
}

/// Whether a room of one floor may know one of another.
fn allowed(from: Floor, to: Floor) -> bool {
    use Floor::{Driver, Fakes, Feature, Ground, Hand, Roof, Spine, Surface, Wire, Yard};
    match from {
        Ground => false,
        Feature | Hand => to == Ground,
        Spine => matches!(to, Ground | Feature | Driver),
        Driver | Wire | Fakes => matches!(to, Ground | Feature),
        Surface => matches!(to, Ground | Feature | Spine | Wire),
        Roof => !matches!(to, Yard | Fakes | Roof),
        Yard => matches!(to, Ground | Wire),
    }
}

/// A test may also know the fakes, the hands, what drives them and the pure rooms.
fn allowed_in_tests(from: Floor, to: Floor) -> bool {
    allowed(from, to)
        || (from != Floor::Ground && matches!(to, Floor::Ground | Floor::Feature | Floor::Hand | Floor::Driver | Floor::Fakes))
}

fn room(package: &str) -> Option<&str> {
    match package {
        "penstock" | "xtask" => Some(package),
        _ => package.strip_prefix("penstock-"),
    }
}

/// Every edge between rooms that the table does not allow.
pub(crate) fn check(metadata: &Metadata) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &metadata.packages {
        let Some((name, from)) = room(&package.name).and_then(|name| Some((name, floor(name)?))) else {
            breaches.push(Breach::Error(format!(
                "`{}` is a room that the table does not know: give it a floor in crates/xtask/src/edges.rs and a line in ARCHITECTURE.md",
                package.name
            )));
            continue;
        };
        for dependency in &package.dependencies {
            let test = dependency.kind.as_deref() == Some("dev");
            if from == Floor::Feature && !test && IMPURE.contains(&dependency.name.as_str()) {
                breaches.push(Breach::Error(format!(
                    "`{name}` is pure and may not use `{}`: hand the effect in, or move it to a hand",
                    dependency.name
                )));
            }
            let Some((other, to)) = room(&dependency.name).and_then(|name| Some((name, floor(name)?))) else { continue };
            if !(if test { allowed_in_tests(from, to) } else { allowed(from, to) }) {
                breaches.push(Breach::Error(format!(
                    "`{name}` ({from:?}) may not know `{other}` ({to:?}): what crosses is a plain type or a trait in `model`"
                )));
            }
        }
    }
    breaches
}

/// What every room's own manifest has, and what every pure room has beside it.
pub(crate) fn manifests(root: &Path, metadata: &Metadata) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for package in &metadata.packages {
        let manifest = Path::new(&package.manifest_path);
        let text = std::fs::read_to_string(manifest).unwrap_or_default();
        let shown = manifest.strip_prefix(root).unwrap_or(manifest).display();
        if !text.contains("[lints]\nworkspace = true") {
            breaches.push(Breach::Error(format!("{shown} lacks `[lints] workspace = true`")));
        }
        for field in ["version", "edition", "rust-version", "license"] {
            if !text.contains(&format!("{field}.workspace = true")) {
                breaches.push(Breach::Error(format!("{shown} lacks `{field}.workspace = true`")));
            }
        }
        let pure = room(&package.name).and_then(floor).is_some_and(|floor| matches!(floor, Floor::Feature | Floor::Ground));
        let link = manifest.with_file_name("clippy.toml");
        if pure && std::fs::read_link(&link).ok().as_deref() != Some(Path::new("../pure.clippy.toml")) {
            breaches.push(Breach::Error(format!(
                "{shown}: a pure room links its clippy.toml: ln -s ../pure.clippy.toml {}",
                link.strip_prefix(root).unwrap_or(&link).display()
            )));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Metadata {
        let dependencies =
            dependencies.iter().map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) }).collect();
        Metadata { packages: vec![Package { name: name.to_owned(), manifest_path: String::new(), dependencies }] }
    }

    #[test]
    fn a_feature_knows_the_model_and_no_other_feature() {
        assert!(check(&package("penstock-gate", &[("penstock-model", None), ("regorus", None)])).is_empty());
        assert_eq!(check(&package("penstock-gate", &[("penstock-trust", None)])).len(), 1);
        assert_eq!(check(&package("penstock-gate", &[("tokio", None)])).len(), 1);
    }

    #[test]
    fn a_hand_knows_no_hand_but_its_tests_may() {
        assert_eq!(check(&package("penstock-runner", &[("penstock-git", None)])).len(), 1);
        assert!(check(&package("penstock-runner", &[("penstock-git", Some("dev"))])).is_empty());
    }

    #[test]
    fn the_drivers_know_no_hand_and_the_roof_knows_all() {
        assert_eq!(check(&package("penstock-delivery", &[("penstock-git", None)])).len(), 1);
        assert!(check(&package("penstock", &[("penstock-git", None), ("penstock-server", None)])).is_empty());
    }

    #[test]
    fn a_room_that_is_not_in_the_table_is_told() {
        assert_eq!(check(&package("penstock-utils", &[])).len(), 1);
    }
}
