//! What cannot be known while planning, but once other jobs are done.

use std::collections::BTreeSet;

use super::checked::{template, trees};
use super::contexts::{SETTLED, STRATEGY};
use super::expression::Expression;
use super::job::Draft;
use super::planner::Scope;
use super::template::Template;
use crate::reader::{Problems, join};
use crate::yaml::{Node, Value};

/// What is known only later.
#[derive(Clone, Debug, Default)]
pub(super) struct Late {
    /// What the jobs that are needed came to.
    needs: bool,
    /// Inputs of a called workflow, in lower case.
    inputs: BTreeSet<String>,
    /// Whether that is so of what a matrix gives.
    matrix: bool,
}

impl Late {
    /// While planning, of the workflow that the event starts.
    pub(super) fn while_planning() -> Self {
        Self { needs: true, ..Self::default() }
    }

    /// Likewise, of a workflow that is called with some inputs that are known later.
    pub(super) fn with_inputs(inputs: impl Iterator<Item = String>) -> Self {
        Self { needs: true, inputs: inputs.map(|name| name.to_lowercase()).collect(), matrix: false }
    }

    /// Likewise, of a job whose matrix is known later.
    pub(super) fn with_matrix(&self) -> Self {
        Self { matrix: true, ..self.clone() }
    }

    /// Whether an expression asks for what is known later.
    pub(super) fn asks(&self, expression: &Expression) -> bool {
        let contexts = expression.contexts();
        let inputs = contexts.iter().filter(|(name, _)| *name == "inputs").count();
        let named = expression.properties_of("inputs");
        // what is not asked for by name may be any of them
        let late_input = !self.inputs.is_empty() && (named.len() < inputs || named.iter().any(|name| self.inputs.contains(name)));
        late_input
            || contexts.iter().any(|(name, _)| match *name {
                "github" | "vars" | "inputs" => false,
                "needs" => self.needs,
                "matrix" | "strategy" => self.matrix,
                _ => true,
            })
    }

    /// Whether a part of the file does.
    pub(super) fn asks_in(&self, node: &Node) -> bool {
        match &node.value {
            Value::Seq(items) => items.iter().any(|item| self.asks_in(item)),
            Value::Map(entries) => entries.iter().any(|(_, value)| self.asks_in(value)),
            Value::Scalar { text, .. } => {
                let read = text.contains("${{").then(|| Template::read(text).ok()).flatten();
                read.is_some_and(|template| template.expressions().any(|(expression, _)| self.asks(expression)))
            }
        }
    }

    /// Whether what a job is, or how many it becomes, is known only later.
    pub(super) fn settles_later(&self, draft: &Draft<'_>) -> bool {
        settling(draft).iter().any(|(_, node)| self.asks_in(node))
    }
}

/// The keys of a job that are settled before it starts.
fn settling<'n>(draft: &Draft<'n>) -> Vec<(&'static str, &'n Node)> {
    let keys = [
        ("strategy", draft.strategy),
        ("name", draft.name),
        ("runs-on", draft.runs_on),
        ("continue-on-error", draft.continue_on_error),
        ("timeout-minutes", draft.timeout_minutes),
    ];
    keys.into_iter().filter_map(|(key, node)| Some((key, node?))).collect()
}

/// Checks, of what is settled later, what can be told now.
pub(super) fn check(draft: &Draft<'_>, problems: &mut Problems) {
    for (key, node) in settling(draft) {
        let place = if key == "strategy" { &STRATEGY } else { &SETTLED };
        trees(node, &join(&Scope::path(&draft.key), key), &mut |node, path| drop(template(node, path, place, problems)));
    }
}
