//! GitLab CI files.

mod artifacts;
mod caches;
mod checkout;
mod compose;
mod condition;
mod containers;
mod environment;
mod eval;
mod extends;
mod identity;
mod include;
mod inherit;
mod inputs;
mod interpolate;
mod job;
mod keys;
mod matrix;
mod only;
mod pages;
mod parts;
mod paths;
mod re2;
mod release;
mod rules;
mod secrets;
mod trigger;
mod turns;
mod waits;
mod workflow;

pub use checkout::{asks_for_lfs, checkout, clone_path};
pub(crate) use condition::Condition;
pub(crate) use containers::is_host;
pub(crate) use eval::eval;
pub(crate) use rules::place_in;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use penstock_model::JobName;

use self::job::{Common, Draft};
use self::matrix::{Combination, Member};
use self::workflow::Workflow;
use crate::env::predefined;
use crate::expand::{self, Expanded, Over, Raw, Scope, Values};
use crate::input::{Dialect, PushEvent, Source};
use crate::library::{Library, Unplanned};
use crate::plan::{
    AllowFailure, Downstream, LeftOut, MAX_JOBS, MAX_TEXT, Matrix, Plan, PlannedJob, PlannedStep, PlannedTrigger, Turns, Variable, When,
};
use crate::reader::{Fields, Known, Problems, shown, strings};
use crate::yaml::{At, Budget, Key, Node, Schema, Value};

/// A job's time limit if it says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(1);
/// The most variables that a job may see.
const MAX_VARIABLES: usize = 1000;
/// The most keys at the top: jobs and templates.
const MAX_KEYS: usize = 10_000;
/// Keys at the top that are not jobs.
const GLOBALS: &[&str] = &["stages", "variables", "workflow", "default", "image", "services", "before_script", "after_script", "cache"];

/// Reads a GitLab CI file for one push.
pub(crate) fn plan(source: &Source<'_>, event: &PushEvent, library: &Library, known: &mut Known) -> Result<Plan, Unplanned> {
    let mut problems = Problems::knowing(std::mem::take(known), source.path, Schema::Psych);
    let planned = read(source, event, library, &mut problems);
    *known = std::mem::take(&mut problems.known);
    problems.answer(planned)
}

fn read(source: &Source<'_>, event: &PushEvent, library: &Library, problems: &mut Problems) -> Option<Plan> {
    let mut budget = Budget::new();
    let base = predefined::of_push(event, source.path).into_iter().map(|(name, value)| (name, Expanded::plain(value))).collect();
    let root = compose::compose(source, event, library, &base, &mut budget, problems)?;
    problems.wants_nothing().then_some(())?;
    if let Value::Map(entries) = &root.value
        && let Some((key, _)) = entries.get(MAX_KEYS)
    {
        problems.add(key.at, "", format!("the file has more than {MAX_KEYS} keys"), "split the project");
        return None;
    }
    let root = extends::references(extends::unfold(&root, &mut budget, problems), &mut budget, problems).ok()?;
    let Value::Map(entries) = &root.value else {
        problems.add(
            root.at,
            "",
            format!("a pipeline is a mapping of jobs, not {}", root.kind()),
            "write `job-name:` with its keys below it",
        );
        return None;
    };
    let mut global = global(&root, problems)?;
    let drafts = drafts(entries, &global, problems);
    environment::check_stops(&drafts, problems);
    if drafts.is_empty() && problems.is_empty() {
        problems.add(root.at, "", "the file has no job", "add one; names that start with a dot are templates");
    }
    let top = At::start(0);
    covered(&global.variables, &[], &base, &|name| global.variable_places.get(name).copied().unwrap_or(top), "variables", problems);
    let facts = Facts { event, library };
    let workflow = std::mem::take(&mut global.workflow).decide(&mut global, &base, facts, problems);
    let (jobs, left_out) = match workflow.nothing {
        None => judge(&drafts, &global, &base, facts, problems),
        Some(why) => {
            let left_out = |draft: &Draft| LeftOut {
                name: draft.name.clone(),
                line: draft.at.line,
                file: problems.other_file(draft.at),
                because: vec![why.clone()],
            };
            (Vec::new(), drafts.iter().map(left_out).collect())
        }
    };
    let mut event = event.clone();
    // a child pipeline of the same commit sees the same changes
    let of_child = |job: &PlannedJob| matches!(job.trigger.as_deref(), Some(PlannedTrigger { downstream: Downstream::Child { .. }, .. }));
    event.changed = event.changed.filter(|_| jobs.iter().any(of_child));
    event.files = Vec::new();
    let path = source.path.to_owned();
    let name = workflow.name.unwrap_or_else(|| path.clone());
    let Global { stages, variables, .. } = global;
    let (dialect, auto_cancel) = (Dialect::GitlabCi, workflow.auto_cancel);
    let (inputs, because) = (serde_json::Map::new(), workflow.because);
    let (run_name, concurrency, calls, sources) = (None, None, Vec::new(), Vec::new());
    Some(Plan {
        dialect,
        path,
        name,
        event,
        because,
        stages,
        variables,
        run_name,
        concurrency,
        inputs,
        auto_cancel,
        jobs,
        calls,
        sources,
        left_out,
        warnings: Vec::new(),
    })
}

