//! The event that a pipeline is planned for, made of what the command line and the clone say.

use std::path::Path;

use penstock_cli::args::EventArgs;
use penstock_cli::{CliError, exit};
use penstock_model::CommitId;
use penstock_pipeline::{EventFacts, MergeRequest, PushEvent, PushFacts, Trigger};
use serde_json::Value as Json;

use super::{NOWHERE, Place, git_failed};

/// What stands for a commit where there is none.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";
/// The most files of a folder that is no repository.
const MAX_FILES: usize = 20_000;

/// What starts a pipeline, without what only a clone knows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    /// All but a merge request.
    By(Trigger),
    /// A merge request: what happened to it, and whether the target's commit is meant.
    MergeRequest { action: String, of_target: bool },
}

/// Makes the event. `commit` is the working tree's, if it has one of its own.
///
/// # Errors
/// A name that nobody knows, or a commit that the clone does not have.
pub async fn event(place: &Place, args: &EventArgs, commit: Option<&CommitId>) -> Result<PushEvent, CliError> {
    let start = start(&args.event, args).map_err(|(what, help)| CliError::other(what, help, exit::USAGE))?;
    let clone = place.clone.as_ref();
    let head = clone.and_then(|clone| clone.head.as_ref());
    let main = place.file.as_ref().map(|file| file.project.branch.clone());
    let main = main.unwrap_or_else(|| clone.map_or("main", |clone| clone.default_branch()).to_owned());
    let branch = args.branch.clone().or_else(|| clone.and_then(|clone| clone.branch.clone())).unwrap_or_else(|| main.clone());
    let reference = args.tag.as_ref().map_or_else(|| format!("refs/heads/{branch}"), |tag| format!("refs/tags/{tag}"));
    let nothing = || NO_COMMIT.parse::<CommitId>().map_err(|error| CliError::other(error.to_string(), "", exit::FAILED));
    let commit = match commit.or(head.map(|head| &head.id)) {
        Some(commit) => commit.clone(),
        None => nothing()?,
    };
    let message = head.map(|head| head.message.clone()).unwrap_or_default();
    let mut facts = Box::new(facts(place, args).await?);
    let (trigger, base, differing) = match start {
        Start::By(trigger) => {
            let (base, differing) = if trigger.is_push() && args.tag.is_none() { before(place, args).await? } else { (None, None) };
            (trigger, base, differing)
        }
        Start::MergeRequest { action, of_target } => {
            let target = args.target.clone().unwrap_or_else(|| main.clone());
            let (base, into) = parted(place, args, &target, &commit).await?;
            let request = request(action, of_target, &message, &branch, target, base.clone(), into);
            (Trigger::MergeRequest(Box::new(request)), Some(base), None)
        }
    };
    let changed = match (args.changed.clone().or(differing), &base, clone) {
        (Some(paths), ..) => Some(paths),
        (None, Some(base), Some(clone)) if base.as_str() != NO_COMMIT => {
            Some(clone.changed_since(base).await.map_err(|error| git_failed(&error))?)
        }
        _ => None,
    };
    // one whose pipeline this is is open
    let open_merge_requests = trigger.merge_request().map(|request| request.number).into_iter().collect();
    if trigger.is_push() && args.tag.is_none() && place.root.join(".github/workflows").is_dir() {
        facts.push = brought(place, base.as_ref(), &commit).await?;
    }
    let before = base.filter(|_| trigger.is_push()).or(if args.changed.is_some() && trigger.is_push() { Some(nothing()?) } else { None });
    Ok(PushEvent {
        trigger,
        repository: place.name.clone().into(),
        project: place.name.clone(),
        reference,
        commit,
        before,
        default_branch: main,
        message,
        facts,
        pusher: "local".parse().map_err(|error| CliError::other(format!("{error}"), "", exit::FAILED))?,
        changed,
        files: files(place).await?,
        variables: args.variables.iter().cloned().collect(),
        given: std::collections::BTreeMap::new(),
        open_merge_requests,
        server_url: NOWHERE.to_owned(),
        registry: NOWHERE.trim_start_matches("http://").to_owned(),
    })
}

