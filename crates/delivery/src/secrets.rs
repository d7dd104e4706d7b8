//! A project's secrets: set, removed, and which of them reach the jobs of a run. Whoever may push a branch can have a job
//! print what reaches it, so a secret is for the delivered branch alone unless it was set for all.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::ids::Actor;
use penstock_model::secret::SecretError;
use penstock_model::{ProjectName, Secret, UserName};
use tokio::sync::Mutex;

use crate::effects::EffectError;
use crate::events::SettingEvent;
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{RunRecord, World};

/// A value and whom it reaches lie in two places: one change at a time, and no job looks meanwhile.
static ONE: Mutex<()> = Mutex::const_new(());

fn failed(error: &SecretError) -> EffectError {
    EffectError::Other(error.to_string())
}

/// Sets a secret. Its value goes to the encrypted store; its name, and whom it reaches, to the log.
pub async fn set_secret(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    name: &str,
    value: Secret,
    all_branches: bool,
) -> Result<(), OrderError> {
    let valid = !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !valid {
        return refused(format!("`{name}` cannot name a secret"), "letters, digits, `_` and `-`, at most 100");
    }
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let Some(record) = world.projects.get(project) else { return Err(OrderError::Absent(format!("project `{project}`"))) };
    let event = SettingEvent::SecretSet { name: name.to_owned(), all_branches };
    let (stream, actor) = (streams::settings(project), Actor::User(by.clone()));
    // wherever the server dies between the two, no new value reaches whom only the old one was for
    let narrows = !all_branches && record.secrets.get(name).is_some_and(|known| known.all_branches);
    if narrows {
        parts.journal.record(&stream, actor.clone(), event.clone()).await?;
    }
    parts.secrets.set(project, name, &value).await.map_err(|error| failed(&error))?;
    if !narrows {
        parts.journal.record(&stream, actor, event).await?;
    }
    Ok(())
}

/// Removes a secret, its value first: what the log does not list has no value.
pub async fn remove_secret(parts: &Parts, by: &UserName, project: &ProjectName, name: &str) -> Result<(), OrderError> {
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let Some(record) = world.projects.get(project) else { return Err(OrderError::Absent(format!("project `{project}`"))) };
    if !record.secrets.contains_key(name) {
        return Err(OrderError::Absent(format!("secret `{name}` in project `{project}`")));
    }
    parts.secrets.remove(project, name).await.map_err(|error| failed(&error))?;
    let event = SettingEvent::SecretRemoved { name: name.to_owned() };
    parts.journal.record(&streams::settings(project), Actor::User(by.clone()), event).await?;
    Ok(())
}

/// The secrets of a run's jobs.
#[derive(Default)]
pub(crate) struct Reaching {
    /// What they get.
    pub given: BTreeMap<String, Secret>,
    /// Names of what they do not.
    pub withheld: BTreeSet<String>,
}

/// What reaches the jobs of a run. A value that does not is not even opened.
pub(crate) async fn reaching(parts: &Parts, run: &RunRecord) -> Result<Reaching, EffectError> {
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let mut found = Reaching::default();
    for name in parts.secrets.names(&run.project).await.map_err(|error| failed(&error))? {
        if !world.reaches(run, &name) {
            found.withheld.insert(name);
        } else if let Some(secret) = parts.secrets.get(&run.project, &name).await.map_err(|error| failed(&error))? {
            found.given.insert(name, secret);
        }
    }
    Ok(found)
}

impl World {
    /// Whether a secret reaches the jobs of a run: of the delivered branch, or it was set for all. One that the log does not
    /// know is protected.
    pub fn reaches(&self, run: &RunRecord, secret: &str) -> bool {
        let Some(project) = self.projects.get(&run.project) else { return false };
        project.delivers(&run.push.reference) || project.secrets.get(secret).is_some_and(|known| known.all_branches)
    }

    /// Names of the secrets that the jobs of a run do not get as things stand.
    pub fn withheld(&self, run: &RunRecord) -> BTreeSet<String> {
        let names = self.projects.get(&run.project).into_iter().flat_map(|project| project.secrets.keys());
        names.filter(|name| !self.reaches(run, name)).cloned().collect()
    }
}