/// What rules are asked about: the event, and lists of paths that were found for them.
#[derive(Clone, Copy)]
struct Facts<'a> {
    event: &'a PushEvent,
    library: &'a Library,
}

/// What the file says for all jobs.
struct Global {
    stages: Vec<String>,
    variables: BTreeMap<String, Variable>,
    /// Where each of them stands.
    variable_places: BTreeMap<String, At>,
    default: Common,
    workflow: Workflow,
    /// Whether `workflow` has rules, so that jobs without any are for merge requests too.
    ruled: bool,
}

fn global(root: &Node, problems: &mut Problems) -> Option<Global> {
    let mut fields = Fields::of(root, "", problems)?;
    let given = fields.get("stages").map(|node| strings(node, "stages", problems));
    let given = given.unwrap_or_else(|| ["build", "test", "deploy"].map(str::to_owned).to_vec());
    let mut stages = vec![".pre".to_owned()];
    stages.extend(given.into_iter().filter(|stage| stage != ".pre" && stage != ".post"));
    stages.push(".post".to_owned());
    let variables = fields.get("variables").map(|node| parts::variables(node, "variables", problems)).unwrap_or_default();
    let workflow = fields.get("workflow").map(|node| workflow::read(node, fields.key_at("workflow"), problems)).unwrap_or_default();
    let outer = Common::read_global(&mut fields, problems);
    let mut default = Common::default();
    if let Some(node) = fields.get("default")
        && let Some(mut inner) = Fields::of(node, "default", problems)
    {
        default = Common::read(&mut inner, problems);
        inner.finish(keys::DEFAULT, problems);
        for name in ["image", "services", "before_script", "after_script", "cache"] {
            if root.get(name).is_some() && node.get(name).is_some() {
                problems.add(fields.key_at(name), name, format!("`{name}` is given here and in `default`"), "keep the one in `default`");
            }
        }
    }
    let variable_places = root.get("variables").map(parts::places).unwrap_or_default();
    Some(Global { stages, variables, variable_places, default: default.or(&outer), workflow, ruled: false })
}

/// Whether a key at the top names a job or a template.
fn is_job(key: &Key) -> bool {
    !GLOBALS.contains(&&*key.text)
}

fn drafts(entries: &[(Key, Node)], global: &Global, problems: &mut Problems) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (key, node) in entries.iter().filter(|(key, _)| is_job(key) && !key.text.starts_with('.')) {
        if drafts.len() >= MAX_JOBS {
            problems.add(key.at, &key.text, format!("the file has more than {MAX_JOBS} jobs"), "split the project");
            break;
        }
        if let Err(invalid) = key.text.parse::<JobName>() {
            problems.add(key.at, &key.text, format!("`{}` cannot be a job's name", shown(&key.text)), invalid.rule);
            continue;
        }
        drafts.extend(job::read(key, node, &global.default, &global.stages, problems));
    }
    drafts
}

