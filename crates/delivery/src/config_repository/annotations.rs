//! What Helm's annotations mean to a sync, as Argo CD reads them: hooks are Jobs before and after it, and what is to be kept is not pruned.

use penstock_chart::release::{Hook, HookEvent};
use penstock_gitops::order::{HOOK, OPTIONS, WAVE};
use serde_json::Value;

/// Helm's word for what is not removed.
const POLICY: &str = "helm.sh/resource-policy";
/// When a hook's object goes; the only one that leaves it for whoever wants to know how it ended.
const BEFORE_CREATION: &str = "before-hook-creation";

/// The annotations that carry a hook out, beside those that its object has; nothing for one without an occasion: a test is run by whoever
/// tests, no Application is uninstalled, and what goes back is a sync like any other.
pub(super) fn of_hook(hook: &Hook, object: &Value) -> Result<Option<Vec<(&'static str, String)>>, String> {
    let any = |events: [HookEvent; 2]| hook.events.iter().any(|event| events.contains(event));
    let is_before = any([HookEvent::PreInstall, HookEvent::PreUpgrade]);
    let is_after = any([HookEvent::PostInstall, HookEvent::PostUpgrade]);
    let own = |name: &str| object.pointer("/metadata/annotations").is_some_and(|all| all.get(name).is_some());
    let phase = match (is_before, is_after) {
        // one that is Argo CD's is none of Helm's any more
        _ if own(HOOK) => None,
        (true, false) => Some("PreSync"),
        (false, true) => Some("PostSync"),
        (false, false) => return Ok(None),
        (true, true) => {
            return Err(refused(
                hook,
                "; one before a sync (`pre-install`, `pre-upgrade`) or one after it (`post-install`, `post-upgrade`) is",
            ));
        }
    };
    if let Some(policy) = hook.delete_policies.iter().find(|policy| *policy != BEFORE_CREATION) {
        let why = format!(
            " with the delete policy `{policy}`: its Job stays until the next sync, or nobody would know how it ended; write `{BEFORE_CREATION}`"
        );
        return Err(refused(hook, &why));
    }
    let weight = (!own(WAVE)).then(|| (WAVE, hook.weight.to_string()));
    Ok(Some(phase.map(|phase| (HOOK, phase.to_owned())).into_iter().chain(weight).collect()))
}

fn refused(hook: &Hook, why: &str) -> String {
    let (source, head) = (&hook.manifest.source, &hook.manifest.head);
    let events: Vec<String> = hook.events.iter().map(ToString::to_string).collect();
    format!("{source}: the hook `{}` of {} {} is not carried out{why}", events.join(","), head.kind, head.name)
}

/// Writes annotations into an object.
pub(super) fn annotate(object: &mut Value, annotations: impl IntoIterator<Item = (&'static str, String)>) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let all = metadata.entry("annotations").or_insert_with(|| Value::Object(serde_json::Map::new()));
    if all.is_null() {
        *all = Value::Object(serde_json::Map::new());
    }
    let Some(all) = all.as_object_mut() else { return };
    all.extend(annotations.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))));
}

/// What Helm does not remove is not pruned.
pub(super) fn keep(object: &mut Value) {
    let text = |name: &str| object.pointer("/metadata/annotations").and_then(|all| all.get(name)).and_then(Value::as_str);
    if text(POLICY).is_none_or(|policy| policy.trim().to_lowercase() != "keep") {
        return;
    }
    let options = text(OPTIONS).map_or_else(|| "Prune=false".to_owned(), |options| format!("{options},Prune=false"));
    annotate(object, [(OPTIONS, options)]);
}
