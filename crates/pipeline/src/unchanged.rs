//! Whether a job's result is that of an attempt before: its inputs are named in the project's file, and none of them differs.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::Digest;
use penstock_model::job::{EnvValue, Fingerprint};
use regex::Regex;
use serde_json::Value;

use crate::mentions::mentions;
use crate::pattern::ruby_glob;
use crate::plan::{Plan, PlannedJob, When};
use crate::run::JobInputs;

/// What a pattern may be made of besides letters of a path.
const PATTERN: &[char] = &['*', '?', '[', '{'];
/// Ways of a workflow to read more of its event than can be told from the text.
const WHOLE_EVENT: &[&str] = &["github.event", "github[", "github)", "github }", "github}", "GITHUB_EVENT_PATH"];

/// What is known when an attempt begins, of what its result may depend on.
pub struct Dependence<'a> {
    /// The commit's files: path and what tells the content.
    pub files: &'a [(String, String)],
    /// What earlier jobs left.
    pub inputs: &'a JobInputs,
    /// Its variables.
    pub env: &'a BTreeMap<String, EnvValue>,
    /// The secrets that reach it, each with what changes when its value may have.
    pub secrets: &'a BTreeMap<String, String>,
    /// What else counts: images by digest, artifacts by name, the program itself.
    pub others: BTreeMap<String, String>,
    /// What no other run has.
    pub run: &'a str,
}

/// Why a path or pattern cannot name inputs.
///
/// # Errors
/// In words for people.
pub fn check_input(path: &str) -> Result<(), String> {
    let parts = || path.split('/');
    if path.is_empty() || path.starts_with('/') || path.len() > 1_000 || parts().any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!(
            "`{path}` is no path below the repository\nhelp: name a file, a folder (`src`, without a `/` at its end) or a pattern (`src/**/*.rs`)"
        ));
    }
    input(path).map(drop)
}

/// Tells whether a path is among the inputs.
///
/// # Errors
/// One of them cannot be read.
fn input(path: &str) -> Result<Input, String> {
    if path.contains(PATTERN) {
        return ruby_glob(path).map(Input::Pattern).map_err(|invalid| format!("`{path}`: {}", invalid.0));
    }
    Ok(Input::Path(path.to_owned()))
}

enum Input {
    Path(String),
    Pattern(Regex),
}

impl Input {
    fn holds(&self, path: &str) -> bool {
        match self {
            Self::Path(own) => path.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Pattern(pattern) => pattern.is_match(path),
        }
    }
}

/// Of these paths, those that are among a job's inputs.
pub fn among_inputs<'p>(job: &PlannedJob, paths: &'p [String]) -> Vec<&'p str> {
    let inputs: Vec<Input> = job.inputs.iter().filter_map(|path| input(path).ok()).collect();
    paths.iter().map(String::as_str).filter(|path| inputs.iter().any(|input| input.holds(path))).collect()
}

/// Why nothing is ever taken over for this attempt, if nothing is.
pub fn runs_anyway(job: &PlannedJob, attempt: u32) -> Option<&'static str> {
    if attempt > 1 {
        Some("it is tried again")
    } else if job.when == When::Manual {
        Some("a person starts it")
    } else if job.environment.is_some() {
        Some("it is of an environment: what it does there is no result that could be taken over")
    } else if job.tag_release.is_some() {
        Some("it publishes something about a tag, which is no result that could be taken over")
    } else {
        None
    }
}

