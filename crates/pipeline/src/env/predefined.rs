//! GitLab's predefined variables.

use penstock_model::Digest;
use penstock_model::job::{BUILDS, ORIGIN};

use super::JobContext;
use crate::expand::Raw;
use crate::identity::is_protected;
use crate::input::PushEvent;
use crate::plan::{JobEnvironment, Plan, PlannedJob, When};
use crate::trigger::{MergeRequest, Trigger};

/// Penstock's own: of GitLab's it says nothing, so no condition sees it.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The longest slug, as DNS labels have it.
const MAX_SLUG: usize = 63;
/// The longest description of a merge request, as GitLab has it.
const MAX_DESCRIPTION: usize = 2700;
/// The most open merge requests that a pipeline is told, as GitLab has it.
const MAX_OPEN: usize = 4;
/// The longest environment slug, as GitLab has it.
const MAX_ENVIRONMENT_SLUG: usize = 24;

/// What is known of a push before any job starts.
pub(crate) fn of_push(event: &PushEvent, path: &str) -> Vec<(String, String)> {
    let project = event.project.as_str();
    let (branch, tag, name) = (event.branch(), event.tag(), event.ref_name());
    let (title, description) = told(&event.message);
    let before = event.before.as_ref().map_or_else(|| "0".repeat(event.commit.as_str().len()), ToString::to_string);
    let host = event.server_url.split_once("://").map_or(&*event.server_url, |(_, rest)| rest);
    let (host, port) = host.split('/').next().unwrap_or_default().rsplit_once(':').unwrap_or((host, ""));
    let mut out: Vec<(&str, String)> = vec![
        ("CI", "true".into()),
        ("GITLAB_CI", "true".into()),
        ("CI_SERVER", "yes".into()),
        ("CI_SERVER_NAME", "Penstock".into()),
        ("CI_SERVER_URL", event.server_url.clone()),
        ("CI_SERVER_HOST", host.into()),
        ("CI_SERVER_PORT", port.into()),
        ("CI_SERVER_PROTOCOL", event.server_url.split_once("://").map_or("http", |(scheme, _)| scheme).into()),
        ("CI_CONFIG_PATH", path.into()),
        ("CI_PIPELINE_SOURCE", event.trigger.gitlab_source().unwrap_or("push").into()),
        ("CI_DEFAULT_BRANCH", event.default_branch.clone()),
        ("CI_PROJECT_ID", number(project).to_string()),
        ("CI_PROJECT_NAMESPACE_ID", number(project).to_string()),
        ("CI_PROJECT_NAME", project.into()),
        ("CI_PROJECT_TITLE", project.into()),
        ("CI_PROJECT_PATH", project.into()),
        ("CI_PROJECT_PATH_SLUG", slug(project)),
        ("CI_PROJECT_NAMESPACE", project.into()),
        ("CI_PROJECT_ROOT_NAMESPACE", project.into()),
        ("CI_PROJECT_NAMESPACE_SLUG", slug(project)),
        ("CI_PROJECT_URL", format!("{}/projects/{project}", event.server_url)),
        ("CI_PROJECT_VISIBILITY", "private".into()),
        ("CI_SERVER_FQDN", if port.is_empty() { host.into() } else { format!("{host}:{port}") }),
        ("CI_PROJECT_DESCRIPTION", event.facts.description.clone()),
        ("GITLAB_FEATURES", String::new()),
        ("CI_REGISTRY", event.registry.clone()),
        ("CI_REGISTRY_IMAGE", format!("{}/{project}", event.registry)),
        ("CI_COMMIT_SHA", event.commit.to_string()),
        ("CI_COMMIT_SHORT_SHA", event.commit.short().into()),
        ("CI_COMMIT_BEFORE_SHA", before),
        ("CI_COMMIT_REF_NAME", name.into()),
        ("CI_COMMIT_REF_SLUG", slug(name)),
        // protected is what protected secrets reach: the main branch
        ("CI_COMMIT_REF_PROTECTED", is_protected(event).to_string()),
        ("CI_COMMIT_MESSAGE", event.message.clone()),
        ("CI_COMMIT_TITLE", title.into()),
        ("CI_COMMIT_DESCRIPTION", description.into()),
        ("GITLAB_USER_LOGIN", event.pusher.to_string()),
        ("GITLAB_USER_NAME", event.pusher.to_string()),
        ("GITLAB_USER_EMAIL", event.facts.email.clone()),
    ];
    out.extend(branch.map(|branch| ("CI_COMMIT_BRANCH", branch.to_owned())));
    if let Some(tag) = tag {
        out.push(("CI_COMMIT_TAG", tag.to_owned()));
        // of a tag that says nothing it is empty
        out.push(("CI_COMMIT_TAG_MESSAGE", event.facts.tag_message.clone().unwrap_or_default()));
    }
    if let Some(commit) = &event.facts.commit {
        out.push(("CI_COMMIT_AUTHOR", format!("{} <{}>", commit.author.name, commit.author.email)));
        out.push(("CI_COMMIT_TIMESTAMP", commit.committed.rfc3339()));
    }
    let open = event.open_merge_requests.iter().take(MAX_OPEN).map(|number| format!("{project}!{number}"));
    let open = open.collect::<Vec<_>>().join(",");
    out.extend((!open.is_empty()).then_some(("CI_OPEN_MERGE_REQUESTS", open)));
    out.extend(of_trigger(event));
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A commit's title and description as GitLab takes them from its message: the description has the blank line after the title, and of a
/// message with a long title all of it.
fn told(message: &str) -> (&str, &str) {
    const LONG_TITLE: usize = 100;
    if message.trim().is_empty() {
        return ("No commit message", "No commit message");
    }
    let title = message.split(['\r', '\n']).next().unwrap_or_default();
    if title.chars().count() >= LONG_TITLE {
        return (title, message);
    }
    let rest = message.split_once('\n').map_or("", |(_, rest)| rest);
    (title, rest.strip_suffix("\r\n").or_else(|| rest.strip_suffix(['\n', '\r'])).unwrap_or(rest))
}

/// A project's number: the same wherever its pipelines run, and another one than other projects have. GitLab counts; here nobody does.
fn number(project: &str) -> u64 {
    let digest = Digest::of(project);
    digest.as_bytes().iter().take(6).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What is known of whatever else than a push it was.
fn of_trigger(event: &PushEvent) -> Vec<(&'static str, String)> {
    if let Some(request) = event.trigger.merge_request() {
        return of_merge_request(event, request);
    }
    match &event.trigger {
        Trigger::Schedule { description, .. } => vec![("CI_PIPELINE_SCHEDULE_DESCRIPTION", description.clone())],
        Trigger::Token => vec![("CI_PIPELINE_TRIGGERED", "true".into())],
        _ => Vec::new(),
    }
}

fn of_merge_request(event: &PushEvent, request: &MergeRequest) -> Vec<(&'static str, String)> {
    let project = event.project.as_str();
    // as GitLab cuts it
    let description: String = request.description.chars().take(MAX_DESCRIPTION).collect();
    let mut out: Vec<(&str, String)> = vec![
        ("CI_MERGE_REQUEST_IID", request.number.to_string()),
        ("CI_MERGE_REQUEST_TITLE", request.title.clone()),
        ("CI_MERGE_REQUEST_DESCRIPTION_IS_TRUNCATED", (description.len() < request.description.len()).to_string()),
        ("CI_MERGE_REQUEST_DESCRIPTION", description),
        ("CI_MERGE_REQUEST_DRAFT", request.draft.to_string()),
        ("CI_MERGE_REQUEST_EVENT_TYPE", "detached".into()),
        ("CI_MERGE_REQUEST_REF_PATH", format!("refs/merge-requests/{}/head", request.number)),
        ("CI_MERGE_REQUEST_PROJECT_PATH", project.into()),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", request.fork.clone().unwrap_or_else(|| project.into())),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", request.source_branch.clone()),
        // set for pipelines of the merged result only
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", String::new()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", request.target_branch.clone()),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", String::new()),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", request.base.to_string()),
    ];
    out.extend((!request.labels.is_empty()).then(|| ("CI_MERGE_REQUEST_LABELS", request.labels.join(","))));
    out.extend((!request.assignees.is_empty()).then(|| ("CI_MERGE_REQUEST_ASSIGNEES", sentence(&request.assignees))));
    out.extend(request.milestone.iter().map(|title| ("CI_MERGE_REQUEST_MILESTONE", title.clone())));
    out
}

