//! What of a project's variables the jobs of a run get.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::Secret;
use penstock_pipeline::{ProjectVariable, ProjectVariables, Variable};

use super::{ONE, SCOPED, failed, stored};
use crate::effects::EffectError;
use crate::events::Handling;
use crate::parts::Parts;
use crate::world::{RunRecord, World};

/// The variables of a run's jobs.
#[derive(Default)]
pub(crate) struct Reaching {
    /// Those that are masked.
    pub secrets: BTreeMap<String, Secret>,
    /// Those that logs may show.
    pub plain: BTreeMap<String, Variable>,
    /// Those that are files.
    pub files: BTreeMap<String, Secret>,
    /// What of the files is masked.
    pub masks: Vec<Secret>,
    /// Names of what they do not get.
    pub withheld: BTreeSet<String>,
}

/// What reaches a job of a run that names this environment. A value that does not is not even opened.
pub(crate) async fn reaching(parts: &Parts, run: &RunRecord, environment: Option<&str>) -> Result<Reaching, EffectError> {
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let mut found = Reaching { withheld: world.withheld(run), ..Reaching::default() };
    let of_job =
        |(name, how): (String, Handling)| Some((penstock_pipeline::scope_fits(how.environment.as_deref(), environment)?, name, how));
    let mut all: Vec<_> = all(parts, &world, run).await?.into_iter().filter_map(of_job).collect();
    // the closer one takes the other's place
    all.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, name, how) in all {
        if !world.reaches(run, &how) {
            found.withheld.insert(name);
            continue;
        }
        if let Some(value) = value(parts, run, &name, &how).await? {
            found.take(name, value, &how);
        }
    }
    Ok(found)
}

/// The same for whoever plans the run: conditions are asked with the values, for whatever environment a job names.
pub(crate) async fn for_planning(parts: &Parts, run: &RunRecord) -> Result<ProjectVariables, EffectError> {
    let _one = ONE.lock().await;
    let world = parts.journal.world();
    let mut found = Vec::new();
    for (name, how) in all(parts, &world, run).await?.into_iter().filter(|(_, how)| world.reaches(run, how)) {
        if let Some(value) = value(parts, run, &name, &how).await? {
            let masked = how.file || !how.plain;
            found.push(ProjectVariable { name, scope: how.environment, value, masked, expand: how.expand });
        }
    }
    Ok(ProjectVariables::new(found))
}

/// All of a run's project. What the log does not know is protected, and for every environment.
async fn all(parts: &Parts, world: &World, run: &RunRecord) -> Result<Vec<(String, Handling)>, EffectError> {
    let Some(project) = world.projects.get(&run.project) else { return Ok(Vec::new()) };
    let mut all: Vec<_> = project.secrets.iter().map(|((name, _), known)| (name.clone(), known.how.clone())).collect();
    for name in parts.secrets.names(&run.project).await.map_err(|error| failed(&error))? {
        if !name.starts_with(SCOPED) && !project.secrets.contains_key(&(name.clone(), None)) {
            all.push((name, Handling::default()));
        }
    }
    Ok(all)
}

async fn value(parts: &Parts, run: &RunRecord, name: &str, how: &Handling) -> Result<Option<Secret>, EffectError> {
    let key = stored(name, how.environment.as_deref());
    parts.secrets.get(&run.project, &key).await.map_err(|error| failed(&error))
}

impl Reaching {
    fn take(&mut self, name: String, value: Secret, how: &Handling) {
        self.secrets.remove(&name);
        self.plain.remove(&name);
        self.files.remove(&name);
        match how {
            Handling { file: true, plain, .. } => {
                if !plain {
                    self.masks.push(value.clone());
                }
                self.files.insert(name, value);
            }
            Handling { plain: true, expand, .. } => {
                self.plain.insert(name, Variable { value: value.expose().to_owned(), expand: *expand });
            }
            _ => drop(self.secrets.insert(name, value)),
        }
    }
}
