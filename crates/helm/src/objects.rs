//! The objects of a manifest, where they belong.

use penstock_chart::release::objects;
use penstock_model::cluster::{ObjectName, ownership};
use serde_json::Value;

use crate::{HelmError, Releases};

impl Releases<'_> {
    /// The objects of a manifest, each with the namespace that it belongs to.
    pub(crate) async fn objects(&self, manifest: &str, while_doing: &'static str) -> Result<Vec<Value>, HelmError> {
        let read = objects(manifest.as_bytes()).map_err(|reason| HelmError::NotAnObject { while_doing, reason })?;
        let mut placed = Vec::with_capacity(read.len());
        for object in read {
            let object = self.cluster.place(object, self.namespace).await;
            placed.push(object.map_err(|error| HelmError::from(error).during(while_doing))?);
        }
        Ok(placed)
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
        for object in objects {
            let Some(name) = ObjectName::of(object) else { continue };
            let live = self.cluster.get(&name).await;
            let live =
                live.map_err(|error| HelmError::from(error).during(format!("could not get information about the resource {name}")))?;
            let Some(live) = live else { continue };
            match ownership::conflict(&name, &live, owner) {
                Some(why) if !take => return Err(HelmError::Foreign { operation, why }),
                _ => there.push(object.clone()),
            }
        }
        Ok(there)
    }
}

/// The names of objects.
pub(crate) fn names(objects: &[Value]) -> Vec<ObjectName> {
    objects.iter().filter_map(ObjectName::of).collect()
}
