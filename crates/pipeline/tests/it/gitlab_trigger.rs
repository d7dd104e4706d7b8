//! Jobs that start a pipeline (`trigger`), and jobs of other pipelines that one needs: what is planned, and what a child is.

use std::collections::BTreeMap;

use penstock_model::{RunId, Secret, Timestamp};
use penstock_pipeline::{
    FileRef, JobContext, JobInputs, Plan, PushEvent, RunCommand, Simulation, Status, Trigger, Triggered, TriggeredOf, Variable,
};

use crate::support::{Driven, GITLAB, ada, exited, must_plan, name, plan_with, planned, push, refused, summary};

fn context() -> JobContext {
    JobContext {
        run: RunId::from_parts(7, 7),
        number: 3,
        attempt: 1,
        workspace: String::new(),
        created_at: Timestamp(0),
        started_at: Timestamp(0),
        secrets: BTreeMap::from([("KEY".to_owned(), Secret::new("${KEY}"))]),
        token: None,
        plain: BTreeMap::new(),
        files: BTreeMap::new(),
        id_tokens: BTreeMap::new(),
        tags: Vec::new(),
        inputs: JobInputs { dotenv: BTreeMap::from([("LEFT".to_owned(), "by a job".to_owned())]), ..JobInputs::default() },
    }
}

/// What the last job of a plan starts.
fn started(plan: &Plan) -> Result<Triggered, String> {
    plan.triggered(&plan.jobs.last().unwrap().name, &context()).map(Option::unwrap)
}

/// What a job with `trigger` hands on, as `NAME=value` in the order of names.
#[track_caller]
fn check_given(text: &str, expected: &str) {
    let given = started(&must_plan(GITLAB, text)).unwrap().given;
    let shown: Vec<String> =
        given.iter().map(|(name, value)| format!("{name}={}{}", value.value, if value.expand { "" } else { "!" })).collect();
    assert_eq!(shown.join(" "), expected, "{text}");
}

/// The plan of the child that the last job of a file starts.
fn child(text: &str, files: &[(FileRef, &str)], event: &PushEvent) -> Result<Plan, String> {
    let parent = planned(GITLAB, text, event)?;
    let job = &parent.jobs.last().unwrap().name;
    let event = parent.event_of_child(started(&parent)?.given, push().files);
    let text = parent.text_of_child(job).unwrap();
    plan_with(GITLAB, &text, files, &event)
        .map_err(|(problems, library)| library.render(&penstock_pipeline::Source { path: GITLAB, text: &text }, &problems))
}

fn local(path: &str) -> FileRef {
    FileRef::Local { path: path.to_owned() }
}

#[test]
fn a_job_with_trigger_waits_as_any_other_and_runs_nothing() {
    let plan = must_plan(
        GITLAB,
        "build: {stage: build, script: [make]}\ngo: {trigger: {include: child.yml}}\nnow: {needs: [], trigger: group/other}\n",
    );
    assert!(plan.jobs[1].steps.is_empty() && plan.jobs[1].trigger.is_some());
    assert_eq!(summary(&plan), "build [build] after earlier stages\ngo [test] after earlier stages\nnow [test] at once\n");
}

#[test]
fn keys_of_scripts_do_not_go_with_trigger() {
    for key in ["script", "before_script", "after_script", "image", "services", "artifacts", "cache", "retry", "tags"] {
        refused(
            &format!("a:\n  trigger: {{include: c.yml}}\n  {key}: x\n"),
            &format!("3:3 a.{key}: `{key}` does not go with `trigger`: such a job runs nothing"),
        );
    }
    // what `default` says of them is not its business
    must_plan(GITLAB, "default: {image: x, tags: [a], retry: 1, before_script: [x]}\na: {trigger: {include: c.yml}}\n");
    refused(
        "a:\n  trigger: {include: c.yml}\n  when: delayed\n  start_in: 1 hour\n",
        "3:3 a.when: a job with `trigger` cannot be delayed\n4:3 a.start_in: `start_in` does not go with `trigger`: such a job runs nothing",
    );
    refused("a: {trigger: x, allow_failure: {exit_codes: 1}}\n", "1:17 a.allow_failure: a job with `trigger` has no exit code");
    refused("a: {trigger: x, parallel: 2}\n", "1:17 a.parallel: a job with `trigger` cannot be so many alike");
    must_plan(GITLAB, "a: {trigger: x, parallel: {matrix: [{A: [b, c]}]}}\n");
}

