//! `penstock chart template`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use penstock_chart::{
    chart::Chart,
    load,
    random::Seeded,
    release::{ComposeError, Composed, Head, Manifest, Request, compose, source_of},
    render::{Capabilities, KubeVersion, Release, Surroundings},
    value::{Str, Table},
};
use penstock_cli::{
    CliError, Output,
    args::chart::{Cluster, DryRun, RenderFlags, Template},
    exit, terminal,
};
use penstock_helm::{PostRender, RenderRequest};
use serde_json::json;

use super::{
    given, naming,
    post_renderer::{self, Program},
    release, source,
};

/// The release's name unless one is given.
const NAME: &str = "release-name";

/// Renders a chart and shows it.
pub async fn template(args: &Template, output: Output) -> Result<(), CliError> {
    let (name, reference) = naming::name_and_chart(&args.name_and_chart, &args.naming, Some(NAME))?;
    let post_renderer = Program::of(&args.post_renderer, post_renderer::USUAL)?;
    let chart = source::installable(reference, &args.source, args.render.dependency_update).await?;
    let composed = if args.validate || looks_up(args) {
        on_a_cluster(args, &name, chart, post_renderer).await?
    } else {
        plain(args, &name, &chart, post_renderer).await?
    };
    if let Some(folder) = &args.output_dir {
        let folder = if args.release_name { folder.join(&name) } else { folder.clone() };
        return write(&folder, args, &composed);
    }
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&as_json(args, &composed)).unwrap_or_default()),
        Output::Text => print!("{}", text(args, &composed)?),
    }
    Ok(())
}

/// What is rendered without a cluster.
async fn plain(args: &Template, name: &str, chart: &Chart, post_renderer: Option<Program>) -> Result<Composed, CliError> {
    let namespace = release::namespace(args.render.namespace.as_ref());
    let request = Request {
        release: Release { name: name.to_owned(), namespace, revision: 1, is_upgrade: args.is_upgrade },
        include_crds: args.include_crds && args.output_dir.is_none(),
        sub_notes: args.render_subchart_notes,
        ..request(given::values(&args.values, &args.source.credentials).await?, &args.render)?
    };
    let mut composed = match rendered(chart, &request, &args.render) {
        Err(ComposeError::NotManifests { fault, rendered }) => {
            if args.debug {
                print!("{rendered}");
            }
            return Err(CliError::other(fault.to_string(), "--debug shows what was rendered", exit::NOT_GOOD));
        }
        composed => composed.map_err(refused)?,
    };
    warn(&composed);
    if let Some(program) = &post_renderer {
        let changed = program.change(&composed.manifest).await;
        composed.manifest =
            changed.map_err(|why| CliError::other(format!("error while running post render on files: {why}"), "", exit::NOT_GOOD))?;
        composed.manifests = manifests(&composed.manifest);
    }
    Ok(composed)
}

/// Whether templates look things up. That it be no dry run is no wish that `template` can fulfil; Helm takes it for this.
fn looks_up(args: &Template) -> bool {
    matches!(args.dry_run, Some(DryRun::Server | DryRun::None))
}

/// What is rendered by what is on a cluster, or as a cluster has it and checked there.
async fn on_a_cluster(args: &Template, name: &str, chart: Chart, post_renderer: Option<Program>) -> Result<Composed, CliError> {
    let values = given::values(&args.values, &args.source.credentials).await?;
    let capabilities = (!args.validate).then(|| Ok::<_, CliError>(request(Table::new(), &args.render)?.capabilities)).transpose()?;
    if args.validate && (args.render.kube_version.is_some() || !args.render.api_versions.is_empty()) {
        terminal::warn("what the cluster is and serves is asked of it: --kube-version and --api-versions do not count");
    }
    let changed = post_renderer.is_some();
    let render = RenderRequest {
        chart,
        values,
        look_up: looks_up(args),
        capabilities,
        check_schema: !args.render.skip_schema_validation,
        seed: super::seed(),
        hosts: args.render.enable_dns.then_some(super::addresses as fn(&str) -> Vec<String>),
        include_crds: args.include_crds && args.output_dir.is_none(),
        sub_notes: args.render_subchart_notes,
        post_renderer: post_renderer.map(|program| Arc::new(program) as Arc<dyn PostRender>),
        ..RenderRequest::default()
    };
    let cluster = Cluster { namespace: args.render.namespace.clone(), reach: args.reach.clone() };
    let mut composed = release::rendered(&cluster, &render, name, args.is_upgrade, args.validate).await?;
    if changed {
        composed.manifests = manifests(&composed.manifest);
    }
    Ok(composed)
}

/// What is rendered, the release apart.
pub fn request(values: Table, flags: &RenderFlags) -> Result<Request, CliError> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &flags.kube_version {
        let read = KubeVersion::parse(version);
        capabilities.kube_version = read.map_err(|why| CliError::other(why, "a version is written 1.32.0", exit::USAGE))?;
    }
    capabilities.api_versions.extend(flags.api_versions.iter().cloned());
    Ok(Request { values, capabilities, check_schema: !flags.skip_schema_validation, ..Request::default() })
}

/// Renders, with the time and randomness of this machine.
pub fn rendered(chart: &Chart, request: &Request, flags: &RenderFlags) -> Result<Composed, ComposeError> {
    rendered_with(chart, request, flags, super::seed(), &super::now())
}

