//! `spec: inputs`: what a file takes, and what whoever includes it may give. The facts are those of GitLab's document of inputs
//! and of its specs of `Ci::Inputs` and `Config::Header`.

use crate::gitlab_include::{check, local, planned, project};
use crate::support::push;

/// What a job of an included file says, for a specification of inputs `a` (and others) and the inputs that are given.
fn said(spec: &str, given: &str) -> String {
    let file = format!("spec:\n  inputs: {spec}\n---\njob:\n  script: echo $[[ inputs.a ]]\n");
    let file: &str = file.leak();
    planned(&format!("include: {{local: a.yml, inputs: {given}}}"), &[(local("a.yml"), file)], &push()).replace("job: echo ", "")
}

#[track_caller]
fn table(cases: &[(&str, &str, &str)]) {
    for (spec, given, expected) in cases {
        assert_eq!(said(spec, given), *expected, "{spec} {given}");
    }
}

#[test]
fn values_are_of_the_type() {
    table(&[
        ("{a: }", "{a: x}", "x"),
        ("{a: {type: string}}", "{a: 'x y'}", "x y"),
        // a text takes numbers as Ruby writes them once it has read them
        ("{a: {default: 1}}", "{}", "1"),
        ("{a: }", "{a: 1.10}", "1.1"),
        ("{a: }", "{a: '1.10'}", "1.10"),
        ("{a: }", "{a: true}", "true"),
        ("{a: }", "{a: [x]}", ".gitlab-ci.yml:1:34 include: the input `a` is text, and this is a list"),
        ("{a: {type: number}}", "{a: 5}", "5"),
        ("{a: {type: number}}", "{a: '5'}", "5"),
        ("{a: {type: number}}", "{a: 0x10}", "16"),
        ("{a: {type: number}}", "{a: 010}", "8"),
        ("{a: {type: number}}", "{a: x}", ".gitlab-ci.yml:1:34 include: the input `a` is a number, and this is text"),
        ("{a: {type: boolean}}", "{a: false}", "false"),
        ("{a: {type: boolean}}", "{a: 'true'}", "true"),
        ("{a: {type: boolean}}", "{a: 1}", ".gitlab-ci.yml:1:34 include: the input `a` is true or false, and this is a number"),
        ("{a: {type: array}}", "{a: [1, x]}", "[1, \"x\"]"),
        ("{a: {type: array}}", "{a: '[1, \"x\"]'}", "[1, \"x\"]"),
        ("{a: {type: array}}", "{a: {b: 1}}", ".gitlab-ci.yml:1:34 include: the input `a` is a list, and this is a mapping"),
        ("{a: {type: map}}", "{a: 1}", "a.yml:2:22 spec.inputs.a.type: `map` is not carried out here"),
    ]);
}

#[test]
fn what_is_not_given_is_the_default() {
    table(&[
        ("{a: {default: d}}", "{}", "d"),
        ("{a: {default: d}}", "{a: null}", "d"),
        ("{a: {default: ''}}", "{}", ""),
        ("{a: {default: null}}", "{}", ""),
        ("{a: }", "{}", ".gitlab-ci.yml:1:18 include: `a.yml` needs a value for its input `a`"),
        ("{a: {default: d}, b: }", "{}", ".gitlab-ci.yml:1:18 include: `a.yml` needs a value for its input `b`"),
        ("{a: {default: d}}", "{c: x}", ".gitlab-ci.yml:1:34 include: `a.yml` takes no input `c`"),
        ("{a: {type: number, default: x}}", "{a: 1}", "a.yml:2:39 spec.inputs.a.default: the input `a` is a number, and this is text"),
    ]);
}

