//! What each job waits for, once it is settled which jobs there are.
//!
//! As in GitLab (`Normalizer`, `YamlProcessor`, `Seed::Build`), a name in `needs` and `dependencies` is a job of the file, which
//! stands for all that `parallel` makes of it, or one of these.

use std::collections::{HashMap, HashSet};

use penstock_model::JobName;

use super::job::{Draft, MAX_NEEDS, Need};
use super::matrix::{self, Combination, Member, Parallel};
use crate::plan::{PlannedJob, Wait};
use crate::reader::{Problems, shown};
use crate::yaml::At;

/// What may be named.
struct Known<'k> {
    /// Every job that the file makes, also those that rules leave out.
    members: HashMap<&'k str, (usize, &'k Member<'k>)>,
    /// What `parallel` makes of a job of the file.
    groups: HashMap<&'k str, Vec<String>>,
    drafts: HashMap<&'k str, &'k Draft>,
    /// Places of the stages.
    stages: HashMap<&'k str, usize>,
    /// The jobs of the plan.
    planned: HashSet<JobName>,
}

/// What a job needs, and the key that says so; `None` is the stages before.
type Given<'k> = Option<(&'k [Need], String)>;

/// A job that another one names in `needs`.
struct Named<'k> {
    index: usize,
    name: &'k JobName,
    need: &'k Need,
    at: At,
}

/// Settles `waits_for` and `artifacts_from` of each job. `all` is what the file's jobs become, `ruled` those of the plan whose
/// `needs` are said by a rule, with its place.
pub(super) fn settle(
    jobs: &mut [PlannedJob],
    drafts: &[Draft],
    all: &[Vec<Member<'_>>],
    ruled: &HashMap<&str, usize>,
    stages: &[String],
    problems: &mut Problems,
) {
    let list: Vec<&Member<'_>> = all.iter().flatten().collect();
    let known = Known {
        members: list.iter().enumerate().map(|(index, member)| (member.name.as_str(), (index, *member))).collect(),
        groups: drafts
            .iter()
            .zip(all)
            .filter(|(draft, _)| draft.parallel.is_some())
            .map(|(draft, _)| (&*draft.name, group(draft)))
            .collect(),
        drafts: drafts.iter().map(|draft| (draft.name.as_str(), draft)).collect(),
        stages: stages.iter().enumerate().map(|(index, stage)| (stage.as_str(), index)).collect(),
        planned: jobs.iter().map(|job| job.name.clone()).collect(),
    };
    let given: Vec<Given<'_>> = list.iter().map(|member| given(member, ruled.get(member.name.as_str()).copied())).collect();
    let needs: Vec<Vec<Named<'_>>> = list.iter().zip(&given).map(|(member, given)| known.needed(member, given, problems)).collect();
    // as GitLab does, those are checked too that no rule or another one decides on
    for member in all.iter().filter_map(|members| members.first()).filter(|member| member.draft.rules.is_some()) {
        for rule in member.draft.rules.iter().flatten().filter(|rule| rule.needs().is_some()) {
            known.needed(member, &rule.needs(), problems);
        }
        known.needed(member, &self::given(member, None), problems);
    }
    let leaving: Vec<(JobName, usize)> = jobs
        .iter()
        .filter(|job| !job.artifacts.paths.is_empty() || job.artifacts.untracked || !job.artifacts.dotenv.is_empty())
        .map(|job| (job.name.clone(), known.stage(&job.stage)))
        .collect();
    for job in jobs.iter_mut() {
        let Some((index, member)) = known.members.get(job.name.as_str()).copied() else { continue };
        let own = known.stage(&job.stage);
        match &given[index] {
            None => {
                job.waits_for = vec![Wait::EarlierStages];
                job.artifacts_from = leaving.iter().filter(|(_, stage)| *stage < own).map(|(name, _)| name.clone()).collect();
            }
            Some((_, path)) => known.wait(job, path, &needs[index], problems),
        }
        if let Some(dependencies) = &member.draft.dependencies {
            known.depend(job, member.draft, dependencies, given[index].as_ref().map(|_| &*needs[index]), problems);
        }
    }
    circles(&list, &needs, problems);
}

/// What a job needs by the rule at a place of its list, or by itself.
fn given<'k>(member: &Member<'k>, rule: Option<usize>) -> Given<'k> {
    let draft = member.draft;
    let by_rule = rule.and_then(|place| draft.rules.as_deref()?.get(place)?.needs());
    by_rule.or_else(|| Some((draft.needs.as_deref()?, format!("{}.needs", draft.name))))
}

