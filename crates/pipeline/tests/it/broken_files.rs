//! No file makes the room panic, hang or answer with a place outside of the file.

use penstock_pipeline::{Dialect, Library, Run, RunCommand, Source, Unplanned, plan};
use proptest::prelude::*;

use crate::support::{cases, push, run_id};

/// A header with inputs of every type, and blocks that ask for them.
const INPUTS: &str = r#"spec:
  component: [name]
  inputs:
    env: {options: [dev, prod], default: dev}
    tag: {regex: ^v\d+$, default: v1, description: d}
    list: {type: array, default: [{if: $CI_COMMIT_TAG, when: never}, {when: always}]}
    n: {type: number, default: 2}
    all: {type: boolean, default: true}
    size: {rules: [{if: "$[[ inputs.env ]] == 'dev' && $[[ inputs.all ]] == true", default: s}, {options: [l], default: l}]}
---
$[[ inputs.env ]]-job:
  parallel: $[[ inputs.n ]]
  rules: $[[ inputs.list ]]
  allow_failure: $[[ inputs.all ]]
  script:
    - echo $[[ inputs.tag | expand_vars | truncate(0,3) ]] $[[ inputs.list[1].when ]] $[[ inputs.size | posix_escape ]]
"#;

const SEEDS: &[(Dialect, &str)] = &[
    (Dialect::GitlabCi, INPUTS),
    (Dialect::GitlabCi, include_str!("../../../../examples/oran/.gitlab-ci.yml")),
    (Dialect::GitlabCi, include_str!("../samples/everything.gitlab-ci.yml")),
    (Dialect::GithubWorkflow, include_str!("../samples/everything.workflow.yml")),
];

#[test]
fn what_is_broken_was_whole_before() {
    for (dialect, text) in SEEDS {
        let planned = plan(*dialect, &Source { path: "file", text }, &push(), &Library::new());
        assert!(planned.is_ok_and(|plan| !plan.is_empty()), "{text}");
    }
}

/// Bits that files of both dialects are made of.
const BITS: &[&str] = &[
    "*a",
    "&a ",
    "<<: *a",
    "!reference [a, script]",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n  ",
    "\n",
    "\t",
    "#",
    "'",
    "\"",
    "|",
    ">",
    "${{",
    "}}",
    "$A",
    "${A}",
    "$$",
    "~",
    "null",
    "true",
    "3.10",
    "needs: [a]",
    "extends: .a",
    "rules: [{if: $A}]",
    "if: ",
    "matrix: {a: [1, 2]}",
    "parallel: 200",
    "parallel: {matrix: [{A: [1, 2]}, {B: x}]}",
    "needs: [{job: a, parallel: {matrix: [{A: $[[ matrix.A ]]}]}}]",
    "$[[ matrix.A ]]",
    "variables: {A: $B, B: $A}",
    "((((",
    "&& ||",
    "=~ /(/",
    "é",
    "\u{0}",
    "\u{feff}",
    "---\n",
    "..",
    "%YAML 1.2\n",
    "!!str ",
    "? ",
    "fromJSON('[')",
    "format('{0}', 1)",
    "contains(github, 'a')",
    "github.event.*.x",
    "-",
    "---",
    "$[[ ",
    "$[[ inputs.list[0] | split(',') ]]",
    "include: [a.yml, {component: h/g/p/c@~latest, inputs: {x: 1}}]\n",
];

