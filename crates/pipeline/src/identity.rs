//! What a job's identity tokens say: who it is, in the words of its dialect, for whoever verifies them.
//!
//! GitLab's as its reference of ID token authentication lists them, GitHub's as its reference of `OpenID` Connect does. What has no
//! meaning here (numbers of projects, users and namespaces, addresses of people) is left out and not made up. Nothing here is read
//! from a variable that a file can set, but for the environment's name, which is an expression in both dialects.

use penstock_model::{JobName, Timestamp};
use serde_json::{Map, Value, json};

use crate::env::{JobContext, known, predefined};
use crate::expand::expand;
use crate::input::PushEvent;
use crate::plan::{Audience, Plan, PlannedJob};

/// How long a token of a workflow's job is good for, in seconds: each is asked for when it is needed.
const WORKFLOW_TOKEN: i64 = 300;
/// How much earlier than now a token is good, in seconds, for clocks that differ.
const SKEW: i64 = 5;

/// What whoever issues tokens adds.
#[derive(Clone, Debug)]
pub struct Issuing {
    /// The issuer's address.
    pub issuer: String,
    /// When it is.
    pub now: Timestamp,
    /// 128 random bits, of which each token's own name is made.
    pub nonce: u128,
}

/// What is said in tokens.
pub type Claims = Map<String, Value>;

/// The tokens that a GitLab job asks for in `id_tokens`, by the names of their variables.
///
/// # Errors
/// Why the job gets none: it comes from a fork, whose author would speak in this project's name.
pub fn id_tokens(plan: &Plan, job: &JobName, context: &JobContext, issuing: &Issuing) -> Result<Vec<(String, Claims)>, String> {
    let Some(planned) = plan.job(job).filter(|planned| !planned.id_tokens.is_empty()) else { return Ok(Vec::new()) };
    of_this_project(&plan.event)?;
    let variables = known(plan, planned, context);
    let own = of_gitlab(plan, planned, context, &issuing.issuer, &|text| expand(text, &variables).text);
    let seconds = i64::try_from(planned.timeout.as_secs()).unwrap_or(i64::MAX);
    let token = |(index, (name, audience)): (usize, (&String, &Audience))| {
        let audience = audience.map(|one| expand(one, &variables).text);
        (name.clone(), issued(issuing, index, &audience, seconds, own.clone()))
    };
    Ok(planned.id_tokens.iter().enumerate().map(token).collect())
}

/// Who a workflow's job is. Whether it may ask for tokens that say so is for its `permissions` to say.
///
/// # Errors
/// Why it gets none.
pub fn workflow_identity(plan: &Plan, job: &JobName, context: &JobContext) -> Result<Claims, String> {
    let planned = plan.job(job).ok_or_else(|| format!("the plan has no job `{job}`"))?;
    of_this_project(&plan.event)?;
    crate::github::identity(plan, planned, context)
}

/// A token that a workflow's job asks for while it runs; for the project's owner unless it says for whom.
pub fn workflow_id_token(own: Claims, audience: Option<&str>, issuing: &Issuing) -> Claims {
    let owner = own.get("repository_owner").and_then(Value::as_str).unwrap_or_default();
    let audience = audience.map_or_else(|| format!("{}/{owner}", issuing.issuer), str::to_owned);
    issued(issuing, 0, &Audience::One(audience), WORKFLOW_TOKEN, own)
}

fn of_this_project(event: &PushEvent) -> Result<(), String> {
    match event.trigger.merge_request().and_then(|request| request.fork.as_ref()) {
        Some(fork) => Err(format!("a job of a merge request from a fork (`{fork}`) gets no identity token of `{}`", event.project)),
        None => Ok(()),
    }
}

/// Whether a run is of what protected secrets reach: the main branch itself.
pub(crate) fn is_protected(event: &PushEvent) -> bool {
    event.branch() == Some(&*event.default_branch)
}

fn issued(issuing: &Issuing, index: usize, audience: &Audience, seconds: i64, own: Claims) -> Claims {
    let now = issuing.now.0.div_euclid(1000);
    let mut claims = own;
    for (name, value) in [
        ("jti", json!(format!("{:032x}-{index}", issuing.nonce))),
        ("iss", json!(issuing.issuer)),
        ("iat", json!(now)),
        ("nbf", json!(now - SKEW)),
        ("exp", json!(now.saturating_add(seconds))),
        ("aud", json!(audience)),
    ] {
        claims.insert(name.to_owned(), value);
    }
    claims
}

fn of_gitlab(plan: &Plan, job: &PlannedJob, context: &JobContext, issuer: &str, expanded: &dyn Fn(&str) -> String) -> Claims {
    let event = &plan.event;
    let project = event.project.as_str();
    let (name, kind) = (event.ref_name(), if event.tag().is_some() { "tag" } else { "branch" });
    let mut out = vec![
        ("sub", json!(format!("project_path:{project}:ref_type:{kind}:ref:{name}"))),
        ("namespace_path", json!(project)),
        ("project_path", json!(project)),
        ("job_namespace_path", json!(project)),
        ("job_project_path", json!(project)),
        ("project_visibility", json!("private")),
        ("user_login", json!(event.pusher)),
        ("pipeline_id", json!(context.run)),
        ("pipeline_source", json!(event.trigger.gitlab_source().unwrap_or("push"))),
        ("job_id", json!(predefined::job_id(plan, job, context))),
        ("ref", json!(name)),
        ("ref_type", json!(kind)),
        ("ref_path", json!(event.reference)),
        // texts, as GitLab has them
        ("ref_protected", json!(is_protected(event).to_string())),
        ("runner_id", json!(1)),
        ("runner_environment", json!("self-hosted")),
        ("sha", json!(event.commit)),
        ("ci_config_ref_uri", json!(format!("{}/{project}//{}@{}", predefined::authority(issuer), plan.path, event.reference))),
        ("ci_config_sha", json!(event.commit)),
    ];
    if let Some(environment) = &job.environment {
        let name = expanded(&environment.name);
        let tier = environment.tier.clone().unwrap_or_else(|| predefined::tier(&name).to_owned());
        out.push(("environment", json!(name)));
        out.push(("deployment_tier", json!(tier)));
        out.push(("environment_action", json!(environment.action.as_deref().unwrap_or("start"))));
    }
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