/// The names of all jobs that `parallel` makes of one, also of those whose place another job takes.
fn group(draft: &Draft) -> Vec<String> {
    matrix::titles(draft).into_iter().map(|(title, ..)| title).collect()
}

impl<'k> Known<'k> {
    fn stage(&self, name: &str) -> usize {
        self.stages.get(name).copied().unwrap_or(0)
    }

    /// Whether a name may be one of a `parallel` that cannot be read.
    fn is_unread(&self, name: &str) -> bool {
        let of = |draft: &Draft| matches!(draft.parallel, Some(Parallel::Unread));
        let key = name.rsplit_once(": [").or_else(|| name.rsplit_once(' ')).map_or(name, |(key, _)| key);
        [name, key].iter().any(|key| self.drafts.get(key).is_some_and(|draft| of(draft)))
    }

    /// The names that one in the file stands for.
    fn names(&self, name: &str) -> Vec<String> {
        self.groups.get(name).cloned().unwrap_or_else(|| vec![name.to_owned()])
    }

    /// The jobs that one names in `needs`, each with the place where it does.
    fn needed(&self, member: &'k Member<'k>, given: &Given<'k>, problems: &mut Problems) -> Vec<Named<'k>> {
        let Some((given, path)) = given else { return Vec::new() };
        let draft = member.draft;
        let (mut out, mut count): (Vec<Named<'k>>, usize) = (Vec::new(), 0);
        for need in *given {
            for (name, at) in self.targets(need, member.combination.as_ref(), path, problems) {
                count += 1;
                if count > MAX_NEEDS {
                    let message = format!("a job may need at most {MAX_NEEDS} others, and each that `parallel` makes counts");
                    problems.add(at, path, message, "let it wait for a stage instead");
                    return out;
                }
                let Some((index, other)) = self.members.get(name.as_str()).copied() else {
                    if !need.optional {
                        self.unknown(&name, need, at, path, problems);
                    }
                    continue;
                };
                if self.stage(&other.draft.stage) > self.stage(&draft.stage) {
                    let message = format!("`{}` is in the later stage `{}`", shown(&name), shown(&other.draft.stage));
                    problems.add(at, path, message, "a job can need jobs of its own and of earlier stages");
                }
                if out.iter().any(|named| named.index == index) {
                    problems.add(at, path, format!("`{}` is needed twice", shown(&name)), "name it once");
                    continue;
                }
                out.push(Named { index, name: &other.name, need, at });
            }
        }
        out
    }

    /// The names that an item of `needs` stands for in a job with these values of its matrix.
    fn targets(&self, need: &'k Need, own: Option<&Combination>, path: &str, problems: &mut Problems) -> Vec<(String, At)> {
        let mut unknown = |name: &str, at: At| {
            let (message, help) = match own {
                Some(_) => (format!("the job's own matrix has no variable `{}`", shown(name)), "look at its spelling"),
                None => {
                    (format!("`$[[ matrix.{} ]]` means nothing in a job without `parallel: matrix`", shown(name)), "write the value itself")
                }
            };
            problems.add(at, path, message, help);
        };
        let job = match matrix::filled(&need.job, own) {
            Ok(job) => job,
            Err(name) => {
                unknown(&name, need.at);
                return Vec::new();
            }
        };
        let Some(selection) = &need.selection else {
            return self.names(&job).into_iter().map(|name| (name, need.at)).collect();
        };
        let known = self.drafts.get(job.as_str());
        if known.is_some_and(|draft| matches!(draft.parallel, None | Some(Parallel::Number(_)))) {
            let help = "need the job without `parallel`";
            problems.add(need.at, path, format!("`{}` has no `parallel: matrix`", shown(&job)), help);
            return Vec::new();
        }
        let mut out = Vec::new();
        for combination in selection.combinations() {
            match combination.filled(own) {
                Ok(filled) => out.push((filled.name(&job), filled.at)),
                Err(name) => unknown(&name, combination.at),
            }
        }
        out
    }

    fn unknown(&self, name: &str, need: &Need, at: At, path: &str, problems: &mut Problems) {
        if self.is_unread(name) {
            return;
        }
        let help = match self.groups.get(need.job.as_str()) {
            Some(group) => {
                let some: Vec<String> = group.iter().take(4).map(|name| format!("`{}`", shown(name))).collect();
                let more = if group.len() > some.len() { ", …" } else { "" };
                format!("values stand in the order of its own matrix; there are {}{more}", some.join(", "))
            }
            None => "look at its spelling; hidden jobs cannot be needed".to_owned(),
        };
        problems.add(at, path, format!("there is no job `{}`", shown(name)), help);
    }

    /// Lets a job of the plan wait for what it needs.
    fn wait(&self, job: &mut PlannedJob, path: &str, needs: &[Named<'_>], problems: &mut Problems) {
        for Named { name, need, at, .. } in needs {
            if self.planned.contains(*name) {
                job.waits_for.push(Wait::Job { job: (*name).clone() });
                if need.artifacts {
                    job.artifacts_from.push((*name).clone());
                }
            } else if !need.optional {
                let message = format!("`{}` is needed and its rules leave it out of this pipeline", shown(name.as_str()));
                let help = "give both the same rules, or write `- {job: …, optional: true}`";
                problems.add(*at, path, message, help);
            }
        }
    }

    /// Keeps the artifacts that `dependencies` names.
    fn depend(
        &self,
        job: &mut PlannedJob,
        draft: &Draft,
        dependencies: &[(String, At)],
        needs: Option<&[Named<'_>]>,
        problems: &mut Problems,
    ) {
        let (path, own) = (format!("{}.dependencies", draft.name), self.stage(&draft.stage));
        let mut wanted: HashSet<JobName> = HashSet::new();
        for (given, at) in dependencies {
            let names = self.names(given);
            let found: Vec<&Member<'_>> = names.iter().filter_map(|name| Some(self.members.get(name.as_str())?.1)).collect();
            if found.is_empty() && self.is_unread(given) {
                continue;
            }
            if found.is_empty() {
                problems.add(*at, &path, format!("there is no job `{}`", shown(given)), "look at its spelling");
                continue;
            }
            let waited_for = match needs {
                Some(needs) => found.iter().any(|member| needs.iter().any(|named| *named.name == member.name)),
                // one of the same stage is no fault in GitLab; it is not done yet, so that there is nothing to get
                None => found.iter().all(|member| self.stage(&member.draft.stage) <= own),
            };
            if !waited_for {
                let message = format!("the job does not wait for `{}`", shown(given));
                problems.add(*at, &path, message, "name a job of an earlier stage, or one of `needs`");
            }
            wanted.extend(found.into_iter().map(|member| member.name.clone()));
        }
        job.artifacts_from.retain(|name| wanted.contains(name));
    }
}

/// Jobs that need each other. Stages cannot make a circle: what a job needs is never in a later one.
fn circles(list: &[&Member<'_>], needs: &[Vec<Named<'_>>], problems: &mut Problems) {
    let mut done = vec![false; list.len()];
    let mut on_path = vec![false; list.len()];
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|index| list[*index].draft.at);
    for start in order {
        // an explicit stack: a file may chain more jobs than a thread's stack has room for
        let mut open: Vec<(usize, usize)> = if done[start] { Vec::new() } else { vec![(start, 0)] };
        while let Some((index, next)) = open.pop() {
            on_path[index] = true;
            let Some(named) = needs[index].get(next) else {
                (done[index], on_path[index]) = (true, false);
                continue;
            };
            open.push((index, next + 1));
            if on_path[named.index] {
                let circle = open.iter().map(|(index, _)| *index).skip_while(|index| *index != named.index).chain([named.index]);
                let chain: Vec<String> = circle.map(|index| shown(list[index].name.as_str())).collect();
                let path = format!("{}.needs", list[index].draft.name);
                let message = format!("jobs need each other in a circle: {}", chain.join(" -> "));
                problems.add(named.at, &path, message, "take one of these out");
                return;
            }
            if !done[named.index] {
                open.push((named.index, 0));
            }
        }
    }
}
