//! Releases, changed.

use std::{collections::BTreeMap, pin::pin, sync::Arc};

use penstock_chart::release::Record;
use penstock_cli::{
    CliError, Form, Output, args,
    args::chart::{Cascade, DryRun, Install, NewRevision, Rollback, TestRelease, Uninstall, Upgrade},
    exit, terminal,
};
use penstock_helm::{HelmError, OldValues, PostRender, RenderRequest, Test, TestFilter, Waiting};
use penstock_model::cluster::Propagation;

use super::{
    super::{given, naming, post_renderer::Program, seed, source},
    Connected, Interruption, connect, failed, reach,
    shown::{self, Extent, Parts},
    time, told, waiting,
};

/// Installs a chart.
pub async fn install(args: &Install, form: Form) -> Result<u8, CliError> {
    let (name, reference) = naming::name_and_chart(&args.name_and_chart, &args.naming, None)?;
    let (render, there) = prepared(reference, &args.revision).await?;
    let mut install = installation(name, render, &args.revision, args.replace)?;
    let interruption = Interruption::of(&install.name);
    install.render.given_up = Some(interruption.tells());
    let done = there.releases(&told).install_unless(&install, pin!(interruption.asked())).await;
    told_of(done, "INSTALLATION FAILED", None, &args.revision, form)
}

/// Upgrades a release, or installs it.
pub async fn upgrade(args: &Upgrade, form: Form) -> Result<u8, CliError> {
    let revision = &args.revision;
    let (mut render, there) = prepared(&args.chart, revision).await?;
    let releases = there.releases(&told);
    let absent = args.install && !releases.is_installed(&args.name).await.map_err(failed)?;
    let interruption = Interruption::of(&args.name);
    render.given_up = Some(interruption.tells());
    let done = if absent {
        eprintln!("{}", terminal::dim(&format!("release {} is not there: installing it", args.name)));
        let install = installation(args.name.clone(), render, revision, true)?;
        releases.install_unless(&install, pin!(interruption.asked())).await
    } else {
        releases.upgrade_unless(&upgraded(args, render)?, pin!(interruption.asked())).await
    };
    let what = if absent { "was not there: installed" } else { "upgraded" };
    told_of(done, "UPGRADE FAILED", Some(what), revision, form)
}

/// What is rendered, and where it goes. The cluster is asked last: what is wrong with the arguments is told without one.
async fn prepared(reference: &str, flags: &NewRevision) -> Result<(RenderRequest, Connected), CliError> {
    if flags.hide_secret && !flags.is_dry_run() {
        return Err(CliError::other("Hiding Kubernetes secrets requires a dry-run mode", "add --dry-run", exit::USAGE));
    }
    let post_renderer = Program::of(&flags.post_renderer, time(&flags.waiting.timeout)?)?;
    let chart = source::installable(reference, &flags.source, flags.dependency_update).await?;
    if chart.metadata.deprecated {
        terminal::warn("this chart is deprecated");
    }
    let render = RenderRequest {
        chart,
        values: given::values(&flags.values, &flags.source.credentials).await?,
        check_schema: !flags.skip_schema_validation,
        seed: seed(),
        look_up: flags.dry_run != Some(DryRun::Client),
        hosts: flags.enable_dns.then_some(super::super::addresses as fn(&str) -> Vec<String>),
        hide_secrets: flags.hide_secret,
        sub_notes: flags.render_subchart_notes,
        post_renderer: post_renderer.map(|program| Arc::new(program) as Arc<dyn PostRender>),
        ..RenderRequest::default()
    };
    Ok((render, connect(&flags.cluster).await?))
}

fn installation(name: String, render: RenderRequest, flags: &NewRevision, replace: bool) -> Result<penstock_helm::Install, CliError> {
    Ok(penstock_helm::Install {
        name,
        render,
        waiting: waiting(&flags.waiting, flags.atomic)?,
        atomic: flags.atomic,
        create_namespace: flags.create_namespace,
        take_ownership: flags.take_ownership,
        skip_crds: flags.skip_crds,
        replace,
        force: flags.force,
        dry_run: flags.is_dry_run(),
        description: flags.description.clone(),
        labels: labels(&flags.labels)?,
    })
}

fn upgraded(args: &Upgrade, render: RenderRequest) -> Result<penstock_helm::Upgrade, CliError> {
    let flags = &args.revision;
    Ok(penstock_helm::Upgrade {
        name: args.name.clone(),
        render,
        old_values: old_values(args.old_values),
        waiting: waiting(&flags.waiting, flags.atomic)?,
        atomic: flags.atomic,
        cleanup_on_fail: args.cleanup_on_fail,
        force: flags.force,
        take_ownership: flags.take_ownership,
        dry_run: flags.is_dry_run(),
        history_max: reach::history_max(args.history_max)?,
        description: flags.description.clone(),
        labels: labels(&flags.labels)?,
    })
}