/// What the commit that is checked out says of itself, which also stands for what is not committed yet, and what a tag says.
async fn facts(place: &Place, args: &EventArgs) -> Result<EventFacts, CliError> {
    let Some(clone) = &place.clone else { return Ok(EventFacts::default()) };
    let tag_message = match &args.tag {
        Some(tag) => clone.tag_message(tag).await.map_err(|error| git_failed(&error))?,
        None => None,
    };
    Ok(EventFacts {
        commit: clone.head.clone().map(|head| Box::new(head.into())),
        tag_message,
        description: place.file.as_ref().map(|file| file.project.description.clone()).unwrap_or_default(),
        email: clone.user_email().await.map_err(|error| git_failed(&error))?,
        ..EventFacts::default()
    })
}

/// The commits that a push of the working tree brings. What is not committed yet is part of the last one.
async fn brought(place: &Place, base: Option<&CommitId>, commit: &CommitId) -> Result<Option<Box<PushFacts>>, CliError> {
    let Some((clone, head)) = place.clone.as_ref().and_then(|clone| Some((clone, clone.head.as_ref()?))) else { return Ok(None) };
    let mut commits = match base {
        Some(base) => clone.history(base, PushFacts::MAX_COMMITS).await.map_err(|error| git_failed(&error))?,
        None => Vec::new(),
    };
    if commits.is_empty() {
        commits.push(head.clone());
    }
    commits[0].id = commit.clone();
    let forced = match base {
        Some(base) if base.as_str() != NO_COMMIT => clone.merge_base(base, &head.id).await.ok().as_ref() != Some(base),
        _ => false,
    };
    Ok(Some(Box::new(PushFacts::new(forced, commits))))
}

/// What a push of the working tree is compared with: what was pushed last, what is committed, or the commit before that. With
/// it the paths that differ, if they had to be looked at.
async fn before(place: &Place, args: &EventArgs) -> Result<(Option<CommitId>, Option<Vec<String>>), CliError> {
    let Some(clone) = &place.clone else { return Ok((None, None)) };
    if let Some(name) = &args.since {
        return clone.resolve(name).await.map(|since| (Some(since), None)).map_err(|error| git_failed(&error));
    }
    let Some(head) = &clone.head else { return Ok((None, None)) };
    if let Some(pushed) = clone.pushed.as_ref().filter(|pushed| **pushed != head.id) {
        return Ok((Some(pushed.clone()), None));
    }
    let changed = clone.changed_since(&head.id).await.map_err(|error| git_failed(&error))?;
    Ok(if changed.is_empty() { (head.parents.first().cloned(), None) } else { (Some(head.id.clone()), Some(changed)) })
}

/// Where the working tree's branch and a merge request's target parted, and where the target is.
async fn parted(place: &Place, args: &EventArgs, target: &str, commit: &CommitId) -> Result<(CommitId, Option<CommitId>), CliError> {
    let Some(clone) = &place.clone else { return Ok((commit.clone(), None)) };
    let head = clone.head.as_ref().map_or(commit, |head| &head.id);
    if let Some(name) = &args.since {
        return Ok((clone.resolve(name).await.map_err(|error| git_failed(&error))?, None));
    }
    for name in [format!("refs/remotes/origin/{target}"), format!("refs/heads/{target}")] {
        if let Ok(into) = clone.resolve(&name).await {
            let base = clone.merge_base(head, &into).await.map_err(|error| git_failed(&error))?;
            return Ok((base, Some(into)));
        }
    }
    // nobody knows the target: what the last commit changed
    Ok((clone.head.as_ref().and_then(|head| head.parents.first().cloned()).unwrap_or_else(|| head.clone()), None))
}

fn request(
    action: String,
    of_target: bool,
    message: &str,
    branch: &str,
    target: String,
    base: CommitId,
    into: Option<CommitId>,
) -> MergeRequest {
    let (title, description) = message.split_once('\n').unwrap_or((message, ""));
    MergeRequest {
        action,
        number: 1,
        title: title.to_owned(),
        description: description.trim().to_owned(),
        source_branch: branch.to_owned(),
        target_branch: target,
        base,
        target: into,
        fork: None,
        draft: false,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        author: None,
        label: None,
        of_target,
    }
}

