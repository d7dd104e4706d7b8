//! From what is wanted and what lives to ordered steps, and which of them are due now.
//!
//! A plan holds every wave with its objects and the steps that are still missing. Nothing of a sync is remembered: a
//! step that was carried out is gone from the next plan, since what lives is what is wanted.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::release::Revision;
use penstock_model::target::{LiveObject, ObjectKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::application::Application;
use crate::diff::differences;
use crate::health::{Health, HealthStatus};
use crate::manifest::{Manifest, ManifestError};
use crate::order::{OPTIONS, Phase, Place, rank, wishes};

/// The revision whose sync a hook's Job ran for.
pub const HOOK_REVISION: &str = "penstock.dev/hook-revision";

/// One thing to be done at the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Make it so.
    Apply {
        /// Which object.
        key: ObjectKey,
        /// The whole manifest.
        manifest: Value,
        /// Paths that differ; empty for a new object.
        changed: Vec<String>,
    },
    /// Take it away.
    Delete {
        /// Which object.
        key: ObjectKey,
    },
}

impl Step {
    /// Which object.
    pub fn key(&self) -> &ObjectKey {
        match self {
            Self::Apply { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Objects that are applied together and must be healthy before the next wave.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// Its phase.
    pub phase: Phase,
    /// Its number within the phase.
    pub number: i32,
    /// All its objects.
    pub objects: Vec<ObjectKey>,
    /// What is missing.
    pub steps: Vec<Step>,
}

/// All of a sync.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What it leads to.
    pub revision: Revision,
    /// In order; removal comes last.
    pub waves: Vec<Wave>,
    /// No longer wanted and left alone, with the reason.
    pub kept: BTreeMap<ObjectKey, String>,
}

impl Plan {
    /// Whether nothing is missing.
    pub fn is_done(&self) -> bool {
        self.waves.iter().all(|wave| wave.steps.is_empty())
    }

    /// Everything that is missing.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.waves.iter().flat_map(|wave| &wave.steps)
    }

    /// What is missing but for hooks: the difference between Git and the target.
    pub fn drift(&self) -> Vec<ObjectKey> {
        let waves = self.waves.iter().filter(|wave| matches!(wave.phase, Phase::Sync | Phase::Prune));
        waves.flat_map(|wave| &wave.steps).map(|step| step.key().clone()).collect()
    }
}

/// What is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Next<S = Step> {
    /// These, in this order.
    Steps(Vec<S>),
    /// Nothing until these are healthy.
    Wait(Vec<(ObjectKey, Health)>),
    /// This hook failed: the sync ends.
    Failed(ObjectKey, Health),
    /// Nothing: Git and target agree.
    Done,
}

/// Plans the way from what lives to the manifests.
pub fn plan(
    application: &Application,
    manifests: &[Manifest],
    revision: Revision,
    live: &[LiveObject],
) -> Result<Plan, Vec<ManifestError>> {
    let live: BTreeMap<&ObjectKey, &LiveObject> = live.iter().map(|object| (&object.key, object)).collect();
    let mut errors = Vec::new();
    let mut waves: BTreeMap<Place, Vec<(ObjectKey, Option<Step>)>> = BTreeMap::new();
    if let Some(namespace) = own_namespace(application, manifests) {
        let first = Place { phase: Phase::PreSync, wave: i32::MIN };
        let step = apply(&namespace, live.get(&namespace.key).copied());
        waves.entry(first).or_default().push((namespace.key, step));
    }
    for manifest in manifests {
        match wishes(manifest) {
            Err(error) => errors.push(error),
            Ok(wishes) => {
                let found = live.get(&manifest.key).copied();
                let step = if wishes.place.phase == Phase::Sync { apply(manifest, found) } else { hook(manifest, revision, found) };
                waves.entry(wishes.place).or_default().push((manifest.key.clone(), step));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let wanted: BTreeSet<ObjectKey> = waves.values().flatten().map(|(key, _)| key.clone()).collect();
    let (pruned, kept) = prune(application, &wanted, &live);
    let mut waves: Vec<Wave> = waves.into_iter().map(|(place, objects)| wave(place, objects)).collect();
    let steps = pruned.iter().rev().map(|key| Step::Delete { key: (*key).clone() }).collect();
    waves.push(Wave { phase: Phase::Prune, number: 0, objects: Vec::new(), steps });
    Ok(Plan { revision, waves, kept })
}

fn own_namespace(application: &Application, manifests: &[Manifest]) -> Option<Manifest> {
    let name = &application.namespace;
    let there = manifests.iter().any(|manifest| manifest.key.kind == "Namespace" && manifest.key.name == *name);
    if there || !application.create_namespace {
        return None;
    }
    let key = ObjectKey { group: String::new(), kind: "Namespace".to_owned(), namespace: String::new(), name: name.clone() };
    let value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    Some(Manifest { key, value, file: String::new(), line: 0, lines: BTreeMap::new() })
}

fn wave(place: Place, mut objects: Vec<(ObjectKey, Option<Step>)>) -> Wave {
    objects.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)));
    let (keys, steps): (Vec<_>, Vec<_>) = objects.into_iter().unzip();
    Wave { phase: place.phase, number: place.wave, objects: keys, steps: steps.into_iter().flatten().collect() }
}

