//! Texts of a job's containers, filled in when the job starts.

use penstock_model::Secret;
use penstock_model::job::EnvValue;

use super::contexts;
use super::env::file_env;
use super::expression::Contexts;
use super::template::fill;
use super::value::Value;
use crate::env::JobContext;
use crate::plan::{Plan, PlannedJob};

/// Fills in expressions by what a job knows when it starts.
pub(crate) struct Filler {
    contexts: Contexts,
    secrets: Vec<Secret>,
}

impl Filler {
    pub(crate) fn new(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Self {
        let mut contexts = contexts::of_job(plan, job, context);
        let env = file_env(plan, job, &contexts);
        contexts.values.insert("env", Value::texts(&env));
        let secrets = context.hidden().filter(|secret| !secret.expose().is_empty()).cloned().collect();
        Self { contexts, secrets }
    }

    pub(crate) fn text(&self, text: &str) -> Result<String, String> {
        fill(text, &self.contexts).map_err(|error| format!("`{}` cannot be evaluated: {error}", crate::reader::shown(text)))
    }

    /// A variable's value: what has a secret in it is one.
    pub(crate) fn value(&self, text: &str) -> Result<EnvValue, String> {
        let value = self.text(text)?;
        let secret = self.secrets.iter().any(|secret| value.contains(secret.expose()));
        Ok(if secret { EnvValue::Secret(Secret::new(value)) } else { EnvValue::Plain(value) })
    }
}
