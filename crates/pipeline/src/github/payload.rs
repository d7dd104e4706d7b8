//! `github.event`: what is told of an event, and what GitHub would tell besides.

use penstock_model::CommitId;
use penstock_model::git::Signature;

use crate::event_facts::CommitFacts;
use crate::input::PushEvent;
use crate::trigger::{MergeRequest, Trigger};

use super::contexts;
use super::value::Value;

/// What GitHub tells of the repository, the sender and the rest of every event, and Penstock does not.
const ABSENT: &[&str] = &["organization", "installation", "enterprise"];
/// Likewise of a push.
const ABSENT_PUSH: &[&str] = &["base_ref"];
const PUSH: &[&str] =
    &["ref", "before", "after", "created", "deleted", "forced", "compare", "commits", "head_commit", "pusher", "sender", "repository"];
/// Properties of a commit. Its files are not told to workflows, by GitHub neither.
const COMMIT: &[&str] =
    &["id", "tree_id", "distinct", "message", "timestamp", "url", "author", "committer", "added", "removed", "modified"];
const REQUEST: &[&str] = &["action", "number", "pull_request", "label", "sender", "repository"];
/// Properties of a pull request.
const PULL_REQUEST: &[&str] = &["number", "title", "body", "draft", "state", "base", "head", "user", "labels", "assignees", "milestone"];
const RELEASE: &[&str] = &["tag_name", "name", "draft", "prerelease"];

/// `github.event`.
pub(super) fn of(event: &PushEvent, repository: &str) -> Value {
    let mut out: Vec<(&str, Value)> = vec![("sender", login(event.pusher.as_str())), ("repository", repository_of(event, repository))];
    match &event.trigger {
        Trigger::Push => out.extend(push(event)),
        Trigger::MergeRequest(request) => out.extend(pull_request(event, request, repository)),
        Trigger::Schedule { cron, .. } => out.push(("schedule", Value::text(cron))),
        Trigger::Manual { inputs } => {
            // as text, whatever their type
            let texts = inputs.iter().map(|(name, value)| (name.clone(), Value::text(Value::from(value).to_text())));
            out.extend([("ref", Value::text(&event.reference)), ("inputs", Value::object(texts))]);
        }
        Trigger::Api { event_type, payload } => {
            let branch = event.branch().map(Value::text).unwrap_or_default();
            out.extend([("action", Value::text(event_type)), ("branch", branch), ("client_payload", Value::from(payload))]);
        }
        Trigger::Release { action, name, draft, prerelease } => out.extend([
            ("action", Value::text(action)),
            (
                "release",
                Value::object([
                    ("tag_name", Value::text(event.ref_name())),
                    ("name", if name.is_empty() { Value::Null } else { Value::text(name) }),
                    ("draft", Value::Bool(*draft)),
                    ("prerelease", Value::Bool(*prerelease)),
                ]),
            ),
        ]),
        Trigger::Named { action, payload, .. } => {
            if let serde_json::Value::Object(entries) = payload {
                // what the host told goes over what is told anyway
                let told = Value::object(entries.iter().map(|(name, value)| (name.clone(), Value::from(value))));
                let rest = out.into_iter().filter(|(name, _)| !entries.contains_key(*name)).map(|(name, value)| (name.to_owned(), value));
                let Value::Object(told) = told else { return Value::Null };
                return Value::object(told.iter().cloned().chain(rest));
            }
            out.push(("action", Value::text(action)));
        }
        Trigger::Token | Trigger::Pipeline { .. } | Trigger::Parent { .. } => {}
    }
    Value::object(out)
}

/// Where the source is cloned from.
pub(super) fn clone_url(event: &PushEvent) -> String {
    format!("{}/git/{}.git", event.server_url, event.repository)
}

/// Properties of the repository.
const REPOSITORY: &[&str] = &[
    "id",
    "name",
    "full_name",
    "default_branch",
    "owner",
    "private",
    "visibility",
    "fork",
    "archived",
    "disabled",
    "is_template",
    "html_url",
    "clone_url",
];