/// Decides which jobs there are, and what they wait for.
fn judge(
    drafts: &[Draft],
    global: &Global,
    base: &BTreeMap<String, Expanded>,
    facts: Facts<'_>,
    problems: &mut Problems,
) -> (Vec<PlannedJob>, Vec<LeftOut>) {
    let (mut jobs, mut left_out, mut text) = (Vec::new(), Vec::new(), 0);
    let mut ruled = HashMap::new();
    let all = matrix::members(drafts, problems);
    'file: for (draft, members) in drafts.iter().zip(&all) {
        let inherited = inherited(&global.variables, draft.inherit.variables.as_deref());
        let (mut without, mut verdicts) = (Vec::new(), Verdicts::of(draft, global.ruled));
        for member in members {
            let own = member.variables();
            let Some(variables) = seen(member, &own, &inherited, global, base, facts.event, problems) else { continue };
            let verdict = verdicts.ask([&inherited, &own], facts, &variables, problems);
            let Some(matched) = verdict.matched else {
                let (name, line, file) = (member.name.to_string(), draft.at.line, problems.other_file(draft.at));
                without.push(LeftOut { name, line, file, because: verdict.because });
                continue;
            };
            text += weight(draft, &own);
            if jobs.len() == MAX_JOBS || text > MAX_TEXT {
                let message = format!("the plan has more than {MAX_JOBS} jobs, or more than {} MiB of scripts", MAX_TEXT >> 20);
                problems.add(draft.at, &draft.name, message, "use a smaller `parallel`, or move scripts into files");
                break 'file;
            }
            ruled.extend(matched.needs.map(|rule| (member.name.as_str(), rule)));
            let turns = turns::of(draft, &matched, &variables, problems);
            let mut job = planned(member, own, matched, turns, verdict.because, problems);
            job.runs_on = tags(draft, &variables, problems);
            jobs.push(job);
        }
        // jobs that are alike are left out alike: once is enough
        let alike = without.len() == members.len() && without.windows(2).all(|two| two[0].because == two[1].because);
        without.truncate(if alike { 1 } else { usize::MAX });
        left_out.extend(without.into_iter().map(|left| LeftOut { name: if alike { draft.name.clone() } else { left.name }, ..left }));
    }
    jobs.sort_by_key(|job: &PlannedJob| global.stages.iter().position(|stage| *stage == job.stage));
    waits::settle(&mut jobs, drafts, &all, &ruled, &global.stages, problems);
    (jobs, left_out)
}

/// The variables that a job's rules can see, unless they cannot be expanded. `own` are the job's.
fn seen<'b>(
    member: &Member<'_>,
    own: &BTreeMap<String, Variable>,
    inherited: &BTreeMap<String, Variable>,
    global: &Global,
    base: &'b BTreeMap<String, Expanded>,
    event: &PushEvent,
    problems: &mut Problems,
) -> Option<Over<'b>> {
    let draft = member.draft;
    let place = |name: &str| {
        let outer = || draft.variable_places.get(name).or_else(|| global.variable_places.get(name)).copied();
        member.place_of(name).or_else(outer).unwrap_or(draft.at)
    };
    covered(&draft.variables, &[inherited], base, &place, &format!("{}.variables", draft.name), problems);
    if let Some(combination) = &member.combination {
        covered(&combination.variables(), &[inherited], base, &place, &format!("{}.parallel.matrix", draft.name), problems);
    }
    let of_job = predefined::of_job(member.name.as_str(), &draft.stage, draft.environment.as_ref(), member.place);
    let for_environment = |name: Option<&str>| scope(inherited, own, of_job.clone(), base, event, name).and_then(|scope| scope.expand());
    let variables = match &draft.environment {
        // its name is made of what is for all
        Some(environment) if event.facts.variables.are_scoped() => {
            for_environment(None).and_then(|known| for_environment(Some(&expand::expand(&environment.name, &known).text)))
        }
        _ => for_environment(None),
    };
    match variables {
        Ok(variables) => Some(variables),
        Err(unexpandable) => {
            let (name, message, help) = unexpandable.explain();
            let mapping = if member.place_of(name).is_some() { "parallel.matrix" } else { "variables" };
            problems.add(place(name), &format!("{}.{mapping}.{name}", draft.name), message, help);
            None
        }
    }
}

/// What a variable is worth to rules, and to `only` and `except`, which see it as it is written.
type Worth = (Option<Expanded>, Option<Variable>);

/// What the jobs that one of the file becomes are told by its rules: once for each set of values that these ask for, since they
/// may have to look at every file of the repository.
struct Verdicts<'d> {
    draft: &'d Draft,
    ruled: bool,
    names: Vec<&'d str>,
    known: Vec<(Vec<Worth>, rules::Verdict)>,
}

impl<'d> Verdicts<'d> {
    fn of(draft: &'d Draft, ruled: bool) -> Self {
        let mut names = draft.rules.as_deref().map(rules::named).unwrap_or_default();
        names.extend(draft.policies.iter().flat_map(only::Policies::named));
        Self { draft, ruled, names, known: Vec::new() }
    }

    fn ask(
        &mut self,
        file: [&BTreeMap<String, Variable>; 2],
        facts: Facts<'_>,
        variables: &dyn Values,
        problems: &mut Problems,
    ) -> rules::Verdict {
        let worth: Vec<Worth> = self.names.iter().map(|name| (variables.value(name).cloned(), file[1].get(*name).cloned())).collect();
        if let Some((_, verdict)) = self.known.iter().find(|(known, _)| *known == worth) {
            return verdict.clone();
        }
        let verdict = self.verdict(file, facts, variables, problems);
        self.known.push((worth, verdict.clone()));
        verdict
    }

