//! Expressions, one line each.

use super::expression::{Contexts, Expression, StatusFunctions};
use super::template::fill;
use super::value::Value;

fn contexts() -> Contexts {
    let json = serde_json::json!({
        "ref": "refs/heads/main", "number": 5, "empty": "", "list": ["a", "B", 3], "deep": {"x": {"y": "z"}},
        "event": {"labels": [{"name": "bug", "n": 1}, {"name": "Docs"}, {"other": true}], "map": {"k1": {"v": 1}, "k2": {"v": 2}}},
    });
    let mut contexts = Contexts { status: StatusFunctions { success: true, failure: false, cancelled: false }, ..Contexts::default() };
    contexts.values.insert("github", Value::from(&json));
    contexts
}

/// The value as JSON, or what is wrong.
#[track_caller]
fn check(expression: &str, expected: &str) {
    let seen = match Expression::read(expression) {
        Err(invalid) => format!("{}: {}", invalid.offset, invalid.message),
        Ok(read) => match read.evaluate(&contexts()) {
            Err(why) => format!("error: {why}"),
            Ok(value) => match value {
                Value::Number(number) if number.is_nan() => "NaN".into(),
                value => value.to_json().to_string(),
            },
        },
    };
    assert_eq!(seen, expected, "{expression}");
}

#[test]
fn literals_are_read() {
    for (expression, expected) in [
        ("null", "null"),
        ("true", "true"),
        ("711", "711"),
        ("-9.2", "-9.2"),
        ("0xff", "255"),
        ("-2.99e-2", "-0.0299"),
        ("'it''s'", "\"it's\""),
        ("''", "\"\""),
        ("NaN", "NaN"),
        ("+1", "1"),
        (".5", "0.5"),
        ("0o10", "8"),
    ] {
        check(expression, expected);
    }
}

#[test]
fn values_are_compared_by_githubs_coercions() {
    for (expression, expected) in [
        ("1 == '1'", true),
        ("'1' == 1", true),
        ("null == 0", true),
        ("null == ''", true),
        ("'' == 0", true),
        ("true == 1", true),
        ("true == 'true'", false),
        ("false == 0", true),
        ("'abc' == 'ABC'", true),
        ("'abc' != 'ABC'", false),
        ("'a' == 1", false),
        ("NaN == NaN", false),
        ("null == null", true),
        ("github.list == 'Array'", false),
        ("github.list == github.list", true),
        ("github.deep == github.list", false),
        ("1 < 2", true),
        ("2 <= 2", true),
        ("'b' > 'A'", true),
        ("'10' > 9", true),
        ("'x' < 1", false),
        ("'x' > 1", false),
        ("null >= 0", true),
        ("true > false", true),
        ("github.list > 0", false),
        ("'0x10' == 16", true),
        ("' 1 ' == 1", true),
    ] {
        check(expression, &expected.to_string());
    }
}

#[test]
fn and_and_or_give_one_of_their_values() {
    for (expression, expected) in [
        ("'a' && 'b'", "\"b\""),
        ("'' && 'b'", "\"\""),
        ("'' || 'b'", "\"b\""),
        ("0 || null", "null"),
        ("!'a'", "false"),
        ("!0", "true"),
        ("!!'x'", "true"),
        ("!NaN", "true"),
        ("github.nope || 'default'", "\"default\""),
        ("true && 1 || 2", "1"),
        ("false || true && false", "false"),
        ("(false || true) && 'x'", "\"x\""),
        ("!true || true", "true"),
        ("1 == 1 && 2 > 1", "true"),
        ("1 < 2 == true", "true"),
        ("github.deep && 1", "1"),
    ] {
        check(expression, expected);
    }
}

#[test]
fn contexts_are_walked_whatever_the_case() {
    for (expression, expected) in [
        ("github.ref", "\"refs/heads/main\""),
        ("GitHub.REF", "\"refs/heads/main\""),
        ("github['ref']", "\"refs/heads/main\""),
        ("github.deep.x.y", "\"z\""),
        ("github.deep['x'].y", "\"z\""),
        ("github.list[0]", "\"a\""),
        ("github.list[9]", "null"),
        ("github.list['a']", "null"),
        ("github.list[1 > 0]", "\"B\""),
        ("github.nope.nope.nope", "null"),
        ("github.ref.x", "null"),
        ("github.event.labels.*.name", "[\"bug\",\"Docs\"]"),
        ("github.event.labels[*].n", "[1]"),
        ("github.event.map.*.v", "[1,2]"),
        ("github.ref.*", "[]"),
        ("github.event.*.*.name", "[\"bug\",\"Docs\"]"),
        ("github.event.labels[0].name", "\"bug\""),
        ("github.list[-1]", "null"),
        ("github['de' == 'x' || 'deep'].x.y", "\"z\""),
    ] {
        check(expression, expected);
    }
}

