//! What else than a push a workflow says that it starts by: times, and events of a certain type.

use crate::input::{Dialect, Source};
use crate::reader::Problems;
use crate::yaml::{Budget, Node, Schema, Value};

/// A time of `on: schedule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowTime {
    /// As `crontab` writes it.
    pub cron: String,
    /// Its time zone, if it is not UTC.
    pub zone: Option<String>,
    /// Where it stands.
    pub line: usize,
}

/// The times of a workflow; none of a file that cannot be read, which is told where it is planned.
pub fn workflow_times(source: &Source<'_>) -> Vec<WorkflowTime> {
    if Dialect::of_path(source.path) != Dialect::GithubWorkflow {
        return Vec::new();
    }
    let mut problems = Problems::new(source.path, Schema::Core);
    let Some(root) = problems.document(source, 0, &mut Budget::new()) else { return Vec::new() };
    let Some(Value::Seq(items)) = root.get("on").and_then(|on| on.get("schedule")).map(|node| &node.value) else { return Vec::new() };
    let time = |item: &Node| {
        let text = |name: &str| item.get(name).and_then(Node::text).map(str::to_owned);
        let zone = text("timezone").filter(|zone| !is_utc(zone));
        Some(WorkflowTime { cron: text("cron")?, zone, line: item.at.line })
    };
    items.iter().filter_map(time).collect()
}

/// Whether a workflow names an event together with one of its types, as `on: {pull_request: {types: [closed]}}`.
pub fn workflow_answers(source: &Source<'_>, event: &str, kind: &str) -> bool {
    let mut problems = Problems::new(source.path, Schema::Core);
    let Some(root) = problems.document(source, 0, &mut Budget::new()) else { return false };
    let types = root.get("on").and_then(|on| on.get(event)).and_then(|event| event.get("types"));
    types.is_some_and(|types| match &types.value {
        Value::Seq(items) => items.iter().any(|item| item.text() == Some(kind)),
        _ => types.text() == Some(kind),
    })
}

/// Whether a time zone is the one that is read here.
pub(crate) fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "GMT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_an_event_is_named_or_it_is_not() {
        for (on, named) in [
            ("{pull_request: {types: [opened, closed]}}", true),
            ("{pull_request: {types: closed}}", true),
            ("{pull_request: {types: [opened]}}", false),
            ("{issues: {types: [closed]}}", false),
            ("pull_request", false),
            ("{pull_request: }", false),
            ("[pull_request]", false),
            ("{", false),
        ] {
            let text = format!("on: {on}\njobs: {{}}\n");
            assert_eq!(workflow_answers(&Source { path: ".github/workflows/a.yml", text: &text }, "pull_request", "closed"), named, "{on}");
        }
    }

    #[test]
    fn a_time_zone_that_starts_nothing_is_doubted() {
        let doubts = |zone: &str| {
            let text = format!(
                "on: {{push: , schedule: [{{cron: '5 4 * * *', timezone: {zone}}}]}}\njobs: {{a: {{runs-on: ubuntu-latest, steps: [{{run: x}}]}}}}"
            );
            let source = Source { path: ".github/workflows/a.yml", text: &text };
            let plan = crate::plan(Dialect::GithubWorkflow, &source, &crate::testing::push(), &crate::Library::new()).unwrap();
            plan.warnings.iter().map(|one| (one.line, one.message.contains("UTC"))).collect::<Vec<_>>()
        };
        assert_eq!((doubts("Europe/Berlin"), doubts("UTC")), (vec![(1, true)], Vec::new()));
    }

    #[test]
    fn a_workflows_times_are_those_of_its_schedule() {
        let times = |path: &str, text: &str| {
            let times = workflow_times(&Source { path, text });
            times.into_iter().map(|time| format!("{} {}", time.cron, time.zone.unwrap_or_default())).collect::<Vec<_>>()
        };
        let text = "on:\n  push:\n  schedule:\n    - cron: '0 3 * * *'\n    - {cron: '0 4 * * *', timezone: Europe/Berlin}\n    - {cron: '0 5 * * *', timezone: UTC}\n";
        assert_eq!(times(".github/workflows/ci.yml", text), ["0 3 * * * ", "0 4 * * * Europe/Berlin", "0 5 * * * "]);
        for (path, text) in [(".github/workflows/ci.yml", "on: push"), (".github/workflows/ci.yml", "on: ["), (".gitlab-ci.yml", text)] {
            assert!(times(path, text).is_empty(), "{path} {text}");
        }
    }
}
