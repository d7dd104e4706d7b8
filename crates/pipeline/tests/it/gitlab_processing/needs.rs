//! Jobs that name what they need.

use super::{check, file};

#[test]
fn what_needs_a_job_that_does_not_run_does_not_run_either() {
    let lost = |rest: &str| file(&format!("make lib\ntry unit\nship push {rest}"));
    for rest in ["needs: [unit]", "when: manual, needs: [unit]", "when: delayed, start_in: 5 seconds, needs: [unit]"] {
        check(&lost(rest), "p pcc pcc", &[("drop lib", "f fkk fkk")]);
    }
    check(&lost("when: always, needs: [unit]"), "p pcc pcc", &[("drop lib", "r fkp fkp")]);
    check(&file("make lib\ntry unit needs: [lib]\nship push"), "p pcc pcc", &[("drop lib", "f fkk fkk")]);
    check(&file("make lib\ntry unit allow_failure: true\nship push needs: [unit]"), "p pcc pcc", &[("drop lib", "f fkk fkk")]);
    for when in ["always", "on_failure"] {
        check(&file(&format!("make lib\ntry unit when: {when}, needs: [lib]")), "p pc pc", &[("drop lib", "r fp fp")]);
    }
    check(&file("make lib\ntry unit when: on_failure, needs: [lib]"), "p pc pc", &[("success lib", "s sk sk")]);
    check(&file("make lib\ntry unit when: on_failure\nship push needs: [unit]"), "p pcc pcc", &[("success lib", "s skk skk")]);
    check(
        &file("make lib\ntry unit when: on_failure\nship push needs: [unit]"),
        "p pcc pcc",
        &[("drop lib", "r fpc fpc"), ("success unit", "r fsp fsp"), ("success push", "f fss fss")],
    );
    check(
        &file("make lib allow_failure: true\ntry unit when: on_failure, needs: [lib]\nship push needs: [unit]"),
        "p pcc pcc",
        &[("drop lib", "s skk fkk")],
    );
    check(
        &file("make lib\ntry unit\nship push needs: [lib, unit]\nship back when: on_failure, needs: [lib, unit]"),
        "p pcc pccc",
        &[("drop lib", "f fkk fkkk")],
    );
}

#[test]
fn one_of_two_needs_that_does_not_run_is_enough() {
    let jobs = |rest: &str, when: &str| file(&format!("make lib\nmake doc\ntry unit {when}\nship push {rest}needs: [lib, unit]"));
    check(&jobs("", ""), "p pcc ppcc", &[("success lib", "r rcc spcc"), ("drop doc", "f fkk sfkk")]);
    check(&jobs("when: always, ", ""), "p pcc ppcc", &[("success lib", "r rcc spcc"), ("drop doc", "r fkp sfkp")]);
    check(&jobs("", "when: on_failure"), "p pcc ppcc", &[("success lib doc", "s skk sskk")]);
    check(&jobs("when: always, ", "when: on_failure"), "p pcc ppcc", &[("success lib doc", "r skp sskp"), ("success push", "s sks ssks")]);
}

#[test]
fn what_always_runs_does_not_wait_for_the_rest_once_a_need_does_not_run() {
    // GitLab's own answer: `gate` is no job that runs, and `push` does not wait for `unit`
    check(&file("try gate when: manual\ntry unit\nship push when: always, needs: [gate, unit]"), "p pp mpp", &[]);
    check(&file("try gate when: manual\nship push when: always, needs: [gate]"), "p kp mp", &[]);
}

#[test]
fn what_needs_a_manual_job_is_skipped_until_somebody_plays_it() {
    let jobs = file("try gate when: manual\nship push needs: [gate]");
    // the stage keeps its word while its jobs are asked anew
    check(&jobs, "k kk mk", &[("play gate", "p pk pc"), ("run gate", "r rk rc"), ("success gate", "r sp sp"), ("success push", "s ss ss")]);
    check(&jobs, "k kk mk", &[("play gate", "p pk pc"), ("run gate", "r rk rc"), ("drop gate", "r sp fp"), ("success push", "s ss fs")]);
    check(
        &file("try gate when: manual\nship back when: on_failure, needs: [gate]"),
        "k kk mk",
        &[("play gate", "p pk pc"), ("drop gate", "s sk fk")],
    );
    for rest in ["needs: [gate]", "needs: [lib, gate]"] {
        check(&file(&format!("make lib\ntry gate when: manual\nship push {rest}")), "p pcc pcc", &[("success lib", "s skk smk")]);
    }
    check(&file("try unit\ntry gate when: manual\nship push needs: [unit, gate]"), "p pk pmk", &[("success unit", "s sk smk")]);
    check(&file("make lib\ntry gate when: manual\nship more needs: [gate]\nafter end"), "p pccc pccc", &[("success lib", "r skkp smkp")]);
    check(
        &file("make lib\ntry gate when: manual\nship more needs: [gate]\nafter end needs: [more]"),
        "p pccc pccc",
        &[("success lib", "s skkk smkk"), ("play gate", "r spkk spcc")],
    );
}

