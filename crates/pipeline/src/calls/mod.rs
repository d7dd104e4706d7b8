//! Jobs that call for what they do not have, or for what is not theirs: a Docker daemon, and a cluster whose gates they would pass
//! by. Found while planning, so that nobody waits for a run to hear it.

mod shell;

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::job::Shell;
use serde::{Deserialize, Serialize};

use self::shell::{Call, calls};
use crate::diagnostic::{Diagnostic, Severity};
use crate::input::Source;
use crate::library::Library;
use crate::plan::{Asked, Plan, PlannedJob};
use crate::{ActionImage, PlannedStep};

/// Options of `helm` and `kubectl` that take a value, before the verb.
const VALUED: &[&str] = &[
    "-n",
    "--namespace",
    "--context",
    "--kube-context",
    "--kubeconfig",
    "--cluster",
    "--user",
    "-s",
    "--server",
    "--token",
    "--as",
    "--as-group",
    "--request-timeout",
    "--kube-apiserver",
    "--kube-token",
    "--kube-ca-file",
    "--kube-as-user",
    "--registry-config",
    "--repository-config",
    "--repository-cache",
    "-v",
];
/// What changes a cluster.
const HELM: &[&str] = &["install", "upgrade", "uninstall", "delete", "rollback"];
/// The same.
const KUBECTL: &[&str] = &[
    "apply",
    "create",
    "replace",
    "patch",
    "delete",
    "edit",
    "set",
    "scale",
    "autoscale",
    "label",
    "annotate",
    "rollout",
    "expose",
    "run",
    "drain",
    "cordon",
    "uncordon",
    "taint",
];
/// Where a Docker daemon listens.
const SOCKET: &str = "docker.sock";
/// What `kubectl rollout` only shows.
const SHOWS: &[&str] = &["status", "history"];

/// Something that jobs may not call unless `penstock.yaml` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beyond {
    /// A Docker daemon.
    Docker,
    /// `helm` with what changes a cluster.
    Helm,
    /// `kubectl` with what changes a cluster.
    Kubectl,
}

impl Beyond {
    fn word(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Helm => "helm",
            Self::Kubectl => "kubectl",
        }
    }
}

/// What jobs may call all the same, by their keys in the file; `*` is every job.
pub type Allowed = BTreeMap<String, BTreeSet<Beyond>>;