#[test]
fn options_and_a_regex_bound_values_and_defaults() {
    table(&[
        ("{a: {options: [x, y]}}", "{a: y}", "y"),
        ("{a: {options: [x, 1]}}", "{a: 1}", "1"),
        ("{a: {options: [x, y]}}", "{a: z}", ".gitlab-ci.yml:1:34 include: `z` is not among the options of the input `a`"),
        ("{a: {type: number, options: [1, 2]}}", "{a: 3}", ".gitlab-ci.yml:1:34 include: `3` is not among the options of the input `a`"),
        (
            "{a: {type: array, options: [x, y]}}",
            "{a: [x, z]}",
            ".gitlab-ci.yml:1:34 include: `z` is not among the options of the input `a`",
        ),
        ("{a: {options: [x], default: y}}", "{a: x}", "a.yml:2:39 spec.inputs.a.default: `y` is not among the options of the input `a`"),
        ("{a: {type: boolean, options: [true]}}", "{a: true}", "a.yml:2:31 spec.inputs.a.options: a boolean has no options"),
        (r"{a: {regex: '^v\d\.\d+(\.\d+)$'}}", "{a: v1.3.2}", "v1.3.2"),
        (r"{a: {regex: '^v\d'}}", "{a: 1}", ".gitlab-ci.yml:1:34 include: `1` is not what the regex of the input `a` asks for"),
        (
            "{a: {regex: 'x', default: y}}",
            "{a: x}",
            "a.yml:2:37 spec.inputs.a.default: `y` is not what the regex of the input `a` asks for",
        ),
        ("{a: {type: number, regex: 'x'}}", "{a: 1}", "a.yml:2:37 spec.inputs.a.regex: a regex is for inputs of type string"),
        ("{a: {deflaut: x}}", "{a: 1}", "a.yml:2:16 spec.inputs.a.deflaut: `deflaut` is not a key of this place"),
    ]);
    let told = said("{a: {regex: '('}}", "{a: x}");
    assert!(told.starts_with("a.yml:2:23 spec.inputs.a.regex: the regex `(` cannot be read"), "{told}");
}

/// The examples of GitLab's document.
#[test]
fn rules_choose_options_and_defaults() {
    let cloud = "\n    cloud: {options: [aws, gcp], default: aws}\n    spot: {type: boolean, default: false}\n    a:\n      rules:\n      - if: $[[ inputs.cloud ]] == 'aws' && $[[ inputs.spot ]] == true\n        options: [t3.spot]\n        default: t3.spot\n      - if: $[[ inputs.cloud ]] == 'aws'\n        options: [t3.micro, t3.small]\n        default: t3.micro\n      - options: [small, large]\n        default: small\n";
    table(&[
        (cloud, "{}", "t3.micro"),
        (cloud, "{spot: true}", "t3.spot"),
        (cloud, "{cloud: gcp}", "small"),
        (cloud, "{a: t3.small}", "t3.small"),
        (cloud, "{cloud: gcp, a: large}", "large"),
        (cloud, "{cloud: gcp, a: t3.small}", ".gitlab-ci.yml:1:46 include: `t3.small` is not among the options of the input `a`"),
    ]);
    let publish = "\n    go: {type: boolean, default: true}\n    a:\n      rules:\n      - if: $[[ inputs.go ]]\n        default: publish\n      - if: $[[ inputs.go ]] == false\n        default: test\n";
    table(&[(publish, "{}", "publish"), (publish, "{go: false}", "test"), (publish, "{go: false, a: other}", "other")]);
    let chain = "\n    env: {default: prod}\n    region:\n      rules: [{if: \"$[[ inputs.env ]] == 'prod'\", default: us}]\n    a:\n      rules: [{if: \"$[[ inputs.region ]] == 'us'\", default: us-1}]\n";
    table(&[(chain, "{}", "us-1"), (chain, "{env: dev}", "")]);
}

#[test]
fn rules_that_cannot_be_are_told() {
    table(&[
        (
            "{a: {rules: [{if: '$[[ inputs.b ]]', default: x}]}}",
            "{}",
            "a.yml:2:24 spec.inputs.a.rules[0]: the rule asks for the input `b`, which is not declared",
        ),
        (
            "{a: {rules: [{if: '$[[ inputs.a ]]', default: x}]}}",
            "{}",
            "a.yml:2:24 spec.inputs.a.rules[0]: the rules of the inputs `a` and `a` ask for each other in a circle",
        ),
        ("{a: {rules: [{default: x}]}}", "{}", "a.yml:2:24 spec.inputs.a.rules[0]: a rule without `if` needs `options`"),
        (
            "{a: {rules: [{if: 'x =='}]}}",
            "{a: 1}",
            "a.yml:2:24 spec.inputs.a.rules[0]: a rule needs `options` or a `default`\na.yml:2:29 spec.inputs.a.rules[0].if: the condition cannot be read: `x` must be a $variable or in quotes",
        ),
        ("{a: {default: x, rules: [{options: [x]}]}}", "{}", "a.yml:2:16 spec.inputs.a.default: `default` stands beside `rules`"),
    ]);
}

