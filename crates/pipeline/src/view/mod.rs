//! A plan for programs that read it: each dialect's jobs by the keys that the dialect has for them. The keys are promised in
//! `docs/cli.md`; what a file does not say is `null`, `[]` or `{}` and never absent.

mod github;
mod gitlab;

use serde_json::{Map, Value, json};

use crate::input::Dialect;
use crate::plan::{LeftOut, Plan, PlannedJob, Variable};

impl Plan {
    /// The plan as JSON, in the words of its dialect.
    pub fn view(&self) -> Value {
        let jobs: Vec<Value> = self.jobs.iter().map(|job| self.view_of(job)).collect();
        let (dialect, source) = match self.dialect {
            Dialect::GitlabCi => ("gitlab", self.event.trigger.gitlab_source()),
            Dialect::GithubWorkflow => ("github", self.event.trigger.github_event()),
        };
        let mut view = json!({
            "dialect": dialect,
            "path": self.path,
            "name": self.name,
            "event": { "name": source, "ref": self.event.reference, "commit": self.event.commit, "action": self.event.trigger.action() },
            "because": self.because,
            "jobs": jobs,
            "left_out": self.left_out.iter().map(left_out).collect::<Vec<_>>(),
        });
        if let Value::Object(map) = &mut view {
            let more = match self.dialect {
                Dialect::GitlabCi => json!({ "stages": self.stages, "variables": texts(self.variables.iter()) }),
                Dialect::GithubWorkflow => json!({ "env": texts(self.variables.iter()) }),
            };
            map.extend(more.as_object().cloned().unwrap_or_default());
        }
        view
    }

    /// One job of it.
    pub fn view_of(&self, job: &PlannedJob) -> Value {
        match self.dialect {
            Dialect::GitlabCi => gitlab::job(self, job),
            Dialect::GithubWorkflow => github::job(job),
        }
    }
}

fn left_out(left: &LeftOut) -> Value {
    json!({ "name": left.name, "line": left.line, "because": left.because })
}

/// Variables with their texts, as the file has them.
fn texts<'v>(variables: impl Iterator<Item = (&'v String, &'v Variable)>) -> Map<String, Value> {
    variables.map(|(name, variable)| (name.clone(), Value::String(variable.value.clone()))).collect()
}
