//! In which order objects are applied: by phase, wave and kind; removal goes the other way.

use penstock_model::target::ObjectKey;
use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, ManifestError};

/// The wave's annotation.
pub const WAVE: &str = "argocd.argoproj.io/sync-wave";
/// The hook's annotation.
pub const HOOK: &str = "argocd.argoproj.io/hook";
/// When a hook's Job is removed.
pub const HOOK_DELETE: &str = "argocd.argoproj.io/hook-delete-policy";
/// An object's own options.
pub const OPTIONS: &str = "argocd.argoproj.io/sync-options";
const PREFIX: &str = "argocd.argoproj.io/";

/// When in a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Jobs that must succeed before anything is applied.
    PreSync,
    /// The manifests.
    Sync,
    /// Jobs that run when all of it is healthy.
    PostSync,
    /// Removal of what is no longer wanted.
    Prune,
}

/// Where a manifest stands in a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When.
    pub phase: Phase,
    /// Which wave of the phase.
    pub wave: i32,
}

/// What a manifest's annotations ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Where it stands.
    pub place: Place,
    /// Whether it may be removed when it is no longer wanted.
    pub prune: bool,
}

/// Reads the annotations. What is not carried out is refused.
pub fn wishes(manifest: &Manifest) -> Result<Wishes, ManifestError> {
    let annotations = manifest.value.pointer("/metadata/annotations").and_then(|found| found.as_object());
    let error = |name: &str, what: String| {
        let line = manifest.lines.get(&format!("metadata.annotations.{name}")).copied().unwrap_or(manifest.line);
        ManifestError { file: manifest.file.clone(), line, what }
    };
    let mut wishes = Wishes { place: Place { phase: Phase::Sync, wave: 0 }, prune: true };
    for (name, value) in annotations.into_iter().flatten().filter(|(name, _)| name.starts_with(PREFIX)) {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            WAVE => {
                let wave = text.trim().parse::<i32>();
                wishes.place.wave = wave.map_err(|_| error(name, format!("the wave `{text}` is no whole number in quotes")))?;
            }
            HOOK => wishes.place.phase = hook(manifest, text).map_err(|what| error(name, what))?,
            HOOK_DELETE if text == "BeforeHookCreation" => {}
            OPTIONS => wishes.prune = options(text).map_err(|what| error(name, what))?,
            _ => return Err(error(name, format!("`{name}: {text}` is not carried out; remove it"))),
        }
    }
    Ok(wishes)
}

fn hook(manifest: &Manifest, text: &str) -> Result<Phase, String> {
    if manifest.key.kind != "Job" {
        return Err(format!("a hook must be a Job; {} is none: without the annotation it is applied with the rest", manifest.key));
    }
    if manifest.value.pointer("/spec/ttlSecondsAfterFinished").is_some() {
        return Err("a hook's Job stays until the next sync, or nobody would know that it ran; remove `ttlSecondsAfterFinished`".to_owned());
    }
    match text {
        "PreSync" => Ok(Phase::PreSync),
        "PostSync" => Ok(Phase::PostSync),
        other => Err(format!("the hook `{other}` is not carried out; `PreSync` and `PostSync` are")),
    }
}

fn options(text: &str) -> Result<bool, String> {
    let mut prune = true;
    for option in text.split(',').map(str::trim) {
        match option {
            "Prune=false" => prune = false,
            "Prune=true" => prune = true,
            // of an Application that goes, which none does here
            "Delete=false" => {}
            other => return Err(format!("the sync option `{other}` is not carried out; remove it (`Prune=false` is)")),
        }
    }
    Ok(prune)
}

/// What others rely on comes first.
const KINDS: [&str; 20] = [
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "Service",
    "AnalysisTemplate",
    "DaemonSet",
    "Pod",
    "Deployment",
    "Rollout",
    "StatefulSet",
    "Job",
];

/// A key that sorts objects by kind, then name.
pub fn rank(key: &ObjectKey) -> (usize, &ObjectKey) {
    (KINDS.iter().position(|kind| *kind == key.kind).unwrap_or(KINDS.len()), key)
}
