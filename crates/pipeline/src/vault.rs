//! What a job asks of a vault before it begins (GitLab's `secrets`), said whole: where the vault is, who asks, for what.

use std::collections::BTreeMap;

use penstock_model::{JobName, Secret};

use crate::env::{JobContext, known};
use crate::expand::{Expanded, expand};
use crate::plan::Plan;

/// How a vault keeps what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultEngine {
    /// Key and value, with versions.
    KvV2,
    /// Anything whose answer has the field at once: `kv-v1`, `generic`.
    Plain,
}

/// One secret that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultRead {
    /// The variable that gets it.
    pub name: String,
    /// Whether that is a file.
    pub file: bool,
    /// The vault's address (`VAULT_SERVER_URL`).
    pub server: String,
    /// Its namespace (`VAULT_NAMESPACE`).
    pub namespace: Option<String>,
    /// Where its JWT login is mounted (`VAULT_AUTH_PATH`, or else `jwt`).
    pub auth_path: String,
    /// The role to ask for (`VAULT_AUTH_ROLE`); its own default otherwise.
    pub role: Option<String>,
    /// Who asks.
    pub token: Secret,
    /// How it is kept.
    pub engine: VaultEngine,
    /// Where the engine is mounted.
    pub mount: String,
    /// Where the secret is in it.
    pub path: String,
    /// Which of its fields it is.
    pub field: String,
}

/// What a job asks for, given its identity tokens.
///
/// # Errors
/// Why it cannot be asked for, which fails the job.
pub fn vault_reads(plan: &Plan, job: &JobName, context: &JobContext) -> Result<Vec<VaultRead>, String> {
    let Some(planned) = plan.job(job).filter(|planned| !planned.secrets.is_empty()) else { return Ok(Vec::new()) };
    let variables = known(plan, planned, context);
    let variable = |name: &str| variables.get(name).map(|value| value.text.clone()).filter(|text| !text.is_empty());
    let server = variable("VAULT_SERVER_URL")
        .ok_or("the secrets provider cannot be found: the variable VAULT_SERVER_URL is not set\nhelp: say where the vault is")?;
    let mut reads = Vec::new();
    for (name, secret) in &planned.secrets {
        let text = |text: &str| expand(text, &variables).text;
        let engine = match &*text(&secret.vault.engine) {
            "kv-v2" => VaultEngine::KvV2,
            "kv-v1" | "generic" => VaultEngine::Plain,
            other => return Err(format!("the secret `{name}` names the engine `{other}`; there are `kv-v2`, `kv-v1` and `generic`")),
        };
        reads.push(VaultRead {
            name: name.clone(),
            file: secret.file,
            server: server.clone(),
            namespace: variable("VAULT_NAMESPACE"),
            auth_path: variable("VAULT_AUTH_PATH").unwrap_or_else(|| "jwt".to_owned()),
            role: variable("VAULT_AUTH_ROLE"),
            token: token(name, &secret.token, &variables)?,
            engine,
            mount: text(&secret.vault.mount),
            path: text(&secret.vault.path),
            field: text(&secret.vault.field),
        });
    }
    Ok(reads)
}

fn token(name: &str, given: &str, variables: &BTreeMap<String, Expanded>) -> Result<Secret, String> {
    let token = expand(given, variables).text;
    // a name that nothing stands for would be asked with nothing
    if token.is_empty() {
        Err(format!("the secret `{name}` is asked for with `{given}`, and there is no such token"))
    } else {
        Ok(Secret::new(token))
    }
}
