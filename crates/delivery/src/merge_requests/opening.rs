//! Opening merge requests: of branches, by a push or an order, and of what is offered.

use penstock_model::ids::Actor;
use penstock_model::{CommitId, ProjectName, RunId, UserName};

use super::event::{Ask, Head, MergeRequestChange};
use super::follow::{change, next_number};
use super::options::{Offer, checked_text, checked_title, place, title_of};
use super::orders::{absent_project, kept};
use super::record::MergeRequestRecord;
use crate::events::{ProjectEvent, Role};
use crate::orders::{OrderError, new_run, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{ProjectRecord, World};

/// The most open merge requests that one person without the right to push may have in a project.
const MAX_OFFERED: usize = 50;

/// What a merge request is made of.
#[derive(Clone, Debug, Default)]
pub struct Making {
    /// The branch that is to be merged.
    pub source: String,
    /// The branch that gets it; the one that is delivered unless given.
    pub target: Option<String>,
    /// Its title; the commit's unless given.
    pub title: Option<String>,
    /// Its description.
    pub description: String,
    /// Whether it is not to be merged yet.
    pub draft: bool,
}

/// What a push of branches asks for by its options, kept until the push has come.
///
/// # Errors
/// Why it cannot be done: then nothing of the push is kept.
pub async fn wish(
    parts: &Parts,
    by: &UserName,
    project: &ProjectName,
    branches: &[(String, CommitId)],
    ask: &Ask,
) -> Result<(), OrderError> {
    let world = parts.journal.world();
    let record = world.projects.get(project).ok_or_else(|| absent_project(project))?;
    let [(name, commit)] = branches else {
        return refused("options of a push are about one branch", "push one branch, and nothing else with it");
    };
    let target = ask.target.as_deref().unwrap_or(&record.branch);
    let open = record.open_merge_requests(name).any(|request| request.target == target);
    if !open && !ask.create {
        return refused(format!("{name} has no open merge request into {target}"), "add `-o merge_request.create`");
    }
    check_branches(parts, project, name, target).await?;
    let event = ProjectEvent::MergeRequestAsked { reference: format!("refs/heads/{name}"), commit: commit.clone(), ask: ask.clone() };
    parts.journal.record(&streams::project(project), Actor::User(by.clone()), event).await?;
    Ok(())
}

async fn check_branches(parts: &Parts, project: &ProjectName, source: &str, target: &str) -> Result<(), OrderError> {
    if source == target {
        return refused(format!("{source} cannot be merged into itself"), "name another branch as target");
    }
    if parts.git.resolve(&project.clone().into(), &format!("refs/heads/{target}")).await?.is_none() {
        return refused(format!("{project} has no branch `{target}` to merge into"), "name one that is there as target");
    }
    Ok(())
}

/// Opens a merge request of a branch that is there. Gives its number.
pub async fn create(parts: &Parts, by: &UserName, project: &ProjectName, making: Making) -> Result<u64, OrderError> {
    let world = parts.journal.world();
    let record = world.projects.get(project).ok_or_else(|| absent_project(project))?;
    let target = making.target.clone().unwrap_or_else(|| record.branch.clone());
    let name = format!("refs/heads/{}", making.source);
    let Some(commit) = parts.git.resolve(&project.clone().into(), &name).await? else {
        return Err(OrderError::Absent(format!("branch `{}` in project `{project}`", making.source)));
    };
    check_branches(parts, project, &making.source, &target).await?;
    something_new(parts, project, &target, &commit).await?;
    let title = title(parts, project, making.title.clone(), &commit).await?;
    let description = checked_text(&making.description).or_else(|why| refused(why, "leave them out"))?;
    let run = new_run(parts);
    let mut there = None;
    let decide = |world: &World, _| {
        let Some(record) = world.projects.get(project) else { return Vec::new() };
        if let Some(known) = record.open_merge_requests(&making.source).find(|request| request.target == target) {
            there = Some(known.number);
            return Vec::new();
        }
        let head = Head { commit, pusher: by.clone(), outside: false, run };
        let (source, author, draft) = (making.source, by.clone(), making.draft);
        let opened = MergeRequestChange::Opened { title, description, source, offered: false, target, draft, author, head };
        vec![change(next_number(record), opened)]
    };
    let events = parts.journal.change(&streams::project(project), Actor::User(by.clone()), decide).await?;
    match (numbers(&events).next(), there) {
        (Some(number), _) => {
            kept(parts, project, Some(number)).await?;
            Ok(number)
        }
        (None, Some(number)) => {
            refused(format!("merge request {number} is open for the two already"), "push to its branch, and it goes on")
        }
        (None, None) => Err(absent_project(project)),
    }
}

fn numbers(events: &[ProjectEvent]) -> impl Iterator<Item = u64> {
    events.iter().filter_map(|event| match event {
        ProjectEvent::MergeRequest { number, .. } => Some(*number),
        _ => None,
    })
}

async fn title(parts: &Parts, project: &ProjectName, given: Option<String>, commit: &CommitId) -> Result<String, OrderError> {
    match given {
        Some(title) => checked_title(&title).or_else(|why| refused(why, "give another one")),
        None => Ok(title_of(&parts.git.commit(&project.clone().into(), commit).await?.message)),
    }
}

async fn something_new(parts: &Parts, project: &ProjectName, target: &str, commit: &CommitId) -> Result<(), OrderError> {
    let repository = project.clone().into();
    let into = parts.git.resolve(&repository, &format!("refs/heads/{target}")).await?;
    let Some(into) = into else { return refused(format!("{project} has no branch `{target}`"), "name one that is there") };
    match parts.git.merge_base(&repository, commit, &into).await? {
        None => refused(format!("it has nothing in common with {target}"), "begin it from a commit of that branch"),
        Some(base) if base == *commit => refused(format!("{target} has all of it already"), "commit something first"),
        Some(_) => Ok(()),
    }
}

/// What came of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// The merge request's number.
    pub number: u64,
    /// Where its ref was.
    pub before: Option<CommitId>,
    /// The run that begins, if it has another commit now.
    pub run: Option<RunId>,
}

