//! What a cluster serves.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kube::Client;
use penstock_model::cluster::{ApiResource, ClusterError};
use serde::Deserialize;

use super::client::{self, Ask, JSON};

/// All groups in one answer, where the server knows how (beta since Kubernetes 1.26).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Every served version and kind.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    resources: HashMap<(String, String), ApiResource>,
    /// `v1`, `apps/v1`, `apps/v1/Deployment`.
    pub(super) api_versions: BTreeSet<String>,
}

impl Discovery {
    pub(super) fn find(&self, api_version: &str, kind: &str) -> Option<&ApiResource> {
        self.resources.get(&(api_version.to_owned(), kind.to_owned()))
    }

    /// Asks for everything. A group whose own server does not answer is left out, as Helm leaves it out.
    pub(super) async fn ask(client: &Client, deadline: Duration) -> Result<Self, ClusterError> {
        let mut found = Self::default();
        for root in ["/api", "/apis"] {
            let ask = Ask { accept: AGGREGATED, ..Ask::get(root) };
            let answer = client::bytes(client, ask, deadline).await?;
            match read::<Root>(&answer)? {
                Root { kind, items, .. } if kind == "APIGroupDiscoveryList" => {
                    for group in items {
                        found.add_group(group);
                    }
                }
                Root { versions, groups, .. } => {
                    let of_groups = groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version);
                    for version in versions.into_iter().chain(of_groups) {
                        found.ask_version(client, root, version, deadline).await?;
                    }
                }
            }
        }
        Ok(found)
    }

    /// One group version of a server that does not aggregate.
    async fn ask_version(&mut self, client: &Client, root: &str, version: String, deadline: Duration) -> Result<(), ClusterError> {
        let path = format!("{root}/{version}");
        self.api_versions.insert(version.clone());
        match client::bytes(client, Ask { accept: JSON, ..Ask::get(path) }, deadline).await {
            Ok(answer) => {
                for resource in read::<Served>(&answer)?.resources {
                    self.add(&version, resource.kind, &resource.name, resource.namespaced);
                }
                Ok(())
            }
            Err(ClusterError::Refused(refusal)) if refusal.may_pass() || refusal.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn add_group(&mut self, group: Group) {
        for version in group.versions.into_iter().filter(|version| version.freshness != "Stale") {
            let name = match group.metadata.name.as_str() {
                "" => version.version,
                group => format!("{group}/{}", version.version),
            };
            self.api_versions.insert(name.clone());
            for resource in version.resources {
                let namespaced = resource.scope == "Namespaced";
                for sub in resource.subresources {
                    self.add(&name, sub.response_kind.kind, &format!("{}/{}", resource.resource, sub.subresource), namespaced);
                }
                self.add(&name, resource.response_kind.kind, &resource.resource, namespaced);
            }
        }
    }

    fn add(&mut self, api_version: &str, kind: String, plural: &str, namespaced: bool) {
        if kind.is_empty() {
            return;
        }
        self.api_versions.insert(format!("{api_version}/{kind}"));
        // what is below another has no objects of its own
        if !plural.contains('/') {
            let resource = ApiResource { api_version: api_version.to_owned(), kind: kind.clone(), plural: plural.to_owned(), namespaced };
            self.resources.entry((api_version.to_owned(), kind)).or_insert(resource);
        }
    }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a [u8]) -> Result<T, ClusterError> {
    serde_json::from_slice(answer).map_err(|error| ClusterError::Unreadable(format!("discovery: {error}")))
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Root {
    kind: String,
    items: Vec<Group>,
    versions: Vec<String>,
    groups: Vec<ListedGroup>,
}

#[derive(Deserialize)]
struct ListedGroup {
    #[serde(default)]
    versions: Vec<ListedVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedVersion {
    group_version: String,
}

#[derive(Deserialize)]
struct Served {
    #[serde(default)]
    resources: Vec<ServedResource>,
}

#[derive(Deserialize)]
struct ServedResource {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    metadata: Named,
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
    freshness: String,
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resource {
    resource: String,
    response_kind: Kind,
    scope: String,
    subresources: Vec<Subresource>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Subresource {
    subresource: String,
    response_kind: Kind,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind {
    kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subresources_are_kinds_but_have_no_objects_and_stale_versions_are_left_out() {
        let group: Group = serde_json::from_str(
            r#"{"metadata": {"name": "apps"}, "versions": [
                {"version": "v1", "freshness": "Current", "resources": [
                    {"resource": "deployments", "responseKind": {"kind": "Deployment"}, "scope": "Namespaced",
                     "subresources": [{"subresource": "scale", "responseKind": {"kind": "Scale"}}]}]},
                {"version": "v0", "freshness": "Stale"}]}"#,
        )
        .unwrap();
        let mut found = Discovery::default();
        found.add_group(group);
        assert_eq!(found.api_versions.iter().map(String::as_str).collect::<Vec<_>>(), ["apps/v1", "apps/v1/Deployment", "apps/v1/Scale"]);
        assert!(found.find("apps/v1", "Scale").is_none());
        assert_eq!(found.find("apps/v1", "Deployment").unwrap().plural, "deployments");
    }
}
