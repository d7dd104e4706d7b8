//! What an upgrade would make of a release.

use penstock_chart::release::{Record, Sorted};
use penstock_cli::{
    CliError,
    args::chart::{Cluster, Diff},
    exit,
};
use penstock_helm::RenderRequest;

use super::{
    super::{given, seed, source},
    change::old_values,
    connect, failed, told,
};

/// A release as it is, and as an upgrade would make it.
pub struct Proposed {
    /// Its revision now.
    pub revision: u32,
    /// What it is made of now.
    pub current: Sorted,
    /// What it would be made of.
    pub next: Sorted,
}

/// Renders a chart as an upgrade of a release would, and changes nothing.
pub async fn proposed(args: &Diff, name: &str, reference: &str) -> Result<Proposed, CliError> {
    let render = RenderRequest {
        chart: source::installable(reference, &args.source, args.render.dependency_update).await?,
        values: given::values(&args.values, &args.source.credentials).await?,
        check_schema: !args.render.skip_schema_validation,
        seed: seed(),
        look_up: true,
        hosts: args.render.enable_dns.then_some(super::super::addresses as fn(&str) -> Vec<String>),
        ..RenderRequest::default()
    };
    let there = connect(&Cluster { namespace: args.render.namespace.clone(), reach: args.reach.clone() }).await?;
    let (current, next) = there.releases(&told).proposed(name, render, old_values(args.old_values)).await.map_err(failed)?;
    let sorted = |record: &Record| {
        record.sorted().map_err(|why| CliError::other(why.to_string(), "`penstock chart get manifest` shows the documents", exit::NOT_GOOD))
    };
    Ok(Proposed { revision: current.revision, current: sorted(&current)?, next: sorted(&next)? })
}
