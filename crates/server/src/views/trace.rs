//! From what runs to the commit, and back.

use penstock_api::{Trace, TraceLink};
use penstock_delivery::{ReleaseRecord, World};
use penstock_model::release::ReleaseId;

use super::runs::first_line;
use super::statements::statement_view;
use crate::App;
use crate::problem::Failure;
use crate::routes::release_id;

/// The least digits that name a commit or an image.
const MIN_DIGITS: usize = 6;

/// Traces a container, an image, a commit, a run or a release.
pub async fn trace(app: &App, what: &str) -> Result<Trace, Failure> {
    let world = app.parts.journal.world();
    let pods = pods(app, &world).await;
    let release = match pods.iter().find(|(_, pod)| pod.name == what) {
        Some((_, pod)) => pod.images.iter().find_map(|image| by_image(&world, image)),
        None => find(app, &world, what),
    };
    let id = release.ok_or_else(|| Failure::absent(format!("release with the container, image, commit or run `{what}`")))?;
    let record = world.releases.get(&id).ok_or_else(|| Failure::absent(format!("release {what}")))?;
    let mut links: Vec<TraceLink> = Vec::new();
    for (environment, pod) in &pods {
        if pod.images.iter().any(|image| record.release.images.iter().any(|(_, digest)| image.ends_with(&digest.to_string()))) {
            links.push(link("container", &pod.name, format!("{environment}, {}, ready: {}", pod.role, pod.ready)));
        }
    }
    links.extend(of_release(&world, record));
    Ok(Trace { subject: format!("release {} of {}", id.0.short(), record.release.project), links })
}

fn link(kind: &str, id: impl ToString, text: impl Into<String>) -> TraceLink {
    TraceLink { kind: kind.to_owned(), id: id.to_string(), text: text.into() }
}

async fn pods(app: &App, world: &World) -> Vec<(String, penstock_model::target::PodSeen)> {
    let mut all = Vec::new();
    for project in world.projects.keys() {
        for environment in world.config(project).map(|config| config.environments.clone()).unwrap_or_default() {
            let pods = app.keeper.pods(&app.parts, project, &environment.name).await;
            all.extend(pods.into_iter().map(|pod| (environment.name.to_string(), pod)));
        }
    }
    all
}

/// The newest release with an image.
fn by_image(world: &World, image: &str) -> Option<ReleaseId> {
    let matching =
        world.releases.values().filter(|record| record.release.images.values().any(|digest| image.ends_with(&digest.to_string())));
    matching.max_by_key(|record| record.created).map(|record| record.id)
}

fn find(app: &App, world: &World, what: &str) -> Option<ReleaseId> {
    if let Ok(id) = release_id(app, what) {
        return Some(id);
    }
    if let Some(record) = world.runs.values().find(|record| record.id.as_str() == what) {
        return record.release;
    }
    let digits = what.rsplit(':').next().unwrap_or(what);
    if digits.len() < MIN_DIGITS {
        return None;
    }
    let newest = world.releases.values().filter(|record| {
        record.release.commit.as_str().starts_with(digits) || record.release.images.values().any(|digest| digest.hex().starts_with(digits))
    });
    newest.max_by_key(|record| record.created).map(|record| record.id)
}

fn of_release(world: &World, record: &ReleaseRecord) -> Vec<TraceLink> {
    let release = &record.release;
    let mut links: Vec<_> = release.images.iter().map(|(name, digest)| link("image", format!("{name}@{digest}"), "")).collect();
    links.push(link("release", record.id, format!("config revision {}", release.config.short())));
    for (environment, state) in &record.environments {
        if let Some(answer) = &state.gate {
            let verdict = if answer.decision.allow { "passed" } else { "refused" };
            links.push(link("gate", environment, format!("{verdict} at {}, summary {}", answer.at, answer.envelope.short())));
        }
        for approval in &state.approvals {
            links.push(link("approval", &approval.approver, format!("for {environment}, statement {}", approval.envelope.short())));
        }
        for glass in world.glasses(record).iter().filter(|glass| glass.said.environment == *environment) {
            let [one, other] = &glass.said.people;
            let text = format!("{environment} until {}: {}, statement {}", glass.said.expires, glass.said.reason, glass.envelope.short());
            links.push(link("break-glass", format!("{one} and {other}"), text));
        }
        if let Some(commit) = &state.commit {
            links.push(link("config commit", commit, environment.to_string()));
        }
        if let Some(why) = &state.refused {
            links.push(link("refused", environment, why.clone()));
        }
    }
    if let Some(run) = world.runs.get(&record.run) {
        links.push(link("run", &run.id, format!("{}, of {}", super::run_summary(run).begun(), run.push.reference)));
        let title = run.run.as_ref().and_then(|state| state.plan()).map(|plan| first_line(&plan.event.message));
        links.push(link("commit", &release.commit, title.unwrap_or_default()));
    }
    links.extend(record.authors.iter().map(|author| link("author", format!("{} <{}>", author.name, author.mail), "as the commits claim")));
    for said in world.evidence_for(record.id, release) {
        let view = statement_view(&said);
        links.push(link(
            "statement",
            view.envelope.short(),
            format!("{} ({}): {}, about {}", view.name, view.witness, view.summary, view.subject),
        ));
    }
    links
}
