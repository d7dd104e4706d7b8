use std::collections::BTreeMap;
use std::fmt::Write;

use super::*;

fn seen(text: &str, build_args: &[(&str, &str)]) -> String {
    let build_args = build_args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    match Dockerfile::parse("Dockerfile", text, "linux/amd64", &build_args) {
        Err(error) => format!("error: {error}"),
        Ok(read) => {
            let mut seen = String::new();
            for stage in &read.stages {
                writeln!(seen, "{}: {:?} {:?}", stage.line, stage.base, stage.name).unwrap();
                for instruction in &stage.instructions {
                    writeln!(seen, "  {}: {:?}", instruction.line, instruction.verb).unwrap();
                }
            }
            seen
        }
    }
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let seen = seen(text, &[]);
    assert!(seen.starts_with("error: ") && seen.contains(expected), "{text:?} gave {seen}");
}

#[test]
fn stages_instructions_and_continuations_are_read() {
    let text = "# syntax=docker/dockerfile:1\nARG BASE=oran/base\nFROM ${BASE}:1 AS build\nRUN one && \\\n# a comment inside\n\n    two\nCOPY [\"a b\", \"c/\"]\nFROM scratch\n\
                copy --from=build --chown=1:2 --chmod=0755 /x /y ./\nENTRYPOINT [\"/x\", \"-v\"]\nCMD serve now\nENV A=1 B=\"2 3\"\nENV OLD a  b\nEXPOSE 80 53/udp\n";
    insta::assert_snapshot!(seen(text, &[]), @r#"
    3: Image("oran/base:1") Some("build")
      4: Run { network: None, command: Shell("one &&     two") }
      8: Copy { add: false, from: None, chown: None, chmod: None, sources: ["a b"], dest: "c/" }
    9: Scratch None
      10: Copy { add: false, from: Some("build"), chown: Some("1:2"), chmod: Some("0755"), sources: ["/x", "/y"], dest: "./" }
      11: Entrypoint(Exec(["/x", "-v"]))
      12: Cmd(Shell("serve now"))
      13: Env([("A", "1"), ("B", "\"2 3\"")])
      14: Env([("OLD", "a  b")])
      15: Expose(["80", "53/udp"])
    "#);
}

#[test]
fn the_callers_arguments_go_before_defaults_and_must_be_declared() {
    let text = "ARG BASE=a\nFROM $BASE\nARG X\n";
    assert!(seen(text, &[("BASE", "b")]).starts_with("2: Image(\"b\")"));
    assert!(seen(text, &[("Y", "1")]).contains("the build argument `Y` is declared by no ARG"));
}

#[test]
fn another_escape_character_joins_lines_too() {
    assert!(seen("# escape=`\nFROM scratch\nRUN a `\nb\\\n", &[]).contains("Shell(\"a b\\\\\")"));
}

#[test]
fn what_is_not_carried_out_is_an_error_with_line_and_advice() {
    check_error("", "Dockerfile:1: there is no FROM");
    check_error("RUN x", "Dockerfile:1: only ARG may come before the first FROM");
    check_error("FROM scratch\n\nVOLUME /data", "Dockerfile:3: VOLUME is not carried out: leave it out; give the workload an emptyDir");
    check_error("FROM scratch\nHEALTHCHECK NONE", "probes");
    check_error("FROM scratch\nRUN --mount=type=cache,target=/x y", "--mount is not carried out");
    check_error("FROM scratch\nRUN cat <<EOF > x\nfoo\nEOF", "here-documents");
    check_error("FROM scratch\nCOPY <<-'EOF' /x\nfoo\nEOF", "here-documents");
    check_error("FROM scratch\nADD https://example.org/x /x", "a build sees no network");
    check_error("FROM scratch\nCOPY --parents a b", "`--parents` of COPY is not carried out");
    check_error("FROM scratch\nfoo bar", "there is no instruction `FOO`");
    check_error("FROM --platform=linux/arm64 x", "the platform linux/arm64 is not built here");
    check_error("FROM a b c d", "this FROM is not understood");
    check_error("ARG X\nFROM $X", "the base is empty");
    check_error("# syntax=example/other\nFROM scratch", "the syntax `example/other` is not known here");
    check_error("# escape=x\nFROM scratch", "cannot be the escape character");
    check_error("FROM scratch\nENV A", "has no value");
    check_error("FROM scratch\nCOPY a", "COPY needs what and where to");
    check_error("FROM scratch\nLABEL a=\"b", "a `\"` is not closed");
}

#[test]
fn a_number_with_shifts_is_no_here_document() {
    assert!(seen("FROM scratch\nRUN echo $((1<<2)) 2>&1", &[]).contains("1<<2"));
}

#[test]
fn only_stages_that_the_last_one_needs_are_built() {
    let text = "FROM a AS one\nFROM b AS two\nFROM one AS three\nFROM scratch\nCOPY --from=three /x /x\nCOPY --from=some/image /y /y\n";
    let read = Dockerfile::parse("Dockerfile", text, "linux/amd64", &BTreeMap::new()).unwrap();
    assert_eq!(read.needed(), [0, 2, 3]);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "((FROM|RUN|COPY|ARG|ENV|#|#escape=) ?[a-z$\\{\\}\\[\\]\"'\\\\=:\\-/. <\n]{0,40}\n){0,8}") {
        seen(&text, &[]);
    }

    #[test]
    fn nothing_panics_on_anything(text in "\\PC{0,200}") {
        seen(&text, &[("A", "b")]);
    }
}
