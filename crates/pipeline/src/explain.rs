//! Why a job is in a plan or not, and when it will run, for people.

use crate::input::Dialect;
use crate::plan::{AllowFailure, Plan, PlannedJob, PlannedStep, Wait, When};
use crate::select::NotChosen;
use crate::steps::container_action::image_names;

/// Names of jobs that are told; the others are counted.
const NAMED: usize = 12;

/// What there is to say of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The job and its place in the file.
    pub subject: String,
    /// Whether it is in the plan.
    pub verdict: String,
    /// Topics with what is to be said of each, in the order in which they were asked.
    pub reasons: Vec<(String, String)>,
}

impl Plan {
    /// Explains a job, or all jobs that a key of the file became.
    ///
    /// # Errors
    /// When the file has no such job.
    pub fn explain(&self, name: &str) -> Result<Vec<Explained>, NotChosen> {
        match self.named(name) {
            Ok(jobs) => Ok(jobs.into_iter().map(|job| self.explained(job)).collect()),
            Err(why) => {
                let left = self.without(name).ok_or(why)?;
                let reasons = self.because.iter().map(|because| ("workflow".to_owned(), because.clone()));
                Ok(vec![Explained {
                    subject: format!("job `{name}` ({}:{})", self.path, left.line),
                    verdict: format!("not in the plan of {}", self.event.trigger.words()),
                    reasons: reasons.chain(left.because.iter().map(|because| ("rule".to_owned(), because.clone()))).collect(),
                }])
            }
        }
    }

    fn explained(&self, job: &PlannedJob) -> Explained {
        let mut reasons: Vec<(String, String)> = Vec::new();
        let mut say = |topic: &str, text: String| reasons.push((topic.to_owned(), text));
        for because in &self.because {
            say("workflow", because.clone());
        }
        for because in &job.because {
            say("rule", because.clone());
        }
        if let Some(why) = crate::served::unserved(self.dialect, job, None) {
            say("runner", format!("{why}: the job fails when its turn comes"));
        }
        for instead in job.steps.iter().filter_map(PlannedStep::instead) {
            say("action", instead.to_owned());
        }
        let images = image_names(&job.steps);
        if !images.is_empty() {
            say("images", format!("its steps run {}", images.into_iter().collect::<Vec<_>>().join(", ")));
        }
        say("waits for", self.waits(job));
        match (&job.condition, self.dialect) {
            (Some(asked), _) => {
                say("if", format!("`{}` (line {}), asked once what it needs has ended", asked.expression, asked.line));
            }
            (None, Dialect::GithubWorkflow) => say("if", "none: `success()`, so everything that it needs has to succeed".to_owned()),
            (None, Dialect::GitlabCi) => say("when", when(job.when).to_owned()),
        }
        match &job.allow_failure {
            AllowFailure::No => {}
            AllowFailure::Yes => say("failure", "the pipeline may succeed without it".to_owned()),
            AllowFailure::ExitCodes(codes) => {
                say("failure", format!("the pipeline may succeed without it if it exits with one of {codes:?}"));
            }
        }
        if !job.inputs.is_empty() {
            let inputs = job.inputs.join(", ");
            say(
                "inputs",
                format!("{inputs}; while these and its definition are as in an attempt that succeeded, that one's result is taken over"),
            );
        }
        if let Some(environment) = &job.environment {
            say("environment", environment.name.clone());
        }
        Explained {
            subject: format!("job `{}` ({}:{})", job.name, self.path, job.line),
            verdict: format!("in the plan of {}", self.event.trigger.words()),
            reasons,
        }
    }

    fn waits(&self, job: &PlannedJob) -> String {
        let upstream = self.upstream(job);
        let names: Vec<_> = upstream.iter().take(NAMED).map(|name| name.as_str()).collect();
        let rest = upstream.len().saturating_sub(NAMED);
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let stages = job.waits_for.contains(&Wait::EarlierStages);
        match (names.is_empty(), stages) {
            (true, true) => "nothing: its stage is the first one with jobs".to_owned(),
            (true, false) => "nothing: it starts at once".to_owned(),
            (false, true) => format!("the stages before its own: {}{rest}", names.join(", ")),
            (false, false) => format!("{}{rest}", names.join(", ")),
        }
    }
}

fn when(when: When) -> &'static str {
    match when {
        When::OnSuccess => "on_success: nothing before it failed",
        When::OnFailure => "on_failure: something before it failed",
        When::Always => "always: whatever happened before",
        When::Manual => "manual: once a person starts it",
        When::Delayed => "delayed: some time after nothing before it failed",
    }
}