/// Everything that an attempt's result depends on, each part by name. Equal ones have equal results, if the project's file names
/// the inputs rightly. Nothing if it names none.
pub fn fingerprint(plan: &Plan, job: &PlannedJob, known: &Dependence<'_>) -> Option<Fingerprint> {
    if job.inputs.is_empty() {
        return None;
    }
    let mut parts = Fingerprint::new();
    let mut put = |name: String, value: &str| {
        parts.insert(name, Digest::of(value));
    };
    for path in &job.inputs {
        let Ok(input) = input(path) else { continue };
        let mut listed = String::new();
        for (path, content) in known.files.iter().filter(|(path, _)| input.holds(path)) {
            listed.extend([path.as_str(), "\0", content, "\0"]);
        }
        put(format!("files {path}"), &listed);
    }
    put("definition".to_owned(), &definition(plan, job));
    for (name, value) in &known.others {
        put(name.clone(), value);
    }
    for (name, since) in known.secrets {
        put(format!("secret {name}"), since);
    }
    put("artifacts of earlier jobs".to_owned(), &serde_json::json!(known.inputs.artifacts).to_string());
    let told = serde_json::json!([&known.inputs.dotenv, &known.inputs.needs, &known.inputs.calls]);
    put("variables and outputs of earlier jobs".to_owned(), &told.to_string());
    let texts = serde_json::to_string(job).unwrap_or_default();
    let own: BTreeSet<&String> =
        plan.inherited(job).map(|(name, _)| name).chain(job.variables.keys()).chain(plan.event.variables.keys()).collect();
    for (name, value) in known.env {
        let EnvValue::Plain(text) = value else { continue };
        let context = name.strip_prefix("GITHUB_").map(|rest| format!("github.{}", rest.to_lowercase()));
        if own.contains(name) || mentions(plan, job, name) || context.is_some_and(|context| texts.contains(&context)) {
            put(format!("variable {name}"), text);
        }
    }
    let texts = texts.replace("github.event_name", "");
    if WHOLE_EVENT.iter().any(|text| texts.contains(text)) {
        put("the whole event, which it reads".to_owned(), known.run);
    }
    Some(parts)
}

/// The job as the file has it, without where that is and why it is in the plan.
fn definition(plan: &Plan, job: &PlannedJob) -> String {
    let mut value = serde_json::to_value(job).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        for name in ["line", "file", "because"] {
            fields.remove(name);
        }
        let nested = fields.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten();
        nested.filter_map(Value::as_object_mut).for_each(|step| drop(step.remove("line")));
        if let Some(condition) = fields.get_mut("condition").and_then(Value::as_object_mut) {
            condition.remove("line");
        }
    }
    let variables: BTreeMap<_, _> = plan.inherited(job).collect();
    serde_json::json!([plan.dialect, plan.inputs, value, variables]).to_string()
}

