//! Whose an object is, as Helm marks it: a label and two annotations.

use serde_json::{Map, Value};

use super::ObjectName;

/// The label that says that Helm manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`].
pub const HELM: &str = "Helm";
/// The annotation that names the release.
pub const RELEASE_NAME: &str = "meta.helm.sh/release-name";
/// The annotation that names the release's namespace.
pub const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// The annotation by which an object outlives its release.
pub const RESOURCE_POLICY: &str = "helm.sh/resource-policy";
/// The value of [`RESOURCE_POLICY`] for that.
pub const KEEP: &str = "keep";

/// The release that objects belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
}

/// Marks an object as a release's, whosever it was.
pub fn mark(object: &mut Value, owner: Owner<'_>) {
    put(object, "labels", MANAGED_BY, HELM);
    put(object, "annotations", RELEASE_NAME, owner.release);
    put(object, "annotations", RELEASE_NAMESPACE, owner.namespace);
}

fn put(object: &mut Value, part: &str, key: &str, value: &str) {
    let Some(object) = object.as_object_mut() else { return };
    let mut at = object;
    for name in ["metadata", part] {
        let next = at.entry(name).or_insert(Value::Null);
        if !next.is_object() {
            *next = Value::Object(Map::new());
        }
        let Value::Object(map) = next else { return };
        at = map;
    }
    at.insert(key.to_owned(), Value::from(value));
}

/// Whether a live object is this release's; if not, why, in Helm's words.
pub fn check(live: &Value, owner: Owner<'_>) -> Result<(), String> {
    let wanted = [
        ("label", "labels", MANAGED_BY, HELM),
        ("annotation", "annotations", RELEASE_NAME, owner.release),
        ("annotation", "annotations", RELEASE_NAMESPACE, owner.namespace),
    ];
    let faults: Vec<String> = wanted
        .iter()
        .filter_map(|(what, part, key, value)| {
            let actual = live.get("metadata").and_then(|metadata| metadata.get(part)).and_then(|map| map.get(key)).and_then(Value::as_str);
            match actual {
                None => Some(format!("; {what} validation error: missing key {key:?}: must be set to {value:?}")),
                Some(actual) if actual != *value => {
                    Some(format!("; {what} validation error: key {key:?} must equal {value:?}: current value is {actual:?}"))
                }
                Some(_) => None,
            }
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(format!("invalid ownership metadata{}", faults.concat())) }
}

/// Why a live object cannot be taken into a release, in Helm's words; `None` if it is the release's already.
pub fn conflict(name: &ObjectName, live: &Value, owner: Owner<'_>) -> Option<String> {
    let why = check(live, owner).err()?;
    let ObjectName { kind, namespace, name, .. } = name;
    Some(format!("{kind} {name:?} in namespace {namespace:?} exists and cannot be imported into the current release: {why}"))
}

/// Whether an object outlives its release.
pub fn is_kept(object: &Value) -> bool {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get("annotations"))
        .and_then(|annotations| annotations.get(RESOURCE_POLICY))
        .and_then(Value::as_str)
        .is_some_and(|policy| policy == KEEP)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OWNER: Owner<'_> = Owner { release: "web", namespace: "shop" };

    #[test]
    fn what_was_marked_is_the_releases_and_nobody_elses() {
        let mut object = json!({"kind": "ConfigMap", "metadata": {"name": "a", "labels": {"b": "c"}}});
        mark(&mut object, OWNER);
        assert_eq!(check(&object, OWNER), Ok(()));
        assert_eq!(object["metadata"]["labels"]["b"], "c");
        let other = Owner { release: "api", ..OWNER };
        assert_eq!(
            check(&object, other).unwrap_err(),
            "invalid ownership metadata; annotation validation error: key \"meta.helm.sh/release-name\" must equal \"api\": current value is \"web\""
        );
    }

    #[test]
    fn a_stranger_is_told_all_that_it_lacks() {
        let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}});
        let name = ObjectName::of(&live).unwrap();
        assert_eq!(
            conflict(&name, &live, OWNER).unwrap(),
            "ConfigMap \"a\" in namespace \"shop\" exists and cannot be imported into the current release: invalid ownership metadata; \
             label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; \
             annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"web\"; \
             annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"shop\""
        );
    }
}