/// Everything in the plan's jobs that calls for what is beyond them and is not allowed, with its place.
pub fn beyond(plan: &Plan, source: &Source<'_>, library: &Library, allowed: &Allowed) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut seen = BTreeSet::new();
    for job in plan.jobs.iter().filter(|job| seen.insert(&job.group)) {
        let may = |what: Beyond| {
            let named = [job.group.as_str(), job.name.as_str(), "*"];
            named.iter().any(|name| allowed.get(*name).is_some_and(|all| all.contains(&what)))
        };
        for (what, said, line) in of_job(job).into_iter().filter(|(what, ..)| !may(*what)) {
            let (path, place) = place(job, &line, source, library);
            let (message, help) = words(what, &said, &job.group);
            let one = Diagnostic { severity: Severity::Error, path, line: place.0, column: place.1, key: job.group.clone(), message, help };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

fn words(what: Beyond, said: &str, job: &str) -> (String, String) {
    let allow = format!("if it is meant, say so in penstock.yaml: `jobs: {{\"{job}\": {{allows: [{}]}}}}`", what.word());
    match what {
        Beyond::Docker => (
            format!("{said} calls for a Docker daemon, which jobs do not have"),
            format!("`penstock build --image NAME` builds and publishes an image without one; {allow}"),
        ),
        Beyond::Helm | Beyond::Kubectl => (
            format!("{said} would change a cluster past the gate of its environment"),
            format!("write it into the config repository, from where it is delivered through the gate; {allow}"),
        ),
    }
}

/// What a job calls, in words, and the line of its script where it does.
fn of_job(job: &PlannedJob) -> Vec<(Beyond, String, String)> {
    let mut found = Vec::new();
    for service in &job.services {
        let image = service.container.image.split('@').next().unwrap_or_default();
        let (name, tag) = image.rsplit('/').next().unwrap_or(image).split_once(':').unwrap_or((image, ""));
        if (name == "docker" || name == "docker-dind") && (tag.contains("dind") || tag.is_empty() || name.ends_with("dind")) {
            found.push((Beyond::Docker, format!("the service `{}`", service.container.image), service.container.image.clone()));
        }
    }
    if job.variables.contains_key("DOCKER_HOST") {
        found.push((Beyond::Docker, "`DOCKER_HOST`".to_owned(), "DOCKER_HOST".to_owned()));
    }
    for step in &job.steps {
        let step = if let PlannedStep::Background { step, .. } = step { step } else { step };
        let script = match step {
            // one shell reads them all
            PlannedStep::BeforeSources { commands } | PlannedStep::Script { commands } | PlannedStep::AfterScript { commands } => {
                commands.join("\n")
            }
            PlannedStep::Run { script, shell, env, .. } => {
                if env.given().is_some_and(|env| env.contains_key("DOCKER_HOST")) {
                    found.push((Beyond::Docker, "`DOCKER_HOST`".to_owned(), "DOCKER_HOST".to_owned()));
                }
                let reads = match shell {
                    None => true,
                    Some(Asked::Given(shell)) => matches!(shell, Shell::Bash | Shell::BashOrSh | Shell::Sh),
                    // on doubt
                    Some(Asked::Expression(_)) => true,
                };
                if reads { script.clone() } else { continue }
            }
            PlannedStep::Uses { env, with, .. } => {
                found.extend(of_action(step, env.given(), with));
                continue;
            }
            PlannedStep::Background { .. } | PlannedStep::Wait { .. } => continue,
        };
        for call in calls(&script) {
            if let Some(what) = asks(&call) {
                let shown: Vec<&str> = call.words.iter().take(2).map(String::as_str).collect();
                let line = script.lines().nth(call.line).unwrap_or_default().trim().to_owned();
                found.push((what, format!("`{}`", crate::reader::shown(&shown.join(" "))), line));
            }
        }
    }
    found
}

/// What an action calls: the program of Docker, or the socket of a daemon, in its own containers; the address of one.
fn of_action(step: &PlannedStep, env: Option<&BTreeMap<String, String>>, with: &BTreeMap<String, String>) -> Vec<(Beyond, String, String)> {
    let mut found = Vec::new();
    let mut say = |what: &str, line: &str| found.push((Beyond::Docker, format!("`{}`", crate::reader::shown(what)), line.to_owned()));
    if env.is_some_and(|env| env.contains_key("DOCKER_HOST")) {
        say("DOCKER_HOST", "DOCKER_HOST");
    }
    let containers = step.containers();
    for container in &containers {
        if let ActionImage::Registry { name } = &container.image {
            let image = name.split('@').next().unwrap_or_default();
            let image = image.rsplit('/').next().unwrap_or_default().split(':').next().unwrap_or_default();
            if image == "docker" {
                say(&container.image_name(), name);
            }
        }
    }
    let own = containers.iter().flat_map(|container| container.args.iter().flatten().chain(container.env.values()));
    let given = if containers.is_empty() { None } else { Some(with.values().chain(env.into_iter().flat_map(BTreeMap::values))) };
    for text in own.chain(given.into_iter().flatten()).filter(|text| text.contains(SOCKET)) {
        say(SOCKET, text.lines().find(|line| line.contains(SOCKET)).unwrap_or_default().trim());
    }
    found
}

/// What a call is beyond, if anything.
fn asks(call: &Call) -> Option<Beyond> {
    let words = &call.words[1..];
    let verb = verb(words);
    let tried = words.iter().any(|word| word == "--dry-run" || (word.starts_with("--dry-run=") && word != "--dry-run=none"));
    match call.program() {
        "docker" | "docker-compose" => {
            let asks_itself = matches!(words.first().map(String::as_str), Some("--version" | "-v" | "--help" | "help"));
            // without a word after it, it says what it is for; or it is a pattern of `case`
            (!asks_itself && !words.is_empty()).then_some(Beyond::Docker)
        }
        "helm" if !tried && verb.is_some_and(|(verb, _)| HELM.contains(&verb)) => Some(Beyond::Helm),
        "kubectl" if !tried => match verb {
            Some(("rollout", rest)) if rest.first().is_none_or(|word| SHOWS.contains(&word.as_str())) => None,
            Some((verb, _)) if KUBECTL.contains(&verb) => Some(Beyond::Kubectl),
            _ => None,
        },
        _ => None,
    }
}

/// The first word that is neither an option nor an option's value, and what follows it.
fn verb(words: &[String]) -> Option<(&str, &[String])> {
    let mut at = 0;
    while words.get(at)?.starts_with('-') {
        at += if VALUED.contains(&words[at].as_str()) { 2 } else { 1 };
    }
    Some((words.get(at)?.as_str(), words.get(at + 1..).unwrap_or_default()))
}

/// Where a line of a job's script stands: from the job on, elsewhere in its file, in any other file; else the job itself.
fn place(job: &PlannedJob, line: &str, source: &Source<'_>, library: &Library) -> (String, (usize, usize)) {
    let own = job.file.as_deref().unwrap_or(source.path);
    let from = |text: &str, first: usize| {
        text.lines().enumerate().skip(first).find_map(|(at, have)| {
            let begin = have.find(line).filter(|_| !line.is_empty() && !have.trim_start().starts_with('#'))?;
            Some((at + 1, have[..begin].chars().count() + 1))
        })
    };
    let files: Vec<(String, &str)> = [(source.path.to_owned(), source.text)].into_iter().chain(library.texts()).collect();
    let (own_file, others): (Vec<_>, Vec<_>) = files.iter().partition(|(path, _)| path == own);
    // the line after the job's key first; what it takes from templates may stand before it
    for (path, text) in &own_file {
        if let Some(place) = from(text, job.line.saturating_sub(1)).or_else(|| from(text, 0)) {
            return (path.clone(), place);
        }
    }
    let elsewhere = others.into_iter().find_map(|(path, text)| Some((path.clone(), from(text, 0)?)));
    elsewhere.unwrap_or_else(|| (own.to_owned(), (job.line, 1)))
}