/// `a`, `a and b`, `a, b, and c`.
fn sentence(names: &[String]) -> String {
    match names {
        [first, second] => format!("{first} and {second}"),
        [inner @ .., last] if !inner.is_empty() => format!("{}, and {last}", inner.join(", ")),
        _ => names.concat(),
    }
}

/// What the file says of a job, as far as `rules` can see it.
///
/// `place` is a job's number and how many there are, if it is one of several that `parallel` makes. GitLab's rules see all of
/// these too (`Variables::Builder`).
pub(crate) fn of_job(name: &str, stage: &str, environment: Option<&JobEnvironment>, place: Option<(usize, usize)>) -> Vec<(String, Raw)> {
    let mut out = vec![
        ("CI_JOB_NAME".to_owned(), Raw::Literal(name.to_owned())),
        ("CI_JOB_NAME_SLUG".to_owned(), Raw::Literal(slug(name))),
        ("CI_JOB_STAGE".to_owned(), Raw::Literal(stage.to_owned())),
        ("CI_NODE_TOTAL".to_owned(), Raw::Literal(place.map_or(1, |(_, total)| total).to_string())),
    ];
    if let Some((index, _)) = place {
        out.push(("CI_NODE_INDEX".to_owned(), Raw::Literal(index.to_string())));
    }
    if let Some(environment) = environment {
        out.push(("CI_ENVIRONMENT_NAME".to_owned(), Raw::Template(environment.name.clone())));
        let action = environment.action.as_deref().unwrap_or("start");
        out.push(("CI_ENVIRONMENT_ACTION".to_owned(), Raw::Literal(action.to_owned())));
        let tier = environment.tier.as_deref().unwrap_or_else(|| tier(&environment.name));
        out.push(("CI_ENVIRONMENT_TIER".to_owned(), Raw::Literal(tier.to_owned())));
    }
    out
}