#[test]
fn the_form_of_a_trigger_is_looked_at_before_anything_runs() {
    for (trigger, expected) in [
        ("{include: [a.yml, b.yml, c.yml, d.yml]}", "1:24 a.trigger.include: a trigger includes one to 3 files, and these are 4"),
        ("{include: {artifact: a.yml}}", "1:24 a.trigger.include: `artifact` and `job` go together"),
        ("{include: {local: a.yml, remote: b}}", "1:24 a.trigger.include: the entry names local and remote"),
        (
            "{include: {locl: a.yml}}",
            "1:24 a.trigger.include: the entry names nothing\n1:25 a.trigger.include.locl: `locl` is not a key of this place",
        ),
        ("{include: a.yml, project: b}", "1:31 a.trigger.project: `project` is not carried out"),
        ("{include: a.yml, inputs: {a: b}}", "1:31 a.trigger.inputs: `inputs` is not carried out"),
        ("{branch: b}", "1:14 a.trigger: the trigger names neither a file nor a project"),
        ("{project: b, strategy: wait}", "1:37 a.trigger.strategy: `wait` is not carried out here"),
        ("{project: b, forward: {variables: true}}", "1:37 a.trigger.forward.variables: `variables` is not a key of this place"),
        ("[a]", "1:14 a.trigger: text is expected here, not a list"),
    ] {
        refused(&format!("a: {{trigger: {trigger}}}\n"), expected);
    }
}

#[test]
fn the_childs_whole_file_is_what_the_trigger_includes() {
    let text = "a:\n  trigger:\n    include:\n      - ci/child.yml\n      - {local: ci/more.yml, inputs: {word: hello}}\n";
    let files = [
        (local("ci/child.yml"), "test: {script: [x]}\ninclude: ci/deep.yml\n"),
        (local("ci/deep.yml"), "deep: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == \"parent_pipeline\"}]}\n"),
        (local("ci/more.yml"), "spec: {inputs: {word: }}\n---\nmore: {script: [\"$[[ inputs.word ]]\"]}\n"),
    ];
    let plan = child(text, &files, &push()).unwrap();
    let names: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["deep", "test", "more"]);
    // an absent one is told on the line of the job
    let told = child(text, &files[..1], &push()).unwrap_err();
    assert!(told.contains("--> .gitlab-ci.yml:1:") && told.contains("`ci/more.yml` is not there"), "{told}");
}

#[test]
fn a_child_includes_what_a_job_made_and_nobody_else_does() {
    let text = "a: {trigger: {include: [{artifact: out/ci.yml, job: make}]}}\n";
    let files = [(FileRef::Artifact { job: "make".into(), path: "out/ci.yml".into() }, "made: {script: [x]}\n")];
    assert_eq!(child(text, &files, &push()).unwrap().jobs[0].name.as_str(), "made");
    refused(
        "include: [{artifact: out/ci.yml, job: make}]\na: {script: [x]}\n",
        "1:22 include: only a child pipeline includes what a job made",
    );
}