/// What is offered, and what is known of it.
struct Offering<'a> {
    who: &'a UserName,
    source: String,
    target: &'a str,
    commit: &'a CommitId,
    title: String,
    offer: Offer,
    run: RunId,
    /// The last commit of the merge request that it goes on with, as it was looked at.
    seen: Option<CommitId>,
}

impl Offering<'_> {
    fn is_same(&self, request: &MergeRequestRecord) -> bool {
        request.is_open() && request.offered && request.source == self.source && request.target == self.target
    }
}

/// Takes what was pushed to `refs/for/BRANCH`; `rest` is what stands after `refs/for/`.
pub async fn offer(
    parts: &Parts,
    who: &UserName,
    project: &ProjectName,
    rest: &str,
    commit: &CommitId,
    offer: Offer,
) -> Result<Came, OrderError> {
    let world = parts.journal.world();
    let record = world.projects.get(project).ok_or_else(|| absent_project(project))?;
    let refs = parts.git.refs(&project.clone().into()).await?;
    let is_branch = |name: &str| refs.contains_key(&format!("refs/heads/{name}"));
    let topic = offer.topic.clone();
    let (target, topic) = place(rest, topic.as_deref(), &is_branch).or_else(|why| refused(why, ""))?;
    let own = format!("{who}/");
    let source = if topic.starts_with(&own) { topic.to_owned() } else { format!("{own}{topic}") };
    something_new(parts, project, target, commit).await?;
    let title = title(parts, project, offer.title.clone(), commit).await?;
    let mut offering = Offering { who, source, target, commit, title, offer, run: new_run(parts), seen: None };
    if let Some(before) = record.merge_requests.values().find(|request| offering.is_same(request)) {
        let goes_on = parts.git.merge_base(&project.clone().into(), &before.head, commit).await?.as_ref() == Some(&before.head);
        if !goes_on && !offering.offer.force {
            return refused(
                format!("it does not have what merge request {} has ({})", before.number, before.head.short()),
                "add `-o force-push` to put it in its place",
            );
        }
        offering.seen = Some(before.head.clone());
    }
    let mut came = Err(absent_project(project));
    let decide = |world: &World, _| {
        let Some(record) = world.projects.get(project) else { return Vec::new() };
        let outside = world.users.get(who).is_none_or(|user| user.role < Role::Developer);
        match take(record, offering, outside) {
            Ok((said, events)) => {
                came = Ok(said);
                events
            }
            Err(error) => {
                came = Err(error);
                Vec::new()
            }
        }
    };
    parts.journal.change(&streams::project(project), Actor::User(who.clone()), decide).await?;
    let came = came?;
    kept(parts, project, Some(came.number)).await?;
    Ok(came)
}

/// Decides on an offer as things are.
fn take(project: &ProjectRecord, offering: Offering<'_>, outside: bool) -> Result<(Came, Vec<ProjectEvent>), OrderError> {
    let known = project.merge_requests.values().find(|request| offering.is_same(request)).cloned();
    let Offering { who, source, target, commit, title, offer, run, seen } = offering;
    let head = Head { commit: commit.clone(), pusher: who.clone(), outside, run: run.clone() };
    let Some(known) = known else {
        let open = project.merge_requests.values().filter(|request| request.is_open() && request.offered && request.author == *who);
        if outside && open.count() >= MAX_OFFERED {
            return refused(format!("{who} has {MAX_OFFERED} open merge requests here"), "have some of them merged or closed first");
        }
        let (target, author, number) = (target.to_owned(), who.clone(), next_number(project));
        let description = offer.description.unwrap_or_default();
        let opened = MergeRequestChange::Opened { title, description, source, offered: true, target, draft: false, author, head };
        return Ok((Came { number, before: None, run: Some(run) }, vec![change(number, opened)]));
    };
    let number = known.number;
    if seen.as_ref() != Some(&known.head) {
        return refused(format!("merge request {number} has another commit meanwhile"), "push again");
    }
    let title = offer.title.filter(|title| *title != known.title);
    let description = offer.description.filter(|text| *text != known.description);
    let mut events = Vec::new();
    if title.is_some() || description.is_some() {
        events.push(change(number, MergeRequestChange::Edited { title, description, draft: None }));
    }
    let newer = known.head != *commit;
    if newer {
        events.push(change(number, MergeRequestChange::Updated { head }));
    }
    Ok((Came { number, before: seen, run: newer.then_some(run) }, events))
}