#[test]
fn playing_one_gate_wakes_what_comes_after_it_and_nothing_else() {
    check(
        &file("make a when: manual\ntry b when: manual\nship c needs: [b]\nship d needs: [a]"),
        "k kkk mmkk",
        &[("play b", "p kpp mpck")],
    );
    check(
        "a: {script: [x], when: manual}\nb: {script: [x], needs: [a]}\nc: {script: [x], when: manual, needs: [b]}\nd: {script: [x], needs: [c]}\n",
        "k k mkkk",
        &[("play a", "p p pccc"), ("success a", "r r spcc"), ("success b", "s s ssmk")],
    );
    let jobs = "make lib\ntry unit\ntry g1 when: manual\ntry g2 when: manual\nship review needs: [unit, g1, g2]\nafter stage needs: [g1]\n\
                after prod needs: [g2]\n.post more needs: [prod]\n.post back when: on_failure";
    check(
        &file(jobs),
        "p pcccc pcccccccc",
        &[
            ("success lib", "r spkkp spmmkkkkc"),
            ("success unit", "s sskkk ssmmkkkkk"),
            ("play g1", "r srkpp sspmkckkc"),
            ("success g1", "r sskpp sssmkpkkc"),
            ("success stage", "s ssksk sssmkskkk"),
        ],
    );
    check(
        &file(
            "make lib\ntry unit\ntry gate when: manual\nship review needs: [unit, gate]\nafter stage needs: [unit, gate]\nafter prod needs: [review]",
        ),
        "p pccc pccccc",
        &[("success lib", "r spkk spmkkk"), ("success unit", "s sskk ssmkkk")],
    );
}

#[test]
fn jobs_of_one_stage_follow_their_needs() {
    let chain = "a: {script: [x]}\nb: {script: [x], needs: [a]}\nc: {script: [x], needs: [b]}\n";
    check(chain, "p p pcc", &[("success a", "r r spc"), ("success b", "r r ssp")]);
    check(chain, "p p pcc", &[("drop a", "f f fkk"), ("retry a", "r p pcc"), ("success a", "r r spc")]);
    check(
        "a: {script: [x]}\nb: {script: [x], needs: [a]}\ngate: {script: [x], when: manual}\nc: {script: [x], needs: [b, gate]}\n",
        "p p pcmk",
        &[("drop a", "f f fkmk"), ("retry a", "r p pcmk"), ("success a", "r r spmk")],
    );
    check(&file("make lib\ntry unit\nship push needs: []"), "p pcp pcp", &[]);
}

#[test]
fn jobs_start_out_of_the_stages_order_by_what_they_need() {
    let jobs =
        file("make l\nmake m\ntry l1 needs: [l]\ntry l2 needs: [l]\ntry m1 needs: [m]\nship push\nship note when: on_failure, needs: [l]");
    check(&jobs, "p pcc ppccccc", &[("success l", "r rpp spppcck")]);
}

#[test]
fn an_optional_need_that_is_not_there_is_no_need() {
    let without = "lib: {stage: build, script: [x], rules: [{if: '$CI_COMMIT_REF_NAME == \"other\"'}]}\n";
    let unit = "unit: {stage: test, script: [x], needs: [{job: lib, optional: true}]}\n";
    check(&format!("{without}{unit}"), "p p p", &[("success unit", "s s s")]);
    check(
        &format!("{without}doc: {{stage: build, script: [x]}}\n{unit}"),
        "p pp pp",
        &[("success unit", "r ps ps"), ("success doc", "s ss ss")],
    );
}