/// Reads `--event`: the name of an event in either dialect, and after a colon which type of it.
fn start(given: &str, args: &EventArgs) -> Result<Start, (String, &'static str)> {
    let (name, kind) = given.split_once(':').unwrap_or((given, ""));
    let text = |usual: &str| if kind.is_empty() { usual.to_owned() } else { kind.to_owned() };
    let inputs = || args.inputs.iter().map(|(name, value)| (name.clone(), Json::String(value.clone()))).collect();
    let by = match name {
        "push" => Trigger::Push,
        "merge_request" | "merge_request_event" | "pull_request" | "pull_request_target" => {
            return Ok(Start::MergeRequest { action: text("opened"), of_target: name == "pull_request_target" });
        }
        "schedule" => Trigger::Schedule { cron: kind.to_owned(), description: String::new() },
        "web" | "workflow_dispatch" | "manual" => Trigger::Manual { inputs: inputs() },
        "api" | "repository_dispatch" => Trigger::Api { event_type: kind.to_owned(), payload: Json::Null },
        "trigger" => Trigger::Token,
        "pipeline" => Trigger::Pipeline { inputs: inputs() },
        "parent_pipeline" => Trigger::Parent { origin: Box::default() },
        "release" if args.tag.is_none() => {
            return Err(("a release is of a tag".to_owned(), "name it with --tag"));
        }
        "release" => Trigger::Release { action: text("published"), name: String::new(), draft: false, prerelease: false },
        name if is_word(name) => Trigger::Named { name: name.to_owned(), action: kind.to_owned(), payload: Json::Null },
        _ => {
            return Err((
                format!("`{given}` is no event"),
                "such as `push`, `merge_request_event`, `pull_request`, `schedule`, `web`, `workflow_dispatch`, `api`",
            ));
        }
    };
    Ok(Start::By(by))
}

/// Whether it can be the name of one of GitHub's events.
fn is_word(name: &str) -> bool {
    !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// All files that count: what Git would list, or what is below a folder that is no repository.
async fn files(place: &Place) -> Result<Vec<String>, CliError> {
    if let Some(clone) = &place.clone {
        return clone.files().await.map_err(|error| git_failed(&error));
    }
    let mut found = Vec::new();
    let mut folders = vec![place.root.clone()];
    while let Some(folder) = folders.pop() {
        // what cannot be read is not there for `exists` either
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) && path.file_name() != Some(".git".as_ref()) {
                folders.push(path);
            } else if kind.is_ok_and(|kind| kind.is_file()) {
                found.extend(path.strip_prefix(&place.root).ok().and_then(Path::to_str).map(str::to_owned));
            }
            if found.len() >= MAX_FILES || folders.len() >= MAX_FILES {
                return Ok(found);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, gitlab: Option<&str>, github: Option<&str>, action: Option<&str>) {
        let args = EventArgs { tag: Some("v1".to_owned()), ..EventArgs::default() };
        match start(given, &args).unwrap() {
            Start::By(trigger) => {
                assert_eq!((trigger.gitlab_source(), trigger.github_event(), trigger.action()), (gitlab, github, action), "{given}");
            }
            Start::MergeRequest { action: kind, of_target } => {
                let name = if of_target { "pull_request_target" } else { "pull_request" };
                assert_eq!((gitlab, github, action), (Some("merge_request_event"), Some(name), Some(&*kind)), "{given}");
            }
        }
    }

    #[test]
    fn an_event_is_named_as_either_dialect_names_it() {
        check("push", Some("push"), Some("push"), None);
        for name in ["merge_request_event", "pull_request"] {
            check(name, Some("merge_request_event"), Some("pull_request"), Some("opened"));
        }
        check("pull_request:labeled", Some("merge_request_event"), Some("pull_request"), Some("labeled"));
        check("pull_request_target", Some("merge_request_event"), Some("pull_request_target"), Some("opened"));
        check("schedule", Some("schedule"), Some("schedule"), None);
        for name in ["web", "workflow_dispatch"] {
            check(name, Some("web"), Some("workflow_dispatch"), None);
        }
        check("api", Some("api"), Some("repository_dispatch"), None);
        check("trigger", Some("trigger"), None, None);
        check("release:edited", None, Some("release"), Some("edited"));
        check("issues:opened", None, Some("issues"), Some("opened"));
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for given in ["", "Push", "a b", "push/"] {
            assert!(start(given, &EventArgs::default()).is_err(), "{given}");
        }
        assert!(start("release", &EventArgs::default()).is_err(), "a release is of a tag");
    }
}
