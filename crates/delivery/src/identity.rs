//! Identity tokens of jobs: which job somebody is, signed, for others that trust this server as an issuer. What they say is for the
//! pipeline room; when a job gets them, and for how long it may ask, is said here.

use std::collections::BTreeMap;

use penstock_model::job::EnvValue;
use penstock_model::{JobName, Secret};
use penstock_pipeline::{Access, Dialect, Issuing, JobContext, Plan, PlannedJob};
use penstock_trust::TokenIssuer;
use tokio_util::sync::CancellationToken;

use crate::parts::Parts;

/// How tokens are signed.
pub const ALGORITHM: &str = TokenIssuer::ALGORITHM;
/// Where a workflow's job asks for a token, below the server's address. Clients add `&audience=…` to it.
pub const REQUEST_PATH: &str = "/api/v1/job/id-token?api-version=2.0";

fn issuing(parts: &Parts) -> Issuing {
    Issuing { issuer: parts.settings.url.clone(), now: parts.journal.now(), nonce: parts.random.bits() }
}

/// The tokens that a job has from its start, by the names of their variables.
pub(crate) fn id_tokens(parts: &Parts, plan: &Plan, job: &JobName, context: &JobContext) -> Result<BTreeMap<String, Secret>, String> {
    let asked = penstock_pipeline::id_tokens(plan, job, context, &issuing(parts))?;
    Ok(asked.into_iter().map(|(name, claims)| (name, parts.issuer.sign(&claims))).collect())
}

/// What a job gets from vaults, added to what it gets anyway; gives what of it is to be masked.
pub(crate) async fn from_vaults(
    parts: &Parts,
    plan: &Plan,
    job: &JobName,
    context: &mut JobContext,
    cancel: &CancellationToken,
) -> Result<Vec<Secret>, String> {
    let mut masks = Vec::new();
    for asked in penstock_pipeline::vault_reads(plan, job, context)? {
        let read = tokio::select! {
            read = parts.vaults.read(&asked) => read,
            () = cancel.cancelled() => Err("the job was cancelled".to_owned()),
        };
        let secret = read.map_err(|why| format!("the secret `{}` cannot be had: {why}", asked.name))?;
        masks.push(secret.clone());
        let (gets, other) =
            if asked.file { (&mut context.files, &mut context.secrets) } else { (&mut context.secrets, &mut context.files) };
        other.remove(&asked.name);
        gets.insert(asked.name, secret);
    }
    Ok(masks)
}

/// Lets a workflow's job ask for tokens as long as its own token is alive, if its `permissions` say so.
pub(crate) fn let_ask(parts: &Parts, plan: &Plan, planned: &PlannedJob, context: &JobContext, env: &mut BTreeMap<String, EnvValue>) {
    let may = planned.permissions.as_ref().is_some_and(|permissions| permissions.of("id-token") == Access::Write);
    let Some(token) = context.token.as_ref().filter(|_| may && plan.dialect == Dialect::GithubWorkflow) else { return };
    // a fork's job asks in vain, as at GitHub: it need not fail for that
    if let Ok(claims) = penstock_pipeline::workflow_identity(plan, &planned.name, context) {
        parts.tokens.prove(token, claims);
        let url = format!("{}{REQUEST_PATH}", parts.settings.url);
        env.insert("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), EnvValue::Plain(url));
        env.insert("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), EnvValue::Secret(token.clone()));
    }
}

/// A token that a job asks for under its own; none if it may not.
pub fn asked(parts: &Parts, token: &Secret, audience: Option<&str>) -> Option<Secret> {
    let own = parts.tokens.identity(token)?;
    Some(parts.issuer.sign(&penstock_pipeline::workflow_id_token(own, audience, &issuing(parts))))
}

/// What a job should know of who can verify its tokens.
pub(crate) fn doubt(parts: &Parts, tokens: &BTreeMap<String, Secret>) -> Option<String> {
    let url = &parts.settings.url;
    let host = url.split_once("://").map_or(&**url, |(_, rest)| rest);
    let here = ["127.", "localhost", "[::1]"].iter().any(|start| host.starts_with(start));
    let names = || tokens.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (here && !tokens.is_empty())
        .then(|| format!("{} is signed by {url}, whose keys nobody but this machine can ask for: others will not accept it", names()))
}