#[test]
fn a_child_sees_the_changes_and_the_merge_request_of_its_parent() {
    let file = "a: {script: [x], rules: [{changes: [src/*]}]}\nb: {script: [x], rules: [{changes: [docs/*]}]}\nc: {script: [x], rules: [{if: $CI_MERGE_REQUEST_IID}]}\nd: {script: [x], only: [parent_pipelines]}\n";
    let names = |event: &PushEvent| -> Vec<String> {
        let text = "workflow: {rules: [{when: always}]}\nt: {trigger: {include: c.yml}}\n";
        child(text, &[(local("c.yml"), file)], event).unwrap().jobs.iter().map(|job| job.name.to_string()).collect()
    };
    assert_eq!(names(&push()), ["a", "d"]);
    let request = crate::triggers::merge_request();
    let event = PushEvent { trigger: Trigger::MergeRequest(Box::new(request)), ..push() };
    assert_eq!(names(&event), ["a", "c", "d"]);
    // and the child of a child
    let deeper = PushEvent { trigger: Trigger::Parent { origin: Box::new(event.trigger) }, ..push() };
    assert_eq!(names(&deeper), ["a", "c", "d"]);
}

#[test]
fn a_workflow_of_the_child_may_start_no_pipeline() {
    let files = [(local("c.yml"), "workflow: {rules: [{if: $CI_PIPELINE_SOURCE == \"push\"}]}\na: {script: [x]}\n")];
    let plan = child("t: {trigger: {include: c.yml}}\n", &files, &push()).unwrap();
    assert!(plan.is_empty() && plan.why_empty().join(" ").contains("starts no pipeline"), "{:?}", plan.why_empty());
}

#[test]
fn variables_of_the_file_and_the_job_are_handed_on_filled_in() {
    let file = "variables: {FILE: f, BOTH: file}\n";
    let job =
        |rest: &str| format!("{file}a: {{trigger: {{include: c.yml{rest}}}, variables: {{OWN: $FILE-$CI_PIPELINE_ID, BOTH: job}}}}\n");
    let id = RunId::from_parts(7, 7);
    check_given(&job(""), &format!("BOTH=job FILE=f OWN=f-{id}"));
    check_given(&job(", forward: {yaml_variables: false}"), "");
    check_given(&job(", forward: {yaml_variables: false, pipeline_variables: true}"), "LEFT=by a job!");
    check_given(&job(", forward: {pipeline_variables: true}"), &format!("BOTH=job FILE=f LEFT=by a job! OWN=f-{id}"));
    check_given(&format!("{file}a: {{trigger: x, inherit: {{variables: [FILE]}}}}\n"), "FILE=f");
    check_given(&format!("{file}a: {{trigger: x, inherit: {{variables: false}}}}\n"), "");
    check_given("variables: {RAW: {value: $HOME, expand: false}}\na: {trigger: {include: c.yml}}\n", "RAW=$HOME!");
    check_given("a: {trigger: {include: c.yml}, rules: [{when: always, variables: {BY: rule}}]}\n", "BY=rule");
}

#[test]
fn a_secret_is_handed_to_a_child_by_its_name_and_to_no_other_project() {
    check_given("a: {trigger: {include: c.yml}, variables: {URL: https://$KEY@host}}\n", "URL=https://${KEY}@host");
    let why = started(&must_plan(GITLAB, "a: {trigger: other, variables: {URL: https://$KEY@host}}\n")).unwrap_err();
    assert!(why.contains("`URL` names a secret"), "{why}");
}

#[test]
fn what_a_child_is_given_is_over_everything_it_says_itself() {
    let given = BTreeMap::from([("PROJECT".to_owned(), Variable { value: "given".to_owned(), expand: true })]);
    let event = PushEvent { given, ..push() };
    let file = "variables: {PROJECT: file}\na: {script: [x], variables: {PROJECT: job}, rules: [{if: $PROJECT == \"given\"}]}\nb: {script: [x], only: {variables: [$PROJECT == \"given\"]}}\n";
    let plan = planned(GITLAB, file, &event).unwrap();
    assert_eq!(plan.jobs.len(), 2);
    let env = penstock_pipeline::job_env(&plan, &plan.jobs[0].name, &context());
    assert_eq!(env["PROJECT"], penstock_model::job::EnvValue::Plain("given".to_owned()));
    // files too can be included by it
    let plan = plan_with(GITLAB, "include: $PROJECT.yml\n", &[(local("given.yml"), "c: {script: [x]}\n")], &event).unwrap();
    assert_eq!(plan.jobs[0].name.as_str(), "c");
}

