//! Releases, changed.

use std::collections::BTreeMap;

use penstock_chart::{
    budget::{Limits, RENDER_TIME},
    chart::Chart,
    value::Table,
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Cascade, ChartSource, DryRun, Install, Rollback, TestRelease, Uninstall, Upgrade},
    exit, terminal,
};
use penstock_helm::{OldValues, RenderRequest, Test, TestFilter, Waiting};
use penstock_model::cluster::Propagation;

use super::{
    super::{given, seed, source, template},
    connect, failed, look, time, told, waiting,
};

/// Installs a chart.
pub async fn install(args: &Install, output: Output) -> Result<u8, CliError> {
    let (name, reference) = match (args.name_and_chart.as_slice(), args.generate_name) {
        ([name, chart], false) => (name.clone(), chart),
        ([chart], true) => (template::generated_name(chart), chart),
        ([_, _], true) => {
            return Err(CliError::other("--generate-name makes up the name that is given", "leave one of them out", exit::USAGE));
        }
        _ => {
            return Err(CliError::other(
                "a name and a chart are wanted",
                "penstock chart install NAME CHART, or --generate-name",
                exit::USAGE,
            ));
        }
    };
    let chart = chart(reference, &args.source, args.dependency_update).await?;
    let there = connect(&args.cluster).await?;
    let install = penstock_helm::Install {
        name,
        render: render(
            chart,
            given::values(&args.values, &args.source.credentials).await?,
            !args.skip_schema_validation,
            args.dry_run,
            args.enable_dns,
        )?,
        waiting: waiting(&args.waiting)?,
        atomic: args.atomic,
        create_namespace: args.create_namespace,
        take_ownership: args.take_ownership,
        skip_crds: args.skip_crds,
        replace: args.replace,
        dry_run: args.dry_run.is_some(),
        description: args.description.clone(),
        labels: labels(&args.labels)?,
    };
    let record = there.releases(&told).install(&install).await.map_err(|error| {
        let error = failed(error);
        CliError::other(format!("INSTALLATION FAILED: {error}"), error.hint().to_owned(), error.code())
    })?;
    look::show(&record, output);
    if install.dry_run && output == Output::Text {
        println!("MANIFEST:\n{}", record.manifest);
    }
    Ok(exit::OK)
}

/// Upgrades a release, or installs it.
pub async fn upgrade(args: &Upgrade, output: Output) -> Result<u8, CliError> {
    let chart = chart(&args.chart, &args.source, args.dependency_update).await?;
    let there = connect(&args.cluster).await?;
    let releases = there.releases(&told);
    let render = render(
        chart,
        given::values(&args.values, &args.source.credentials).await?,
        !args.skip_schema_validation,
        args.dry_run,
        args.enable_dns,
    )?;
    let (waiting, labels) = (waiting(&args.waiting)?, labels(&args.labels)?);
    let (description, dry_run) = (args.description.clone(), args.dry_run.is_some());
    let absent = args.install && !releases.is_installed(&args.name).await.map_err(failed)?;
    let done = if absent {
        eprintln!("{}", terminal::dim(&format!("release {} is not there: installing it", args.name)));
        let install = penstock_helm::Install {
            name: args.name.clone(),
            render,
            waiting,
            atomic: args.atomic,
            create_namespace: args.create_namespace,
            take_ownership: args.take_ownership,
            skip_crds: args.skip_crds,
            replace: true,
            dry_run,
            description,
            labels,
        };
        releases.install(&install).await
    } else {
        let old_values = match (args.reuse_values, args.reset_values, args.reset_then_reuse_values) {
            (true, _, _) => OldValues::Reuse,
            (_, true, _) => OldValues::Reset,
            (_, _, true) => OldValues::ResetThenReuse,
            _ => OldValues::IfNoneAreGiven,
        };
        let upgrade = penstock_helm::Upgrade {
            name: args.name.clone(),
            render,
            old_values,
            waiting,
            atomic: args.atomic,
            cleanup_on_fail: args.cleanup_on_fail,
            force: args.force,
            take_ownership: args.take_ownership,
            dry_run,
            history_max: args.history_max,
            description,
            labels,
        };
        releases.upgrade(&upgrade).await
    };
    let record = done.map_err(|error| {
        let error = failed(error);
        CliError::other(format!("UPGRADE FAILED: {error}"), error.hint().to_owned(), error.code())
    })?;
    look::show(&record, output);
    if dry_run && output == Output::Text {
        println!("MANIFEST:\n{}", record.manifest);
    }
    Ok(exit::OK)
}

/// Takes a release back.
pub async fn rollback(args: &Rollback, output: Output) -> Result<u8, CliError> {
    let there = connect(&args.cluster).await?;
    let rollback = penstock_helm::Rollback {
        name: args.name.clone(),
        revision: args.revision,
        waiting: waiting(&args.waiting)?,
        cleanup_on_fail: args.cleanup_on_fail,
        force: args.force,
        recreate_pods: args.recreate_pods,
        dry_run: args.dry_run,
        history_max: args.history_max,
    };
    let record = there.releases(&told).rollback(&rollback).await.map_err(failed)?;
    look::show(&record, output);
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
                    println!("release \"{name}\" uninstalled");
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
pub async fn test(args: &TestRelease, output: Output) -> Result<u8, CliError> {
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
    look::show(&record, output);
    ran.map(|()| exit::OK).map_err(failed)
}

async fn chart(reference: &str, from: &ChartSource, update: bool) -> Result<Chart, CliError> {
    let chart = source::installable(reference, from, update).await?;
    if chart.metadata.deprecated {
        eprintln!("{} this chart is deprecated", terminal::yellow("warning:"));
    }
    Ok(chart)
}

fn render(chart: Chart, values: Table, check_schema: bool, dry_run: Option<DryRun>, dns: bool) -> Result<RenderRequest, CliError> {
    Ok(RenderRequest {
        chart,
        values,
        check_schema,
        seed: seed(),
        limits: Limits::default(),
        time: RENDER_TIME,
        look_up: dry_run != Some(DryRun::Client),
        hosts: dns.then_some(super::super::addresses as fn(&str) -> Vec<String>),
    })
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>, CliError> {
    let one = |text: &String| {
        let wrong = || CliError::other(format!("{text:?} is no label"), "a label is written KEY=VALUE", exit::USAGE);
        text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(wrong)
    };
    given.iter().map(one).collect()
}
