//! Files that nobody means well with, or that a slip of the pen makes. The bench measures the same ones.

use std::fmt::Write as _;

/// A repository's files, and where its fault is.
pub struct Hostile {
    /// What it is.
    pub name: &'static str,
    /// The files by their paths; the first one is the pipeline file.
    pub files: Vec<(String, Vec<u8>)>,
    /// File, line and column of the first complaint.
    pub told_at: String,
}

const GITLAB: &str = ".gitlab-ci.yml";
const WORKFLOW: &str = ".github/workflows/ci.yml";

fn one(name: &'static str, path: &str, text: impl Into<Vec<u8>>, told_at: &str) -> Hostile {
    Hostile { name, files: vec![(path.to_owned(), text.into())], told_at: format!("{path}:{told_at}") }
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// All of them.
pub fn all() -> Vec<Hostile> {
    let mut all = bombs();
    all.extend(circles());
    all.extend(shapes());
    all
}

/// What unfolds to more than it is.
fn bombs() -> Vec<Hostile> {
    let laughs = lines(12, |n| match n.checked_sub(1) {
        None => "x0: &x0 [l,l,l,l,l,l,l,l,l,l]\n".to_owned(),
        Some(before) => format!("x{n}: &x{n} [{}]\n", format!("*x{before},").repeat(10)),
    });
    let extended = lines(12, |n| match n.checked_sub(1) {
        None => format!(".x0: {{script: [{}]}}\n", "l,".repeat(10_000)),
        Some(before) => format!(".x{n}: {{extends: .x{before}, before_script: [a]}}\n"),
    });
    let extended = extended + &lines(1_900, |n| format!("j{n}: {{extends: .x9}}\n"));
    let referred =
        format!(".x: {{script: [{}]}}\n", "l,".repeat(10_000)) + &lines(1_000, |n| format!("j{n}: {{script: !reference [.x, script]}}\n"));
    let values = (0..6).map(|n| format!("V{n}: [0,1,2,3,4,5,6,7,8,9]")).collect::<Vec<_>>().join(", ");
    let doubled = lines(24, |n| format!("  V{n}: $V{0}$V{0}\n", n + 1));
    vec![
        one("aliases of aliases", GITLAB, laughs.clone(), "5:"),
        one("aliases of aliases in a workflow", WORKFLOW, format!("on: push\n{laughs}"), "6:"),
        one("a long script, extended 1,900 times", GITLAB, extended, ""),
        one("a long script, referred to 1,000 times", GITLAB, referred, ""),
        one("a matrix of a million", GITLAB, format!("a: {{script: [x], parallel: {{matrix: [{{{values}}}]}}}}\n"), "1:37"),
        one(
            "a matrix of a million in a workflow",
            WORKFLOW,
            format!("on: push\njobs:\n  a: {{runs-on: linux, steps: [{{run: x}}], strategy: {{matrix: {{{values}}}}}}}\n"),
            "3:61",
        ),
        one("variables that double 24 times", GITLAB, format!("variables:\n{doubled}  V24: xxxx\na: {{script: [x]}}\n"), "9:3"),
    ]
}

/// What comes back to itself.
fn circles() -> Vec<Hostile> {
    let ring = lines(400, |n| format!("  j{n}: {{runs-on: linux, needs: j{}, steps: [{{run: x}}]}}\n", (n + 1) % 400));
    let call = |path: &str| format!("on: workflow_call\njobs:\n  a: {{uses: ./{path}}}\n").into_bytes();
    let other = ".github/workflows/b.yml";
    let chosen = format!("version: 1\nproject: {{name: a, pipeline: {WORKFLOW}, config: a-config}}\n");
    vec![
        one("jobs that extend each other", GITLAB, "a: {extends: b, script: [x]}\nb: {extends: a}\n", "1:14"),
        one("jobs that need each other", GITLAB, "a: {script: [x], needs: [b]}\nb: {script: [x], needs: [a]}\n", "2:26"),
        one("400 jobs that need each other", WORKFLOW, format!("on: push\njobs:\n{ring}"), "3:3"),
        one(
            "references that refer to each other",
            GITLAB,
            "a: {script: !reference [b, script]}\nb: {script: !reference [a, script]}\n",
            "1:13",
        ),
        one("variables that name each other", GITLAB, "variables: {A: $B, B: $A}\na: {script: [x]}\n", "1:13"),
        Hostile {
            name: "files that include each other",
            files: vec![
                (GITLAB.to_owned(), b"include: b.yml\n".to_vec()),
                ("b.yml".to_owned(), b"a: {script: [x]}\ninclude: c.yml\n".to_vec()),
                ("c.yml".to_owned(), b"include: [b.yml]\n".to_vec()),
            ],
            told_at: "c.yml:1:11".to_owned(),
        },
        Hostile {
            name: "workflows that call each other",
            files: vec![
                (WORKFLOW.to_owned(), call(other)),
                (other.to_owned(), call(WORKFLOW)),
                ("penstock.yaml".to_owned(), chosen.into()),
            ],
            told_at: format!("{other}:3:13"),
        },
    ]
}

/// What is deep, long, or no YAML.
fn shapes() -> Vec<Hostile> {
    let keys = lines(256, |n| format!("{}a:\n", " ".repeat(n)));
    let long = |size: usize| format!("a: {{script: [\"{}\"]", "x".repeat(size));
    vec![
        one("256 levels of lists", GITLAB, format!("a: {}", "[".repeat(256)), "1:259"),
        one("256 levels of keys", WORKFLOW, keys, "65:65"),
        one("200,000 open brackets", GITLAB, "[".repeat(200_000), "1:"),
        one("a tab", GITLAB, "a:\n\tscript: [x]\n", "2:2"),
        one("a control character", WORKFLOW, "on: push\n\u{9f}", "2:1"),
        one("no UTF-8", GITLAB, b"a: \xc3\xa9\nb: \xc3\xa9 \xff".to_vec(), "2:6"),
        one("a line of nearly 1 MiB that is not closed", GITLAB, long((1 << 20) - 30), "2:1"),
        one("a line of more than 1 MiB", GITLAB, long(1 << 20), "1:1"),
        one("an unknown key of nearly 1 MiB", WORKFLOW, format!("on: push\n{}: 1\n", "k".repeat((1 << 20) - 30)), "2:1"),
        one("15,000 unknown keys", GITLAB, format!("a:\n  script: [x]\n{}", lines(15_000, |n| format!("  k{n}: 1\n"))), "3:3"),
        one("30,000 jobs", GITLAB, lines(30_000, |n| format!("j{n}: {{script: [x]}}\n")), "20001:1"),
        one("a condition that nests 2,000 deep", GITLAB, nested(), "1:"),
        one("a regex that would grow for ever", GITLAB, "a: {script: [x], rules: [{if: $A =~ /((a{1000}){1000}){1000}/}]}\n", "1:"),
    ]
}

fn nested() -> String {
    let mut out = String::new();
    let _ = writeln!(out, "a: {{script: [x], rules: [{{if: '{}$A{}'}}]}}", "(".repeat(2_000), ")".repeat(2_000));
    out
}
