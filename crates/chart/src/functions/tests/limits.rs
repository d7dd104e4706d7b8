//! What a template asks of a function ends: with its answer, or with the limit that it met, on the stack that any thread has.

use super::Zeros;
use crate::{
    budget::{Budget, Limits},
    render::{Surroundings, carried_out},
    template::{Failure, MissingKey, Set, execute},
    value::{Str, Value},
};

/// Carries out a template on a thread of 2 MiB, and says what came of it.
pub(super) fn outcome(template: &str) -> String {
    outcome_within(Limits::default(), template)
}

#[allow(clippy::disallowed_methods, reason = "the stack is what is tested")]
pub(super) fn on_a_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap()
}

fn outcome_within(limits: Limits, template: &str) -> String {
    let template = Str::from(template);
    on_a_small_stack(move || {
        let mut set = Set::default();
        set.parse(&Str::from("t"), &template).unwrap();
        let now = "2024-02-03T04:05:06[UTC]".parse().unwrap();
        let mut random = Zeros;
        let (around, budget) = (&mut Surroundings::new(&now, &mut random), &mut Budget::new(limits));
        match carried_out(around, budget, false, MissingKey::Zero, |run| execute(&set, &Str::from("t"), &Value::Nil, run)) {
            Ok(text) => String::from_utf8(text).unwrap(),
            Err(Failure::Limit(limit)) => format!("{limit:?}").split('(').next().unwrap().to_owned(),
            Err(failure) => failure.to_string(),
        }
    })
}

#[test]
fn a_map_that_holds_itself_is_not_gone_through_for_ever() {
    let selves = r#"{{ $a := dict }}{{ $_ := set $a "x" $a }}{{ $b := dict }}{{ $_ := set $b "x" $b }}"#;
    for call in [
        "deepCopy $a",
        "deepEqual $a $b",
        "merge $a $b",
        "mergeOverwrite $b $a",
        "uniq (list $a $b)",
        "toString $a",
        "quote $a",
        "join \"\" (list $a)",
    ] {
        assert_eq!(outcome(&format!("{selves}{{{{ {call} }}}}")), "Depth", "{call}");
    }
    assert_eq!(outcome(&format!("{selves}{{{{ deepEqual $a $a }}}}{{{{ len $a }}}}")), "true1");
}

#[test]
fn a_deep_value_is_given_back_without_depth() {
    let deep = "{{ $x := list }}{{ range until 50000 }}{{ $x = list $x }}{{ end }}{{ len $x }}";
    assert_eq!(outcome(deep), "1");
    let deep = r#"{{ $x := dict }}{{ range until 50000 }}{{ $x = dict "a" (list $x) }}{{ end }}{{ deepCopy $x }}"#;
    assert_eq!(outcome(deep), "Depth");
}

#[test]
fn what_grows_without_end_meets_the_limit_of_memory() {
    let little = Limits { memory: 8 << 20, ..Limits::default() };
    for call in [
        r#"repeat 1000000000 "x""#,
        r#"repeat 9223372036854775807 "xx""#,
        r#"indent 1000000000 "x""#,
        r#"nindent 9223372036854775807 "x\n""#,
        "until 1000000000",
        "untilStep 0 -9223372036854775807 -1",
        "seq 1000000000",
        r#"regexReplaceAll "a" (repeat 100000 "a") (repeat 100000 "b")"#,
        r#"repeat 100000 "a" | replace "a" (repeat 100000 "b")"#,
        r#"repeat 100000 "a" | replace "" (repeat 100000 "b")"#,
        r#"wrapWith 1 (repeat 100000 "b") (repeat 100000 "a")"#,
        r#"join (repeat 10000 "a") (until 100000)"#,
        r#"repeat 2000000 "a" | splitList """#,
    ] {
        assert_eq!(outcome_within(little, &format!("{{{{ $x := {call} }}}}")), "Memory", "{call}");
    }
    let doubled = r#"{{ $x := "a" }}{{ range until 100 }}{{ $x = cat $x $x | quote }}{{ end }}"#;
    assert_eq!(outcome_within(little, doubled), "Memory");
}