fn check(dialect: Dialect, text: &str) {
    match plan(dialect, &Source { path: "x.yml", text }, &push(), &Library::new()) {
        Ok(plan) => {
            let stored = serde_json::to_string(&plan).unwrap();
            let plan = serde_json::from_str(&stored).unwrap();
            let mut run = Run::new();
            for event in run.decide(RunCommand::Plan { run: run_id(), plan: Box::new(plan) }).unwrap() {
                run.evolve(&event);
            }
            assert!(run.status().is_finished() || !run.wanted().is_empty() || run.jobs().next().is_some());
        }
        Err(Unplanned::Wants(files)) => assert!(!files.is_empty()),
        Err(Unplanned::Refused(problems)) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(problem.line >= 1 && problem.line <= text.split(['\n', '\r']).count() + 1, "{problem:?}");
                assert!(!problem.message.is_empty() && !problem.render(text).is_empty());
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn a_mutated_file_is_a_plan_or_problems(seed in 0..SEEDS.len(), changes in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(BITS)), 1..8)) {
        let (dialect, text) = SEEDS[seed];
        let mut chars: Vec<char> = text.chars().collect();
        for (at, removed, bit) in changes {
            let start = at.index(chars.len() + 1);
            let end = (start + removed).min(chars.len());
            chars.splice(start..end, bit.chars());
        }
        check(dialect, &chars.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_is_a_plan_or_problems(bits in prop::collection::vec(prop::sample::select(BITS), 0..60), gitlab in any::<bool>()) {
        check(if gitlab { Dialect::GitlabCi } else { Dialect::GithubWorkflow }, &bits.concat());
    }

    #[test]
    fn any_bytes_are_a_plan_or_problems(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        check(Dialect::GitlabCi, &text);
        check(Dialect::GithubWorkflow, &text);
    }

    #[test]
    fn any_condition_is_read_or_refused(bits in prop::collection::vec(prop::sample::select(vec!["$A", "'x'", "==", "=~", "/x/", "&&", "||", "(", ")", "null", " ", "!", "github.ref", "always()", "[", "]", ".", "*", ",", "1", "contains(", "'"]), 0..30)) {
        let condition = bits.concat().replace('\'', "''");
        check(Dialect::GitlabCi, &format!("a: {{script: [x], rules: [{{if: '{condition}'}}]}}\n"));
        check(Dialect::GithubWorkflow, &format!("on: push\njobs: {{a: {{runs-on: linux, if: '{condition}', steps: [{{run: x}}]}}}}\n"));
    }
}

#[test]
fn long_chains_do_not_exhaust_the_stack() {
    check(Dialect::GitlabCi, &format!("a: {{script: [x], rules: [{{if: '{}$A'}}]}}\n", "$A && ".repeat(1600)));
    check(
        Dialect::GithubWorkflow,
        &format!("on: push\njobs: {{a: {{runs-on: linux, if: '{}1', steps: [{{run: x}}]}}}}\n", "1 == ".repeat(4000)),
    );
    check(
        Dialect::GithubWorkflow,
        &format!("on: push\njobs: {{a: {{runs-on: linux, if: '{}1', steps: [{{run: x}}]}}}}\n", "!".repeat(9000)),
    );
    check(
        Dialect::GithubWorkflow,
        &format!("on: push\njobs: {{a: {{runs-on: linux, if: 'github{}', steps: [{{run: x}}]}}}}\n", ".a".repeat(9000)),
    );
    check(
        Dialect::GithubWorkflow,
        &format!("on: push\njobs: {{a: {{runs-on: linux, if: '{}1', steps: [{{run: x}}]}}}}\n", "1 && ".repeat(4000)),
    );
    let variables: String = (0..900).map(|n| format!("  V{n}: $V{}\n", n + 1)).collect();
    check(Dialect::GitlabCi, &format!("variables:\n{variables}a: {{script: [x]}}\n"));
    let chain: String = (1..500).map(|n| format!("j{n}: {{script: [x], needs: [j{}]}}\n", n - 1)).collect();
    check(Dialect::GitlabCi, &format!("j0: {{script: [x]}}\n{chain}"));
    let extended: String = (1..400).map(|n| format!(".j{n}: {{extends: .j{}}}\n", n - 1)).collect();
    check(Dialect::GitlabCi, &format!(".j0: {{script: [x]}}\n{extended}a: {{extends: .j399}}\n"));
}
