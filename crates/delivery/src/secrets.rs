//! A project's variables, most of them secrets: set, removed, and which of them reach the jobs of a run. Whoever may push a branch
//! can have a job print what reaches it, so each is for the delivered branch alone unless it was set for all.

mod given;

use std::collections::BTreeSet;

use penstock_model::ids::Actor;
use penstock_model::secret::SecretError;
use penstock_model::{Digest, ProjectName, Secret, UserName};
use tokio::sync::Mutex;

use crate::effects::EffectError;
use crate::events::{Handling, SettingEvent};
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{RunRecord, SecretRecord, World};

pub(crate) use given::{Reaching, for_planning, reaching};

/// A value and whom it reaches lie in two places: one change at a time, and no job looks meanwhile.
static ONE: Mutex<()> = Mutex::const_new(());

/// How the store names values of variables that are for some environments.
const SCOPED: &str = "scoped-";
/// The shortest value that can be masked on a variable that is not a secret by itself (GitLab's own bound).
const MIN_MASKED: usize = 8;

fn failed(error: &SecretError) -> EffectError {
    EffectError::Other(error.to_string())
}

/// The name by which the store has a value.
fn stored(name: &str, environment: Option<&str>) -> String {
    // a digest, since a scope has letters that no file's name should have
    environment.map_or_else(|| name.to_owned(), |scope| format!("{SCOPED}{}", Digest::of(format!("{name}\0{scope}")).hex()))
}

/// Sets a secret or another variable. Its value goes to the encrypted store; its name, and how jobs get it, to the log.
pub async fn set_secret(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    name: &str,
    value: Secret,
    how: Handling,
) -> Result<(), OrderError> {
    check(name, &how)?;
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let Some(record) = world.projects.get(project) else { return Err(OrderError::Absent(format!("project `{project}`"))) };
    let (stream, actor) = (streams::settings(project), Actor::User(by.clone()));
    let before = record.secrets.get(&(name.to_owned(), how.environment.clone())).map(|known| &known.how);
    // wherever the server dies between the two, no new value reaches whom only the old one was for, and none is shown
    let least = before.map(|before| Handling {
        all_branches: before.all_branches && how.all_branches,
        plain: before.plain && how.plain,
        ..before.clone()
    });
    if let Some(how) = least.filter(|least| Some(least) != before) {
        parts.journal.record(&stream, actor.clone(), SettingEvent::SecretSet { name: name.to_owned(), how }).await?;
    }
    let key = stored(name, how.environment.as_deref());
    parts.secrets.set(project, &key, &value).await.map_err(|error| failed(&error))?;
    parts.journal.record(&stream, actor, SettingEvent::SecretSet { name: name.to_owned(), how }).await?;
    Ok(())
}

fn check(name: &str, how: &Handling) -> Result<(), OrderError> {
    let variable = how.plain || how.file;
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (b == b'-' && !variable);
    let digit_first = variable && name.starts_with(|c: char| c.is_ascii_digit());
    if name.is_empty() || name.len() > 100 || !name.bytes().all(letter) || name.starts_with(SCOPED) || digit_first {
        return refused(
            format!("`{name}` cannot name a {}", if variable { "variable" } else { "secret" }),
            if variable { "letters, digits and `_`, no digit first, at most 100" } else { "letters, digits, `_` and `-`, at most 100" },
        );
    }
    match &how.environment {
        Some(scope) if !penstock_pipeline::is_scope(scope) => {
            refused(format!("`{scope}` cannot name environments"), "letters, digits, blanks, `-_/${}.` and `*` for any text, at most 255")
        }
        _ => Ok(()),
    }
}

/// Why a variable's value cannot be masked, as GitLab has it; nothing if it can.
pub fn unmaskable(value: &Secret, expand: bool) -> Option<&'static str> {
    let text = value.expose();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_+=/@:.~-".contains(c);
    if text.chars().count() < MIN_MASKED || text.contains(char::is_whitespace) {
        return Some("a value that is masked is one line of at least 8 characters without blanks");
    }
    (expand && !text.chars().all(plain))
        .then_some("a value that is masked and expanded has letters, digits and `_+=/@:.~-` alone: set it raw")
}

/// Removes a secret or another variable, its value first: what the log does not list has no value.
pub async fn remove_secret(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    name: &str,
    environment: Option<String>,
) -> Result<(), OrderError> {
    let _one = ONE.lock().await;
    known(&parts.journal.world(), project, name, environment.clone())?;
    parts.secrets.remove(project, &stored(name, environment.as_deref())).await.map_err(|error| failed(&error))?;
    let event = SettingEvent::SecretRemoved { name: name.to_owned(), environment };
    parts.journal.record(&streams::settings(project), Actor::User(by.clone()), event).await?;
    Ok(())
}

/// The value of a variable that logs may show. What is masked is not shown again to anybody.
pub async fn shown_value(parts: &Parts, project: &ProjectName, name: &str, environment: Option<String>) -> Result<Secret, OrderError> {
    let _one = ONE.lock().await;
    let record = known(&parts.journal.world(), project, name, environment.clone())?;
    if !record.how.plain {
        return refused(format!("`{name}` is masked, and not shown again"), "set it anew if it is lost");
    }
    let value = parts.secrets.get(project, &stored(name, environment.as_deref())).await.map_err(|error| failed(&error))?;
    value.ok_or_else(|| OrderError::Absent(format!("value of `{name}` in project `{project}`")))
}

fn known(world: &World, project: &ProjectName, name: &str, environment: Option<String>) -> Result<SecretRecord, OrderError> {
    let record = world.projects.get(project).ok_or_else(|| OrderError::Absent(format!("project `{project}`")))?;
    let found = record.secrets.get(&(name.to_owned(), environment));
    found.cloned().ok_or_else(|| OrderError::Absent(format!("secret or variable `{name}` in project `{project}`")))
}

impl World {
    /// Whether a secret or variable reaches the jobs of a run: of the delivered branch, or it was set for all. One that the log
    /// does not know is protected.
    fn reaches(&self, run: &RunRecord, how: &Handling) -> bool {
        if self.is_outside(run) {
            // what logs may show, and was set for all
            return how.all_branches && how.plain;
        }
        how.all_branches || self.projects.get(&run.project).is_some_and(|project| project.delivers(&run.push.reference))
    }

    /// Names of the secrets and variables that the jobs of a run do not get as things stand.
    pub fn withheld(&self, run: &RunRecord) -> BTreeSet<String> {
        let all = self.projects.get(&run.project).into_iter().flat_map(|project| &project.secrets);
        all.filter(|(_, known)| !self.reaches(run, &known.how)).map(|((name, _), _)| name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gitlab_does_not_mask_is_told() {
        for (value, expand, good) in [
            ("hunter22", true, true),
            ("hunter2", false, false),
            ("hunter 22", false, false),
            ("hunter\n222", false, false),
            ("hunter$22", true, false),
            ("hunter$22", false, true),
        ] {
            assert_eq!(unmaskable(&Secret::new(value), expand).is_none(), good, "{value:?} {expand}");
        }
    }

    #[test]
    fn a_value_for_some_environments_lies_under_a_name_that_nobody_can_give() {
        assert_eq!(stored("KEY", None), "KEY");
        let scoped = stored("KEY", Some("review/*"));
        assert!(scoped.starts_with(SCOPED) && check(&scoped, &Handling::default()).is_err());
        assert_ne!(scoped, stored("KEY", Some("review/a")));
    }
}