#[test]
fn an_expression_cannot_be_made_to_match_for_ever() {
    assert_eq!(outcome(r#"{{ regexMatch "(a*)*b" (repeat 100000 "a") }}"#), "false");
    // each match looks to the end for a longer one that is not there
    let few = Limits { steps: 100_000, ..Limits::default() };
    assert_eq!(outcome_within(few, r#"{{ regexFindAll ".*[^A-Z]|[A-Z]" (repeat 100000 "A") -1 | len }}"#), "Steps");
    let nested = format!(r#"{{{{ mustRegexMatch "{}a{}" "a" }}}}"#, "(".repeat(5_000), ")".repeat(5_000));
    assert!(outcome(&nested).contains("expression nests too deeply"));
    let deep = format!(r#"{{{{ mustRegexMatch "{}a{}" "a" }}}}"#, "(".repeat(200), ")+".repeat(200));
    assert!(outcome(&deep).contains("expression nests too deeply"));
    let deep = format!(r#"{{{{ mustRegexMatch "{}a{}" "a" }}}}"#, "(".repeat(120), ")+".repeat(120));
    assert_eq!(outcome(&deep), "true");
    let little = Limits { memory: 16 << 20, ..Limits::default() };
    let many = r#"{{ range $n := until 1000 }}{{ $x := mustRegexMatch (printf "\\pL{100}%d" $n) "a" }}{{ end }}"#;
    assert_eq!(outcome_within(little, many), "Memory");
}

#[test]
fn what_takes_long_with_much_meets_the_limit_of_steps() {
    let few = Limits { steps: 1_000_000, ..Limits::default() };
    let texts = r#"{{ $s := repeat 100000 "0" }}{{ $l := list $s $s }}{{ range until 12 }}{{ $l = concat $l $l }}{{ end }}"#;
    for template in [
        // a text that is looked through in each turn
        "{{ range until 10000 }}{{ $x := int $s }}{{ end }}",
        "{{ range until 10000 }}{{ $x := atoi $s }}{{ end }}",
        "{{ range until 10000 }}{{ $x := get (dict) $s }}{{ end }}",
        // texts that are equal up to their ends
        "{{ $x := sortAlpha $l }}",
        // a replacement of many parts that add nothing
        r#"{{ $x := regexReplaceAll "0" (repeat 10000 "0") (repeat 10000 "$1") }}"#,
        // an expression whose sets of states no memory holds
        r#"{{ $x := regexMatch "[01]*0[01]{300}a" (trunc 50000 $s) }}"#,
        "{{ $n := until 100000 }}{{ range until 100 }}{{ $x := slice $n 0 1 }}{{ end }}",
    ] {
        assert_eq!(outcome_within(few, &format!("{texts}{template}")), "Steps", "{template}");
    }
}

#[test]
fn a_variable_that_was_declared_long_ago_costs_what_it_takes_to_find_it() {
    let few = Limits { steps: 2_000_000, ..Limits::default() };
    let declared = (0..20_000).map(|number| format!("{{{{ $v{number} := 1 }}}}")).collect::<Vec<_>>().concat();
    assert_eq!(outcome_within(few, &format!("{{{{ $z := 1 }}}}{declared}{{{{ range until 20000 }}}}{{{{ $z }}}}{{{{ end }}}}")), "Steps");
}

#[test]
fn templates_are_not_copied_for_each_tpl_that_calls_another() {
    let little = Limits { memory: 16 << 20, ..Limits::default() };
    let defined = (0..1_000).map(|number| format!("{{{{ define \"t{number}\" }}}}a{{{{ end }}}}")).collect::<Vec<_>>().concat();
    assert_eq!(outcome_within(little, &format!("{defined}{{{{ $t := \"{{{{ tpl . . }}}}\" }}}}{{{{ tpl $t $t }}}}")), "Memory");
}