/// Renders with this randomness at this time.
pub fn rendered_with(
    chart: &Chart,
    request: &Request,
    flags: &RenderFlags,
    seed: [u8; 32],
    now: &jiff::ZonedDateTime,
) -> Result<Composed, ComposeError> {
    let mut random = Seeded::new(seed);
    let hosts = |name: &str| super::addresses(name);
    let mut around = Surroundings { time: Some(super::time_limit()), ..Surroundings::new(now, &mut random) };
    if flags.enable_dns {
        around.hosts = Some(&hosts);
    }
    compose(chart, request, &mut around)
}

/// A refusal to render, told.
pub fn refused(error: ComposeError) -> CliError {
    let hint = match &error {
        ComposeError::Schema(_) => "--skip-schema-validation renders them all the same",
        ComposeError::KubeVersion { .. } => "--kube-version says for which one it is rendered",
        _ => "",
    };
    CliError::other(error.to_string(), hint, exit::NOT_GOOD)
}

/// Tells what Helm would warn of.
pub fn warn(composed: &Composed) {
    for warning in &composed.warnings {
        terminal::warn(warning);
    }
}

/// The documents and hooks as Helm prints them.
fn text(args: &Template, composed: &Composed) -> Result<String, CliError> {
    let mut all = format!("{}\n", composed.manifest.trim());
    for hook in shown_hooks(args, composed) {
        all.push_str(&format!("---\n# Source: {}\n{}\n", hook.manifest.source, hook.manifest.content));
    }
    if args.show_only.is_empty() {
        return Ok(all);
    }
    only(&args.show_only, &all)
}

fn shown_hooks<'a>(args: &'a Template, composed: &'a Composed) -> impl Iterator<Item = &'a penstock_chart::release::Hook> {
    composed.hooks.iter().filter(|hook| !(args.no_hooks || args.skip_tests && hook.is_test()))
}

/// The documents that come from templates of these names.
fn only(patterns: &[String], all: &str) -> Result<String, CliError> {
    let documents = penstock_chart::release::documents(all.as_bytes());
    let mut shown = String::new();
    for pattern in patterns {
        let mut missing = true;
        for document in &documents {
            let document = document.lossy();
            let Some(source) = template_of(&document) else { continue };
            if load::matches(pattern.as_bytes(), source.as_bytes()).unwrap_or(false) {
                shown.push_str(&format!("---\n{document}\n"));
                missing = false;
            }
        }
        if missing {
            let message = format!("could not find template {pattern} in chart");
            return Err(CliError::other(message, "a template is named as in the chart: templates/service.yaml", exit::ABSENT));
        }
    }
    Ok(shown)
}

/// The template that a document comes from, its chart's name apart.
fn template_of(document: &str) -> Option<&str> {
    source_of(document)?.split_once('/').map(|(_, template)| template)
}

/// What a post-renderer gave, document by document; one that it has taken the comments of comes from nowhere.
fn manifests(text: &str) -> Vec<Manifest> {
    let one = |document: Str| {
        let source = source_of(&document.lossy()).unwrap_or_default().to_owned();
        Manifest { source, content: document, head: Head::default() }
    };
    penstock_chart::release::documents(text.as_bytes()).into_iter().map(one).collect()
}

fn as_json(args: &Template, composed: &Composed) -> serde_json::Value {
    let one = |manifest: &Manifest| {
        let objects = penstock_chart::release::objects(manifest.content.as_bytes()).unwrap_or_default();
        json!({ "source": manifest.source, "objects": objects })
    };
    let hooks: Vec<_> = shown_hooks(args, composed)
        .map(|hook| json!({ "manifest": one(&hook.manifest), "events": hook.events, "weight": hook.weight, "deletePolicies": hook.delete_policies }))
        .collect();
    json!({
        "manifests": composed.manifests.iter().map(one).collect::<Vec<_>>(),
        "hooks": hooks,
        "notes": composed.notes,
        "warnings": composed.warnings,
    })
}

/// Writes each document into a file of its template's name.
fn write(folder: &Path, args: &Template, composed: &Composed) -> Result<(), CliError> {
    let crds = if args.include_crds { composed.chart.crds() } else { Vec::new() };
    let crds = crds.iter().map(|crd| (crd.path.lossy().into_owned(), crd.file.data.lossy().into_owned()));
    let manifests = composed.manifests.iter().chain(shown_hooks(args, composed).map(|hook| &hook.manifest));
    let manifests = manifests.map(|manifest| (manifest.source.clone(), manifest.content.lossy().into_owned()));
    let mut begun = BTreeSet::new();
    for (source, content) in crds.chain(manifests) {
        let place = folder.join(&source);
        let failed = |source| CliError::Io { what: format!("writing {}", place.display()), source };
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let first = begun.insert(source.clone());
        let file = std::fs::OpenOptions::new().create(true).write(true).truncate(first).append(!first).open(&place);
        file.and_then(|mut file| write!(file, "---\n# Source: {source}\n{content}\n")).map_err(failed)?;
        println!("wrote {}", place.display());
    }
    // Helm ends with what is left to show, which is nothing
    println!();
    Ok(())
}
