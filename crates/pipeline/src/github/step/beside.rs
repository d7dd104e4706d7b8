//! Steps that run beside others: `background`, `parallel`, and what waits for them or ends them.

use super::{Around, step};
use crate::github::checked::checked_text;
use crate::github::contexts::STEP;
use crate::plan::{Awaited, PlannedStep};
use crate::reader::{Fields, Problems, boolean, shown, text};
use crate::yaml::{Node, Value};

/// The most steps of a group: so many run beside each other at GitHub.
const MAX_BESIDE: usize = 10;

/// The ids of steps so far, and which of them run in the background.
#[derive(Default)]
pub(super) struct Known {
    ids: Vec<(String, bool)>,
    /// How many steps have a key made for them.
    made: usize,
}

impl Known {
    /// Takes in a step's id; false if it is known already.
    pub(super) fn add(&mut self, id: &str, background: bool) -> bool {
        let new = !self.ids.iter().any(|(known, _)| known.eq_ignore_ascii_case(id));
        self.ids.push((id.to_owned(), background));
        new
    }

    fn key(&mut self, id: Option<&String>) -> String {
        self.made += 1;
        // no id begins with two lines below
        id.cloned().unwrap_or_else(|| format!("__{}", self.made))
    }

    /// A step that runs in the background, or is one of a group that does.
    pub(super) fn background(&mut self, step: PlannedStep) -> PlannedStep {
        let key = self.key(step.id());
        PlannedStep::Background { key, step: Box::new(step) }
    }
}

/// A step with `wait`, `wait-all` or `cancel`; the fields back if it has none of these.
pub(super) fn control<'n>(
    mut fields: Fields<'n>,
    step: (&Node, &str),
    known: &Known,
    problems: &mut Problems,
) -> Result<Option<PlannedStep>, Fields<'n>> {
    let (wait, all, cancel) = (fields.get("wait"), fields.even_null("wait-all"), fields.get("cancel"));
    let (node, awaited) = match (wait, all, cancel) {
        (Some(node), None, None) => (node, Awaited::For { steps: targets(node, &fields.path_of("wait"), known, problems) }),
        (None, Some(node), None) => {
            if !node.is_null() && boolean(node, &fields.path_of("wait-all"), problems) == Some(false) {
                problems.add(node.at, &fields.path_of("wait-all"), "`wait-all` is true or has no value", "remove the step");
            }
            (node, Awaited::All)
        }
        (None, None, Some(node)) => {
            let steps = target(node, &fields.path_of("cancel"), known, problems).into_iter().collect();
            (node, Awaited::Cancel { steps })
        }
        (None, None, None) => return Err(fields),
        _ => {
            problems.add(step.0.at, step.1, "a step has one of `wait`, `wait-all` and `cancel`", "make a step of each");
            return Ok(None);
        }
    };
    let line = node.at.line;
    let id = fields.get("id").and_then(|node| text(node, &fields.path_of("id"), problems));
    let name = fields.get("name").and_then(|node| checked_text(node, &fields.path_of("name"), &STEP, problems));
    let continue_on_error = fields
        .get("continue-on-error")
        .and_then(|node| super::asked(node, &fields.path_of("continue-on-error"), problems, boolean))
        .unwrap_or_default();
    fields.finish(&[("if", "it always runs"), ("run", "make a step of its own"), ("uses", "make a step of its own")], problems);
    Ok(Some(PlannedStep::Wait { line, id, name, awaited, continue_on_error }))
}

fn targets(node: &Node, path: &str, known: &Known, problems: &mut Problems) -> Vec<String> {
    match &node.value {
        Value::Seq(items) => {
            items.iter().enumerate().filter_map(|(index, item)| target(item, &format!("{path}[{index}]"), known, problems)).collect()
        }
        _ => target(node, path, known, problems).into_iter().collect(),
    }
}

fn target(node: &Node, path: &str, known: &Known, problems: &mut Problems) -> Option<String> {
    let id = text(node, path, problems)?;
    match known.ids.iter().find(|(other, _)| *other == id) {
        Some((_, true)) => Some(id),
        Some((_, false)) => {
            problems.add(node.at, path, format!("the step `{}` does not run in the background", shown(&id)), "give it `background: true`");
            None
        }
        None => {
            let help = "name a step before it by its `id`";
            problems.add(node.at, path, format!("there is no step `{}` before this one", shown(&id)), help);
            None
        }
    }
}

/// The steps of a group (`parallel`), and what waits for them.
pub(super) fn parallel(node: &Node, path: &str, around: Around<'_>, known: &mut Known, problems: &mut Problems) -> Vec<PlannedStep> {
    let items: &[Node] = match &node.value {
        Value::Seq(items) if !items.is_empty() && items.len() <= MAX_BESIDE => items,
        _ => {
            problems.add(node.at, path, format!("`parallel` is a list of 1 to {MAX_BESIDE} steps"), "start each with `- `");
            return Vec::new();
        }
    };
    let mut out = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match step(item, &path, around, known, problems).as_slice() {
            [one @ (PlannedStep::Run { .. } | PlannedStep::Uses { .. })] => {
                if let Some(id) = one.id()
                    && !known.add(id, true)
                {
                    problems.add(item.at, &format!("{path}.id"), format!("the id `{}` is given twice", shown(id)), "choose another");
                }
                out.push(known.background(one.clone()));
            }
            [] => {}
            _ => problems.add(
                item.at,
                &path,
                "a step of a group has `run` or `uses` and runs beside the others by itself",
                "move it out of the group",
            ),
        }
    }
    // scripts begin before actions are carried out
    out.sort_by_key(|step| matches!(step, PlannedStep::Background { step, .. } if matches!(**step, PlannedStep::Uses { .. })));
    let steps =
        out.iter().filter_map(|step| if let PlannedStep::Background { key, .. } = step { Some(key.clone()) } else { None }).collect();
    out.push(PlannedStep::Wait {
        line: node.at.line,
        id: None,
        name: Some("Wait for the group".to_owned()),
        awaited: Awaited::For { steps },
        continue_on_error: crate::plan::Asked::default(),
    });
    out
}
