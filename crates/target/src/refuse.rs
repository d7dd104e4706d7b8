//! How a manifest is refused: the field's path, and what to do.

use penstock_model::target::{ObjectKey, TargetError};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A field or kind that is not carried out here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field's path, with what is wrong about it.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// The result of reading a part of a manifest.
pub type Read<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal in words.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    /// The refusal as the target's error about one object.
    pub fn about(self, object: &ObjectKey) -> TargetError {
        TargetError::Unsupported { object: object.clone(), what: self.what, hint: self.hint }
    }
}

/// What to do about the fields that people most often bring along.
const HINTS: &[(&str, &str)] = &[
    ("initContainers", "one container a pod runs here: do the preparation in the image or in a Job"),
    ("ephemeralContainers", "use `penstock logs`; a debugging container cannot be added here"),
    ("affinity", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("nodeSelector", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("nodeName", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("tolerations", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("topologySpreadConstraints", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("priorityClassName", "there is one machine here: leave scheduling to the cluster's overlay"),
    ("imagePullSecrets", "images come from Penstock's own registry, which needs none here: remove it"),
    ("hostNetwork", "every pod has a network of its own: remove it and use a Service of type NodePort"),
    ("hostPID", "every pod has its own processes: remove it"),
    ("hostIPC", "every pod has its own IPC: remove it"),
    ("hostPort", "use a Service of type NodePort"),
    ("hostPath", "files of the machine are not bound into workloads: use a ConfigMap, a Secret or an emptyDir"),
    ("persistentVolumeClaim", "there is no storage class here: keep state in a service outside, or use a cluster"),
    ("lifecycle", "the traffic is drained before the stop signal comes, so no preStop is needed: remove it"),
    ("projected", "mount the ConfigMap and the Secret as two volumes"),
    ("trafficRouting", "Penstock's gateway splits the traffic by itself: remove it"),
    ("canaryService", "Penstock's gateway splits the traffic of the one Service by itself: remove it"),
    ("stableService", "Penstock's gateway splits the traffic of the one Service by itself: remove it"),
    ("blueGreen", "use `canary` with the steps you want"),
    ("workloadRef", "write the pod template into the Rollout itself"),
    ("privileged", "no workload is privileged here: remove it"),
    ("add", "no capability is added here: let the program do without, or use a cluster"),
    ("matchExpressions", "select by `matchLabels`"),
    ("generateName", "give the object a name, so that it is the same one the next time"),
    ("finalizers", "remove it: nothing waits for a finalizer here"),
    ("ownerReferences", "remove it: what is in Git has no owner but the application"),
    ("externalName", "write the address where the Service's name stands"),
    ("loadBalancerIP", "use a Service of type NodePort"),
    ("resourceFieldRef", "write the value"),
    ("runtimeClassName", "remove it: there is one runtime here"),
    ("dnsConfig", "Services are known by name through /etc/hosts: remove it"),
    ("dnsPolicy", "Services are known by name through /etc/hosts: remove it"),
    ("hostAliases", "Services are known by name through /etc/hosts: remove it"),
    ("fsGroup", "mounted files are readable by all, emptyDir volumes writable: remove it"),
];

/// What to do about a field.
fn hint_for(field: &str) -> &'static str {
    HINTS.iter().find(|(name, _)| *name == field).map_or("remove it, or run this workload on a Kubernetes cluster", |(_, hint)| hint)
}

/// Reads a value into a strict type; what it does not know is refused with its path.
pub fn strict<T: DeserializeOwned>(value: &Value) -> Read<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = error.path().to_string();
        let message = error.inner().to_string();
        let quoted = |prefix: &str| message.strip_prefix(prefix).and_then(|rest| rest.split('`').next());
        if let Some(field) = quoted("unknown field `") {
            if path == "." || path == "?" {
                field.clone_into(&mut path);
            } else if path.rsplit('.').next() != Some(field) {
                path = format!("{path}.{field}");
            }
            return Refusal::new(format!("`{path}`"), hint_for(field));
        }
        if let Some(field) = quoted("missing field `") {
            let path = if path == "." { field.to_owned() } else { format!("{path}.{field}") };
            return Refusal::new(format!("a manifest without `{path}`"), "write it".to_owned());
        }
        Refusal::new(format!("the value of `{path}`"), message)
    })
}

/// The deepest nesting of a manifest.
pub const MAX_DEPTH: usize = 64;
/// The largest manifest in bytes, about what etcd takes.
pub const MAX_MANIFEST: usize = 1 << 20;

/// A manifest without its nulls, which Kubernetes takes for absent; too deep or too large is refused.
pub fn tidy(value: &Value) -> Read<Value> {
    if serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len()) > MAX_MANIFEST {
        return Err(Refusal::new("a manifest of more than 1 MiB", "split it"));
    }
    without_nulls(value, 0)
}

fn without_nulls(value: &Value, depth: usize) -> Read<Value> {
    if depth > MAX_DEPTH {
        return Err(Refusal::new(format!("a manifest nested deeper than {MAX_DEPTH}"), "write it flatter"));
    }
    Ok(match value {
        Value::Object(map) => {
            let mut kept = serde_json::Map::new();
            for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                kept.insert(key.clone(), without_nulls(value, depth + 1)?);
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| without_nulls(item, depth + 1)).collect::<Read<_>>()?),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        items: Vec<Inner>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        a: u32,
    }

    #[test]
    fn a_refusal_names_the_fields_whole_path() {
        let refused = strict::<Outer>(&json!({"items": [{"a": 1}, {"a": 1, "hostPort": 2}]})).unwrap_err();
        assert_eq!(refused.what, "`items[1].hostPort`");
        assert_eq!(refused.hint, "use a Service of type NodePort");
        assert_eq!(strict::<Outer>(&json!({"items": [], "b": 1})).unwrap_err().what, "`b`");
        assert_eq!(strict::<Outer>(&json!({"items": [{}]})).unwrap_err().what, "a manifest without `items[0].a`");
        assert_eq!(strict::<Outer>(&json!({"items": [{"a": "x"}]})).unwrap_err().what, "the value of `items[0].a`");
    }

    #[test]
    fn nulls_are_absent_and_depth_is_bounded() {
        assert_eq!(tidy(&json!({"a": null, "b": [{"c": null}]})).unwrap(), json!({"b": [{}]}));
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert!(tidy(&deep).is_err());
    }
}