#[test]
fn another_project_is_named_with_variables() {
    let text = "variables: {TEAM: shop, B: next}\na: {trigger: {project: $TEAM/api, branch: $B, strategy: depend, inputs: {n: 3}}}\n";
    let of = started(&must_plan(GITLAB, text)).unwrap().of;
    let inputs = BTreeMap::from([("n".to_owned(), serde_json::json!(3))]);
    assert_eq!(of, TriggeredOf::Project { project: "shop/api".into(), branch: Some("next".into()), inputs });
    let of = started(&must_plan(GITLAB, "a: {trigger: api}\n")).unwrap().of;
    assert_eq!(of, TriggeredOf::Project { project: "api".into(), branch: None, inputs: BTreeMap::new() });
}

#[test]
fn a_job_that_only_needs_a_pipeline_stands_for_it() {
    let plan = must_plan(GITLAB, "b: {stage: build, script: [x]}\na: {needs: [{pipeline: shop/api}]}\n");
    assert_eq!(started(&plan).unwrap().of, TriggeredOf::Latest { project: "shop/api".into() });
    assert_eq!(summary(&plan).lines().last().unwrap(), "a [test] after earlier stages");
    // with a script it is needed for its artifacts, which it must be said of which job they are
    refused(
        "a: {script: [x], needs: [{pipeline: shop/api}]}\n",
        "1:26 a.needs: `pipeline` without `job` belongs to a job without a script",
    );
}

#[test]
fn jobs_of_other_pipelines_are_needed_for_their_artifacts_and_not_waited_for() {
    let text = "variables: {P: api}\nb: {stage: build, script: [x]}\na:\n  script: [x]\n  variables: {PARENT: 01AB}\n  needs:\n    - {pipeline: $PARENT, job: make}\n    - [{project: shop/$P, ref: main, job: \"x: [1]\"}]\n    - {pipeline: $PARENT, job: other, artifacts: false}\n    - b\n";
    let plan = must_plan(GITLAB, text);
    let seen = format!("{:?}", plan.elsewhere(&"a".parse().unwrap(), &context()));
    assert_eq!(seen, "[(Pipeline { pipeline: \"01AB\" }, \"make\"), (Project { project: \"shop/api\", reference: \"main\" }, \"x: [1]\")]");
    assert!(summary(&plan).contains("a [test] after b"), "{}", summary(&plan));
    for (item, expected) in [
        ("{project: p, job: a}", "it is not said which job of which pipeline is needed"),
        ("{project: p, ref: r, pipeline: 1a, job: a}", "it is not said which job of which pipeline is needed"),
    ] {
        refused(&format!("a: {{script: [x], needs: [{item}]}}\n"), &format!("1:26 a.needs: {expected}"));
    }
    let six = ["{pipeline: x1, job: a}"; 6].join(", ");
    assert!(
        crate::support::problems(GITLAB, &format!("a: {{script: [x], needs: [{six}]}}\n")).contains("at most 5 jobs of other pipelines")
    );
    refused(
        "a: {script: [x], rules: [{when: always, needs: [{pipeline: x, job: y}]}]}\n",
        "1:49 a.rules[0].needs: a rule's `needs` are jobs of this pipeline",
    );
    refused("a: {trigger: x, needs: [{pipeline: y, job: z}]}\n", "1:24 a.needs: a job with `trigger` gets nothing from another pipeline");
}

#[test]
fn a_plan_for_programs_says_what_is_started() {
    let view =
        must_plan(GITLAB, "a: {trigger: {include: c.yml, strategy: mirror}}\nb: {trigger: {project: g/p, branch: x}}\nc: {script: [x]}\n")
            .view();
    let trigger = |at: usize| view["jobs"][at]["trigger"].clone();
    let forward = serde_json::json!({ "yaml_variables": true, "pipeline_variables": false });
    assert_eq!(
        trigger(0),
        serde_json::json!({ "include": "c.yml", "project": null, "branch": null, "inputs": {}, "strategy": "mirror", "forward": forward })
    );
    assert_eq!((&trigger(1)["project"], &trigger(1)["branch"], trigger(2)), (&"g/p".into(), &"x".into(), serde_json::Value::Null));
}