#[test]
fn functions_do_what_is_documented() {
    for (expression, expected) in [
        ("contains('Hello world', 'LLO')", "true"),
        ("contains(github.list, 'b')", "true"),
        ("contains(github.list, '3')", "true"),
        ("contains(github.list, 'x')", "false"),
        ("contains(github.event.labels.*.name, 'bug')", "true"),
        ("contains('a', '')", "true"),
        ("contains(123, 2)", "true"),
        ("startsWith('Hello', 'he')", "true"),
        ("endsWith('Hello', 'LO')", "true"),
        ("format('Hello {0} {1} {0}', 'a', 1)", "\"Hello a 1 a\""),
        ("format('{{x}} {0}', true)", "\"{x} true\""),
        ("join(github.list, '-')", "\"a-B-3\""),
        ("join(github.list)", "\"a,B,3\""),
        ("join('x', '-')", "\"x\""),
        ("toJSON('a\"b')", "\"\\\"a\\\\\\\"b\\\"\""),
        ("toJSON(github.deep)", "\"{\\n  \\\"x\\\": {\\n    \\\"y\\\": \\\"z\\\"\\n  }\\n}\""),
        ("fromJSON('{\"a\": [1, 2]}').a[1]", "2"),
        ("fromJSON('true') && 'y'", "\"y\""),
        ("FROMjson('1')", "1"),
        ("success()", "true"),
        ("failure()", "false"),
        ("always()", "true"),
        ("cancelled()", "false"),
        ("!cancelled()", "true"),
    ] {
        check(expression, expected);
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (expression, expected) in [
        ("", "0: a value is missing at the end"),
        ("github.", "7: a name must follow the dot"),
        ("github.ref ==", "13: a value is missing at the end"),
        ("(1", "0: what is opened here is not closed with `)`"),
        ("github['a'", "6: what is opened here is not closed with `]`"),
        ("1 2", "2: `2` is not expected here"),
        ("'a", "0: the text is not closed with '"),
        ("\"a\"", "0: text is written in single quotes"),
        ("1 = 1", "2: `=` is no operator; use `==`"),
        ("a & b", "2: `&` is no operator; use `&&`"),
        ("1x", "0: `1x` is no number"),
        ("nope()", "0: there is no function `nope`"),
        ("join()", "0: `join` takes 1 to 2 arguments"),
        ("success(1)", "0: `success` takes no argument"),
        ("format()", "0: `format` takes 1 or more arguments"),
        ("fromJSON('{')", "error: fromJSON: `{` is not JSON: EOF while parsing an object at line 1 column 1"),
        ("format('{1}', 1)", "error: format: there is no argument {1}"),
        ("format('{x}', 1)", "error: format: `{x}` has a brace that is neither doubled nor around a number"),
        ("== 1", "0: a value is missing before `==`"),
        ("a ? b : c", "2: `?` means nothing in an expression"),
    ] {
        check(expression, expected);
    }
    check(&"(".repeat(60), "51: the expression nests deeper than 50");
}

#[test]
fn growth_is_bounded() {
    let mut expression = "'xxxxxxxxxxxxxxxx'".to_owned();
    for _ in 0..20 {
        expression = format!("format('{{0}}{{0}}', {expression})");
    }
    check(&expression, "error: the text becomes longer than 1024 KiB");
}

#[test]
fn texts_are_filled_in() {
    for (text, expected) in [
        ("plain", "plain"),
        ("${{ github.number }}", "5"),
        ("a ${{ 1 }} b ${{ 'x}}y' }} c", "a 1 b x}}y c"),
        ("${{ null }}", ""),
        ("${{ github.list }}", "Array"),
        ("$ { {", "$ { {"),
        ("é${{ 1.50 }}é", "é1.5é"),
    ] {
        assert_eq!(fill(text, &contexts()).unwrap(), expected);
    }
    assert!(fill("${{ 1", &contexts()).is_err());
}
