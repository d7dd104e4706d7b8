//! What the push of a branch does to merge requests. Pure: it is written into the log together with the push.

use std::collections::BTreeMap;

use penstock_model::{CommitId, RunId, UserName};

use super::event::{Ask, Head, MergeRequestChange};
use crate::events::ProjectEvent;
use crate::world::ProjectRecord;

/// A push, with what is only known by looking at commits.
pub(crate) struct Push<'a> {
    /// The branch.
    pub branch: &'a str,
    /// Where it is.
    pub commit: &'a CommitId,
    /// Who.
    pub who: &'a UserName,
    /// What a merge request of it is called, unless somebody says so.
    pub title: &'a str,
    /// Open merge requests whose last commits it contains, each with whether a workflow names that.
    pub contained: &'a BTreeMap<u64, (CommitId, bool)>,
}

/// What comes of a push: what was asked for, merge requests that it goes on with, and those that it merges.
pub(crate) fn follow(project: &ProjectRecord, push: &Push<'_>, new_run: &mut dyn FnMut() -> RunId) -> Vec<ProjectEvent> {
    let mut events = Vec::new();
    let ask = project.asked.get(&format!("refs/heads/{}", push.branch)).filter(|(commit, _)| commit == push.commit).map(|(_, ask)| ask);
    let mut head = || Head { commit: push.commit.clone(), pusher: push.who.clone(), outside: false, run: new_run() };
    for request in project.open_merge_requests(push.branch).filter(|request| request.head != *push.commit) {
        events.push(change(request.number, MergeRequestChange::Updated { head: head() }));
    }
    if let Some(ask) = ask {
        let target = ask.target.as_deref().unwrap_or(&project.branch);
        match project.open_merge_requests(push.branch).find(|request| request.target == target) {
            Some(known) => events.extend(edited(ask).map(|edit| change(known.number, edit))),
            None if ask.create => {
                let opened = MergeRequestChange::Opened {
                    title: ask.title.clone().unwrap_or_else(|| push.title.to_owned()),
                    description: ask.description.clone().unwrap_or_default(),
                    source: push.branch.to_owned(),
                    offered: false,
                    target: target.to_owned(),
                    draft: ask.draft,
                    author: push.who.clone(),
                    head: head(),
                };
                events.push(change(next_number(project), opened));
            }
            None => {}
        }
    }
    for (number, (seen, named)) in push.contained {
        let still = project
            .merge_requests
            .get(number)
            .filter(|request| request.is_open() && request.head == *seen && request.target == push.branch);
        if still.is_some() {
            let run = named.then(|| head().run);
            events.push(change(*number, MergeRequestChange::Merged { commit: push.commit.clone(), run, by: push.who.clone() }));
        }
    }
    events
}

fn edited(ask: &Ask) -> Option<MergeRequestChange> {
    let (title, description, draft) = (ask.title.clone(), ask.description.clone(), ask.draft.then_some(true));
    let some = title.is_some() || description.is_some() || draft.is_some();
    some.then_some(MergeRequestChange::Edited { title, description, draft })
}

/// The number that the next one gets.
pub(crate) fn next_number(project: &ProjectRecord) -> u64 {
    project.merge_requests.keys().next_back().map_or(1, |last| last + 1)
}

pub(crate) fn change(number: u64, change: MergeRequestChange) -> ProjectEvent {
    ProjectEvent::MergeRequest { number, change }
}
