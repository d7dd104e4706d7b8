//! What no file may do: it is told at once, at its place, and costs little.

use std::fmt::Write as _;

use penstock_pipeline::Source;

use crate::support::{GITLAB, WORKFLOW, problems};

fn workflow(job: &str) -> String {
    format!("on: push\njobs:\n  a: {{runs-on: linux, steps: [{{run: x}}], {job}}}\n")
}

#[track_caller]
fn told(path: &str, text: &str, expected: &str) {
    let seen = problems(path, text);
    assert!(seen.starts_with(expected), "{seen}");
}

#[test]
fn a_file_nests_64_levels_deep() {
    told(GITLAB, &format!("a: {}", "[".repeat(256)), "1:259 : the file nests deeper than 64 levels");
    told(GITLAB, &format!("a: {}x{}", "{b: ".repeat(256), "}".repeat(256)), "1:256 : the file nests deeper than 64 levels");
    let steps = (0..256).fold(String::new(), |mut out, n| {
        let _ = writeln!(out, "{}a:", " ".repeat(n));
        out
    });
    told(WORKFLOW, &steps, "65:65 : the file nests deeper than 64 levels");
    for bit in ["[", "{a: ", "? ", "- "] {
        told(GITLAB, &bit.repeat(200_000), "1:");
    }
}

#[test]
fn aliases_unfold_to_4_mib_at_most() {
    let mut laughs = "x0: &x0 [l,l,l,l,l,l,l,l,l,l]\n".to_owned();
    let mut merged = "x0: &x0 {k0: 1}\n".to_owned();
    for n in 1..12 {
        let _ = writeln!(laughs, "x{n}: &x{n} [{}]", format!("*x{},", n - 1).repeat(10));
    }
    for n in 1..3_000 {
        let _ = writeln!(merged, "x{n}: &x{n} {{<<: *x{}, k{n}: 1}}", n - 1);
    }
    told(GITLAB, &laughs, "5:");
    assert!(problems(WORKFLOW, &laughs).contains("aliases unfold to more than 4 MiB"));
    assert!(problems(GITLAB, &merged).contains("aliases unfold to more than 4 MiB"));
}

#[test]
fn characters_that_have_no_place_are_told_where_they_stand() {
    told(GITLAB, "a:\n\tscript: [x]\n", "2:2 : this is not YAML: tabs disallowed");
    told(GITLAB, "é: {script: [x]}\na: \u{7}x\n", "2:4 : this is not YAML: the control character \\u{7} stands here");
    told(WORKFLOW, "on: push\n\u{9f}", "2:1 : this is not YAML: the control character \\u{9f} stands here");
    told(GITLAB, "a: {script: [x]}\n\u{feff}b: {script: [x]}\n", "2:1 : this is not YAML: a byte order mark");
    for text in ["\u{feff}a: {script: [x]}\n", "a:\r\n  script:\r\n    - |\r\n      x\r\n", "a:\r  script: [x]\r"] {
        told(GITLAB, text, "a plan of 1 jobs");
    }
    let problem = Source::decode("x.yml", b"a: \xc3\xa9\nb: \xc3\xa9 \xff".to_vec()).unwrap_err();
    assert_eq!(problem.to_string(), "x.yml:2:6: the file is not UTF-8; save it as UTF-8");
    assert_eq!(Source::decode("x.yml", b"a: b".to_vec()).unwrap(), "a: b");
}

#[test]
fn circles_are_named() {
    told(GITLAB, "a: {extends: b, script: [x]}\nb: {extends: a}\n", "1:14 a.extends: jobs extend each other in a circle");
    told(
        GITLAB,
        "a: {script: [x], needs: [b]}\nb: {script: [x], needs: [a]}\n",
        "2:26 b.needs: jobs need each other in a circle: a -> b -> a",
    );
    told(GITLAB, "a: {script: !reference [b, script]}\nb: {script: !reference [a, script]}\n", "1:13 ");
    let ring = (0..400).fold("on: push\njobs:\n".to_owned(), |mut out, n| {
        let _ = writeln!(out, "  j{n}: {{runs-on: linux, needs: j{}, steps: [{{run: x}}]}}", (n + 1) % 400);
        out
    });
    told(WORKFLOW, &ring, "3:3 jobs.j0.needs: jobs need each other in a circle: j0 -> j1");
}

#[test]
fn a_matrix_of_a_million_makes_no_job() {
    let lists: Vec<String> = (0..6).map(|n| format!("v{n}: [0,1,2,3,4,5,6,7,8,9]")).collect();
    let lists = lists.join(", ");
    told(
        GITLAB,
        &format!("a: {{script: [x], parallel: {{matrix: [{{{lists}}}]}}}}\n"),
        "1:37 a.parallel.matrix: the matrix makes 1000000 jobs",
    );
    told(
        WORKFLOW,
        &workflow(&format!("strategy: {{matrix: {{{lists}}}}}")),
        "3:61 jobs.a.strategy.matrix: the matrix makes more than 256 jobs",
    );
    told(GITLAB, "a: {script: [x], parallel: 1000000}\n", "1:28 a.parallel: a whole number from 1 to 200 is expected here");
}

#[test]
fn what_there_is_too_much_of_is_told_once() {
    let jobs = |count: usize, line: fn(usize) -> String| (0..count).map(line).collect::<String>();
    told(GITLAB, &jobs(2_001, |n| format!("j{n}: {{script: [x]}}\n")), "2001:1 j2000: the file has more than 2000 jobs");
    told(GITLAB, &jobs(12_000, |n| format!("j{n}: {{script: [x]}}\n")), "10001:1 : the file has more than 10000 keys");
    let many = format!("on: push\njobs:\n{}", jobs(2_001, |n| format!("  j{n}: {{runs-on: linux, steps: [{{run: x}}]}}\n")));
    told(WORKFLOW, &many, "2003:3 jobs: the workflow has more than 2000 jobs");
    let rules = "{if: $A == \"x\"}, ".repeat(1_001);
    told(GITLAB, &format!("a: {{script: [x], rules: [{rules}]}}\n"), "1:17026 a.rules: there are more than 1000 rules");
    let keys = format!("a:\n  script: [x]\n{}", jobs(15_000, |n| format!("  k{n}: 1\n")));
    assert_eq!(problems(GITLAB, &keys).lines().count(), 100);
    told(GITLAB, &jobs(30_000, |n| format!("j{n}: {{script: [x]}}\n")), "20001:1 : a mapping or list has more than 20000 entries");
    told(GITLAB, &format!("a: [{}]", "x,".repeat(300_000)), "1:40005 : a mapping or list has more than 20000 entries");
    told(GITLAB, &" ".repeat((1 << 20) + 1), "1:1 : the file has 1048577 bytes; at most 1048576 are read");
    told(GITLAB, &format!("a: {{script: [{}}}\n", "x".repeat((1 << 20) - 30)), "1:1048560 : this is not YAML");
}