fn apply(manifest: &Manifest, live: Option<&LiveObject>) -> Option<Step> {
    let changed = match live {
        None => Vec::new(),
        Some(live) => {
            let changed = differences(Some(&live.applied), &manifest.value, &live.applied);
            if changed.is_empty() {
                return None;
            }
            changed.into_iter().map(|difference| difference.path).collect()
        }
    };
    Some(Step::Apply { key: manifest.key.clone(), manifest: manifest.value.clone(), changed })
}

/// A hook runs once for each revision: the Job of the one before is removed, then this one's is made.
fn hook(manifest: &Manifest, revision: Revision, live: Option<&LiveObject>) -> Option<Step> {
    let revision = revision.to_string();
    let ran =
        live.map(|live| live.applied.pointer("/metadata/annotations").and_then(|found| found.get(HOOK_REVISION)) == Some(&json!(revision)));
    match ran {
        Some(true) => None,
        Some(false) => Some(Step::Delete { key: manifest.key.clone() }),
        None => {
            let mut value = manifest.value.clone();
            if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
                annotations.insert(HOOK_REVISION.to_owned(), json!(revision));
            }
            Some(Step::Apply { key: manifest.key.clone(), manifest: value, changed: Vec::new() })
        }
    }
}

type Pruned<'a> = (Vec<&'a ObjectKey>, BTreeMap<ObjectKey, String>);

fn prune<'a>(application: &Application, wanted: &BTreeSet<ObjectKey>, live: &BTreeMap<&'a ObjectKey, &'a LiveObject>) -> Pruned<'a> {
    let automated = application.automated.unwrap_or_default();
    let mut kept = BTreeMap::new();
    let mut pruned: Vec<&ObjectKey> = Vec::new();
    for (key, object) in live.iter().filter(|(key, _)| !wanted.contains(**key)) {
        let annotation =
            |name: &str| object.applied.pointer("/metadata/annotations").and_then(|found| found.get(name)).and_then(Value::as_str);
        let options = annotation(OPTIONS).unwrap_or_default();
        let why = if !automated.prune {
            "`prune: true` is not set"
        } else if options.split(',').any(|option| option.trim() == "Prune=false") {
            "it says `Prune=false`"
        } else if wanted.is_empty() && !automated.allow_empty {
            "the directory is empty, which may be a mistake; `allowEmpty: true` would remove everything"
        } else if key.kind == "Namespace" && key.name == application.namespace {
            // everything else of the namespace would go with it, and not only what is ours
            "a destination's namespace is left for a person to remove"
        } else {
            pruned.push(key);
            continue;
        };
        kept.insert((*key).clone(), why.to_owned());
    }
    pruned.sort_by_key(|key| rank(key));
    (pruned, kept)
}

/// What of a plan is due. `health` is that of every live object; one that is absent is not known yet.
pub fn next(plan: &Plan, health: &BTreeMap<ObjectKey, Health>) -> Next {
    let later = |index: usize| plan.waves[index + 1..].iter().any(|wave| !wave.steps.is_empty());
    for (index, wave) in plan.waves.iter().enumerate() {
        let of = |key: &ObjectKey| health.get(key).cloned().unwrap_or_else(Health::missing);
        let is_hook = matches!(wave.phase, Phase::PreSync | Phase::PostSync);
        if is_hook && let Some(key) = wave.objects.iter().find(|key| key.kind == "Job" && of(key).status == HealthStatus::Degraded) {
            let waits = wave.steps.iter().any(|step| step.key() == key);
            if !waits {
                return Next::Failed(key.clone(), of(key));
            }
        }
        if !wave.steps.is_empty() {
            return Next::Steps(wave.steps.clone());
        }
        let unwell: Vec<_> =
            wave.objects.iter().map(|key| (key.clone(), of(key))).filter(|(_, health)| health.status != HealthStatus::Healthy).collect();
        // the last thing to do is not held up by how long it takes to get well; a hook that runs is part of the sync
        if !unwell.is_empty() && (later(index) || is_hook) {
            return Next::Wait(unwell);
        }
    }
    Next::Done
}