const FOLLOWS: &str =
    "stages: [one, two]\ngo: {stage: one, trigger: {include: c.yml, strategy: mirror}}\nafter: {stage: two, script: [x]}\n";

/// A run whose first job has started its pipeline.
fn follows() -> Driven {
    let mut driven = Driven::new(must_plan(GITLAB, FOLLOWS));
    driven.start("go");
    driven
}

fn follow(status: Status) -> RunCommand {
    RunCommand::FollowJob { job: name("go"), attempt: 1, status }
}

#[test]
fn a_job_stands_as_the_pipeline_does_that_it_started() {
    let mut driven = follows();
    driven.tell(follow(Status::Manual));
    assert_eq!(driven.state(), "blocked: go manual, after waits");
    assert!(driven.run.decide(RunCommand::PlayJob { job: name("go"), by: ada() }).is_err(), "its pipeline is what waits");
    driven.tell(follow(Status::Running));
    driven.tell(follow(Status::Running));
    driven.finish("go", exited(1));
    assert_eq!(driven.state(), "failed: go failed, after skipped");
    driven.tell(RunCommand::Finish);
    // something of the pipeline is tried again: the run is taken up with it
    driven.tell(follow(Status::Running));
    assert_eq!((driven.state(), driven.run.finished()), ("running: go runs, after waits".to_owned(), None));
    driven.tell(follow(Status::Skipped));
    assert_eq!(driven.state(), "running: go skipped, after ready");
    // another attempt's pipeline is not this one's, and what runs a script follows nothing
    for (job, attempt) in [("go", 2), ("go", 0), ("after", 1)] {
        assert!(driven.run.decide(RunCommand::FollowJob { job: name(job), attempt, status: Status::Running }).is_err(), "{job} {attempt}");
    }
    assert_eq!(penstock_pipeline::Run::replay(&driven.events).standing(), driven.run.standing());
}

#[test]
fn a_job_that_follows_a_pipeline_is_cancelled_at_once_and_not_lost_with_a_server() {
    let mut driven = follows();
    assert_eq!(driven.run.running(), [], "its pipeline goes on without it");
    driven.tell(RunCommand::Cancel { by: ada() });
    assert_eq!((driven.state(), driven.run.is_cut()), ("cancelled: go cancelled, after cancelled".to_owned(), true));
    driven.tell(RunCommand::RetryJob { job: name("go"), by: ada() });
    assert_eq!((driven.run.is_cut(), driven.run.begun(&name("go"))), (false, None));
    driven.start("go");
    assert_eq!(driven.run.begun(&name("go")), Some(2));
}

#[test]
fn a_simulation_keeps_jobs_with_trigger_as_jobs() {
    let mut simulation = Simulation::new(must_plan(GITLAB, FOLLOWS));
    let mut stands = |line: &str| {
        simulation.event(line).unwrap();
        let standing = simulation.standing();
        format!("{}: {:?}", standing.pipeline, standing.jobs.iter().map(|(_, word)| *word).collect::<Vec<_>>())
    };
    assert_eq!(stands(r#"{"event": "run", "jobs": ["go"]}"#), r#"running: ["running", "created"]"#);
    assert_eq!(stands(r#"{"event": "drop", "jobs": ["go"]}"#), r#"failed: ["failed", "skipped"]"#);
    assert_eq!(stands(r#"{"event": "retry", "jobs": ["go"]}"#), r#"running: ["pending", "created"]"#);
    assert_eq!(stands(r#"{"event": "success", "jobs": ["go"]}"#), r#"running: ["success", "pending"]"#);
}
