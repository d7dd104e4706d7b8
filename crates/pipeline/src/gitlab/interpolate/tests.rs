use super::*;
use crate::input::Source;
use crate::yaml::Schema;

fn document(text: &str) -> Node {
    Problems::new("x", Schema::Psych).document(&Source { path: "x", text }, 0, &mut Budget::new()).unwrap()
}

/// What a text becomes with inputs, as JSON, or what is wrong with it.
fn filled(inputs: &str, text: &str) -> String {
    let Value::Map(entries) = document(inputs).value else { panic!("{inputs}") };
    let inputs = entries.iter().map(|(key, node)| (key.text.clone(), node.clone())).collect();
    let component = BTreeMap::from([("version", Node::made("1.2.3", false, At::start(0)))]);
    let variables = [("A", "a"), ("B", "$A")].map(|(name, text)| (name.to_owned(), Expanded { text: text.to_owned(), secret: false }));
    let values = Values { inputs, component, variables: &variables.into() };
    let mut problems = Problems::new("x", Schema::Psych);
    match fill(&document(text), &values, &mut Budget::new(), &mut problems) {
        Ok(node) => node.to_json().to_string(),
        Err(Told) => match problems.answer(None) {
            Err(crate::Unplanned::Refused(list)) => {
                list.iter().map(|one| format!("{}:{} {}", one.line, one.column, one.message)).collect::<Vec<_>>().join(" ")
            }
            _ => panic!("nothing is told"),
        },
    }
}

#[track_caller]
fn check(inputs: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(filled(inputs, text), *expected, "{text}");
    }
}