/// The names of what differs between two attempts, sorted.
pub fn differing<'f>(one: &'f Fingerprint, other: &'f Fingerprint) -> Vec<&'f str> {
    let names: BTreeSet<&str> = one.keys().chain(other.keys()).map(String::as_str).collect();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::gitlab_plan;

    fn plan(file: &str) -> Plan {
        let mut plan = gitlab_plan(file);
        plan.jobs[0].inputs = vec!["src".to_owned(), "*.toml".to_owned()];
        plan
    }

    /// What differs when a second attempt is like the first but for this.
    fn differs(
        file: &str,
        change: impl FnOnce(&mut Plan, &mut Vec<(String, String)>, &mut JobInputs, &mut BTreeMap<String, EnvValue>),
    ) -> Vec<String> {
        let pair = |path: &str, content: &str| (path.to_owned(), content.to_owned());
        let mut first = plan(file);
        let mut files = vec![pair("Cargo.toml", "1"), pair("docs/a", "2"), pair("src/a", "3"), pair("srcs", "4")];
        let (mut inputs, mut env) = (JobInputs::default(), BTreeMap::new());
        for (name, value) in [("CI_COMMIT_SHA", "abc"), ("CI_COMMIT_BRANCH", "main")] {
            env.insert(name.to_owned(), EnvValue::Plain(value.to_owned()));
        }
        let secrets = BTreeMap::new();
        let print = |plan: &Plan, files: &[(String, String)], inputs: &JobInputs, env: &BTreeMap<String, EnvValue>| {
            let known = Dependence { files, inputs, env, secrets: &secrets, others: BTreeMap::new(), run: "run" };
            fingerprint(plan, &plan.jobs[0], &known).unwrap()
        };
        let before = print(&first, &files, &inputs, &env);
        change(&mut first, &mut files, &mut inputs, &mut env);
        differing(&before, &print(&first, &files, &inputs, &env)).into_iter().map(str::to_owned).collect()
    }

    const FILE: &str = "a: {script: ['make $CI_COMMIT_BRANCH']}";

    #[test]
    fn only_what_a_job_depends_on_makes_its_result_another() {
        let file = |index: usize| {
            move |_: &mut Plan, files: &mut Vec<(String, String)>, _: &mut JobInputs, _: &mut BTreeMap<String, EnvValue>| {
                files[index].1.push('x');
            }
        };
        assert_eq!(differs(FILE, file(0)), ["files *.toml"]);
        assert_eq!(differs(FILE, file(2)), ["files src"]);
        for other in [1, 3] {
            assert!(differs(FILE, file(other)).is_empty(), "{other}");
        }
        assert_eq!(differs(FILE, |_, files, _, _| drop(files.remove(2))), ["files src"]);
        assert_eq!(differs(FILE, |_, _, inputs, _| inputs.artifacts.push(Digest::of("a"))), ["artifacts of earlier jobs"]);
        assert_eq!(
            differs(FILE, |_, _, inputs, _| drop(inputs.dotenv.insert("A".into(), "1".into()))),
            ["variables and outputs of earlier jobs"]
        );
    }

    #[test]
    fn a_predefined_variable_counts_if_the_job_names_it() {
        let set = |name: &'static str| {
            move |_: &mut Plan, _: &mut Vec<(String, String)>, _: &mut JobInputs, env: &mut BTreeMap<String, EnvValue>| {
                env.insert(name.to_owned(), EnvValue::Plain("other".to_owned()));
            }
        };
        assert_eq!(differs(FILE, set("CI_COMMIT_BRANCH")), ["variable CI_COMMIT_BRANCH"]);
        assert!(differs(FILE, set("CI_COMMIT_SHA")).is_empty());
        let own = "variables: {TAG: $CI_COMMIT_SHA}\na: {script: [make]}";
        assert_eq!(differs(own, set("CI_COMMIT_SHA")), ["variable CI_COMMIT_SHA"], "by way of another variable too");
        assert_eq!(differs("a: {script: [make], variables: {MINE: x}}", set("MINE")), ["variable MINE"]);
    }

    #[test]
    fn the_definition_counts_and_its_place_in_the_file_does_not() {
        assert!(
            differs(FILE, |plan, _, _, _| (plan.jobs[0].line, plan.jobs[0].because) = (77, vec!["a rule on line 77".into()])).is_empty()
        );
        assert_eq!(differs(FILE, |plan, _, _, _| plan.jobs[0].timeout *= 2), ["definition"]);
        assert_eq!(differs(FILE, |plan, _, _, _| drop(plan.jobs[0].inputs.pop())), ["definition", "files *.toml"]);
    }

    #[test]
    fn nobody_takes_over_what_a_person_asked_for_or_what_deploys() {
        let taken = |file: &str, attempt| runs_anyway(&plan(file).jobs[0], attempt).is_none();
        assert!(taken(FILE, 1));
        assert!(!taken(FILE, 2));
        assert!(!taken("a: {script: [x], when: manual}", 1));
        assert!(!taken("a: {script: [x], environment: staging}", 1));
        assert!(!taken("a: {script: [x], release: {tag_name: v1, description: d}}", 1));
    }

    #[test]
    fn inputs_are_paths_below_the_repository() {
        for good in ["src", "Cargo.toml", "src/**/*.rs", "{a,b}/*.c", ".gitlab-ci.yml"] {
            assert_eq!(check_input(good), Ok(()), "{good}");
        }
        for bad in ["", "/etc", "../up", "src/", "a//b", "./a"] {
            assert!(check_input(bad).is_err(), "{bad}");
        }
    }
}