    /// Whether a job belongs to the pipeline, by its `rules` or else by its `only` and `except`.
    fn verdict(
        &self,
        file: [&BTreeMap<String, Variable>; 2],
        facts: Facts<'_>,
        variables: &dyn Values,
        problems: &mut Problems,
    ) -> rules::Verdict {
        let (draft, event) = (self.draft, facts.event);
        // an `only` that is not there has every branch and every tag, unless `workflow` has rules
        let by_default = !self.ruled && draft.policies.as_ref().is_none_or(|policies| !policies.has_only());
        match (&draft.rules, &draft.policies) {
            (Some(rules), _) => {
                rules::absent(rules, variables, problems);
                rules::ask(rules, facts, variables, problems)
            }
            (None, _) if by_default && event.branch().is_none() && event.tag().is_none() => {
                let why = "without `rules` and `only` it is for branches and tags, and this is a merge request's pipeline";
                rules::Verdict { matched: None, because: vec![format!("{why} (line {})", draft.at.line)] }
            }
            (None, Some(policies)) => {
                let written = only::written(variables, file, event);
                policies.ask(event, &written, problems)
            }
            (None, None) => {
                let because = vec![format!("it has no rules ({})", problems.line(draft.at))];
                rules::Verdict { matched: Some(rules::Matched::default()), because }
            }
        }
    }
}

/// Bytes of text that a job carries into the plan.
fn weight(draft: &Draft, own: &BTreeMap<String, Variable>) -> usize {
    let scripts = [
        Some(&draft.script),
        draft.common.before_script.as_ref(),
        draft.common.after_script.as_ref(),
        draft.common.before_sources.as_ref(),
    ];
    let scripts: usize = scripts.into_iter().flatten().flatten().map(String::len).sum();
    let includes = draft.trigger.as_ref().map_or(0, |trigger| format!("{:?}", trigger.downstream).len());
    scripts + includes + own.iter().map(|(name, variable)| name.len() + variable.value.len()).sum::<usize>() + 1024
}

/// The file's variables as far as a job inherits them; `None` is all.
fn inherited<'v>(variables: &'v BTreeMap<String, Variable>, names: Option<&[String]>) -> Cow<'v, BTreeMap<String, Variable>> {
    let Some(names) = names else { return Cow::Borrowed(variables) };
    let chosen = variables.iter().filter(|(name, _)| names.contains(name));
    Cow::Owned(chosen.map(|(name, variable)| (name.clone(), variable.clone())).collect())
}

/// Everything that `rules` can see of what a job that names this environment sees: of the push, of a job if they are a job's, of the file, of the project.
fn scope<'b>(
    inherited: &BTreeMap<String, Variable>,
    own: &BTreeMap<String, Variable>,
    of_job: Vec<(String, Raw)>,
    base: &'b BTreeMap<String, Expanded>,
    event: &PushEvent,
    environment: Option<&str>,
) -> Result<Scope<'b>, expand::Unexpandable> {
    let mut scope = Scope::over(base);
    for (name, raw) in of_job {
        scope.set(name, raw);
    }
    scope.variables(inherited);
    scope.variables(own);
    for (name, variable) in event.facts.variables.reaching(environment) {
        scope.set(name, variable.raw());
    }
    for (name, value) in &event.variables {
        scope.set(name.clone(), Raw::Template(value.clone()));
    }
    scope.variables(&event.given);
    if scope.len() > MAX_VARIABLES { Err(expand::Unexpandable::Many(MAX_VARIABLES)) } else { Ok(scope) }
}

/// A variable that names itself and covers nothing would be empty, which nobody means who writes `PATH: /opt/bin:$PATH`.
fn covered(
    own: &BTreeMap<String, Variable>,
    below: &[&BTreeMap<String, Variable>],
    base: &BTreeMap<String, Expanded>,
    place: &dyn Fn(&str) -> At,
    path: &str,
    problems: &mut Problems,
) {
    for (name, variable) in own {
        let known = below.iter().any(|layer| layer.contains_key(name)) || base.contains_key(name);
        if variable.expand && !known && expand::names(&variable.value).any(|other| other == name) {
            let message =
                format!("`{name}` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `{name}`");
            problems.add(place(name), &format!("{path}.{name}"), message, format!("set it in `before_script`: `export {name}=…`"));
        }
    }
}

