//! From one list of objects to another, as Helm goes there.

use penstock_model::cluster::{Change, Cluster, ClusterError, CustomMerge, ObjectName, Outcome, Propagation, Updated, ownership};
use serde_json::Value;

use super::patch;

/// Creates and patches in the order of the target, then deletes what is wanted no more.
///
/// What cannot be created ends it at once; what cannot be patched is told after all others were tried. Nothing is deleted
/// then.
pub(super) async fn carry_out(cluster: &dyn Cluster, change: &Change) -> Outcome {
    let mut updated = Updated::default();
    let mut faults = Vec::new();
    for target in &change.target {
        match bring(cluster, change, target, &mut updated).await {
            Ok(()) => {}
            Err(Fault::Whole(failure)) => return Outcome { updated, failure: Some(failure) },
            Err(Fault::One(error)) => faults.push(error),
        }
    }
    if faults.len() > 1 {
        return Outcome { updated, failure: Some(ClusterError::Several(faults)) };
    }
    if let Some(failure) = faults.pop() {
        return Outcome { updated, failure: Some(failure) };
    }
    let targets: Vec<ObjectName> = change.target.iter().filter_map(ObjectName::of).collect();
    let gone = change.original.iter().filter_map(ObjectName::of);
    for name in gone.filter(|name| !targets.iter().any(|target| target.is_same_object(name))) {
        match remove(cluster, &name).await {
            Ok(()) => updated.deleted.push(name),
            Err(why) => updated.left.push((name, why)),
        }
    }
    Outcome { updated, failure: None }
}

enum Fault {
    /// Nothing more is done.
    Whole(ClusterError),
    /// The others are still brought.
    One(ClusterError),
}

async fn bring(cluster: &dyn Cluster, change: &Change, target: &Value, updated: &mut Updated) -> Result<(), Fault> {
    let name = ObjectName::of(target).ok_or(Fault::Whole(ClusterError::Unnamed("apiVersion, kind or metadata.name")))?;
    let live = cluster.get(&name).await.map_err(|error| Fault::Whole(error.during("could not get information about the resource")))?;
    let Some(live) = live else {
        return match cluster.create(target).await {
            Ok(made) => {
                updated.created.push(made);
                Ok(())
            }
            Err(error) => {
                updated.created.push(target.clone());
                Err(Fault::Whole(error.during("failed to create resource")))
            }
        };
    };
    let same = |object: &&Value| ObjectName::of(object).is_some_and(|other| other.is_same_object(&name));
    let Some(original) = change.original.iter().find(same) else {
        let why = format!("no {} with the name {:?} found", name.kind, name.name);
        return Err(Fault::Whole(ClusterError::Failed { object: name, why }));
    };
    let brought = if change.force {
        cluster.replace(target).await.map(Some).map_err(|error| error.during("failed to replace object"))
    } else {
        patched(cluster, &name, original, target, &live, change.custom).await
    };
    let (object, fault) = match brought {
        Ok(Some(object)) => (object, None),
        Ok(None) => (live, None),
        Err(error) => (target.clone(), Some(Fault::One(error))),
    };
    updated.updated.push(object);
    fault.map_or(Ok(()), Err)
}

async fn patched(
    cluster: &dyn Cluster,
    name: &ObjectName,
    original: &Value,
    target: &Value,
    live: &Value,
    custom: CustomMerge,
) -> Result<Option<Value>, ClusterError> {
    let Some(patch) = patch::three_way(original, target, live, custom).map_err(ClusterError::Unpatchable)? else {
        return Ok(None);
    };
    let sent = cluster.patch(name, &patch).await;
    sent.map(Some).map_err(|error| error.during(format!("cannot patch {:?} with kind {}", name.name, name.kind)))
}

/// Deletes an object, unless it is to be kept; says why it stays.
async fn remove(cluster: &dyn Cluster, name: &ObjectName) -> Result<(), String> {
    match cluster.get(name).await {
        Ok(Some(live)) if ownership::is_kept(&live) => Err(format!("kept by {}: {}", ownership::RESOURCE_POLICY, ownership::KEEP)),
        Ok(Some(_)) => match cluster.delete(name, Propagation::Background).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("gone already".into()),
            Err(error) => Err(error.to_string()),
        },
        Ok(None) => Err("gone already".into()),
        Err(error) => Err(error.to_string()),
    }
}
