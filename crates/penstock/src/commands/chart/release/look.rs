//! Releases, looked at.

use std::io::Write as _;

use penstock_chart::{
    random::Seeded,
    release::{Record, Status},
    render::{Surroundings, render_record},
};
use penstock_cli::{
    CliError, Form,
    args::chart::{Get, GetPart, History, ListReleases, StatusOf},
    exit, terminal,
};
use penstock_helm::{ByKind, Listing, ResourceForm};
use serde_json::{Value, json};

use super::{
    connect, failed, resources,
    shown::{self, Extent, Parts},
    told,
};

/// Lists releases.
pub async fn list(args: &ListReleases, form: Form) -> Result<u8, CliError> {
    let mut there = connect(&args.cluster).await?;
    if args.all_namespaces {
        there.namespace = String::new();
    }
    let listing = Listing {
        statuses: statuses(args),
        filter: args.filter.clone(),
        selector: args.selector.clone(),
        by_date: args.date,
        reverse: args.reverse,
        offset: args.offset,
        most: args.max,
    };
    let found = there.releases(&told).list(&listing).await.map_err(failed)?;
    let value = || {
        let one = |record: &Record| if args.short { json!(record.name) } else { shown::listed(record, &args.time_format) };
        Value::Array(found.iter().map(one).collect())
    };
    match form {
        Form::Text if args.short => found.iter().for_each(|record| println!("{}", record.name)),
        Form::Text => {
            let rows: Vec<_> = found.iter().map(|record| row(&shown::listed(record, &args.time_format))).collect();
            let headings = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
            terminal::table(if args.no_headers { &[] } else { &headings }, &rows);
        }
        form => shown::print(form, value, || Ok(String::new()))?,
    }
    Ok(exit::OK)
}

/// A release among others, cell by cell.
fn row(listed: &Value) -> Vec<String> {
    let cell = |key: &str| terminal::plain(listed.get(key).and_then(Value::as_str).unwrap_or_default());
    ["name", "namespace", "revision", "updated", "status", "chart", "app_version"].map(cell).to_vec()
}

/// The statuses that are asked for; none where nothing is said of them.
fn statuses(args: &ListReleases) -> Vec<Status> {
    use Status::{Deployed, Failed, PendingInstall, PendingRollback, PendingUpgrade, Superseded, Uninstalled, Uninstalling};
    let kinds: [(bool, &[Status]); 6] = [
        (args.deployed, &[Deployed]),
        (args.failed, &[Failed]),
        (args.pending, &[PendingInstall, PendingUpgrade, PendingRollback]),
        (args.superseded, &[Superseded]),
        (args.uninstalled, &[Uninstalled]),
        (args.uninstalling, &[Uninstalling]),
    ];
    kinds.iter().filter(|(asked, _)| *asked || args.all).flat_map(|(_, statuses)| statuses.iter().copied()).collect()
}

/// Shows a release's revisions.
pub async fn history(args: &History, form: Form) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let mut found = there.releases(&told).history(&args.name).await.map_err(failed)?;
    found.drain(..found.len().saturating_sub(args.max));
    if form == Form::Text {
        let rows: Vec<_> = found.iter().map(shown::revision_row).collect();
        terminal::table(&["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"], &rows);
        return Ok(exit::OK);
    }
    shown::print(form, || Value::Array(found.iter().map(shown::revision).collect()), || Ok(String::new()))?;
    Ok(exit::OK)
}

/// Shows where a release stands.
pub async fn status(args: &StatusOf, form: Form) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let record = there.releases(&told).revision(&args.name, args.revision).await.map_err(failed)?;
    let as_what = if form == Form::Text { ResourceForm::Tables } else { ResourceForm::Objects };
    let mut found = ByKind::new();
    if args.show_resources {
        found = there.releases(&told).resources(&record, as_what).await.map_err(failed)?;
    }
    let value = || {
        let mut value = shown::release(&record, false);
        if !found.is_empty() {
            value["info"]["resources"] = Value::Object(found.iter().map(|(kind, all)| (kind.clone(), Value::from(all.clone()))).collect());
        }
        value
    };
    let text = || {
        let resources = resources::tables(&found);
        shown::status(&record, Parts { description: args.show_desc, resources: &resources, ..Parts::default() })
    };
    shown::print(form, value, text)?;
    Ok(exit::OK)
}

/// Shows what a release is made of.
pub async fn get(args: &Get, form: Form) -> Result<u8, CliError> {
    if args.template.is_some() && (args.part != GetPart::All || form != Form::Text) {
        let message = "--template is for `get all` alone, and gives text";
        return Err(CliError::other(message, "penstock chart get all NAME --template '{{.Release.Name}}'", exit::USAGE));
    }
    let there = connect(&args.cluster).await?;
    let record = there.releases(&told).revision(&args.name, args.revision).await.map_err(failed)?;
    if let Some(template) = &args.template {
        return by_template(&record, template);
    }
    let values = if args.all { shown::computed(&record)? } else { shown::given(&record) };
    let value = || match args.part {
        GetPart::All => shown::release(&record, true),
        GetPart::Values => values.clone(),
        GetPart::Manifest => json!(record.manifest),
        GetPart::Hooks => json!(record.hooks),
        GetPart::Notes => json!(record.info.notes),
        GetPart::Metadata => shown::described(&record),
    };
    let text = || match args.part {
        GetPart::All => shown::status(&record, Parts { extent: Extent::Whole, ..Parts::default() }),
        GetPart::Values => {
            let heading = if args.all { "COMPUTED VALUES" } else { "USER-SUPPLIED VALUES" };
            Ok(format!("{heading}:\n{}", super::super::document(&values)?))
        }
        GetPart::Manifest => Ok(format!("{}\n", record.manifest)),
        GetPart::Hooks => Ok(shown::hooks(&record)),
        GetPart::Notes if record.info.notes.is_empty() => Ok(String::new()),
        GetPart::Notes => Ok(format!("NOTES:\n{}\n", record.info.notes)),
        GetPart::Metadata => Ok(shown::described_text(&record)),
    };
    shown::print(form, value, text)?;
    Ok(exit::OK)
}

/// Shows what a template makes of a release, to the byte.
fn by_template(record: &Record, template: &str) -> Result<u8, CliError> {
    let (now, mut random) = (super::super::now(), Seeded::new(super::super::seed()));
    let mut around = Surroundings { time: Some(super::super::time_limit()), ..Surroundings::new(&now, &mut random) };
    let made = render_record(record, template, &mut around).map_err(|error| {
        CliError::other(error.to_string(), "what a template sees is called as in Helm: .Release.Info.Status", exit::NOT_GOOD)
    })?;
    std::io::stdout().write_all(&made).map_err(|source| CliError::Io { what: "writing to standard output".to_owned(), source })?;
    Ok(exit::OK)
}
