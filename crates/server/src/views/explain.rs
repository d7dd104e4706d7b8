//! Why something is as it is.

use penstock_api::{Explanation, GlassView, Reason};
use penstock_delivery::{ReleaseRecord, ReleaseStep, RunRecord, World};
use penstock_model::{JobName, RunId};
use penstock_pipeline::{Plan, PlannedJob};

use super::runs::{first_line, status_word};
use crate::App;
use crate::problem::Failure;
use crate::routes::release_id;

/// The most annotations of a run that are told with the reasons.
const MAX_SAID: usize = 100;

/// Explains a run, `RUN/JOB`, or a release.
pub fn explain(app: &App, what: &str) -> Result<Explanation, Failure> {
    let world = app.parts.journal.world();
    let (run, job) = what.split_once('/').map_or((what, None), |(run, job)| (run, Some(job)));
    if let Ok(id) = run.parse::<RunId>() {
        let record = world.runs.get(&id).ok_or_else(|| Failure::absent(format!("run {id}")))?;
        return match job {
            Some(job) => explain_job(&world, record, job),
            None => Ok(explain_run(app, record)),
        };
    }
    let id = release_id(app, what)?;
    let record = world.releases.get(&id).ok_or_else(|| Failure::absent(format!("release {what}")))?;
    Ok(explain_release(app, record))
}

fn reason(topic: impl Into<String>, text: impl Into<String>) -> Reason {
    Reason { topic: topic.into(), text: text.into(), place: String::new(), fix: String::new() }
}

fn explain_run(app: &App, record: &RunRecord) -> Explanation {
    let view = super::run(app, record);
    let mut reasons = Vec::new();
    if let Some(why) = &record.rejected {
        reasons.push(reason("pipeline file", why));
    }
    let plan = record.run.as_ref().and_then(|run| run.plan());
    reasons.extend(plan.into_iter().flat_map(|plan| &plan.because).map(|because| reason("workflow", because)));
    reasons.extend(plan.into_iter().flat_map(|plan| &plan.warnings).map(|warning| reason("file", warning.to_string())));
    for job in &view.jobs {
        let because = if job.because.is_empty() { String::new() } else { format!(" ({})", job.because.join("; ")) };
        reasons.push(reason(job.name.as_str(), format!("{} {}{because}", job.status, job.message)));
    }
    for said in view.annotations.iter().take(MAX_SAID) {
        let title = said.title.as_ref().map(|title| format!("{title}: ")).unwrap_or_default();
        let text = format!("{}: {title}{}", said.word(), said.message);
        reasons.push(Reason { place: said.place().unwrap_or_default(), ..reason(&said.job, text) });
    }
    for job in &view.left_out {
        reasons.push(reason(&job.name, format!("not in the plan: {}", job.because)));
    }
    reasons.extend(withheld(&app.parts.journal.world(), record, None));
    let verdict = match record.release {
        Some(release) => format!("{}; release {} came of it", status_word(record), release.0.short()),
        None => format!("{}; no release came of it", status_word(record)),
    };
    Explanation { subject: format!("run {} of {} at {}", record.id, record.project, record.push.commit.short()), verdict, reasons }
}

/// The secrets that its jobs do not get as things stand, those that the job names first.
fn withheld(world: &World, record: &RunRecord, job: Option<(&Plan, &PlannedJob)>) -> Option<Reason> {
    let names = world.withheld(record);
    let is_named = |name: &String| job.is_some_and(|(plan, job)| penstock_pipeline::mentions(plan, job, name));
    let (named, other): (Vec<_>, Vec<_>) = names.into_iter().partition(is_named);
    let named = named.into_iter().map(|name| format!("{name} (which the job names)"));
    let listed: Vec<_> = named.chain(other).collect();
    let branch = &world.projects.get(&record.project)?.branch;
    (!listed.is_empty()).then(|| Reason {
        topic: "secrets withheld".to_owned(),
        text: format!("the run is not of `{branch}`, which alone gets them: {}", listed.join(", ")),
        place: String::new(),
        fix: format!("`penstock secret set --project {} NAME --all-branches` gives one to every branch", record.project),
    })
}

