//! Waiting until objects are as they should be.
//!
//! One object after the other, as Helm goes through them: what is ready meanwhile costs nothing when its turn comes. What
//! was ready is looked at once more at the end, since it may have gone bad while others were waited for.

use std::time::Duration;

use penstock_model::cluster::{Cluster as _, ClusterError, ObjectName, Query, Refusal, Told, Until, Waiting};
use serde_json::Value;
use tokio::time::Instant;

use super::cluster::KubernetesCluster;
use super::ready::{self, Verdict};
use super::trouble;
use super::watch::Watch;

/// Who waits no longer than this for an object is told nothing of it.
const MOMENT: Duration = Duration::from_secs(1);
const STILL_THERE: &str = "still there";
const NOT_THERE: &str = "not there";
/// How long it takes until it is asked again whether a kind can be found.
const LISTED: Duration = Duration::from_millis(100);

pub(super) async fn wait(
    cluster: &KubernetesCluster,
    objects: &[ObjectName],
    until: Until,
    deadline: Duration,
    told: Told<'_>,
) -> Result<(), ClusterError> {
    let objects: Vec<&ObjectName> = objects.iter().filter(|object| concerns(object, until)).collect();
    match tokio::time::timeout(deadline, settle(cluster, &objects, until, told)).await {
        Ok(settled) => settled,
        Err(_) => Err(ClusterError::NotYet(lacking(cluster, &objects, until).await)),
    }
}

fn concerns(object: &ObjectName, until: Until) -> bool {
    match until {
        Until::Ready { jobs } => ready::has_rule(object, jobs),
        Until::Completed => matches!(object.kind.as_str(), "Job" | "Pod"),
        Until::Deleted => true,
    }
}

async fn settle(cluster: &KubernetesCluster, objects: &[&ObjectName], until: Until, told: Told<'_>) -> Result<(), ClusterError> {
    loop {
        for object in objects {
            reach(cluster, object, until, told).await?;
        }
        if objects.len() < 2 || !matches!(until, Until::Ready { .. }) || lacking(cluster, objects, until).await.is_empty() {
            return Ok(());
        }
    }
}

/// Waits for one object.
async fn reach(cluster: &KubernetesCluster, object: &ObjectName, until: Until, told: Told<'_>) -> Result<(), ClusterError> {
    let (begun, mut last) = (Instant::now(), None);
    let mut own = match Watch::open(cluster, by_name(object)).await {
        // with its kind the object is gone
        Err(error) if until == Until::Deleted && (error.is_not_found() || matches!(error, ClusterError::NoSuchKind(_))) => return Ok(()),
        opened => opened?,
    };
    let mut seen = false;
    let mut others: Option<Watch<'_>> = None;
    loop {
        let live = own.found().next().cloned();
        let verdict = match (until, &live) {
            (Until::Deleted, None) => return Ok(()),
            (Until::Deleted, Some(_)) => Verdict::Waiting(STILL_THERE.to_owned()),
            (Until::Completed, None) if seen => return Ok(()),
            (Until::Completed, None) => Verdict::Waiting(NOT_THERE.to_owned()),
            (Until::Completed, Some(live)) => ready::completed(object, live),
            (Until::Ready { .. }, None) => return Err(not_found(cluster, object).await),
            (Until::Ready { .. }, Some(live)) => {
                if others.is_none()
                    && let Some(query) = ready::related(object, live)
                {
                    others = Some(Watch::open(cluster, query).await?);
                }
                let related: Vec<&Value> = others.iter().flat_map(Watch::found).collect();
                ready::verdict(object, live, &related)
            }
        };
        seen |= live.is_some();
        match verdict {
            Verdict::Ready => return listed(cluster, object, live.as_ref()).await,
            Verdict::Failed(why) => return Err(ClusterError::Failed { object: object.clone(), why }),
            Verdict::Waiting(why) => {
                if let Ok(changed) = tokio::time::timeout_at(begun + MOMENT, changed(&mut own, &mut others)).await {
                    changed?;
                    continue;
                }
                let why = if until == Until::Deleted { why } else { with_trouble(cluster, object, live, why).await };
                if last.as_ref() != Some(&why) {
                    told(&Waiting { object: object.clone(), why: why.clone() });
                    last = Some(why);
                }
                changed(&mut own, &mut others).await?;
            }
        }
    }
}

