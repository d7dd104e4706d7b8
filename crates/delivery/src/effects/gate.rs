//! Asking a gate.

use penstock_gate::{GateInput, PolicySet};
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::release::ReleaseId;
use penstock_model::{CommitId, EnvironmentName, RepositoryName};
use penstock_trust::predicate::{Summary, SummaryInput};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::EffectError;
use super::commit::with_images;
use crate::config_repository::text;
use crate::events::ReleaseEvent;
use crate::evidence::{Saying, say};
use crate::inputs::gate_inputs;
use crate::parts::Parts;
use crate::streams;

/// Asks the gate with everything that is known, and keeps the answer as a signed statement.
pub(super) async fn gate(parts: &Parts, id: ReleaseId, name: &EnvironmentName, cancel: CancellationToken) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let now = parts.journal.now();
    let Some(record) = world.releases.get(&id) else { return Ok(()) };
    let project = &record.release.project;
    let Some(environment) = world.environment(project, name) else { return Ok(()) };
    let Some(repository) = world.projects.get(project).map(|project| project.config_repository.clone()) else { return Ok(()) };
    let Some(config) = world.config(project) else { return Ok(()) };
    let Some(head) = world.projects.get(project).and_then(|project| project.config.as_ref()).map(|seen| seen.commit.clone()) else {
        return Ok(());
    };
    let inputs = gate_inputs(&world, record, &environment, now);
    let wanted = with_images(parts, &repository, &head, &environment, &record.release, &cancel).await?;
    let policies = policies(parts, &repository, &head, &environment.gate).await?;
    let input = GateInput {
        environment: name.clone(),
        config: (*config).clone(),
        release: record.release.clone(),
        revision: wanted.revision,
        now,
        evidence: world.evidence_for(id, &record.release).iter().map(|said| (**said).clone()).collect(),
        pushers: record.pushers.clone(),
        authors: world.authors(record),
    };
    let decision = penstock_gate::evaluate(&policies, &input);
    let summary = Summary::from(SummaryInput {
        environment: name.clone(),
        release: id,
        revision: wanted.revision,
        images: record.release.images.clone(),
        policy_uri: format!("git+{}/git/{repository}.git@{head}", parts.settings.url),
        policy: decision.policy,
        evidence: decision.evidence_used.clone(),
        allow: decision.allow,
        broken_glass: decision.broken_glass.is_some(),
        decision: json!({ "denials": decision.denials, "warnings": decision.warnings, "overridden": decision.overridden }),
        at: now,
        verifier_id: "https://penstock.dev/gate/v1".to_owned(),
        verifier_version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    let saying = Saying {
        project,
        run: Some(&record.run),
        subject: Subject::Release(id),
        name: "gate",
        witness: Witness::Observed,
        key: format!("vsa/{id}/{name}/{inputs}"),
        predicate: &summary,
    };
    let envelope = say(parts, saying).await?;
    let took_ms = u64::try_from(parts.journal.now().since(now).as_millis()).unwrap_or(u64::MAX);
    let event = ReleaseEvent::Gated { environment: name.clone(), revision: wanted.revision, decision, inputs, envelope, took_ms };
    parts.journal.record(&streams::release(id), Actor::Penstock, event).await?;
    Ok(())
}

async fn policies(parts: &Parts, repository: &RepositoryName, commit: &CommitId, paths: &[String]) -> Result<PolicySet, EffectError> {
    let mut files = Vec::new();
    for path in paths {
        files.push((path.clone(), text(parts, repository, commit, path).await?));
    }
    Ok(PolicySet::new(files))
}
