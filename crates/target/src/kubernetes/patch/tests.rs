use serde_json::json;

use super::*;

/// A patch in one line, as JSON with sorted keys; the kind of object says which patch it is.
#[track_caller]
fn check(original: Value, modified: Value, current: Value, expected: Value) {
    let patch = three_way(&original, &modified, &current, CustomMerge::TwoWay).unwrap();
    let made = patch.map_or(json!({}), |(Patch::Strategic(patch) | Patch::Merge(patch))| patch);
    assert_eq!(made, expected, "{made}");
}

fn deployment(containers: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": containers}}}})
}

#[test]
fn what_nobody_asked_for_stays() {
    let asked = deployment(json!([{"name": "a", "image": "a:1"}]));
    let mut live = deployment(json!([{"name": "a", "image": "a:1", "imagePullPolicy": "Always"}, {"name": "sidecar", "image": "s:1"}]));
    live["spec"]["replicas"] = json!(3);
    check(asked.clone(), asked, live, json!({"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "a"}]}}}}));
}

#[test]
fn what_is_asked_for_no_more_goes_and_what_drifted_comes_back() {
    check(
        deployment(json!([{"name": "a", "image": "a:1", "args": ["x"]}, {"name": "b", "image": "b:1"}])),
        deployment(json!([{"name": "a", "image": "a:2"}])),
        deployment(json!([{"name": "a", "image": "a:1", "args": ["x"]}, {"name": "b", "image": "b:1"}])),
        json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "image": "a:2", "args": null}, {"name": "b", "$patch": "delete"}],
        }}}}),
    );
}

#[test]
fn a_union_is_told_which_of_its_keys_stay() {
    let strategy = |strategy: Value| json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"strategy": strategy}});
    let rolling = strategy(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}));
    check(
        rolling.clone(),
        strategy(json!({"type": "Recreate"})),
        rolling,
        json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": null}}}),
    );
}

#[test]
fn scalars_of_a_merged_list_are_deleted_by_a_list_of_their_own() {
    let finalizers = |list: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": list}});
    check(
        finalizers(json!(["a", "b"])),
        finalizers(json!(["b", "c"])),
        finalizers(json!(["a", "b", "theirs"])),
        json!({"metadata": {
            "$deleteFromPrimitiveList/finalizers": ["a"],
            "$setElementOrder/finalizers": ["b", "c"],
            "finalizers": ["c"],
        }}),
    );
}

#[test]
fn a_custom_resource_keeps_what_drifted_unless_the_cluster_is_asked_too() {
    let widget = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Widget", "spec": spec});
    let (old, new, live) =
        (widget(json!({"size": 1, "gone": true})), widget(json!({"size": 1, "list": [1]})), widget(json!({"size": 5, "gone": true})));
    check(old.clone(), new.clone(), live.clone(), json!({"spec": {"list": [1], "gone": null}}));
    let patch = three_way(&old, &new, &live, CustomMerge::ThreeWay).unwrap();
    assert_eq!(patch, Some(Patch::Merge(json!({"spec": {"size": 1, "list": [1], "gone": null}}))));
}

#[test]
fn a_field_that_no_type_has_is_refused_once_it_changes() {
    let odd = |value: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "oddity": {"a": value}});
    check(odd(json!(1)), odd(json!(1)), odd(json!(1)), json!({}));
    assert_eq!(
        three_way(&odd(json!(1)), &odd(json!(2)), &odd(json!(1)), CustomMerge::TwoWay).unwrap_err(),
        "unable to find api field in struct ConfigMap for the json field \"oddity\""
    );
}

#[test]
fn depth_ends_in_no_overflow() {
    let deep = |kind: (&str, &str), levels: usize, leaf: Value| {
        let inner = (0..levels).fold(leaf, |inner, _| Value::Object(Map::from_iter([("not".to_owned(), inner)])));
        let versions = json!([{"name": "v1", "schema": {"openAPIV3Schema": inner}}]);
        json!({"apiVersion": kind.0, "kind": kind.1, "spec": {"versions": versions}})
    };
    // as much as a worker of the runtime has
    let small = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for kind in [("example.com/v1", "Widget"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")] {
            for custom in [CustomMerge::TwoWay, CustomMerge::ThreeWay] {
                let both = |levels: usize| (deep(kind, levels, json!({"type": "a"})), deep(kind, levels, json!({"type": "b"})));
                let (old, new) = both(DEEPEST - 6);
                assert!(three_way(&old, &new, &old, custom).unwrap().is_some());
                let (old, new) = both(1000);
                assert_eq!(three_way(&old, &new, &old, custom).unwrap_err(), "the object is nested more than 128 levels deep");
            }
        }
    });
    small.unwrap().join().unwrap();
}