/// What names an attempt of a job.
pub(crate) fn job_id(plan: &Plan, job: &PlannedJob, context: &JobContext) -> String {
    let place = plan.jobs.iter().position(|other| other.name == job.name).unwrap_or(0);
    format!("{}-{place}-{}", context.run, context.attempt)
}

/// Host and port of an address.
pub(crate) fn authority(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

/// What is known once a job starts.
pub(super) fn of_start(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Vec<(String, String)> {
    let mut out: Vec<(&str, String)> = vec![
        ("CI_PROJECT_DIR", context.workspace.clone()),
        ("CI_PIPELINE_ID", context.run.to_string()),
        ("CI_PIPELINE_IID", context.number.to_string()),
        ("CI_PIPELINE_CREATED_AT", context.created_at.rfc3339()),
        ("CI_JOB_ID", job_id(plan, job, context)),
        ("CI_JOB_STARTED_AT", context.started_at.rfc3339()),
        ("CI_JOB_TIMEOUT", job.timeout.as_secs().to_string()),
        ("CI_JOB_STATUS", "running".to_owned()),
        ("CI_JOB_GROUP_NAME", job.group.clone()),
        ("CI_JOB_URL", format!("{}/runs/{}/jobs/{}", plan.event.server_url, context.run, encoded(job.name.as_str()))),
        ("CI_PIPELINE_URL", format!("{}/runs/{}", plan.event.server_url, context.run)),
        ("CI_BUILDS_DIR", BUILDS.to_owned()),
        // as an address, so that a clone of it may be shallow
        ("CI_REPOSITORY_URL", format!("file://{ORIGIN}")),
        ("CI_CONCURRENT_ID", "0".to_owned()),
        ("CI_CONCURRENT_PROJECT_ID", "0".to_owned()),
        ("CI_RUNNER_ID", "1".to_owned()),
        ("CI_RUNNER_DESCRIPTION", "penstock".to_owned()),
        ("CI_RUNNER_TAGS", listed(&context.tags)),
        ("CI_RUNNER_VERSION", VERSION.to_owned()),
        ("CI_SERVER_VERSION", VERSION.to_owned()),
        ("CI_RUNNER_EXECUTABLE_ARCH", if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" }.to_owned()),
    ];
    let numbers = VERSION.split(['.', '-', '+']).map(str::to_owned);
    out.extend(["CI_SERVER_VERSION_MAJOR", "CI_SERVER_VERSION_MINOR", "CI_SERVER_VERSION_PATCH"].into_iter().zip(numbers));
    if plan.name != plan.path {
        out.push(("CI_PIPELINE_NAME", plan.name.clone()));
    }
    if job.when == When::Manual {
        out.push(("CI_JOB_MANUAL", "true".to_owned()));
    }
    out.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Tags as GitLab's runner has them: a list of JSON, with blanks.
fn listed(tags: &[String]) -> String {
    format!("[{}]", tags.iter().map(|tag| serde_json::Value::from(tag.as_str()).to_string()).collect::<Vec<_>>().join(", "))
}

/// What GitLab takes an environment of this name for, if its file does not say.
pub(crate) fn tier(name: &str) -> &'static str {
    const PARTS: &[(&str, &[&str])] = &[
        ("development", &["dev", "review", "trunk"]),
        ("testing", &["test", "tst", "int", "acpt", "accept", "qa", "qc", "control", "quality"]),
        ("staging", &["stg", "stag", "model", "modl", "pre", "demo", "non"]),
        ("production", &["prd", "prod", "live"]),
    ];
    let name = name.to_lowercase();
    PARTS.iter().find(|(_, parts)| parts.iter().any(|part| name.contains(part))).map_or("other", |(tier, _)| tier)
}

/// As a part of an address.
fn encoded(name: &str) -> String {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    name.bytes().map(|b| if plain(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Lower-case letters, digits and inner dashes.
pub(crate) fn slug(text: &str) -> String {
    let slug: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(MAX_SLUG).collect();
    slug.trim_matches('-').to_owned()
}

/// GitLab's name for an environment in addresses: unique although it is cut.
pub(super) fn environment_slug(name: &str) -> String {
    let mut slug: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if !slug.starts_with(|c: char| c.is_ascii_lowercase()) {
        slug.insert_str(0, "env-");
    }
    let mut squeezed = String::new();
    for c in slug.chars() {
        if c != '-' || !squeezed.ends_with('-') {
            squeezed.push(c);
        }
    }
    if squeezed.len() <= MAX_ENVIRONMENT_SLUG && squeezed == name {
        return squeezed.trim_end_matches('-').to_owned();
    }
    squeezed.truncate(17);
    if !squeezed.ends_with('-') {
        squeezed.push('-');
    }
    squeezed + &last_base36_digits(name)
}

/// The last six base-36 digits of the name's SHA-256.
fn last_base36_digits(name: &str) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let modulus = 36_u64.pow(6);
    let mut value = Digest::of(name).as_bytes().iter().fold(0, |value, byte| (value * 256 + u64::from(*byte)) % modulus);
    let mut digits = [0_u8; 6];
    for digit in digits.iter_mut().rev() {
        // below 36, so within the table
        *digit = DIGITS[usize::try_from(value % 36).unwrap_or(0)];
        value /= 36;
    }
    String::from_utf8_lossy(&digits).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_title_and_a_description_as_gitlab_cuts_them() {
        let long = "x".repeat(100);
        for (message, title, description) in [
            ("Add\n\nBecause.\n", "Add", "\nBecause."),
            ("Add", "Add", ""),
            ("Add\r\nBecause.\r\n", "Add", "Because."),
            ("Add\n\n\n", "Add", "\n"),
            (" \n", "No commit message", "No commit message"),
            (&long, &long, &long),
        ] {
            assert_eq!(told(message), (title, description), "{message:?}");
        }
    }

    #[test]
    fn slugs_are_gitlabs() {
        assert_eq!(slug("Feature/ABC_1"), "feature-abc-1");
        assert_eq!(slug("-x-"), "x");
        assert_eq!(environment_slug("production"), "production");
        assert_eq!(environment_slug("staging-1234567890123456"), "staging-1234567890123456");
        // cut as in GitLab's own specification; the last six digits are Integer#to_s(36) of the name's SHA-256
        assert_eq!(environment_slug("staging-12345678901234567"), "staging-123456789-s729ne");
        assert_eq!(environment_slug("9-staging-123456789012345"), "env-9-staging-123-f6hm7j");
    }
}
