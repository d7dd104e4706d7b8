//! The objects of a manifest, where they belong, made and removed.

use futures::stream::{self, StreamExt as _};
use penstock_chart::release::objects;
use penstock_model::cluster::{ClusterError, ObjectName, Propagation, ownership};
use serde_json::Value;

use crate::{HelmError, Releases};

/// How many objects are looked at, made or removed at the same time.
pub(crate) const AT_ONCE: usize = 8;

impl Releases<'_> {
    /// The objects of a manifest, each with the namespace that it belongs to. Every kind that the cluster does not serve is told.
    pub(crate) async fn objects(&self, manifest: &str, while_doing: &str) -> Result<Vec<Value>, HelmError> {
        self.placed(manifest).await.map_err(|error| error.during(while_doing))
    }

    /// As [`Releases::objects`], where nothing is said of what they are read for.
    pub(crate) async fn placed(&self, manifest: &str) -> Result<Vec<Value>, HelmError> {
        let read = objects(manifest.as_bytes()).map_err(HelmError::NotAnObject)?;
        let mut placed = Vec::with_capacity(read.len());
        let mut unknown = Vec::new();
        for object in read {
            has_a_kind(&object)?;
            match self.cluster.place(object, self.namespace).await {
                Ok(object) => placed.push(object),
                Err(error @ ClusterError::NoSuchKind(_)) => unknown.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        let reason = match unknown.as_slice() {
            [] => return Ok(placed),
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        Err(HelmError::NotAnObject(reason))
    }

    /// Creates objects, a kind after the other in their order. One that is refused keeps none of the others from being made, as with Helm.
    pub(crate) async fn create_all(&self, objects: &[Value]) -> Result<(), HelmError> {
        let kind = |object: &Value| object.get("kind").cloned();
        kind_by_kind(objects, kind, async |object| match self.cluster.create(object).await {
            Ok(_) => Ok(()),
            Err(error) => Err(named(ObjectName::of(object).as_ref(), error)),
        })
        .await
    }

    /// Removes objects, a kind after the other in their order; one that cannot be removed keeps none of the others from going.
    pub(crate) async fn remove_all(&self, objects: &[ObjectName], how: Propagation) -> Result<(), HelmError> {
        let kind = |object: &ObjectName| object.kind.clone();
        kind_by_kind(objects, kind, async |object| match self.cluster.delete(object, how).await {
            Ok(_) => Ok(()),
            Err(error) => Err(named(Some(object), error)),
        })
        .await
    }

    /// Marks objects as the release's.
    pub(crate) fn marked(&self, mut objects: Vec<Value>, release: &str) -> Vec<Value> {
        for object in &mut objects {
            ownership::mark(object, ownership::Owner { release, namespace: self.namespace });
        }
        objects
    }

    /// Those of these objects that the cluster has already. Without `take`, one that is not the release's is refused.
    pub(crate) async fn there_already(
        &self,
        objects: &[Value],
        release: &str,
        take: bool,
        operation: &'static str,
    ) -> Result<Vec<Value>, HelmError> {
        let owner = ownership::Owner { release, namespace: self.namespace };
        let mut there = Vec::new();
        let mut looks = stream::iter(objects.iter().map(async |object| (object, self.live(object, operation).await))).buffered(AT_ONCE);
        while let Some((object, looked)) = looks.next().await {
            let Some((name, live)) = looked? else { continue };
            match ownership::conflict(&name, &live, owner) {
                Some(why) if !take => return Err(HelmError::Foreign { operation, why }),
                _ => there.push(object.clone()),
            }
        }
        Ok(there)
    }

    /// An object as the cluster has it, with its name; `None` where it has none.
    async fn live(&self, object: &Value, operation: &'static str) -> Result<Option<(ObjectName, Value)>, HelmError> {
        let Some(name) = ObjectName::of(object).filter(|name| !name.name.is_empty()) else {
            return Err(nameless(object).during(format!("Unable to continue with {operation}")));
        };
        let live = self.cluster.get(&name).await;
        let doing = || format!("Unable to continue with {operation}: {}", unknown(&name));
        let live = live.map_err(|error| HelmError::from(error).during(doing()))?;
        Ok(live.map(|live| (name, live)))
    }
}

/// Does something to each of these. What is of one kind is done together, and what is of the next kind begins when that is done. A fault
/// keeps none of the others from being done, unless the cluster itself is gone; all are told, in the order of the objects.
async fn kind_by_kind<'a, T, K: PartialEq, F: Future<Output = Result<(), ClusterError>>>(
    all: &'a [T],
    kind: impl Fn(&T) -> K,
    act: impl Fn(&'a T) -> F,
) -> Result<(), HelmError> {
    let mut faults = Vec::new();
    for of_one_kind in all.chunk_by(|one, two| kind(one) == kind(two)) {
        let mut done = stream::iter(of_one_kind.iter().map(&act)).buffered(AT_ONCE);
        while let Some(outcome) = done.next().await {
            match outcome {
                Ok(()) => {}
                Err(error) if is_gone(&error) => return Err(error.into()),
                Err(error) => faults.push(error),
            }
        }
    }
    several(faults)
}

/// In Helm's words, that it is not known what became of an object.
fn unknown(ObjectName { kind, name, namespace, .. }: &ObjectName) -> String {
    format!("could not get information about the resource {kind} {name:?} in namespace {namespace:?}")
}

/// An object that nobody could ask for again.
fn nameless(object: &Value) -> HelmError {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let [api_version, kind, namespace] = ["/apiVersion", "/kind", "/metadata/namespace"].map(|path| text(path).to_owned());
    let name = ObjectName { api_version, kind, namespace, name: String::new() };
    HelmError::NotAnObject("resource name may not be empty".into()).during(unknown(&name))
}

/// Refuses an object without a kind, in the words of Kubernetes; between the quotes, where it has no file's name, is the object's.
fn has_a_kind(object: &Value) -> Result<(), HelmError> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let missing = [("/apiVersion", "apiVersion not set"), ("/kind", "kind not set")];
    let missing: Vec<&str> = missing.iter().filter(|(path, _)| text(path).is_empty()).map(|(_, why)| *why).collect();
    let why = match missing.as_slice() {
        [] => return Ok(()),
        [one] => (*one).to_owned(),
        both => format!("[{}]", both.join(", ")),
    };
    Err(HelmError::NotAnObject(format!("error validating {:?}: error validating data: {why}", text("/metadata/name"))))
}

/// Whether the cluster itself does not answer: then nothing more is tried.
pub(crate) fn is_gone(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Unreachable(_) | ClusterError::TimedOut(_))
}

/// An error that says which object it is about.
fn named(object: Option<&ObjectName>, error: ClusterError) -> ClusterError {
    match object {
        // what cannot be reached is the cluster, whatever the object
        Some(object) if !is_gone(&error) && !error.to_string().contains(&object.name) => error.during(object.to_string()),
        _ => error,
    }
}

fn several(mut faults: Vec<ClusterError>) -> Result<(), HelmError> {
    match faults.len() {
        0 => Ok(()),
        1 => faults.pop().map_or(Ok(()), |fault| Err(fault.into())),
        _ => Err(HelmError::Several(faults)),
    }
}

/// The names of objects.
pub(crate) fn names(objects: &[Value]) -> Vec<ObjectName> {
    objects.iter().filter_map(ObjectName::of).collect()
}
