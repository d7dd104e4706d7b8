//! A job as the file has it, read but not decided yet.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::job::ArtifactSpec;

use super::identity;
use super::inherit::{self, Inherit};
use super::matrix::{self, Matrix, Parallel};
use super::only::{self, Policies};
use super::rules::{self, Rule, WHENS};
use super::{artifacts, caches, containers, environment, keys, pages, parts, re2, release, secrets, trigger, turns};
use crate::container::{PlannedContainer, PlannedService};
use crate::plan::{
    AllowFailure, Audience, Downstream, Elsewhere, JobEnvironment, PlannedCache, PlannedSecret, PlannedTagRelease, PlannedTrigger, Retry,
    Variable, When,
};
use crate::reader::{Fields, Problems, boolean, choice, join, text, texts};
use crate::yaml::{At, Key, Node, Value};

/// The most jobs that one may need (GitLab's own bound).
pub(super) const MAX_NEEDS: usize = 50;

/// What `default` gives to jobs that do not say it themselves. A job's keys of the same names are read into it too.
#[derive(Clone, Debug, Default)]
pub(super) struct Common {
    pub(super) image: Option<PlannedContainer>,
    pub(super) services: Option<Vec<PlannedService>>,
    pub(super) before_script: Option<Vec<String>>,
    pub(super) after_script: Option<Vec<String>>,
    pub(super) artifacts: Option<ArtifactSpec>,
    pub(super) caches: Option<Vec<PlannedCache>>,
    pub(super) retry: Option<Retry>,
    pub(super) timeout: Option<Duration>,
    pub(super) interruptible: Option<bool>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) id_tokens: Option<BTreeMap<String, Audience>>,
    /// What comes before the checkout (`hooks`).
    pub(super) before_sources: Option<Vec<String>>,
}

impl Common {
    /// Reads the keys that jobs and `default` share.
    pub(super) fn read(fields: &mut Fields<'_>, problems: &mut Problems) -> Self {
        let mut common = Self::read_global(fields, problems);
        common.artifacts = fields.get("artifacts").map(|node| artifacts::artifacts(node, &fields.path_of("artifacts"), problems));
        common.retry = fields.get("retry").map(|node| parts::retry(node, &fields.path_of("retry"), problems));
        common.interruptible = fields.get("interruptible").and_then(|node| boolean(node, &fields.path_of("interruptible"), problems));
        common.tags = fields.get("tags").map(|node| parts::tags(node, &fields.path_of("tags"), problems));
        common.id_tokens = fields.get("id_tokens").map(|node| identity::id_tokens(node, &fields.path_of("id_tokens"), problems));
        common.before_sources = fields.get("hooks").map(|node| parts::hooks(node, &fields.path_of("hooks"), problems));
        common.timeout = fields.get("timeout").and_then(|node| parts::timeout(node, &fields.path_of("timeout"), problems));
        common
    }

    /// Reads those that may stand at the top of the file too.
    pub(super) fn read_global(fields: &mut Fields<'_>, problems: &mut Problems) -> Self {
        Self {
            image: fields.get("image").and_then(|node| containers::image(node, &fields.path_of("image"), problems)),
            services: fields.get("services").map(|node| containers::services(node, &fields.path_of("services"), problems)),
            before_script: fields.get("before_script").map(|node| parts::script(node, &fields.path_of("before_script"), problems)),
            after_script: fields.get("after_script").map(|node| parts::script(node, &fields.path_of("after_script"), problems)),
            caches: fields.get("cache").map(|node| caches::caches(node, &fields.path_of("cache"), problems)),
            ..Self::default()
        }
    }

    /// Those of them that a job with `trigger` has.
    fn of_bridge(fields: &mut Fields<'_>, default: &Self, problems: &mut Problems) -> Self {
        let own = fields.get("interruptible").and_then(|node| boolean(node, &fields.path_of("interruptible"), problems));
        Self { interruptible: own.or(default.interruptible), ..Self::default() }
    }

