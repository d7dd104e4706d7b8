//! Plans real files of public projects and says which mean what a person read in them. Only their names and meaning are in
//! the tree (`tests/corpus`): `tests/corpus/fetch DIR`, then `cargo run -p penstock-pipeline --example corpus -- DIR`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::print_stdout, missing_docs, reason = "a tool of ours")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use penstock_pipeline::{
    ActionsLock, Dialect, FileRef, Found, Library, MergeRequest, Plan, PlannedJob, PushEvent, Source, Trigger, Unplanned, Wait, plan,
};

/// The commits that tags and branches of actions stood for.
const LOCK: &str = include_str!("../tests/corpus/actions.lock");
const LISTS: [&str; 2] = [include_str!("../tests/corpus/gitlab.txt"), include_str!("../tests/corpus/github.txt")];

/// A file of the list.
struct Entry<'a> {
    repository: &'a str,
    commit: &'a str,
    path: &'a str,
    event: &'a str,
    jobs: Vec<&'a str>,
}

fn entries(list: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        if let Some(job) = line.strip_prefix("    ") {
            entries.last_mut().unwrap().jobs.push(job);
            continue;
        }
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap();
        entries.push(Entry { repository: word(), commit: word(), path: word(), event: word(), jobs: Vec::new() });
    }
    entries
}

/// A repository's files in the corpus, and the event.
struct Tree(PathBuf, String);

impl Tree {
    fn of(corpus: &Path, entry: &Entry<'_>) -> Self {
        Self(corpus.join(entry.repository.replacen('/', "+", 1)), entry.event.to_owned())
    }