/// What becomes of the values before, by the flags.
pub(super) fn old_values(flags: args::chart::OldValues) -> OldValues {
    match (flags.reuse_values, flags.reset_values, flags.reset_then_reuse_values) {
        (true, _, _) => OldValues::Reuse,
        (_, true, _) => OldValues::Reset,
        (_, _, true) => OldValues::ResetThenReuse,
        _ => OldValues::IfNoneAreGiven,
    }
}

/// Shows what became of an installation or an upgrade: where somebody reads it, what was done is told first.
fn told_of(
    done: Result<Record, HelmError>,
    what_failed: &str,
    what: Option<&str>,
    flags: &NewRevision,
    form: Form,
) -> Result<u8, CliError> {
    let record = done.map_err(|error| {
        let error = failed(error);
        CliError::other(format!("{what_failed}: {error}"), error.hint().to_owned(), error.code())
    })?;
    let extent = if flags.debug { Extent::Content } else { Extent::Nothing };
    let parts = Parts { extent, no_notes: flags.hide_notes, ..Parts::default() };
    let first = what.map(|what| headline(&record.name, flags.is_dry_run(), what)).unwrap_or_default();
    shown::print(form, || shown::release(&record, true), || Ok(first + &shown::status(&record, parts)?))?;
    Ok(exit::OK)
}

/// What was done to a release, in a line before where it stands now.
fn headline(name: &str, dry_run: bool, what: &str) -> String {
    let what = if dry_run { "is left as it is: this is a dry run" } else { what };
    format!("release \"{name}\" {what}\n")
}

/// Takes a release back.
pub async fn rollback(args: &Rollback, form: Form) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let rollback = penstock_helm::Rollback {
        name: args.name.clone(),
        revision: args.revision,
        waiting: waiting(&args.waiting, false)?,
        cleanup_on_fail: args.cleanup_on_fail,
        force: args.force,
        recreate_pods: args.recreate_pods,
        dry_run: args.dry_run,
        history_max: reach::history_max(args.history_max)?,
    };
    let (record, to) = there.releases(&told).rollback(&rollback).await.map_err(failed)?;
    let first = headline(&record.name, args.dry_run, &format!("rolled back to revision {to}"));
    shown::print(form, || shown::release(&record, true), || Ok(first + &shown::status(&record, Parts::default())?))?;
    Ok(exit::OK)
}

/// Removes releases.
pub async fn uninstall(args: &Uninstall, output: Output) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let cascade = match args.cascade {
        Cascade::Background => Propagation::Background,
        Cascade::Foreground => Propagation::Foreground,
        Cascade::Orphan => Propagation::Orphan,
    };
    let mut removed = Vec::new();
    for name in &args.names {
        let uninstall = penstock_helm::Uninstall {
            name: name.clone(),
            waiting: Waiting { ready: args.wait, jobs: false, timeout: time(&args.timeout)?, hooks: !args.no_hooks },
            keep_history: args.keep_history,
            cascade,
            dry_run: args.dry_run,
            description: args.description.clone(),
        };
        match there.releases(&told).uninstall(&uninstall).await {
            Err(error) if error.is_not_found() && args.ignore_not_found => {}
            Err(error) => return Err(failed(error)),
            Ok(done) => {
                if output == Output::Text {
                    for (kind, name) in &done.kept {
                        println!("kept due to the resource policy: [{kind}] {name}");
                    }
                    print!("{}", headline(name, args.dry_run, "uninstalled"));
                }
                removed.push(serde_json::json!({ "name": name, "kept": done.kept }));
            }
        }
    }
    if output == Output::Json {
        println!("{}", serde_json::to_string_pretty(&removed).unwrap_or_default());
    }
    Ok(exit::OK)
}

/// Runs a release's tests.
pub async fn test(args: &TestRelease, form: Form) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let mut filter = TestFilter::default();
    for one in &args.filter {
        match one.split_once('=') {
            Some(("name", name)) => filter.only.push(name.to_owned()),
            Some(("!name", name)) => filter.without.push(name.to_owned()),
            _ => return Err(CliError::other(format!("{one:?} is no filter"), "a filter is written name=NAME or !name=NAME", exit::USAGE)),
        }
    }
    let waiting = Waiting { ready: true, jobs: true, timeout: time(&args.timeout)?, hooks: true };
    let test = Test { name: args.name.clone(), filter, waiting, logs: args.logs };
    let (record, ran) = there.releases(&told).test(&test).await.map_err(failed)?;
    let parts = Parts { no_notes: args.hide_notes, ..Parts::default() };
    shown::print(form, || shown::release(&record, true), || shown::status(&record, parts))?;
    ran.map(|()| exit::OK).map_err(failed)
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let one = |text: &String| {
        let wrong = || CliError::other(format!("{text:?} is no label"), "a label is written KEY=VALUE", exit::USAGE);
        text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(wrong)
    };
    given.iter().map(one).collect()
}