/// The tags of a job, with its variables in them.
fn tags(draft: &Draft, variables: &dyn Values, problems: &mut Problems) -> serde_json::Value {
    let tags = draft.common.tags.iter().flatten().map(|tag| unmasked(tag, variables, draft.at, &draft.name, "tags", problems));
    let tags: Vec<String> = tags.filter(|tag| !tag.is_empty()).collect();
    if tags.is_empty() { serde_json::Value::Null } else { tags.into() }
}

/// A text of a job with its variables, which becomes part of the plan: no masked value may be in it.
fn unmasked(text: &str, variables: &dyn Values, at: At, job: &str, key: &str, problems: &mut Problems) -> String {
    let expanded = expand::expand(text, variables);
    if expanded.secret {
        let message = format!("`{}` has a masked variable in it, and plans show it", shown(text));
        problems.add(at, &format!("{job}.{key}"), message, include::UNMASK);
    }
    expanded.shown().to_owned()
}

/// A job of the plan. `variables` are its own.
fn planned(
    member: &Member<'_>,
    mut variables: BTreeMap<String, Variable>,
    matched: rules::Matched,
    turns: Turns,
    because: Vec<String>,
    problems: &Problems,
) -> PlannedJob {
    let draft = member.draft;
    let when = matched.when.or(draft.when).unwrap_or_default();
    // GitLab does not delay what starts a pipeline, whatever its rules say
    let when = if draft.trigger.is_some() && when == When::Delayed { When::OnSuccess } else { when };
    // manual outside of rules may be left alone; manual by a rule blocks unless the rule or the job says otherwise
    let usual = if draft.when == Some(When::Manual) { AllowFailure::Yes } else { AllowFailure::No };
    let allow_failure = matched.allow_failure.or_else(|| draft.allow_failure.clone()).unwrap_or(usual);
    variables.extend(matched.variables);
    let mut commands = draft.common.before_script.clone().unwrap_or_default();
    commands.extend(draft.script.iter().cloned());
    let before = draft.common.before_sources.clone().filter(|commands| !commands.is_empty() && draft.trigger.is_none());
    let mut steps: Vec<_> = before.map(|commands| PlannedStep::BeforeSources { commands }).into_iter().collect();
    if draft.trigger.is_none() {
        steps.push(PlannedStep::Script { commands });
    }
    if let Some(commands) = draft.common.after_script.clone().filter(|commands| !commands.is_empty()) {
        steps.push(PlannedStep::AfterScript { commands });
    }
    let mut artifacts = draft.common.artifacts.clone().unwrap_or_default();
    // as GitLab does: whoever leaves pages need not say it twice
    let named = |folder: &String| artifacts.paths.iter().any(|path| path.trim_end_matches('/') == folder);
    artifacts.paths.extend(draft.pages.clone().filter(|folder| !named(folder)));
    let values = member.combination.iter().flat_map(Combination::values);
    let values: serde_json::Map<_, _> = values.map(|(name, value)| (name.to_owned(), value.into())).collect();
    PlannedJob {
        name: member.name.clone(),
        title: member.name.to_string(),
        group: draft.name.clone(),
        line: draft.at.line,
        file: problems.other_file(draft.at),
        stage: draft.stage.clone(),
        waits_for: Vec::new(),
        needs: Vec::new(),
        when,
        turns,
        condition: None,
        allow_failure,
        retry: draft.common.retry.clone().unwrap_or_default(),
        timeout: draft.common.timeout.unwrap_or(DEFAULT_TIMEOUT),
        image: draft.common.image.clone(),
        services: draft.common.services.clone().unwrap_or_default(),
        permissions: None,
        call: None,
        late: false,
        concurrency: None,
        runs_on: serde_json::Value::Null,
        environment: draft.environment.clone(),
        variables,
        variables_by: None,
        inherited: draft.inherit.variables.clone(),
        id_tokens: draft.common.id_tokens.clone().unwrap_or_default(),
        secrets: draft.secrets.clone(),
        tag_release: draft.release.clone(),
        confirmation: draft.confirmation.clone().filter(|_| when == When::Manual),
        artifacts,
        coverage: draft.coverage.clone(),
        caches: draft.common.caches.clone().unwrap_or_default(),
        trigger: draft.trigger.clone(),
        elsewhere: draft.elsewhere.clone(),
        artifacts_from: Vec::new(),
        outputs: BTreeMap::new(),
        steps,
        matrix: member.place.map(|(index, total)| Matrix { index, total, values, fail_fast: false, max_parallel: None }),
        inputs: Vec::new(),
        because,
    }
}
