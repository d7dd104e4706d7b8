//! An object as it is kept.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use penstock_model::canonical::canonical_digest;
use penstock_model::gateway::Counters;
use penstock_model::target::{ApplicationScope, ObjectKey, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::manifest::pod::PodTemplate;
use crate::manifest::workload::{Strategy, Workload};
use crate::manifest::{self, Kind, Manifest};
use crate::refuse::{strict, tidy};

/// An object as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which.
    pub key: ObjectKey,
    /// Whose.
    pub scope: ApplicationScope,
    /// The manifest as it was applied.
    pub applied: Value,
    /// Grows with each change of the manifest.
    pub generation: u64,
    /// When the manifest last changed, in milliseconds.
    pub changed_at: i64,
    /// A Service's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// The template that had all its pods ready: no progress is asked of it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<String>,
    /// Where a Rollout's canary stands.
    #[serde(default)]
    pub canary: Canary,
    /// Earlier pod templates that still have pods, or are stable, by hash.
    #[serde(default)]
    pub templates: BTreeMap<String, Value>,
}

/// Where a Rollout's canary stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The template that was last promoted.
    pub stable: Option<String>,
    /// The weight that was ordered, in percent.
    pub weight: u32,
    /// The weight that the canary had enough ready pods for; traffic follows no further.
    pub reached: u32,
    /// The wanted template is to be stable as soon as it has all its pods.
    pub promoted: bool,
    /// A template that is kept out.
    pub aborted: Option<String>,
    /// What the gateway had counted when the canary began.
    pub base: Option<Base>,
}

/// Counters that something began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Which start of the gateway they belong to.
    pub started: u64,
    /// Of the wanted template.
    pub canary: Counters,
    /// Of the stable template.
    pub baseline: Counters,
}

/// An object, read.
#[derive(Clone, Debug)]
pub struct Object {
    /// As it lies on the disk.
    pub record: Record,
    /// What it is.
    pub kind: Kind,
    /// The hash of its pod template; empty if it has none.
    pub wanted: String,
    /// Its pod templates by hash, the wanted one among them.
    pub templates: BTreeMap<String, PodTemplate>,
}

/// The hash of a pod template: a part of its pods' names, which are unique in the instance, so owner and namespace count.
pub fn template_hash(key: &ObjectKey, template: &Value) -> String {
    let named = json!({"kind": key.kind, "namespace": key.namespace, "name": key.name, "template": template});
    // the canonical JSON of a JSON value always exists
    let digest = canonical_digest(&named).map(|digest| digest.hex()).unwrap_or_default();
    digest.chars().take(10).collect()
}

impl Object {
    /// A new object.
    pub fn new(manifest: Manifest, scope: ApplicationScope, now: i64) -> Self {
        let record = Record {
            key: manifest.key,
            scope,
            applied: manifest.applied,
            generation: 1,
            changed_at: now,
            address: None,
            completed: None,
            canary: Canary::default(),
            templates: BTreeMap::new(),
        };
        let mut object = Self { record, kind: manifest.kind, wanted: String::new(), templates: BTreeMap::new() };
        object.refresh();
        object
    }

    /// An object as it was found on the disk.
    pub fn load(record: Record) -> Result<Self, TargetError> {
        let kind = manifest::read(&record.applied, &record.key.namespace)?.kind;
        let mut object = Self { record, kind, wanted: String::new(), templates: BTreeMap::new() };
        for (hash, template) in &object.record.templates {
            let read = tidy(template).and_then(|tidied| strict::<PodTemplate>(&tidied));
            let template = read.map_err(|refusal| refusal.about(&object.record.key))?;
            template.check("template").map_err(|refusal| refusal.about(&object.record.key))?;
            object.templates.insert(hash.clone(), template);
        }
        object.refresh();
        Ok(object)
    }

    /// Puts another manifest in its place; the template before it is kept while it is needed.
    pub fn replace(&mut self, manifest: Manifest, now: i64) {
        if let Some(template) = self.record.applied.pointer("/spec/template")
            && !self.wanted.is_empty()
        {
            self.record.templates.insert(self.wanted.clone(), template.clone());
        }
        self.record.applied = manifest.applied;
        self.record.generation += 1;
        self.record.changed_at = now;
        self.kind = manifest.kind;
        self.refresh();
    }

    /// Drops an earlier template.
    pub fn forget_template(&mut self, hash: &str) {
        if hash != self.wanted {
            self.record.templates.remove(hash);
            self.templates.remove(hash);
        }
    }

    fn refresh(&mut self) {
        let (Some(template), Some(value)) = (self.kind.template(), self.record.applied.pointer("/spec/template")) else { return };
        self.wanted = template_hash(&self.record.key, value);
        self.templates.insert(self.wanted.clone(), template.clone());
    }

    /// A Deployment's or Rollout's wishes.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.kind {
            Kind::Workload(workload) => Some(workload),
            _ => None,
        }
    }

    /// The wishes, if it is a Rollout.
    pub fn rollout(&self) -> Option<&Workload> {
        self.workload().filter(|workload| workload.strategy == Strategy::Canary)
    }
}