/// The facts are those of GitLab's `template_spec.rb` and `access_spec.rb`.
#[test]
fn a_block_alone_is_the_value_and_within_a_text_it_is_text() {
    check(
        "{n: 6, t: true, s: dev, q: '7', e: '', l: [1, a, 'b c', null], m: [{if: $A}]}",
        &[
            ("a: $[[ inputs.n ]]", r#"{"a":6}"#),
            ("a: '$[[ inputs.n ]]'", r#"{"a":6}"#),
            ("a: $[[inputs.t]]", r#"{"a":true}"#),
            ("a: x$[[ inputs.n ]]y$[[ inputs.t ]]", r#"{"a":"x6ytrue"}"#),
            ("a: $[[ inputs.q ]]", r#"{"a":"7"}"#),
            ("a: $[[ inputs.l ]]", r#"{"a":[1,"a","b c",null]}"#),
            ("a: x $[[ inputs.l ]]", r#"{"a":"x [1, \"a\", \"b c\", nil]"}"#),
            ("a: $[[ inputs.m ]]", r#"{"a":[{"if":"$A"}]}"#),
            ("a: x $[[ inputs.m ]]", "1:6 `$[[ inputs.m ]]` is a list with mappings, which cannot become part of a text"),
            ("a:\n- x\n- b: $[[ inputs.s ]]-1", r#"{"a":["x",{"b":"dev-1"}]}"#),
            ("$[[ inputs.s ]]-job:\n  $[[ inputs.s ]]: 1", r#"{"dev-job":{"dev":1}}"#),
            ("a: 1\n$[[ inputs.s ]]: 2\ndev: 3", "3:1 `dev` is there twice once its inputs are filled in"),
            ("a: $[[ inputs.e ]]$[[ inputs.e ]]", r#"{"a":""}"#),
        ],
    );
}

#[test]
fn what_is_no_block_stays() {
    check(
        "{n: 6}",
        &[
            ("a: $[[ matrix.X ]] $[[ inputs.n ]]", r#"{"a":"$[[ matrix.X ]] 6"}"#),
            ("a: $[[ matrix.X ]]", r#"{"a":"$[[ matrix.X ]]"}"#),
            ("a: '$[[ x'", r#"{"a":"$[[ x"}"#),
            ("a: '$[[ x]'", r#"{"a":"$[[ x]"}"#),
            ("a: |\n  $[[ inputs.n |\n  truncate(0,1) ]] $[[ inputs.n\n  ]]", r#"{"a":"$[[ inputs.n |\ntruncate(0,1) ]] 6\n"}"#),
            ("a: [[ inputs.n ]]", r#"{"a":[["inputs.n"]]}"#),
        ],
    );
}

#[test]
fn what_is_filled_in_is_not_filled_in_again() {
    check("{a: '$[[ inputs.b ]]', b: 1}", &[("x: $[[ inputs.a ]]-$[[ inputs.b ]]", r#"{"x":"$[[ inputs.b ]]-1"}"#)]);
}

#[test]
fn names_reach_into_lists_and_mappings() {
    check(
        "{arr: [one, {name: two, v: [deep]}, [[x]]], supported-versions: [2.0], s: hello, d: [[[[[[42]]]]]]}",
        &[
            ("a: $[[ inputs.arr[0] ]]", r#"{"a":"one"}"#),
            ("a: $[[ inputs.arr[1].name ]]", r#"{"a":"two"}"#),
            ("a: $[[ inputs.arr[1].v[0] ]]", r#"{"a":"deep"}"#),
            ("a: $[[ inputs.arr[2][0][0] ]]", r#"{"a":"x"}"#),
            ("a: $[[ inputs.supported-versions[0] ]]", r#"{"a":2.0}"#),
            ("a: $[[ inputs.d[0][0][0][0][0] ]]", r#"{"a":[42]}"#),
            ("a: $[[ inputs.d[0][0][0][0][0][0] ]]", "1:4 `inputs.d[0][0][0][0][0][0]` has more than 5 indices"),
            ("a: $[[ inputs.arr[3] ]]", "1:4 `inputs.arr[3]` asks for item 3, and the list has 3 (the first is 0)"),
            ("a: $[[ inputs.s[0] ]]", "1:4 `inputs.s[0]` has an index on text, which is no list"),
            ("a: $[[ inputs.arr[-1] ]]", "1:4 `inputs.arr[-1]` has `-1` as an index, which is no number from 0"),
            ("a: $[[ inputs.arr[] ]]", "1:4 `inputs.arr[]` has `` as an index, which is no number from 0"),
            ("a: $[[ inputs.arr[0 ]]", "1:4 `inputs.arr[0` has an index without its `]`"),
            ("a: $[[ inputs.arr[0]junk ]]", "1:4 `inputs.arr[0]junk` goes on after an index"),
            ("a: $[[ inputs.arr[0].[1] ]]", "1:4 `inputs.arr[0].[1]` has an index without a name before it"),
            ("a: $[[ inputs.s.extra ]]", "1:4 `extra` in `inputs.s.extra` is not known"),
            ("a: $[[ inputs.nope ]]", "1:4 `nope` in `inputs.nope` is not known; the header declares arr, d, s, supported-versions"),
            ("a: b $[[ abc ]]", "1:6 `abc` names no input"),
            ("a: $[[ variables.A ]]", "1:4 there is no `variables` to fill in: `inputs` is, and in a component `component`"),
            ("a: v$[[ component.version ]]", r#"{"a":"v1.2.3"}"#),
        ],
    );
}

/// The facts are those of GitLab's specs of the functions.
#[test]
fn functions_follow_each_other() {
    check(
        r#"{t: 0123456789, s: "abcdef", v: "test $A ${B} %A% $NOPE", n: 5, e: "a, b,, c", p: "it's; $(x)\n*", q: ""}"#,
        &[
            ("a: $[[ inputs.s | truncate(1,5) ]]", r#"{"a":"bcdef"}"#),
            ("a: $[[ inputs.s|truncate( 1 , 5 )  | truncate(2,2) ]]", r#"{"a":"de"}"#),
            ("a: $[[ inputs.s | truncate(9,2) ]]", r#"{"a":""}"#),
            ("a: $[[ inputs.s | truncate(0,99999999999999999999999999) ]]", r#"{"a":"abcdef"}"#),
            ("a: $[[ inputs.v | expand_vars ]]", r#"{"a":"test a $A a $NOPE"}"#),
            ("a: $[[ inputs.v | expand_vars | truncate(5,1) ]]", r#"{"a":"a"}"#),
            ("a: $[[ inputs.p | posix_escape ]]", r#"{"a":"it\\'s\\;\\ \\$\\(x\\)'\n'\\*"}"#),
            ("a: $[[ inputs.q | posix_escape ]]", r#"{"a":"''"}"#),
            ("a: $[[ inputs.e | split(',') ]]", r#"{"a":["a","b","c"]}"#),
            ("a: $[[ inputs.e | split('') ]]", "1:4 `split` needs a separator"),
            ("a: $[[ inputs.n | truncate(0,1) ]]", "1:4 `truncate(0,1)` takes text, and this is a number"),
            ("a: $[[ inputs.n | expand_vars ]]", "1:4 `expand_vars` takes text, and this is a number"),
            (
                "a: $[[ inputs.s | truncate(2) ]]",
                "1:4 there is no function `truncate(2)`: `expand_vars`, `truncate(OFFSET, LENGTH)`, `posix_escape` and `split('SEPARATOR')` are",
            ),
            (
                "a: $[[ inputs.s | posix_escape() ]]",
                "1:4 there is no function `posix_escape()`: `expand_vars`, `truncate(OFFSET, LENGTH)`, `posix_escape` and `split('SEPARATOR')` are",
            ),
            (
                "a: $[[ inputs.s | expand_vars | expand_vars | expand_vars | expand_vars ]]",
                "1:4 `$[[ inputs.s | expand_vars | expand_vars | expand_vars | expand_vars ]]` has more than 3 functions",
            ),
        ],
    );
}

#[test]
fn a_reference_stays_as_it_is() {
    check("{s: x}", &[("a: !reference ['$[[ inputs.s ]]', script]", r#"{"a":["$[[ inputs.s ]]","script"]}"#)]);
}

#[test]
fn blocks_and_what_they_grow_to_are_bounded() {
    let many = format!("a: \"{}\"", "$[[ inputs.s ]]".repeat(10_001));
    check("{s: x}", &[(&many, "1:150005 the file has more than 10000 interpolation blocks")]);
    let big = format!("{{s: {}}}", "x".repeat(100_000));
    let text = format!("a: \"{}\"", "$[[ inputs.s ]]".repeat(500));
    assert!(filled(&big, &text).contains("unfold to more than 16 MiB"));
}
