//! What a commit's message says to whoever would start a pipeline: nothing starts, whatever the file has.
//!
//! GitLab's `[ci skip]` and `[skip ci]` (with a blank, `-` or `_`) hold for pushes and merge requests; GitHub's words, and its
//! trailer `skip-checks: true`, for `push` and `pull_request`. Whatever a person, a time or a program asks for starts all the same.

use std::collections::BTreeMap;

use crate::input::{Dialect, PushEvent, Source};
use crate::plan::{AutoCancel, Plan};
use crate::trigger::Trigger;

const GITLAB: &[&str] = &["[ci skip]", "[ci-skip]", "[ci_skip]", "[skip ci]", "[skip-ci]", "[skip_ci]"];
const GITHUB: &[&str] = &["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];

/// The plan of a push whose message wants none.
pub(crate) fn plan(dialect: Dialect, source: &Source<'_>, event: &PushEvent) -> Option<Plan> {
    let because = why(dialect, event)?;
    let event = PushEvent { changed: None, files: Vec::new(), ..event.clone() };
    Some(Plan {
        dialect,
        path: source.path.to_owned(),
        name: source.path.to_owned(),
        event,
        because: vec![because],
        stages: Vec::new(),
        variables: BTreeMap::new(),
        run_name: None,
        concurrency: None,
        inputs: serde_json::Map::new(),
        auto_cancel: AutoCancel::default(),
        jobs: Vec::new(),
        calls: Vec::new(),
        sources: Vec::new(),
        left_out: Vec::new(),
        warnings: Vec::new(),
    })
}

/// Why nothing starts, if the message says so.
fn why(dialect: Dialect, event: &PushEvent) -> Option<String> {
    let host = match (dialect, &event.trigger) {
        (Dialect::GitlabCi, Trigger::Push | Trigger::MergeRequest(_)) => "GitLab",
        (Dialect::GithubWorkflow, Trigger::Push) => "GitHub",
        (Dialect::GithubWorkflow, Trigger::MergeRequest(request)) if !request.of_target => "GitHub",
        _ => return None,
    };
    let word = asked(dialect, &event.message)?;
    Some(format!("the message of commit {} says `{word}`: nothing starts for it, as at {host}", event.commit.short()))
}

fn asked(dialect: Dialect, message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let words = if dialect == Dialect::GitlabCi { GITLAB } else { GITHUB };
    let word = words.iter().find(|word| message.contains(**word)).copied();
    let last = message.trim_end().rsplit("\n\n").next().filter(|last| last.len() < message.trim().len()).unwrap_or_default();
    let trailer = |line: &str| line.split_once(':').is_some_and(|(name, value)| name.trim() == "skip-checks" && value.trim() == "true");
    word.or_else(|| (dialect == Dialect::GithubWorkflow && last.lines().any(trailer)).then_some("skip-checks: true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_words_of_its_own() {
        for (message, gitlab, github) in [
            ("Fix\n", None, None),
            ("Fix [skip ci]", Some("[skip ci]"), Some("[skip ci]")),
            ("[CI Skip] fix", Some("[ci skip]"), Some("[ci skip]")),
            ("Fix\n\nAs said, [ci-skip].", Some("[ci-skip]"), None),
            ("Fix [skip_ci]", Some("[skip_ci]"), None),
            ("Fix [no ci]", None, Some("[no ci]")),
            ("Fix [skip actions]", None, Some("[skip actions]")),
            ("Fix [actions skip]", None, Some("[actions skip]")),
            ("Fix skip ci", None, None),
            ("Fix [skip  ci]", None, None),
            ("Fix\n\nBecause.\n\n\nSigned-off-by: Ada\nskip-checks: true\n", None, Some("skip-checks: true")),
            ("Fix\n\nskip-checks:true", None, Some("skip-checks: true")),
            ("Fix\n\nskip-checks: false", None, None),
            ("Fix\n\nskip-checks: true\n\nNo, it does not.", None, None),
            ("skip-checks: true", None, None),
        ] {
            assert_eq!(asked(Dialect::GitlabCi, message), gitlab, "{message}");
            assert_eq!(asked(Dialect::GithubWorkflow, message), github, "{message}");
        }
    }
}
