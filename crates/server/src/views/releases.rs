//! Releases.

use penstock_api::{ApprovalView, CheckView, DenialView, GateView, ReleaseInEnvironment, ReleaseView};
use penstock_delivery::{EnvironmentState, GateAnswer, ReleaseRecord, ReleaseStep, WayBack};
use penstock_gate::{Denial, Environment};
use penstock_model::ProjectName;

use super::clocks::clocks;
use super::runs::first_line;
use super::statement_view;
use crate::App;

/// A project's releases, newest first.
pub fn releases(app: &App, project: &ProjectName, limit: usize) -> Vec<ReleaseView> {
    let world = app.parts.journal.world();
    world.releases_of(project).take(limit).map(|record| release(app, record)).collect()
}

/// A release whole.
pub fn release(app: &App, record: &ReleaseRecord) -> ReleaseView {
    let world = app.parts.journal.world();
    let release = &record.release;
    let run = world.runs.get(&record.run);
    let plan = run.and_then(|run| run.run.as_ref()).and_then(|run| run.plan());
    let environments = world.config(&release.project).map(|config| config.environments.clone()).unwrap_or_default();
    let mut statements: Vec<_> = world.evidence_for(record.id, release).iter().map(|said| statement_view(said)).collect();
    statements.sort_by_key(|said| said.at);
    ReleaseView {
        id: record.id,
        project: release.project.clone(),
        commit: release.commit.clone(),
        title: plan.map(|plan| first_line(&plan.event.message)).unwrap_or_default(),
        run: record.run.clone(),
        images: release.images.clone(),
        config: release.config.clone(),
        pushers: record.pushers.iter().cloned().collect(),
        authors: record.authors.iter().map(|author| format!("{} <{}>", author.name, author.mail)).collect(),
        created: record.created,
        environments: environments.iter().map(|environment| in_environment(app, record, environment)).collect(),
        statements,
        clocks: clocks(&world, record),
    }
}

fn in_environment(app: &App, record: &ReleaseRecord, environment: &Environment) -> ReleaseInEnvironment {
    let world = app.parts.journal.world();
    let absent = EnvironmentState::default();
    let state = record.environments.get(&environment.name).unwrap_or(&absent);
    ReleaseInEnvironment {
        environment: environment.name.clone(),
        step: step_word(world.step(record, environment)),
        trouble: trouble(app, record, environment),
        gate: state.gate.as_ref().map(gate),
        approvals: state
            .approvals
            .iter()
            .map(|approval| ApprovalView { approver: approval.approver.clone(), expires: approval.expires, envelope: approval.envelope })
            .collect(),
        glass: super::glass(&world, record, &environment.name, app.parts.journal.now()),
        commit: state.commit.clone(),
        revision: state.revision.map(|revision| revision.0),
        checks: state
            .checks
            .iter()
            .map(|check| CheckView {
                name: check.name.clone(),
                passed: check.passed,
                summary: check.summary.clone(),
                took_ms: check.took_ms,
            })
            .collect(),
        refused: state.refused.clone(),
        reverted: match &state.way_back {
            Some(WayBack::Reverted { commit }) => Some(commit.clone()),
            _ => None,
        },
        committed_at: state.committed_at,
        delivered_at: state.delivered_at,
        checked_at: state.checked_at,
    }
}

/// What fails about a release in an environment now: an effect, or else what keeps the environment from being made what Git says.
pub fn trouble(app: &App, record: &ReleaseRecord, environment: &Environment) -> Option<String> {
    let of_effect = app.parts.troubles.of(record.id, &environment.name).map(|trouble| trouble.error);
    of_effect.or_else(|| {
        let (world, project) = (app.parts.journal.world(), &record.release.project);
        let is_there = world.step(record, environment) == ReleaseStep::RollingOut;
        is_there.then(|| app.keeper.seen(project, &environment.name).trouble).flatten()
    })
}

/// A step's word on the wire.
pub fn step_word(step: ReleaseStep) -> String {
    serde_json::to_value(step).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn gate(answer: &GateAnswer) -> GateView {
    GateView {
        allow: answer.decision.allow,
        denials: answer.decision.denials.iter().map(denial).collect(),
        warnings: answer.decision.warnings.iter().map(denial).collect(),
        overridden: answer.decision.overridden.iter().map(denial).collect(),
        policy: answer.decision.policy,
        envelope: answer.envelope,
        at: answer.at,
        statements: answer.decision.evidence_used.len(),
    }
}

fn denial(denial: &Denial) -> DenialView {
    DenialView {
        rule: denial.rule.clone(),
        subject: denial.subject.clone(),
        message: denial.message.clone(),
        place: denial.where_.clone().unwrap_or_default(),
        fix: denial.fix.clone(),
    }
}