    /// The keys that a job inherits; `None` is all.
    fn only(&self, keys: Option<&[&str]>) -> Self {
        let all = |key: &str| keys.is_none_or(|keys| keys.contains(&key));
        let of = self.clone();
        Self {
            image: of.image.filter(|_| all("image")),
            services: of.services.filter(|_| all("services")),
            before_script: of.before_script.filter(|_| all("before_script")),
            after_script: of.after_script.filter(|_| all("after_script")),
            artifacts: of.artifacts.filter(|_| all("artifacts")),
            caches: of.caches.filter(|_| all("cache")),
            retry: of.retry.filter(|_| all("retry")),
            timeout: of.timeout.filter(|_| all("timeout")),
            interruptible: of.interruptible.filter(|_| all("interruptible")),
            tags: of.tags.filter(|_| all("tags")),
            id_tokens: of.id_tokens.filter(|_| all("id_tokens")),
            before_sources: of.before_sources.filter(|_| all("hooks")),
        }
    }

    /// Takes from `default` what is not said here.
    pub(super) fn or(self, default: &Self) -> Self {
        Self {
            image: self.image.or_else(|| default.image.clone()),
            services: self.services.or_else(|| default.services.clone()),
            before_script: self.before_script.or_else(|| default.before_script.clone()),
            after_script: self.after_script.or_else(|| default.after_script.clone()),
            artifacts: self.artifacts.or_else(|| default.artifacts.clone()),
            caches: self.caches.or_else(|| default.caches.clone()),
            retry: self.retry.or_else(|| default.retry.clone()),
            timeout: self.timeout.or(default.timeout),
            interruptible: self.interruptible.or(default.interruptible),
            tags: self.tags.or_else(|| default.tags.clone()),
            id_tokens: self.id_tokens.or_else(|| default.id_tokens.clone()),
            before_sources: self.before_sources.or_else(|| default.before_sources.clone()),
        }
    }
}

/// A job that another one needs.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) job: String,
    pub(super) at: At,
    pub(super) artifacts: bool,
    pub(super) optional: bool,
    /// The combinations of its matrix that are needed; `None` is all.
    pub(super) selection: Option<Matrix>,
}

/// A job as the file has it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) stage: String,
    pub(super) script: Vec<String>,
    pub(super) common: Common,
    pub(super) inherit: Inherit,
    pub(super) needs: Option<Vec<Need>>,
    pub(super) dependencies: Option<Vec<(String, At)>>,
    pub(super) rules: Option<Vec<Rule>>,
    /// `only` and `except`.
    pub(super) policies: Option<Policies>,
    pub(super) when: Option<When>,
    /// What a person is asked before they start it.
    pub(super) confirmation: Option<String>,
    /// How long a delayed job waits, in seconds.
    pub(super) start_in: Option<u64>,
    /// Not expanded.
    pub(super) resource_group: Option<String>,
    pub(super) allow_failure: Option<AllowFailure>,
    pub(super) environment: Option<JobEnvironment>,
    /// What finds its coverage.
    pub(super) coverage: Option<String>,
    /// The folder that it leaves for pages.
    pub(super) pages: Option<String>,
    /// What it publishes about a tag.
    pub(super) release: Option<Box<PlannedTagRelease>>,
    pub(super) secrets: BTreeMap<String, PlannedSecret>,
    pub(super) variables: BTreeMap<String, Variable>,
    /// Where each of them stands.
    pub(super) variable_places: BTreeMap<String, At>,
    pub(super) parallel: Option<Parallel>,
    /// The pipeline that it starts.
    pub(super) trigger: Option<Box<PlannedTrigger>>,
    /// Jobs of other pipelines that it needs.
    pub(super) elsewhere: Vec<Elsewhere>,
}

