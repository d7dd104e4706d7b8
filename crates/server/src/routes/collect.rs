//! Having what nothing needs removed.

use axum::Json;
use axum::extract::State;
use penstock_api::{Collect, Collected, CollectedKind, CollectedThing};
use penstock_delivery::collect::{self, Outcome};
use penstock_delivery::events::Role;
use std::collections::BTreeMap;

use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

/// Only an administrator may, a dry run too: it names what everybody left.
pub(super) async fn gc(State(app): State<App>, caller: Caller, Json(order): Json<Collect>) -> Result<Json<Collected>, Failure> {
    caller.must_be(Role::Admin)?;
    let outcome = collect::collect(app.parts.clone(), app.calls.clone(), caller.user, order.days, order.dry_run).await?;
    Ok(Json(collected(outcome, order.dry_run)))
}

fn collected(outcome: Outcome, dry_run: bool) -> Collected {
    let (removed, bytes) = (outcome.gone.len() as u64, outcome.bytes());
    let mut kinds: BTreeMap<String, CollectedKind> = BTreeMap::new();
    for gone in &outcome.gone {
        let kind = kinds.entry(gone.kind.word().to_owned()).or_default();
        kind.removed += 1;
        kind.bytes += gone.bytes;
    }
    let thing = |gone: collect::Gone| CollectedThing { kind: gone.kind.word().to_owned(), name: gone.name, bytes: gone.bytes };
    let things: Vec<_> = outcome.gone.into_iter().take(Collected::MAX_THINGS).map(thing).collect();
    let left_off = removed - things.len() as u64;
    Collected { dry_run, removed, bytes, kept: outcome.kept, kinds, things, left_off }
}

#[cfg(test)]
mod tests {
    use super::*;
    use penstock_delivery::collect::{Gone, Kind};

    #[test]
    fn things_are_counted_by_sort_and_named_up_to_a_bound() {
        let blob = |number: usize| Gone { kind: Kind::Blob, name: number.to_string(), bytes: 2 };
        let mut gone: Vec<_> = (0..Collected::MAX_THINGS).map(blob).collect();
        gone.push(Gone { kind: Kind::Log, name: "log".to_owned(), bytes: 5 });
        let said = collected(Outcome { gone, kept: 7 }, true);
        let most = Collected::MAX_THINGS as u64;
        assert_eq!((said.dry_run, said.removed, said.bytes, said.kept), (true, most + 1, 2 * most + 5, 7));
        assert_eq!(said.kinds["blob"], CollectedKind { removed: most, bytes: 2 * most });
        assert_eq!(said.kinds["log"], CollectedKind { removed: 1, bytes: 5 });
        assert_eq!((said.things.len() as u64, said.left_off), (most, 1));
    }
}
