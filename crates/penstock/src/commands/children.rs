//! The child pipelines that a plan's jobs would start, as far as they can be planned before anything runs.

use std::collections::BTreeMap;
use std::pin::Pin;

use penstock_cli::CliError;
use penstock_delivery::downstream::MAX_DEPTH;
use penstock_delivery::library::carried_out;
use penstock_model::{JobName, RunId, Timestamp};
use penstock_pipeline::{Dialect, Downstream, JobContext, JobInputs, Plan, PlannedJob, Source};
use serde_json::{Value, json};

use super::local::{Place, WorkingTree};

/// A plan with those of the children that its jobs start.
pub struct Tree {
    /// The plan.
    pub plan: Plan,
    /// By the job that starts it; or why it is not known.
    pub children: Vec<(JobName, Result<Tree, String>)>,
}

impl Tree {
    /// Plans the children of a plan. `files` are those of the working tree.
    pub fn of<'t>(
        plan: Plan,
        place: &'t Place,
        files: &'t [String],
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Result<Self, CliError>> + 't>> {
        Box::pin(async move {
            let mut children = Vec::new();
            for job in plan.jobs.iter().filter(|job| is_parent(job)) {
                let child = match child(&plan, job, place, files, depth).await? {
                    Ok(plan) => Ok(Self::of(plan, place, files, depth + 1).await?),
                    Err(why) => Err(why),
                };
                children.push((job.name.clone(), child));
            }
            Ok(Self { plan, children })
        })
    }

    /// The plan as JSON, each child at the job that starts it.
    pub fn view(&self) -> Value {
        let mut view = self.plan.view();
        for job in view.get_mut("jobs").and_then(Value::as_array_mut).into_iter().flatten() {
            let child = self.children.iter().find(|(name, _)| job.get("name").and_then(Value::as_str) == Some(name.as_str()));
            let Some(trigger) = job.get_mut("trigger").and_then(Value::as_object_mut) else { continue };
            if let Some((_, child)) = child {
                let (plan, error) = match child {
                    Ok(tree) => (tree.view(), Value::Null),
                    Err(why) => (Value::Null, json!(why)),
                };
                trigger.insert("pipeline".to_owned(), plan);
                trigger.insert("error".to_owned(), error);
            }
        }
        view
    }
}

fn is_parent(job: &PlannedJob) -> bool {
    job.trigger.as_ref().is_some_and(|trigger| matches!(trigger.downstream, Downstream::Child { .. }))
}

/// The job that makes a child's file, of which nothing is known before it has run.
fn made_by(job: &PlannedJob) -> Option<&str> {
    let Downstream::Child { include } = &job.trigger.as_ref()?.downstream else { return None };
    let entries = include.as_array().map_or(std::slice::from_ref(include), Vec::as_slice);
    entries.iter().find(|entry| entry.get("artifact").is_some())?.get("job")?.as_str()
}

async fn child(plan: &Plan, job: &PlannedJob, place: &Place, files: &[String], depth: usize) -> Result<Result<Plan, String>, CliError> {
    if depth >= MAX_DEPTH {
        return Ok(Err(format!("child pipelines stand at most {MAX_DEPTH} deep in each other")));
    }
    if let Some(maker) = made_by(job) {
        return Ok(Err(format!("planned once `{maker}` has made its file")));
    }
    // what only a run has is not known: its id, and what jobs before this one leave
    let context = JobContext {
        run: RunId::from_parts(0, 0),
        number: 0,
        attempt: 1,
        workspace: String::new(),
        created_at: Timestamp(0),
        started_at: Timestamp(0),
        secrets: BTreeMap::new(),
        token: None,
        plain: BTreeMap::new(),
        files: BTreeMap::new(),
        id_tokens: BTreeMap::new(),
        tags: Vec::new(),
        inputs: JobInputs::default(),
    };
    let given = match plan.triggered(&job.name, &context) {
        Ok(triggered) => triggered.map(|triggered| triggered.given).unwrap_or_default(),
        Err(why) => return Ok(Err(why)),
    };
    let event = plan.event_of_child(given, files.to_vec());
    let text = plan.text_of_child(&job.name).unwrap_or_default();
    let (source, tree) = (Source { path: &plan.path, text: &text }, WorkingTree::of(place, Some(&event.server_url)));
    carried_out(Dialect::GitlabCi, &source, &event, &tree, &place.allowed()).await
}