/// Reads a job whose `extends` are merged in.
pub(super) fn read(key: &Key, node: &Node, default: &Common, stages: &[String], problems: &mut Problems) -> Option<Draft> {
    let name = key.text.clone();
    let mut fields = Fields::of(node, &name, problems)?;
    let inherit = fields.get("inherit").map(|node| inherit::read(node, &fields.path_of("inherit"), problems)).unwrap_or_default();
    let bridge = trigger::is_bridge(node);
    let trigger = if bridge { trigger::read(&mut fields, node, problems).map(Box::new) } else { None };
    let inherited = default.only(inherit.default.as_deref());
    let common =
        if bridge { Common::of_bridge(&mut fields, &inherited, problems) } else { Common::read(&mut fields, problems).or(&inherited) };
    let given = fields.get("script").filter(|node| !bridge && !matches!(&node.value, Value::Seq(items) if items.is_empty()));
    let script = given.map(|node| parts::script(node, &fields.path_of("script"), problems)).unwrap_or_default();
    // a job that calls for something else is told so, not that it has no script
    if given.is_none() && !bridge && node.get("run").is_none() {
        problems.add(key.at, &name, "the job has no `script`", "give it one; if it is a template, let its name start with a dot");
    }
    let stage = stage(&mut fields, stages, key, problems);
    let when = fields.get("when").and_then(|node| choice(node, WHENS, &fields.path_of("when"), problems));
    let start_in = turns::start_in(&mut fields, when == Some(When::Delayed), problems);
    if node.get("start_in").is_some() && node.get("rules").is_some() {
        let message = "`start_in` stands beside `rules`, and a rule that matches would decide without it";
        problems.add(fields.key_at("start_in"), &fields.path_of("start_in"), message, "write `when: delayed` and `start_in` in a rule");
    }
    let stands_for = trigger.as_ref().is_some_and(|trigger| matches!(trigger.downstream, Downstream::Latest { .. }));
    let none = BTreeMap::new();
    let tokens = common.id_tokens.as_ref().unwrap_or(&none);
    let secrets =
        fields.get("secrets").map(|node| secrets::secrets(node, &fields.path_of("secrets"), tokens, problems)).unwrap_or_default();
    let confirmation = fields.get("manual_confirmation");
    let confirmation = confirmation.and_then(|node| text(node, &fields.path_of("manual_confirmation"), problems));
    let draft = Draft {
        confirmation,
        secrets,
        at: key.at,
        stage,
        script,
        common,
        inherit,
        // one that only stands for a pipeline waits for the stages before it all the same
        needs: fields.get("needs").filter(|_| !stands_for).map(|node| needs(node, &fields.path_of("needs"), problems)),
        elsewhere: elsewhere(node, &name, bridge, problems),
        trigger,
        dependencies: fields.get("dependencies").map(|node| texts(node, &fields.path_of("dependencies"), problems)),
        rules: fields.get("rules").map(|node| rules::read(node, &fields.path_of("rules"), rules::Of::Job, problems)),
        policies: only::read(&mut fields, problems),
        when,
        start_in,
        resource_group: turns::resource_group(&mut fields, problems),
        allow_failure: fields.get("allow_failure").map(|node| parts::allow_failure(node, &fields.path_of("allow_failure"), problems)),
        coverage: fields.get("coverage").and_then(|node| coverage(node, &fields.path_of("coverage"), problems)),
        pages: pages::folder(&mut fields, &name, problems),
        release: if bridge {
            None
        } else {
            fields.get("release").and_then(|node| release::release(node, &fields.path_of("release"), problems)).map(Box::new)
        },
        environment: fields.get("environment").and_then(|node| environment::environment(node, &fields.path_of("environment"), problems)),
        variables: fields.get("variables").map(|node| parts::variables(node, &fields.path_of("variables"), problems)).unwrap_or_default(),
        variable_places: node.get("variables").map(parts::places).unwrap_or_default(),
        parallel: fields.get("parallel").map(|node| matrix::parallel(node, &fields.path_of("parallel"), problems)),
        name,
    };
    fields.finish(keys::JOB, problems);
    if bridge {
        trigger::check(node, &draft.name, draft.when, draft.allow_failure.as_ref(), problems);
    }
    Some(draft)
}

