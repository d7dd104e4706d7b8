//! What a job waits for besides other jobs, and what may end it early: `start_in`, `resource_group`, `interruptible`.

use std::time::Duration;

use super::job::Draft;
use super::rules::Matched;
use super::unmasked;
use crate::duration;
use crate::expand::{Expanded, Over, Values, expand};
use crate::plan::{ProcessMode, Turns, When};
use crate::reader::{Fields, Problems, shown, text};

/// The longest time that a delayed job may wait (GitLab's own bound).
const MAX_DELAY: Duration = Duration::from_hours(7 * 24);
/// The longest name of a resource group (GitLab's own bound), in characters.
const MAX_GROUP: usize = 255;

/// Reads `start_in` of a job or of a rule, which goes with `when: delayed` and with nothing else. In seconds.
pub(super) fn start_in(fields: &mut Fields<'_>, delayed: bool, problems: &mut Problems) -> Option<u64> {
    let path = fields.path_of("start_in");
    let Some(node) = fields.get("start_in") else {
        if delayed {
            problems.add(fields.key_at("when"), &fields.path_of("when"), "a delayed job has no `start_in`", "write `start_in: 30 minutes`");
        }
        return None;
    };
    if !delayed {
        problems.add(node.at, &path, "`start_in` goes with `when: delayed` only", "write `when: delayed`, or remove `start_in`");
        return None;
    }
    let time = duration::parse(&text(node, &path, problems)?).filter(|time| *time <= MAX_DELAY);
    if time.is_none() {
        problems.add(node.at, &path, "this is no time of at most a week", "as in `30 minutes` or `1h 30m`");
    }
    time.map(|time| time.as_secs())
}

/// Reads `resource_group`, which may have variables in it.
pub(super) fn resource_group(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<String> {
    let path = fields.path_of("resource_group");
    let node = fields.get("resource_group")?;
    let name = text(node, &path, problems)?;
    let known = |c: char| c.is_alphanumeric() || "-_/${}. ".contains(c);
    if name.is_empty() || name.chars().count() > MAX_GROUP || !name.chars().all(known) {
        let help = "it has letters, digits, `-`, `_`, `/`, `.` and blanks, at most 255, and variables";
        problems.add(node.at, &path, format!("`{}` cannot be a resource group", shown(&name)), help);
        return None;
    }
    Some(name)
}

/// What holds for a job of the plan, whose rules see these variables.
pub(super) fn of(draft: &Draft, matched: &Matched, variables: &dyn Values, problems: &mut Problems) -> Turns {
    let when = matched.when.or(draft.when).unwrap_or_default();
    let start_in = if when == When::Delayed { matched.start_in.or(draft.start_in) } else { None };
    let resource_group = draft.resource_group.as_ref().map(|name| {
        let of_rule = matched.variables.iter().map(|(name, variable)| {
            let plain = || Expanded::plain(&variable.value);
            (name.clone(), if variable.expand { expand(&variable.value, variables) } else { plain() })
        });
        unmasked(name, &Over::new(variables, of_rule), draft.at, &draft.name, "resource_group", problems)
    });
    let interruptible = matched.interruptible.or(draft.common.interruptible).unwrap_or(false);
    Turns { start_in, resource_group: resource_group.filter(|name| !name.is_empty()), process_mode: ProcessMode::default(), interruptible }
}
