//! Hooks, one after the other, each run to its end.

use penstock_chart::release::{HookEvent, HookPhase, HookRun, Record, RecordedHook};
use penstock_model::cluster::{ObjectName, Propagation, Query, Until};
use serde_json::Value;

use crate::{HelmError, Progress, Releases, Waiting, objects::names};

/// The most that is shown of what one container of a hook wrote.
const LOG: u64 = 1 << 20;
const BEFORE: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";

impl Releases<'_> {
    /// Runs a release's hooks of one event, least weight first. What becomes of each is written into the record.
    pub(crate) async fn run_hooks(&self, record: &mut Record, event: HookEvent, waiting: Waiting) -> Result<(), HelmError> {
        if !waiting.hooks {
            return Ok(());
        }
        let order = in_order(&record.hooks, event);
        for &at in &order {
            self.run_hook(record, at, event, waiting).await?;
        }
        for &at in order.iter().rev() {
            let hook = &record.hooks[at];
            self.show_logs(hook, SUCCEEDED).await;
            self.delete_hook(hook, SUCCEEDED, waiting).await?;
        }
        Ok(())
    }

    async fn run_hook(&self, record: &mut Record, at: usize, event: HookEvent, waiting: Waiting) -> Result<(), HelmError> {
        let hook = &mut record.hooks[at];
        if hook.delete_policies.is_empty() {
            hook.delete_policies.push(BEFORE.to_owned());
        }
        let hook = hook.clone();
        self.say(format!("{event} hook {} ({})", hook.name, hook.path));
        self.delete_hook(&hook, BEFORE, waiting).await?;
        let building = format!("unable to build kubernetes object for {event} hook {}", hook.path);
        let objects = self.objects(&hook.manifest, &building).await?;
        record.hooks[at].last_run = HookRun { started_at: self.now(), phase: HookPhase::Running, ..HookRun::default() };
        self.keep(record).await;
        // what is stored if whoever runs this dies now is `Running`; what is left unsaid below is unknown
        record.hooks[at].last_run.phase = HookPhase::Unknown;
        let created = self.create_all(&objects).await;
        let was_created = created.is_ok();
        let ran = match created {
            Ok(()) => self.wait(&names(&objects), Until::Completed, waiting.timeout).await.map_err(HelmError::from),
            Err(error) => Err(error.during(format!("warning: Hook {event} {} failed", hook.path))),
        };
        let run = &mut record.hooks[at].last_run;
        run.completed_at = self.now();
        run.phase = if ran.is_ok() { HookPhase::Succeeded } else { HookPhase::Failed };
        // what could not be created may be somebody else's: it is not removed
        if ran.is_err() && was_created {
            self.show_logs(&hook, FAILED).await;
            if let Err(error) = self.delete_hook(&hook, FAILED, waiting).await {
                self.warn(format!("the hook {} failed and cannot be removed: {error}", hook.path));
            }
        }
        ran
    }

    /// Removes what a hook made, where one of its policies says so. Definitions of resources stay: with them would go all that they define.
    async fn delete_hook(&self, hook: &RecordedHook, policy: &str, waiting: Waiting) -> Result<(), HelmError> {
        if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.iter().any(|one| one == policy) {
            return Ok(());
        }
        let building = format!("unable to build kubernetes object for deleting hook {}", hook.path);
        let objects = names(&self.objects(&hook.manifest, &building).await?);
        self.remove_all(&objects, Propagation::Background).await?;
        Ok(self.wait(&objects, Until::Deleted, waiting.timeout).await?)
    }

    /// Shows what a hook's pods wrote, where one of its policies says so.
    async fn show_logs(&self, hook: &RecordedHook, policy: &str) {
        if !hook.output_log_policies.iter().any(|one| one == policy) {
            return;
        }
        let (labels, fields) = match hook.kind.as_str() {
            "Job" => (format!("job-name={}", hook.name), String::new()),
            "Pod" => (String::new(), format!("metadata.name={}", hook.name)),
            _ => return,
        };
        let shown = self.logs(&hook.manifest, labels, fields).await;
        if let Err(error) = shown {
            self.warn(format!("the logs of the hook {} cannot be shown: {error}", hook.path));
        }
    }

    async fn logs(&self, manifest: &str, labels: String, fields: String) -> Result<(), HelmError> {
        let objects = names(&self.objects(manifest, "unable to parse metadata.namespace for output logs").await?);
        let namespace = objects.first().map_or_else(String::new, |object| object.namespace.clone());
        let query = Query { api_version: "v1".into(), kind: "Pod".into(), namespace, labels, fields };
        for pod in self.cluster.list(&query).await? {
            self.show_pod(&pod).await?;
        }
        Ok(())
    }

    pub(crate) async fn show_pod(&self, pod: &Value) -> Result<(), HelmError> {
        let Some(name) = ObjectName::of(pod) else { return Ok(()) };
        let containers = pod.pointer("/spec/containers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for container in containers.iter().filter_map(|container| container.get("name")?.as_str()) {
            let bytes = self.cluster.logs(&name.namespace, &name.name, container, LOG).await?;
            (self.told)(Progress::Log { pod: name.name.clone(), text: String::from_utf8_lossy(&bytes).into_owned() });
        }
        Ok(())
    }

    /// Stores a record again; that it cannot be stored stops nothing, as with Helm, but is told.
    pub(crate) async fn keep(&self, record: &Record) {
        if let Err(error) = self.storage().update(record).await {
            self.warn(format!("failed to record the release: {error}"));
        }
    }
}

/// Which hooks an event runs, and in which order: by weight, then by name; they come sorted by kind.
fn in_order(hooks: &[RecordedHook], event: HookEvent) -> Vec<usize> {
    let mut order: Vec<usize> = (0..hooks.len()).filter(|at| hooks[*at].events.contains(&event)).collect();
    order.sort_by(|one, two| {
        let (one, two) = (&hooks[*one], &hooks[*two]);
        one.weight.cmp(&two.weight).then_with(|| one.name.cmp(&two.name))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_of_an_event_run_by_weight_then_by_name() {
        let hook = |name: &str, weight, event| RecordedHook { name: name.into(), weight, events: vec![event], ..RecordedHook::default() };
        use HookEvent::{PostInstall, PreInstall};
        let hooks = [hook("b", 0, PreInstall), hook("z", -1, PreInstall), hook("a", 0, PreInstall), hook("q", -9, PostInstall)];
        assert_eq!(in_order(&hooks, PreInstall), [1, 2, 0]);
        assert_eq!(in_order(&hooks, PostInstall), [3]);
    }
}