/// Jobs of other pipelines that a job needs; one that starts a pipeline gets nothing from there.
fn elsewhere(node: &Node, name: &str, bridge: bool, problems: &mut Problems) -> Vec<Elsewhere> {
    let path = join(name, "needs");
    let Some(needs) = node.get("needs") else { return Vec::new() };
    trigger::stands_for_none(node, bridge, &path, problems);
    let found = trigger::elsewhere(needs, &path, problems);
    if bridge && !found.is_empty() {
        problems.add(needs.at, &path, "a job with `trigger` gets nothing from another pipeline", "need it in a job before");
        return Vec::new();
    }
    found
}

/// `coverage`: a regex.
fn coverage(node: &Node, path: &str, problems: &mut Problems) -> Option<String> {
    let given = text(node, path, problems)?;
    match crate::coverage::regex(&given, &re2::for_crate) {
        Ok(regex) => Some(regex),
        Err(why) => {
            problems.add(node.at, path, why, "what it finds is read for a number: write `/Coverage: (\\d+)%/`");
            None
        }
    }
}

fn stage(fields: &mut Fields<'_>, stages: &[String], key: &Key, problems: &mut Problems) -> String {
    let given = fields.get("stage").and_then(|node| Some((text(node, &fields.path_of("stage"), problems)?, node.at)));
    let (stage, at) = given.unwrap_or_else(|| ("test".to_owned(), key.at));
    if !stages.contains(&stage) {
        let known: Vec<&str> = stages.iter().map(String::as_str).filter(|stage| !stage.starts_with('.')).collect();
        let help = format!("add it to `stages`, or use one of: {}", known.join(", "));
        problems.add(at, &fields.path_of("stage"), format!("there is no stage `{}`", crate::reader::shown(&stage)), help);
    }
    stage
}

/// Reads `needs`, of a job or of one of its rules.
pub(super) fn needs(node: &Node, path: &str, problems: &mut Problems) -> Vec<Need> {
    let items: &[Node] = match &node.value {
        Value::Seq(items) => items,
        _ => std::slice::from_ref(node),
    };
    if items.len() > MAX_NEEDS {
        problems.add(node.at, path, format!("a job may need at most {MAX_NEEDS} others"), "let it wait for a stage instead");
    }
    let mut out = Vec::new();
    for item in items.iter().take(MAX_NEEDS) {
        match &item.value {
            // an anchor of a list within the list
            Value::Seq(_) => out.extend(needs(item, path, problems)),
            // read by themselves
            Value::Map(_) if trigger::is_elsewhere(item) => {}
            Value::Map(_) => out.extend(need(item, path, problems)),
            // an anchor of an empty list: GitLab passes it over
            Value::Scalar { .. } if item.is_null() => {}
            Value::Scalar { .. } => {
                out.extend(text(item, path, problems).map(|job| Need {
                    job,
                    at: item.at,
                    artifacts: true,
                    optional: false,
                    selection: None,
                }));
            }
        }
    }
    out
}

fn need(node: &Node, path: &str, problems: &mut Problems) -> Option<Need> {
    let mut fields = Fields::of(node, path, problems)?;
    let job = fields.get("job").and_then(|node| text(node, path, problems));
    if job.is_none() {
        problems.add(node.at, path, "`job` is missing", "write `- job: NAME`");
    }
    let artifacts = fields.get("artifacts").and_then(|node| boolean(node, &fields.path_of("artifacts"), problems)).unwrap_or(true);
    let optional = fields.get("optional").and_then(|node| boolean(node, &fields.path_of("optional"), problems)).unwrap_or(false);
    let given = fields.get("parallel");
    let selection = given.and_then(|node| matrix::selection(node, &fields.path_of("parallel"), problems));
    fields.finish(keys::NEED, problems);
    job.map(|job| Need { job, at: node.at, artifacts, optional, selection })
}
