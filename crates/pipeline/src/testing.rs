//! What the tests of this room share.

use std::collections::BTreeMap;

use crate::{Dialect, Library, Plan, PushEvent, Source, Unplanned, plan};

/// A push to `main` of `oran`.
pub(crate) fn push() -> PushEvent {
    PushEvent {
        trigger: crate::Trigger::Push,
        project: "oran".parse().unwrap(),
        repository: "oran".parse().unwrap(),
        reference: "refs/heads/main".into(),
        commit: "a".repeat(40).parse().unwrap(),
        before: Some("b".repeat(40).parse().unwrap()),
        default_branch: "main".into(),
        message: "Add a thing\n\nBecause.\n".into(),
        facts: Box::default(),
        pusher: "ada".parse().unwrap(),
        changed: Some(vec!["src/main.rs".into(), "README.md".into()]),
        files: vec!["Cargo.toml".into(), "README.md".into(), "src/main.rs".into()],
        variables: BTreeMap::from([("PROJECT".to_owned(), "from project".to_owned())]),
        given: BTreeMap::new(),
        open_merge_requests: Vec::new(),
        server_url: "http://127.0.0.1:7070".into(),
        registry: "127.0.0.1:7070".into(),
    }
}

/// The plan of a GitLab file for that push, which must be without fault.
#[track_caller]
pub(crate) fn gitlab_plan(text: &str) -> Plan {
    match plan(Dialect::GitlabCi, &Source { path: ".gitlab-ci.yml", text }, &push(), &Library::new()) {
        Ok(plan) => plan,
        Err(Unplanned::Wants(files)) => panic!("{files:?} are wanted"),
        Err(Unplanned::Refused(problems)) => panic!("{}", problems.iter().map(|problem| problem.render(text)).collect::<String>()),
    }
}