/// Ends when something happens to what is waited for.
async fn changed(own: &mut Watch<'_>, others: &mut Option<Watch<'_>>) -> Result<(), ClusterError> {
    match others {
        None => own.changed().await,
        Some(others) => tokio::select! {
            changed = own.changed() => changed,
            changed = others.changed() => changed,
        },
    }
}

/// Waits until the kind of a definition that is established can be found: the server lists it a moment later, and on a busy machine
/// that is a long one.
async fn listed(cluster: &KubernetesCluster, object: &ObjectName, live: Option<&Value>) -> Result<(), ClusterError> {
    let Some(live) = live.filter(|live| ready::is_established(object, live)) else { return Ok(()) };
    let text = |path: &str| live.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let versions = live.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let served = versions.filter(|version| version.get("served").and_then(Value::as_bool) == Some(true));
    for version in served.filter_map(|version| version.get("name")?.as_str()) {
        let api_version = format!("{}/{version}", text("/spec/group"));
        while let Err(error) = cluster.resource(&api_version, text("/spec/names/kind")).await {
            let ClusterError::NoSuchKind(_) = error else { return Err(error) };
            tokio::time::sleep(LISTED).await;
        }
    }
    Ok(())
}

/// Of how many objects that lack something it is asked what their pods say.
const ASKED: usize = 5;

/// What is still lacking, asked once.
async fn lacking(cluster: &KubernetesCluster, objects: &[&ObjectName], until: Until) -> Vec<Waiting> {
    let mut lacking = Vec::new();
    for object in objects {
        let live = cluster.get(object).await;
        let why = match (until, &live) {
            (Until::Deleted, Ok(None) | Err(ClusterError::NoSuchKind(_))) => None,
            (Until::Deleted, Ok(Some(_))) => Some(STILL_THERE.to_owned()),
            (_, Ok(None)) => Some(NOT_THERE.to_owned()),
            (_, Err(error)) => Some(error.to_string()),
            (Until::Completed, Ok(Some(live))) => ready::completed(object, live).why(),
            (Until::Ready { .. }, Ok(Some(live))) => {
                let related = match ready::related(object, live) {
                    Some(query) => cluster.list(&query).await.unwrap_or_default(),
                    None => Vec::new(),
                };
                ready::verdict(object, live, &related.iter().collect::<Vec<_>>()).why()
            }
        };
        let Some(why) = why else { continue };
        let asked = live.ok().flatten().filter(|_| until != Until::Deleted && lacking.len() < ASKED);
        lacking.push(Waiting { object: (*object).clone(), why: with_trouble(cluster, object, asked, why).await });
    }
    lacking
}

/// What an object lacks, and what its pods say of it where they can be asked.
async fn with_trouble(cluster: &KubernetesCluster, object: &ObjectName, live: Option<Value>, why: String) -> String {
    let Some(live) = live else { return why };
    let pods = match trouble::pods_of(object, &live) {
        Some(query) => cluster.list(&query).await.unwrap_or_default(),
        None if object.kind == "Pod" => vec![live.clone()],
        None => return why,
    };
    match trouble::of(&live, &pods) {
        Some(trouble) => format!("{why}: {trouble}"),
        None => why,
    }
}

fn by_name(object: &ObjectName) -> Query {
    Query {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        labels: String::new(),
        fields: format!("metadata.name={}", object.name),
    }
}

/// What the server would say to somebody who asks for it.
async fn not_found(cluster: &KubernetesCluster, object: &ObjectName) -> ClusterError {
    let plural = match cluster.resource(&object.api_version, &object.kind).await {
        Ok(resource) => resource.plural,
        Err(error) => return error,
    };
    let group = object.group();
    let of = if group.is_empty() { plural } else { format!("{plural}.{group}") };
    ClusterError::Refused(Refusal {
        code: 404,
        reason: "NotFound".into(),
        message: format!("{of} {:?} not found", object.name),
        causes: Vec::new(),
    })
}