fn repository_of(event: &PushEvent, full_name: &str) -> Value {
    let no = || Value::Bool(false);
    let owner = event.project.as_str();
    Value::object([
        ("id", id(full_name)),
        ("name", Value::text(event.repository.as_str())),
        ("full_name", Value::text(full_name)),
        ("default_branch", Value::text(&event.default_branch)),
        ("owner", Value::object([("login", Value::text(owner)), ("name", Value::text(owner)), ("id", id(owner))])),
        // only who has a right sees a project
        ("private", Value::Bool(true)),
        ("visibility", Value::text("private")),
        ("fork", no()),
        ("archived", no()),
        ("disabled", no()),
        ("is_template", no()),
        ("html_url", Value::text(html_url(event))),
        ("clone_url", Value::text(clone_url(event))),
    ])
}

fn id(name: &str) -> Value {
    Value::from(&serde_json::Value::from(contexts::id_of(name)))
}

fn push(event: &PushEvent) -> [(&'static str, Value); 10] {
    let before = event.before.as_ref().map_or_else(|| "0".repeat(event.commit.as_str().len()), ToString::to_string);
    let push = event.facts.push.as_deref();
    let commits = push.map(|push| &*push.commits).unwrap_or_default();
    let commits = commits.iter().map(|one| commit(event, &one.id, &one.message, Some(&one.facts))).collect();
    [
        ("ref", Value::text(&event.reference)),
        ("before", Value::text(before)),
        ("after", Value::text(event.commit.as_str())),
        ("created", Value::Bool(event.before.is_none())),
        ("deleted", Value::Bool(false)),
        ("forced", Value::Bool(push.is_some_and(|push| push.forced))),
        ("compare", Value::text(format!("{}/compare/{}", html_url(event), compared(event)))),
        ("commits", Value::Array(commits)),
        ("head_commit", commit(event, &event.commit, &event.message, event.facts.commit.as_deref())),
        ("pusher", Value::object([("name", Value::text(event.pusher.as_str()))])),
    ]
}

/// The two ends of a push, as GitHub's addresses have them; of a new ref its name.
fn compared(event: &PushEvent) -> String {
    let short = |id: &CommitId| id.as_str().chars().take(12).collect::<String>();
    event.before.as_ref().map_or_else(|| event.ref_name().to_owned(), |before| format!("{}...{}", short(before), short(&event.commit)))
}

fn commit(event: &PushEvent, id: &CommitId, message: &str, facts: Option<&CommitFacts>) -> Value {
    let person = |who: &Signature| Value::object([("name", Value::text(&who.name)), ("email", Value::text(&who.email))]);
    let mut out = vec![
        ("id", Value::text(id.as_str())),
        ("distinct", Value::Bool(true)),
        ("message", Value::text(message)),
        ("url", Value::text(format!("{}/commit/{id}", html_url(event)))),
    ];
    if let Some(facts) = facts {
        out.extend([
            ("tree_id", Value::text(&facts.tree)),
            ("timestamp", Value::text(facts.committed.rfc3339())),
            ("author", person(&facts.author)),
            ("committer", person(&facts.committer)),
        ]);
    }
    Value::object(out)
}

/// Where people find the project.
fn html_url(event: &PushEvent) -> String {
    format!("{}/projects/{}", event.server_url, event.project)
}

fn pull_request(event: &PushEvent, request: &MergeRequest, repository: &str) -> Vec<(&'static str, Value)> {
    let full_name = |name: &str| Value::object([("full_name", Value::text(name)), ("fork", Value::Bool(request.fork.is_some()))]);
    let source = request.fork.as_deref().unwrap_or(repository);
    // of the target branch, the commit is not the request's
    let head = if request.of_target { Value::Null } else { Value::text(event.commit.as_str()) };
    let base = if request.of_target { Some(&event.commit) } else { request.target.as_ref() };
    let labels = request.labels.iter().map(|name| Value::object([("name", Value::text(name))])).collect();
    let number = Value::from(&serde_json::Value::from(request.number));
    let mut out = vec![
        ("action", Value::text(&request.action)),
        ("number", number.clone()),
        (
            "pull_request",
            Value::object([
                ("number", number),
                ("title", Value::text(&request.title)),
                ("body", if request.description.is_empty() { Value::Null } else { Value::text(&request.description) }),
                ("draft", Value::Bool(request.draft)),
                ("state", Value::text(if request.action == "closed" { "closed" } else { "open" })),
                (
                    "base",
                    Value::object([
                        ("ref", Value::text(&request.target_branch)),
                        ("sha", base.map(|commit| Value::text(commit.as_str())).unwrap_or_default()),
                        (
                            "repo",
                            Value::object([("full_name", Value::text(repository)), ("default_branch", Value::text(&event.default_branch))]),
                        ),
                    ]),
                ),
                ("head", Value::object([("ref", Value::text(&request.source_branch)), ("sha", head), ("repo", full_name(source))])),
                ("user", request.author.as_deref().map(login).unwrap_or_default()),
                ("labels", Value::Array(labels)),
                ("assignees", Value::Array(request.assignees.iter().map(|name| login(name)).collect())),
                ("milestone", request.milestone.as_ref().map(|title| Value::object([("title", Value::text(title))])).unwrap_or_default()),
            ]),
        ),
    ];
    out.extend(request.label.as_ref().map(|name| ("label", Value::object([("name", Value::text(name))]))));
    out
}

fn login(name: &str) -> Value {
    Value::object([("login", Value::text(name)), ("id", id(name))])
}

/// For a path into `github.event` that GitHub knows for this event and Penstock does not: how many of its words are at fault,
/// and what is known in its place. It would silently be nothing.
pub(super) fn absent(event: &PushEvent, path: &[&str]) -> Option<(usize, Vec<&'static str>)> {
    let ["github", "event", path @ ..] = path else { return None };
    let unless = |known: &[&'static str], at: usize| (!known.contains(&path[at])).then(|| (at + 3, known.to_vec()));
    match (path, &event.trigger) {
        ([], _) => None,
        // the host told all of it
        (_, Trigger::Named { payload, .. }) if !payload.is_null() => None,
        (["repository", _, ..], _) => unless(REPOSITORY, 1),
        (["sender", _, ..], _) => unless(&["login", "id"], 1),
        (["repository" | "sender"], _) => None,
        (["head_commit", "author" | "committer", _, ..], Trigger::Push) => unless(&["name", "email"], 2),
        (["head_commit", _, ..], Trigger::Push) => unless(COMMIT, 1),
        (["pusher", _, ..], Trigger::Push) => unless(&["name"], 1),
        (["pull_request", rest @ ..], Trigger::MergeRequest(request)) => of_pull_request(rest, request),
        (["release", _, ..], Trigger::Release { .. }) => unless(RELEASE, 1),
        ([name, ..], Trigger::Push) => (ABSENT.contains(name) || ABSENT_PUSH.contains(name)).then(|| (3, PUSH.to_vec())),
        ([name, ..], Trigger::MergeRequest(_)) => {
            let told =
                |name: &&str| ABSENT.contains(name) || ["before", "after", "changes", "assignee", "requested_reviewer"].contains(name);
            told(name).then(|| (3, REQUEST.to_vec()))
        }
        (_, Trigger::Named { .. }) => unless(&["action", "repository", "sender"], 0),
        ([name, ..], _) => ABSENT.contains(name).then(|| (3, vec!["repository", "sender"])),
    }
}

fn of_pull_request(path: &[&str], request: &MergeRequest) -> Option<(usize, Vec<&'static str>)> {
    let unless = |known: &[&'static str], at: usize| (!known.contains(&path[at])).then(|| (at + 4, known.to_vec()));
    let side: &[&str] = if request.of_target { &["ref", "repo"] } else { &["ref", "sha", "repo"] };
    match path {
        ["head", "repo", _, ..] => unless(&["full_name", "fork"], 2),
        ["base", "repo", _, ..] => unless(&["full_name", "default_branch"], 2),
        ["head", _, ..] => unless(side, 1),
        ["base", _, ..] => unless(&["ref", "sha", "repo"], 1),
        ["user", _, ..] => unless(&["login", "id"], 1),
        ["milestone", _, ..] => unless(&["title"], 1),
        [_, ..] => unless(PULL_REQUEST, 0),
        [] => None,
    }
}