    fn paths(&self) -> Vec<String> {
        fs::read_to_string(self.0.join("FILES")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    fn read(&self, path: &str) -> Result<String, String> {
        let bytes = fs::read(self.0.join("tree").join(path)).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|error| error.to_string())
    }

    /// Local files come from the tree, actions from `actions`, where they lie as in a mirror, others from `external`, where they
    /// lie by their names.
    fn find(&self, file: &FileRef) -> Result<Found, String> {
        let text = match file {
            FileRef::Local { path } if path == ActionsLock::PATH => LOCK.to_owned(),
            FileRef::Local { path } => self.read(path)?,
            // the event's commit is the head of its branch, and is taken to have changed everything since any other
            FileRef::Changes { since } if self.1.ends_with(&format!(" {}", since.trim_start_matches("refs/heads/"))) => String::new(),
            FileRef::Changes { .. } => self.paths().join("\0"),
            FileRef::Tag { .. } => String::new(),
            FileRef::Action { repository, reference, path } => {
                let folder = self.0.with_file_name("actions").join(format!("{repository}@{reference}"));
                fs::read_to_string(folder.join(path)).map_err(|_| format!("{file} is not in the corpus"))?
            }
            other => {
                let path = self.0.with_file_name("external").join(other.to_string().replace('/', "+"));
                fs::read_to_string(path).map_err(|_| format!("{other} is not in the corpus"))?
            }
        };
        let commit = matches!(file, FileRef::Action { .. } | FileRef::Project { .. }).then(|| "c".repeat(40));
        Ok(Found { commit, ..Found::new(text) })
    }
}

fn event(entry: &Entry<'_>, files: Vec<String>) -> PushEvent {
    let name: String = entry.repository.rsplit('/').next().unwrap().to_lowercase().replace('.', "-");
    let (said, variables) = entry.event.split_once(" with ").unwrap_or((entry.event, ""));
    let (kind, what) = said.split_once(' ').unwrap_or((said, "main"));
    let (trigger, branch) = match kind {
        "push" => (Trigger::Push, what),
        "schedule" => (Trigger::Schedule { cron: what.to_owned(), description: String::new() }, "main"),
        "workflow_dispatch" => (Trigger::Manual { inputs: BTreeMap::new() }, what),
        "pull_request" => (Trigger::MergeRequest(Box::new(request(what))), "topic"),
        other => panic!("{}: what is {other}?", entry.repository),
    };
    PushEvent {
        trigger,
        project: name.parse().unwrap(),
        repository: name.parse().unwrap(),
        reference: format!("refs/heads/{branch}"),
        commit: entry.commit.parse().unwrap(),
        default_branch: if kind == "push" && what != "next" { what.to_owned() } else { "main".to_owned() },
        changed: Some(files.clone()),
        files,
        variables: variables.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect(),
        before: Some("b".repeat(40).parse().unwrap()),
        message: "Add a thing".into(),
        facts: Box::default(),
        pusher: "ada".parse().unwrap(),
        given: BTreeMap::new(),
        open_merge_requests: Vec::new(),
        server_url: "http://127.0.0.1:7070".into(),
        registry: "127.0.0.1:7070".into(),
    }
}

fn request(target: &str) -> MergeRequest {
    MergeRequest {
        action: "opened".into(),
        number: 1,
        title: "Add a thing".into(),
        description: String::new(),
        source_branch: "topic".into(),
        target_branch: target.into(),
        base: "b".repeat(40).parse().unwrap(),
        target: None,
        fork: None,
        draft: false,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        author: None,
        label: None,
        of_target: false,
    }
}

/// The jobs in the words of the lists: `name @ stage < needs` (GitLab), `key xN < needs` (workflows); a job that a person
/// starts, or that runs only after a failure, says so; `nothing` is a plan without jobs.
fn words(plan: &Plan) -> Vec<String> {
    match plan.dialect {
        _ if plan.jobs.is_empty() => vec!["nothing".to_owned()],
        Dialect::GitlabCi => plan.jobs.iter().map(gitlab_words).collect(),
        Dialect::GithubWorkflow => {
            let mut groups: Vec<&str> = plan.jobs.iter().map(|job| job.group.as_str()).collect();
            let mut seen = BTreeSet::new();
            groups.retain(|group| seen.insert(*group));
            groups.into_iter().map(|group| workflow_words(plan, group)).collect()
        }
    }
}

fn gitlab_words(job: &PlannedJob) -> String {
    let needs: Vec<&str> =
        job.waits_for.iter().filter_map(|wait| if let Wait::Job { job } = wait { Some(job.as_str()) } else { None }).collect();
    let stages = job.waits_for.contains(&Wait::EarlierStages);
    let waits = if stages { String::new() } else { format!(" < {}", needs.join(", ")) };
    let when = serde_json::to_value(job.when).unwrap();
    let when = if when == "on_success" { String::new() } else { format!(" {}", when.as_str().unwrap()) };
    format!("{} @ {}{when}{}", job.name, job.stage, waits.trim_end())
}

fn workflow_words(plan: &Plan, group: &str) -> String {
    let jobs: Vec<&PlannedJob> = plan.jobs.iter().filter(|job| job.group == group).collect();
    let many = if jobs.first().is_some_and(|job| job.matrix.is_some()) { format!(" x{}", jobs.len()) } else { String::new() };
    let needs = jobs.first().map(|job| job.needs.join(", ")).unwrap_or_default();
    if needs.is_empty() { format!("{group}{many}") } else { format!("{group}{many} < {needs}") }
}

fn planned(corpus: &Path, entry: &Entry<'_>) -> Result<Vec<String>, String> {
    let tree = Tree::of(corpus, entry);
    let text = tree.read(entry.path)?;
    let source = Source { path: entry.path, text: &text };
    let event = event(entry, tree.paths().into_iter().chain([ActionsLock::PATH.to_owned()]).collect());
    let mut library = Library::new();
    for _ in 0..100 {
        match plan(Dialect::of_path(entry.path), &source, &event, &library) {
            Ok(plan) => return Ok(words(&plan)),
            Err(Unplanned::Wants(wants)) => wants.into_iter().for_each(|file| library.put(file.clone(), tree.find(&file))),
            Err(Unplanned::Refused(problems)) => {
                let told = problems.iter().map(|at| format!("    {}:{}:{} {}: {}", at.path, at.line, at.column, at.key, at.message));
                return Err(told.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    Err("it wants more and more files".to_owned())
}

/// What became of a list: files planned as they were read, and those planned otherwise.
fn judge(corpus: &Path, list: &str) -> bool {
    let entries = entries(list);
    let (mut as_read, mut right) = (0, true);
    for entry in &entries {
        let (word, told) = match planned(corpus, entry) {
            Err(why) => ("refused", why),
            Ok(jobs) if jobs == entry.jobs => {
                as_read += 1;
                continue;
            }
            Ok(jobs) => {
                right &= entry.jobs.is_empty();
                (if entry.jobs.is_empty() { "unread" } else { "otherwise" }, format!("    {}", jobs.join("\n    ")))
            }
        };
        println!("{word} {} {}\n{told}", entry.repository, entry.path);
    }
    println!("{as_read} of {} planned as they were read", entries.len());
    right
}

fn main() -> ExitCode {
    let Some(corpus) = std::env::args_os().nth(1) else {
        println!("usage: corpus DIR, where DIR is what tests/corpus/fetch made");
        return ExitCode::from(2);
    };
    let right = LISTS.map(|list| judge(Path::new(&corpus), list));
    if right.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
