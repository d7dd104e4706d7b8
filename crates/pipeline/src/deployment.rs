//! What a job that succeeded did to the environment that its file names.

use std::collections::BTreeMap;

use penstock_model::job::{Deployment, DeploymentAction, EnvValue};

use crate::caches::plain;
use crate::duration;
use crate::env::predefined::tier;
use crate::expand::{Expanded, expand};
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob};

/// The longest name and address that are kept.
const MAX_LENGTH: usize = 255;

/// What a GitLab job did to its environment. `env` is what [`crate::job_env`] gave, `dotenv` what the job itself reported: its
/// address may be made of both.
pub fn deployment(
    plan: &Plan,
    job: &PlannedJob,
    env: &BTreeMap<String, EnvValue>,
    dotenv: &BTreeMap<String, String>,
) -> Option<Deployment> {
    let environment = job.environment.as_ref().filter(|_| plan.dialect == Dialect::GitlabCi)?;
    let mut values = plain(env);
    let name = expand(&environment.name, &values).text;
    values.extend(dotenv.iter().map(|(name, text)| (name.clone(), Expanded { text: text.clone(), secret: false })));
    let filled = |text: &String| Some(expand(text, &values).text).filter(|text| !text.is_empty() && text.len() <= MAX_LENGTH);
    let action = match environment.action.as_deref() {
        Some("stop") => DeploymentAction::Stop,
        Some("prepare") => DeploymentAction::Prepare,
        Some("verify") => DeploymentAction::Verify,
        Some("access") => DeploymentAction::Access,
        _ => DeploymentAction::Start,
    };
    let tier = environment.tier.clone().unwrap_or_else(|| tier(&name).to_owned());
    let stops_in = environment.auto_stop_in.as_ref().and_then(filled).and_then(|text| duration::parse(&text));
    (!name.is_empty() && name.len() <= MAX_LENGTH).then(|| Deployment {
        environment: name,
        action,
        tier,
        url: environment.url.as_ref().and_then(filled),
        on_stop: environment.on_stop.clone(),
        stops_in: stops_in.map(|time| time.as_secs()).filter(|seconds| *seconds > 0),
    })
}
