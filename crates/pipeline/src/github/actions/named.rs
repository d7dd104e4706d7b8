//! What workflows and actions name elsewhere, whatever event they are for.

use super::table::resolve;
use crate::diagnostic::Diagnostic;
use crate::input::Source;
use crate::library::Unplanned;
use crate::plan::Action;
use crate::reader::Problems;
use crate::yaml::{Budget, Node, Schema, Value};

/// What a `uses` names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// A workflow of the repository that the file is of.
    Workflow {
        /// Its path.
        path: String,
    },
    /// An action of the repository that the pipeline is of.
    Action {
        /// Its folder.
        path: String,
    },
    /// An action or a workflow of another repository.
    Elsewhere {
        /// `owner/name`.
        repository: String,
        /// A commit, tag or branch.
        reference: String,
        /// An action's folder, or a workflow's path.
        path: String,
        /// Whether it is a workflow.
        workflow: bool,
        /// Whether Penstock has the action itself, and lacks what is asked of it: a copy is taken if there is one.
        spare: bool,
    },
}

/// What a workflow file or an `action.yml` names, without what Penstock carries out itself.
///
/// # Errors
/// The file cannot be read.
pub fn named(source: &Source<'_>) -> Result<Vec<Named>, Vec<Diagnostic>> {
    let mut problems = Problems::new(source.path, Schema::Core);
    let Some(root) = problems.document(source, 0, &mut Budget::new()) else {
        return match problems.fault() {
            Some(Unplanned::Refused(list)) => Err(list),
            _ => Ok(Vec::new()),
        };
    };
    let mut found = Vec::new();
    for (_, job) in get(&root, "jobs").into_iter().flat_map(entries) {
        found.extend(get(job, "uses").and_then(Node::text).and_then(workflow));
        steps(job, &mut found);
    }
    if let Some(runs) = get(&root, "runs") {
        steps(runs, &mut found);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn steps(node: &Node, found: &mut Vec<Named>) {
    let Some(Value::Seq(items)) = get(node, "steps").map(|node| &node.value) else { return };
    found.extend(items.iter().filter_map(action));
}

fn action(step: &Node) -> Option<Named> {
    let with = get(step, "with").into_iter().flat_map(entries);
    let with = with.map(|(name, value)| (name.to_lowercase(), value.text().unwrap_or_default().to_owned())).collect();
    // what is wrong with it is told by whoever plans
    match resolve(get(step, "uses")?.text()?, &with).ok()? {
        Action::Unread { path, .. } => Some(Named::Action { path }),
        Action::Elsewhere { repository, reference, path, lack, .. } => {
            Some(Named::Elsewhere { repository, reference, path, workflow: false, spare: lack.is_some() })
        }
        _ => None,
    }
}

fn workflow(uses: &str) -> Option<Named> {
    if let Some(path) = uses.strip_prefix("./") {
        return Some(Named::Workflow { path: path.to_owned() });
    }
    match super::uses::elsewhere(uses).ok()? {
        Action::Elsewhere { repository, reference, path, .. } => {
            Some(Named::Elsewhere { repository, reference, path, workflow: true, spare: false })
        }
        _ => None,
    }
}

fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries: &[_] = if let Value::Map(entries) = &node.value { entries } else { &[] };
    entries.iter().map(|(key, value)| (key.text.as_str(), value))
}

fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    entries(node).find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_not_built_in_is_named_whatever_the_event() {
        let text = "on: release\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: Org/x@v1\n      - uses: Org/x/sub@v1\n      - uses: ./here\n      - run: x\n  b: {uses: ./.github/workflows/c.yml}\n  d: {uses: o/w/.github/workflows/e.yml@main}\n";
        let far = |repository: &str, reference: &str, path: &str, workflow| Named::Elsewhere {
            repository: repository.to_owned(),
            reference: reference.to_owned(),
            path: path.to_owned(),
            workflow,
            spare: false,
        };
        assert_eq!(
            named(&Source { path: "a.yml", text }).unwrap(),
            [
                Named::Workflow { path: ".github/workflows/c.yml".to_owned() },
                Named::Action { path: "here".to_owned() },
                far("Org/x", "v1", "", false),
                far("Org/x", "v1", "sub", false),
                far("o/w", "main", ".github/workflows/e.yml", true),
            ]
        );
        let action = "runs: {using: composite, steps: [{uses: a/b@v2}, {uses: actions/cache@v4}]}";
        assert_eq!(named(&Source { path: "action.yml", text: action }).unwrap(), [far("a/b", "v2", "", false)]);
        assert!(named(&Source { path: "a.yml", text: "a: [" }).is_err());
    }
}
