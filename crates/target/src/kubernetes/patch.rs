//! What to change of an object in a cluster, as Helm makes it: the difference between what was asked for before and what
//! is asked for now, and between that and what is there.
//!
//! Pure. Kubernetes' own kinds get a strategic merge patch, made as `strategicpatch.CreateThreeWayMergePatch` of
//! apimachinery makes it with `overwrite`; every other kind a JSON merge patch. The oracle beside this room's tests
//! answers the same questions with the Go packages that Helm links.

mod diff;
mod fits;
mod go;
mod json_merge;
mod merge;
mod order;
mod schema;
#[cfg(test)]
mod tests;

use penstock_model::cluster::{CustomMerge, Patch};
use serde_json::{Map, Value};

use self::diff::Half;
use self::schema::Shape;

/// How deep an object may be nested: what a cluster answers is not read any deeper either.
const DEEPEST: usize = 128;

/// The patch of one object; `None` if there is nothing to change.
pub fn three_way(original: &Value, modified: &Value, current: &Value, custom: CustomMerge) -> Result<Option<Patch>, String> {
    let (old, new, live) = (object(original)?, object(modified)?, object(current)?);
    let text = |key: &str| new.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let shape = Shape::of_kind(api_version, kind)
        // Helm takes definitions of the first version for custom resources
        .filter(|_| !(api_version == "apiextensions.k8s.io/v1beta1" && kind == "CustomResourceDefinition"))
        // and so what is not of its kind's type: the server is to say what is wrong with it
        .filter(|shape| fits::fits(modified, *shape));
    let patch = match (shape, custom) {
        (Some(shape), _) => Patch::Strategic(Value::Object(strategic(old, new, live, shape)?)),
        (None, CustomMerge::ThreeWay) => Patch::Merge(Value::Object(json_merge::three_way(old, new, live)?)),
        (None, CustomMerge::TwoWay) => Patch::Merge(Value::Object(json_merge::two_way(old, new))),
    };
    let (Patch::Strategic(value) | Patch::Merge(value)) = &patch;
    Ok(value.as_object().is_some_and(|map| !map.is_empty()).then_some(patch))
}

fn strategic(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    live: &Map<String, Value>,
    shape: Shape,
) -> Result<Map<String, Value>, String> {
    let additions = diff::maps(live, new, shape, Half::Additions, false)?;
    let deletions = diff::maps(old, new, shape, Half::Deletions, false)?;
    merge::maps(deletions, additions, shape)
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    if !is_within(value, DEEPEST) {
        return Err(format!("the object is nested more than {DEEPEST} levels deep"));
    }
    value.as_object().ok_or_else(|| "invalid JSON document".to_owned())
}

fn is_within(value: &Value, depth: usize) -> bool {
    match value {
        Value::Object(map) => depth > 0 && map.values().all(|inner| is_within(inner, depth - 1)),
        Value::Array(list) => depth > 0 && list.iter().all(|inner| is_within(inner, depth - 1)),
        _ => true,
    }
}
