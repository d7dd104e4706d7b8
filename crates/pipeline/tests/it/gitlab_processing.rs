//! How a pipeline, its stages and its jobs stand after each event: GitLab's situations, in our own words.
//!
//! The situations are those of GitLab's own tests (`spec/services/ci/pipeline_processing`); what is expected is what they expect.

mod needs;

use penstock_pipeline::Simulation;

use crate::support::{GITLAB, WORKFLOW, must_plan};

/// How everything stands, in few letters: the pipeline, the stages, the jobs, each in order.
///
/// c(reated) p(ending) r(unning) s(uccess) f(ailed) x (cancelling) X (cancelled) k (skipped) m(anual) d (scheduled) w(aiting for a resource).
fn letters(simulation: &Simulation) -> String {
    let letter = |word: &str| {
        match word {
            "canceling" => "x",
            "canceled" => "X",
            "skipped" => "k",
            "scheduled" => "d",
            word => &word[..1],
        }
        .to_owned()
    };
    let standing = simulation.standing();
    let all = |entries: &[(String, &'static str)]| entries.iter().map(|(_, word)| letter(word)).collect::<String>();
    format!("{} {} {}", letter(standing.pipeline), all(&standing.stages), all(&standing.jobs))
}

/// A line of a script for `success a b`.
fn line(happens: &str) -> String {
    let mut words = happens.split(' ');
    let event = words.next().unwrap();
    let jobs: Vec<&str> = words.collect();
    let whole = serde_json::json!({ "event": event });
    if jobs.is_empty() { whole.to_string() } else { serde_json::json!({ "event": event, "jobs": jobs }).to_string() }
}

/// Checks how a file's pipeline stands at first and after each event.
#[track_caller]
fn check(file: &str, first: &str, events: &[(&str, &str)]) {
    let mut simulation = Simulation::new(must_plan(GITLAB, file));
    assert_eq!(letters(&simulation), first, "at first");
    for (happens, expected) in events {
        simulation.event(&line(happens)).unwrap_or_else(|why| panic!("{happens}: {why}"));
        assert_eq!(letters(&simulation), *expected, "after {happens}");
    }
}

/// A file of three stages, whose jobs are said in short: `stage name key: value, …`, one a line.
fn file(jobs: &str) -> String {
    let mut text = "stages: [make, try, ship, after]\n".to_owned();
    for job in jobs.trim().lines() {
        let mut words = job.trim().splitn(3, ' ');
        let (stage, name) = (words.next().unwrap(), words.next().unwrap());
        let rest = words.next().map(|rest| format!(", {rest}")).unwrap_or_default();
        text.push_str(&format!("{name}: {{stage: {stage}, script: [x]{rest}}}\n"));
    }
    text
}

#[test]
fn stages_follow_each_other() {
    let chain = file("make lib\ntry unit\nship push");
    check(&chain, "p pcc pcc", &[("success lib", "r spc spc"), ("success unit", "r ssp ssp"), ("success push", "s sss sss")]);
    check(&chain, "p pcc pcc", &[("drop lib", "f fkk fkk")]);
    check(&chain, "p pcc pcc", &[("run lib", "r rcc rcc"), ("success lib", "r spc spc")]);
    check(&file("make lib\ntry unit allow_failure: true\nship push"), "p pcc pcc", &[("drop lib", "f fkk fkk")]);
}

#[test]
fn a_failure_that_is_allowed_lets_the_next_stage_begin() {
    check(
        &file("make lib allow_failure: true\ntry rescue when: on_failure\nship push"),
        "p pcc pcc",
        &[("drop lib", "p skp fkp"), ("success push", "s sks fks")],
    );
    check(
        &file("make lib allow_failure: true\ntry unit allow_failure: true"),
        "p pc pc",
        &[("drop lib", "p sp fp"), ("drop unit", "s ss ff")],
    );
}

#[test]
fn what_runs_on_failure_does_so_and_leaves_the_pipeline_failed() {
    let rescue = file("make lib\ntry rescue when: on_failure\nship push");
    check(&rescue, "p pcc pcc", &[("drop lib", "r fpc fpc"), ("success rescue", "f fsk fsk")]);
    check(&rescue, "p pcc pcc", &[("success lib", "r skp skp"), ("success push", "s sks sks")]);
    check(&file("try unit\ntry rescue when: on_failure"), "p p pk", &[("success unit", "s s sk")]);
    check(&file("try unit needs: []\ntry rescue when: on_failure, needs: []"), "p p pk", &[("success unit", "s s sk")]);
}

#[test]
fn after_a_cancelled_job_only_what_may_be_without_it_goes_on() {
    let jobs = "make lib\ntry unit when: on_success\ntry rescue when: on_failure\nship push";
    check(&file(jobs), "p pcc pccc", &[("cancel lib", "X Xkk Xkkk")]);
    check(&file(&jobs.replace("make lib", "make lib allow_failure: true")), "p pcc pccc", &[("cancel lib", "p spc Xpkc")]);
    check(&file(jobs), "p pcc pccc", &[("cancel", "X XXX XXXX")]);
    // what runs is told to end, and is cancelled whatever it makes of that
    let two = file("make lib\nmake doc\ntry unit");
    check(&two, "p pc ppc", &[("run lib", "r rc rpc"), ("cancel", "x xX xXX"), ("success lib", "X XX XXX")]);
    check(&two, "p pc ppc", &[("run lib", "r rc rpc"), ("cancel lib", "r rc xpc"), ("drop lib", "r rc Xpc"), ("success doc", "X Xk Xsk")]);
}

#[test]
fn a_manual_job_that_may_fail_keeps_nobody_waiting() {
    let jobs = file("try gate when: manual\nship push");
    check(&jobs, "p kp mp", &[("success push", "s ks ms"), ("play gate", "r ps ps"), ("drop gate", "s ss fs")]);
    check(&file("make lib\ntry gate when: manual\nship push"), "p pcc pcc", &[("success lib", "r skp smp")]);
    check(&file("try gate when: manual\nship push when: always"), "p kp mp", &[]);
    check(&file("try gate when: manual\nship rescue when: on_failure"), "k kk mk", &[("play gate", "p pk pc"), ("drop gate", "s sk fk")]);
    check(
        &file("make lib\ntry unit\ntry gate when: manual\nship push\nafter sweep"),
        "p pccc pcccc",
        &[("success lib", "r spcc spmcc"), ("success unit", "r sspc ssmpc")],
    );
    check(
        &file("make gate when: manual\ntry gate2 when: manual\nship gate3 when: manual, allow_failure: false\nafter push"),
        "m kkmc mmmc",
        &[],
    );
}

#[test]
fn a_manual_job_that_may_not_fail_holds_up_the_next_stage() {
    let jobs = file("try gate when: manual, allow_failure: false\nship push");
    check(&jobs, "m mc mc", &[("play gate", "p pc pc"), ("run gate", "r rc rc"), ("success gate", "r sp sp"), ("success push", "s ss ss")]);
    let needs = file("try gate when: manual, allow_failure: false\nship push needs: [gate]");
    check(
        &needs,
        "m mc mc",
        &[("play gate", "p pc pc"), ("run gate", "r rc rc"), ("success gate", "r sp sp"), ("success push", "s ss ss")],
    );
    for when in ["always", "on_failure"] {
        let jobs = file(&format!("try gate when: manual, allow_failure: false\nship push when: {when}, needs: [gate]"));
        check(&jobs, "m mc mc", &[("play gate", "p pc pc"), ("drop gate", "r fp fp")]);
    }
    check(
        &file("try unit\ntry gate when: manual, allow_failure: false\nship push needs: [unit, gate]"),
        "r rc pmc",
        &[("success unit", "m mc smc")],
    );
}

#[test]
fn a_promotion_step_by_step_waits_at_each_gate() {
    let jobs = file(
        "make lib\ntry stage when: manual, allow_failure: false\nship check\nafter go when: manual, allow_failure: false\n.post sweep when: always",
    );
    check(
        &jobs,
        "p pcccc pcccc",
        &[
            ("success lib", "m smccc smccc"),
            ("play stage", "r spccc spccc"),
            ("success stage", "r sspcc sspcc"),
            ("success check", "m sssmc sssmc"),
            ("play go", "r ssspc ssspc"),
            ("success go", "r ssssp ssssp"),
            ("success sweep", "s sssss sssss"),
        ],
    );
    check(&jobs, "p pcccc pcccc", &[("drop lib", "r fkkkp fkkkp"), ("success sweep", "f fkkks fkkks")]);
}

#[test]
fn a_job_that_is_tried_again_starts_whoever_started_it_before() {
    let jobs = "unit: {script: [x]}\ngate: {script: [x], when: manual}\n";
    let failed = [("success unit", "s s sm"), ("play gate", "r r sp"), ("drop gate", "s s sf")];
    check(jobs, "p p pm", &[&failed[..], &[("retry gate", "r r sp")]].concat());
    // in a pipeline that is tried again as a whole it waits for a person again
    check(jobs, "p p pm", &[&failed[..], &[("retry", "s s sm")]].concat());
    check(
        &file("make a\nmake b\ntry c\ntry d\nship e"),
        "p pcc ppccc",
        &[
            ("success a b", "r spc ssppc"),
            ("success c", "r src ssspc"),
            ("drop d", "f sfk sssfk"),
            ("retry d", "r srk ssspc"),
            ("success d", "r ssp ssssp"),
        ],
    );
}

#[test]
fn a_job_that_failed_is_tried_again_as_often_as_it_says() {
    check(
        &file("make lib retry: 2\ntry rescue when: on_failure\ntry unit retry: 1"),
        "p pc pcc",
        &[("drop lib", "p pc pcc"), ("success lib", "r sp skp"), ("drop unit", "r sp skp"), ("drop unit", "f sf skf")],
    );
}

#[test]
fn what_was_to_start_still_starts_when_a_job_before_it_is_tried_again() {
    check(&file("make lib\ntry unit"), "p pc pc", &[("success lib", "r sp sp"), ("retry lib", "r pp pp"), ("success unit", "r ps ps")]);
    // and what ran is not tried again with it
    check(&file("make lib\ntry unit"), "p pc pc", &[("success lib", "r sp sp"), ("success unit", "s ss ss"), ("retry lib", "r ps ps")]);
}

#[test]
fn a_delayed_job_waits_for_its_time() {
    let jobs = file("make lib\ntry ten when: delayed, start_in: 1 minute\nship all when: delayed, start_in: 1 minute\nafter end");
    check(
        &jobs,
        "p pccc pccc",
        &[
            ("success lib", "d sdcc sdcc"),
            ("enqueue ten", "r spcc spcc"),
            ("success ten", "d ssdc ssdc"),
            ("enqueue all", "r sspc sspc"),
            ("success all", "r sssp sssp"),
            ("success end", "s ssss ssss"),
        ],
    );
    check(&jobs, "p pccc pccc", &[("drop lib", "f fkkk fkkk")]);
    check(&jobs, "p pccc pccc", &[("success lib", "d sdcc sdcc"), ("play ten", "r spcc spcc")]);
    check(
        &jobs,
        "p pccc pccc",
        &[("success lib", "d sdcc sdcc"), ("enqueue ten", "r spcc spcc"), ("drop ten", "f sfkk sfkk"), ("retry ten", "r spkk spcc")],
    );
    check(&jobs, "p pccc pccc", &[("success lib", "d sdcc sdcc"), ("cancel", "X sXXX sXXX")]);
    check(&file("make a when: delayed, start_in: 1 minute"), "d d d", &[]);
    check(
        &file("make a when: delayed, start_in: 1 minute\nmake b when: delayed, start_in: 1 minute\ntry c"),
        "d dc ddc",
        &[("enqueue a", "r rc pdc")],
    );
    check(
        &file("make a when: delayed, start_in: 1 minute, allow_failure: true\ntry c"),
        "d dc dc",
        &[("enqueue a", "p pc pc"), ("drop a", "p sp fp")],
    );
}

#[test]
fn jobs_of_one_resource_group_have_their_turn_one_after_the_other() {
    let jobs = file("make a resource_group: g\nmake b resource_group: g\ntry c resource_group: g");
    check(&jobs, "r rc pwc", &[("success a", "r rc spc"), ("drop b", "f fk sfk"), ("retry b", "r rk spc")]);
    check(&file("make a resource_group: g"), "p p p", &[("run a", "r r r"), ("cancel", "x x x"), ("success a", "X X X")]);
}

#[test]
fn a_failure_cancels_the_rest_if_the_file_says_so() {
    let says = "workflow: {auto_cancel: {on_job_failure: all}}\n";
    check(&format!("{says}{}", file("make a\nmake b")), "p p pp", &[("drop b", "f f Xf")]);
    check(&format!("{says}{}", file("make a\nmake b allow_failure: true")), "p p pp", &[("drop b", "p p pf")]);
    check(&format!("{says}{}", file("make a\nmake b\ntry c\ntry gate when: manual")), "p pc ppcc", &[("drop b", "f fX XfXX")]);
    check(&format!("{says}{}", file("make a\nmake b retry: 1")), "p p pp", &[("drop b", "p p pp"), ("drop b", "f f Xf")]);
    let ruled = "workflow: {auto_cancel: {on_job_failure: all}, rules: [{auto_cancel: {on_job_failure: none}}]}\n";
    check(&format!("{ruled}{}", file("make a\nmake b")), "p p pp", &[("drop b", "r r pf")]);
}

#[test]
fn what_gitlab_does_not_let_happen_is_refused_and_changes_nothing() {
    let jobs = file("make lib allow_failure: {exit_codes: [3]}\ntry gate when: manual, allow_failure: false\nship push");
    let mut simulation = Simulation::new(must_plan(GITLAB, &jobs));
    for (text, why) in [
        (line("success none"), "the plan has no job `none`; it has lib, gate, push"),
        (line("play lib"), "job `lib` is about to start, so it cannot be started by hand"),
        (line("play push"), "job `push` waits for other jobs, so it cannot be started by hand"),
        (line("retry lib"), "job `lib` is about to start, so it cannot be tried again"),
        (line("enqueue lib"), "job `lib` is about to start, so it cannot be enqueued"),
        (line("retry"), "no job of the run has failed or was cancelled, so there is nothing to try again"),
        (line("success"), "`jobs` is missing: only `cancel` and `retry` can be of the whole pipeline"),
        (line("success lib lib"), "`lib` is named twice"),
        (r#"{"event": "success", "jobs": []}"#.to_owned(), "`jobs` is empty"),
        (r#"{"event": "success", "jobs": ["lib"], "exit_code": 1}"#.to_owned(), "`exit_code` goes with `drop` only"),
    ] {
        assert_eq!(simulation.event(&text), Err(why.to_owned()), "{text}");
        assert_eq!(letters(&simulation), "p pcc pcc");
    }
    for text in ["", "{}", "[]", "{\"event\": \"explode\", \"jobs\": [\"lib\"]}", "{\"event\": \"drop\", \"job\": \"lib\"}", "\u{0}"] {
        assert!(simulation.event(text).unwrap_err().starts_with("this is no event: "), "{text}");
    }
    assert_eq!(simulation.event(r#"{"event": "drop", "jobs": ["lib"], "exit_code": 3}"#), Ok(()));
    assert_eq!(letters(&simulation), "m smc fmc");
    assert_eq!(simulation.event(&line("success gate")), Err("job `gate` waits to be started by hand, so it cannot be ended".to_owned()));
}

#[test]
fn a_simulation_tells_names_and_words_in_the_plans_order() {
    let simulation = Simulation::new(must_plan(GITLAB, &file("ship b\nmake c\ntry a parallel: 2")));
    assert_eq!(
        serde_json::to_string(&simulation.standing()).unwrap(),
        r#"{"pipeline":"pending","stages":{"make":"pending","try":"created","ship":"created"},"jobs":{"c":"pending","a 1/2":"created","a 2/2":"created","b":"created"}}"#
    );
}

#[test]
fn a_workflow_stands_in_githubs_words() {
    let text = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: x}]}\n  b: {needs: a, runs-on: ubuntu-latest, steps: [{run: x}]}\n  c: {needs: b, if: failure(), runs-on: ubuntu-latest, steps: [{run: x}]}\n";
    let mut simulation = Simulation::new(must_plan(WORKFLOW, text));
    let mut told = vec![serde_json::to_string(&simulation.standing()).unwrap()];
    for happens in ["run a", "success a", "drop b", "success c", "retry"] {
        simulation.event(&line(happens)).unwrap();
        told.push(serde_json::to_string(&simulation.standing()).unwrap());
    }
    let expected = [
        r#"{"pipeline":"queued","stages":{},"jobs":{"a":"queued","b":"waiting","c":"waiting"}}"#,
        r#"{"pipeline":"in_progress","stages":{},"jobs":{"a":"in_progress","b":"waiting","c":"waiting"}}"#,
        r#"{"pipeline":"in_progress","stages":{},"jobs":{"a":"success","b":"queued","c":"waiting"}}"#,
        r#"{"pipeline":"in_progress","stages":{},"jobs":{"a":"success","b":"failure","c":"queued"}}"#,
        r#"{"pipeline":"failure","stages":{},"jobs":{"a":"success","b":"failure","c":"success"}}"#,
        r#"{"pipeline":"in_progress","stages":{},"jobs":{"a":"success","b":"queued","c":"waiting"}}"#,
    ];
    assert_eq!(told, expected);
    for happens in ["play b", "enqueue b", "schedule b"] {
        let why = "a workflow has no manual and no delayed jobs: `play`, `enqueue` and `schedule` are for GitLab files";
        assert_eq!(simulation.event(&line(happens)), Err(why.to_owned()));
    }
}