fn explain_job(world: &World, record: &RunRecord, name: &str) -> Result<Explanation, Failure> {
    let absent = || Failure::absent(format!("job `{name}` in run {}", record.id));
    let job: JobName = name.parse().map_err(|_| absent())?;
    let run = record.run.as_ref().ok_or_else(absent)?;
    let plan = run.plan().ok_or_else(absent)?;
    let Some(planned) = plan.job(&job) else {
        let left_out = plan.without(name).ok_or_else(absent)?;
        return Ok(Explanation {
            subject: format!("job `{name}` ({}:{})", plan.path, left_out.line),
            verdict: "not in the plan".to_owned(),
            reasons: left_out.because.iter().map(|because| reason("rule", because)).collect(),
        });
    };
    let mut reasons: Vec<_> = planned.because.iter().map(|because| reason("in the plan", because)).collect();
    let needs: Vec<_> = plan.upstream(planned).iter().map(ToString::to_string).collect();
    reasons.push(reason("waits for", if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") }));
    reasons.push(reason("state", format!("{:?}", run.job(&job))));
    if let Some(reuse) = record.times.get(&job).and_then(|times| times.report.as_ref()?.reuse.as_ref()) {
        reasons.push(reason(if reuse.taken_from.is_some() { "not run" } else { "run" }, &reuse.because));
    }
    reasons.extend(withheld(world, record, Some((plan, planned))));
    Ok(Explanation {
        subject: format!("job `{name}` ({}:{})", plan.path, planned.line),
        verdict: record.times.get(&job).map_or_else(|| "not started".to_owned(), |times| format!("attempt {}", times.attempt)),
        reasons,
    })
}

fn explain_release(app: &App, record: &ReleaseRecord) -> Explanation {
    let world = app.parts.journal.world();
    let environments = world.config(&record.release.project).map(|config| config.environments.clone()).unwrap_or_default();
    let mut reasons = Vec::new();
    let mut verdict = String::from("waits for its first gate");
    for environment in &environments {
        let step = world.step(record, environment);
        let name = &environment.name;
        if step != ReleaseStep::Waiting {
            verdict = format!("{name}: {}", words(step));
        }
        reasons.push(reason(name.as_str(), words(step)));
        reasons.extend(super::releases::trouble(app, record, environment).map(|why| Reason {
            topic: format!("{name}: fails"),
            text: why,
            place: String::new(),
            fix: "it is tried again by itself, and at once when the config repository changes".to_owned(),
        }));
        let Some(state) = record.environments.get(name) else { continue };
        if let Some(answer) = &state.gate {
            for denial in answer.decision.denials.iter().filter(|_| !answer.decision.allow) {
                reasons.push(Reason {
                    topic: format!("{name}: gate rule `{}`", denial.rule),
                    text: format!("{}: {}", denial.subject, denial.message),
                    place: denial.where_.clone().unwrap_or_default(),
                    fix: denial.fix.clone(),
                });
            }
            for denial in &answer.decision.overridden {
                reasons.push(reason(format!("{name}: overridden `{}`", denial.rule), format!("{}: {}", denial.subject, denial.message)));
            }
            for warning in &answer.decision.warnings {
                reasons.push(reason(format!("{name}: warning `{}`", warning.rule), format!("{}: {}", warning.subject, warning.message)));
            }
        }
        for glass in super::glass(&world, record, name, app.parts.journal.now()) {
            reasons.push(glass_reason(&glass));
        }
        for check in &state.checks {
            reasons.push(reason(format!("{name}: check `{}`", check.name), &check.summary));
        }
        if let Some(why) = &state.refused {
            reasons.push(Reason {
                topic: format!("{name}: refused"),
                text: why.clone(),
                place: String::new(),
                fix: "push a change: this revision stays refused until its images or manifests differ".to_owned(),
            });
        }
    }
    let run = world.runs.get(&record.run);
    let title = run.and_then(|run| run.run.as_ref()?.plan().map(|plan| first_line(&plan.event.message))).unwrap_or_default();
    Explanation {
        subject: format!("release {} of {}: {} {title}", record.id.0.short(), record.release.project, record.release.commit.short()),
        verdict,
        reasons,
    }
}

fn glass_reason(glass: &GlassView) -> Reason {
    let people: Vec<_> = glass.people.iter().map(ToString::to_string).collect();
    let (people, until) = (people.join(" and "), glass.until);
    let (text, fix) = match glass.state.as_str() {
        "asked" => (
            format!("{people} asks to open the gate: {}", glass.reason),
            format!("another approver confirms before {until}: `penstock break-glass RELEASE {} --confirm`", glass.environment),
        ),
        _ => (format!("{people} opened the gate until {until}: {}", glass.reason), String::new()),
    };
    Reason { topic: format!("{}: break-glass, {}", glass.environment, glass.state), text, place: String::new(), fix }
}

fn words(step: ReleaseStep) -> &'static str {
    match step {
        ReleaseStep::Waiting => "waits for the environment before",
        ReleaseStep::AtGate => "the gate is being asked",
        ReleaseStep::GateRefused => "the gate refuses",
        ReleaseStep::AwaitingApproval => "waits for an approval",
        ReleaseStep::Allowed => "let in; its config commit comes next",
        ReleaseStep::RollingOut => "being rolled out",
        ReleaseStep::Checking => "runs; checks are under way",
        ReleaseStep::Delivered => "runs",
        ReleaseStep::CheckFailed => "runs, and a check failed",
        ReleaseStep::Refused => "refused: it was taken back",
        ReleaseStep::Superseded => "a newer release took its place",
    }
}