#[test]
fn a_list_can_be_rules_or_needs_and_a_number_can_be_parallel() {
    let file = "spec:\n  inputs:\n    rules: {type: array, default: [{if: $CI_COMMIT_TAG, when: never}, {when: manual}]}\n    n: {type: number, default: 2}\n    fail: {type: boolean, default: true}\n    needs: {type: array, default: [one]}\n---\none: {script: a}\ntest:\n  rules: $[[ inputs.rules ]]\n  parallel: $[[ inputs.n ]]\n  allow_failure: $[[ inputs.fail ]]\n  needs: $[[ inputs.needs ]]\n  script: t\n";
    check("include: {local: a.yml}", &[(local("a.yml"), file)], "one: a\ntest 1/2: t\ntest 2/2: t");
    let own = format!("{file}\nother: {{needs: [test], script: o}}\n");
    check(&own, &[], "one: a\ntest 1/2: t\ntest 2/2: t\nother: o");
}

#[test]
fn every_include_has_inputs_of_its_own() {
    let file =
        "spec: {inputs: {name: , more: {default: $MORE}}}\n---\n$[[ inputs.name ]]: {script: 'echo $[[ inputs.more | expand_vars ]]'}\n";
    let text = "include:\n- {local: a.yml, inputs: {name: one}}\n- {local: a.yml, inputs: {name: two, more: $CI_PROJECT_NAME}}\n";
    check(text, &[(local("a.yml"), file)], "one: echo $MORE\ntwo: echo oran");
}

#[test]
fn a_header_is_a_document_of_its_own() {
    check(
        "spec: {inputs: {a: {default: x}}}\njob: {script: '$[[ inputs.a ]]'}",
        &[],
        ".gitlab-ci.yml:1:1 spec: `spec` is the header of a file, and no `---` ends it",
    );
    check("a: {script: x}\n---\nb: {script: y}", &[], ".gitlab-ci.yml:3:1 : the file holds a second document, and the first is no header");
    check("spec:\n---\na: {script: x}\n---\nb: {script: x}", &[], ".gitlab-ci.yml:4:1 : the file holds a third document");
    check("---\nspec:\n  inputs:\n---\na: {script: x}\n", &[], "a: x");
    check("spec:\n  input:\n---\na: {script: x}\n", &[], ".gitlab-ci.yml:2:3 spec.input: `input` is not a key of this place");
    check("a: {script: '$[[ inputs.x ]]'}", &[], "a: $[[ inputs.x ]]");
    check(
        "include: {local: a.yml, inputs: {x: 1}}",
        &[(local("a.yml"), "a: {script: x}")],
        ".gitlab-ci.yml:1:34 include: `a.yml` has no header that declares the input `x`",
    );
    check(
        "spec: {inputs: {x: {default: 1}}}\n---\na: {script: '$[[ inputs.y ]]'}",
        &[],
        ".gitlab-ci.yml:3:13 a.script: `y` in `inputs.y` is not known; the header declares x",
    );
}

#[test]
fn inputs_can_be_declared_in_files_of_their_own() {
    let shared = "inputs:\n  env: {options: [staging, production], default: staging}\n";
    let text = "spec:\n  include: [{local: /shared.yml}, {project: g/c, file: more.yml}]\n  inputs: {own: {default: o}}\n---\na: {script: 'echo $[[ inputs.env ]] $[[ inputs.region ]] $[[ inputs.own ]]'}\n";
    let more = "inputs: {region: {default: us}}";
    check(text, &[(local("shared.yml"), shared), (project("g/c", None, "more.yml"), more)], "a: echo staging us o");
    check(
        text,
        &[(local("shared.yml"), shared), (project("g/c", None, "more.yml"), "inputs: {own: }\nb: {script: x}")],
        ".gitlab-ci.yml:5:37 a.script: `region` in `inputs.region` is not known; the header declares env, own\ng/c:more.yml:1:10 inputs: the input `own` is declared twice; the first time is on line 3\ng/c:more.yml:2:1 b: `b` is not a key of this place",
    );
}
