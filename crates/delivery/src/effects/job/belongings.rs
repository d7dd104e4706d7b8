//! What a job gets that no plan has: the project's variables, its identity tokens, what vaults keep for it.

use std::collections::BTreeSet;

use penstock_model::Secret;
use penstock_model::blob::LogSink;
use penstock_pipeline::{JobContext, Plan, PlannedJob};
use tokio_util::sync::CancellationToken;

use super::note;
use crate::effects::EffectError;
use crate::identity;
use crate::merge_requests::WITHHELD;
use crate::parts::Parts;
use crate::secrets::{Reaching, reaching};
use crate::world::RunRecord;

/// What of it is to be masked besides, and the names of what is withheld.
type Given = (Vec<Secret>, BTreeSet<String>);

/// Adds all of it to what is known of a job; or says why the job cannot begin.
pub(super) async fn give(
    parts: &Parts,
    record: &RunRecord,
    plan: &Plan,
    planned: &PlannedJob,
    context: &mut JobContext,
    log: &dyn LogSink,
    cancel: &CancellationToken,
) -> Result<Result<Given, String>, EffectError> {
    let environment = penstock_pipeline::environment_name(plan, &planned.name, context);
    let Reaching { secrets, plain, files, mut masks, withheld } = reaching(parts, record, environment.as_deref()).await?;
    if let Some(told) = withheld_words(parts, record, plan, planned, &withheld) {
        note(parts, log, &told).await?;
    }
    (context.secrets, context.plain, context.files) = (secrets, plain, files);
    if !planned.secrets.is_empty() && parts.journal.world().is_outside(record) {
        return Ok(Err(format!("the job asks a vault for secrets, and {WITHHELD}")));
    }
    context.id_tokens = match identity::id_tokens(parts, plan, &planned.name, context) {
        Ok(tokens) => tokens,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(doubt) = identity::doubt(parts, &context.id_tokens) {
        note(parts, log, &doubt).await?;
    }
    let fetched = identity::from_vaults(parts, plan, &planned.name, context, cancel).await;
    Ok(fetched.map(|fetched| {
        masks.extend(fetched);
        (masks, withheld)
    }))
}

/// For whoever wonders why a variable that the file names is empty.
fn withheld_words(parts: &Parts, record: &RunRecord, plan: &Plan, planned: &PlannedJob, withheld: &BTreeSet<String>) -> Option<String> {
    let named = withheld.iter().filter(|name| penstock_pipeline::mentions(plan, planned, name));
    let named: Vec<_> = named.map(|name| format!("`{name}`")).collect();
    let world = parts.journal.world();
    let branch = &world.projects.get(&record.project)?.branch;
    if !named.is_empty() && world.is_outside(record) {
        return Some(format!("withheld: {}: {WITHHELD}", named.join(", ")));
    }
    (!named.is_empty()).then(|| {
        format!(
            "withheld, as this run is not of `{branch}`: {}; `penstock secret set --all-branches` gives one to every branch",
            named.join(", ")
        )
    })
}
