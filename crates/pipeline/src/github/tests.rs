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
                value => serde_json::to_string(&value).unwrap(),
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
        ("1.", "1"),
        ("1E+2", "100"),
        ("-Infinity", "\"-Infinity\""),
        ("+Infinity", "\"Infinity\""),
        ("''''", "\"'\""),
        ("'a''''b'", "\"a''b\""),
        ("'😀'", "\"😀\""),
        ("\t1\r\n", "1"),
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
        ("'ς' == 'Σ'", true),
        ("'ß' == 'SS'", false),
        ("'ı' == 'I'", false),
        ("github.list >= github.list", true),
        ("github.list > github.list", false),
        ("null >= null", true),
        ("null > null", false),
        ("NaN >= NaN", false),
        ("'B' > 'a'", true),
        ("'a' <= 'A'", true),
        ("1 < 2 < 3", true),
        ("fromJSON('[]') == fromJSON('[]')", false),
        ("fromJSON('{}') == ''", false),
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
        ("github.list['1']", "\"B\""),
        ("github.list[null]", "\"a\""),
        ("github.list[1.9]", "\"B\""),
        ("github.list[NaN]", "null"),
        ("github[5]", "null"),
        ("github.deep[github.list]", "null"),
        ("fromJSON('{\"\": 1}')[null]", "1"),
        ("fromJSON('{\"1\": \"x\"}')[1]", "\"x\""),
        ("fromJSON('{\"null\": 1, \"true\": 2}').null", "1"),
        ("(github.event).map.k1.v", "1"),
        ("github . deep . x", "{\"y\":\"z\"}"),
    ] {
        check(expression, expected);
    }
}

#[test]
fn a_star_is_of_each_and_goes_on_so() {
    for (expression, expected) in [
        ("github.list.*", "[\"a\",\"B\",3]"),
        ("github.nope.*", "[]"),
        ("github.event.labels.*.nope", "[]"),
        ("github.event.map.*", "[{\"v\":1},{\"v\":2}]"),
        // what is there and is nothing counts
        ("fromJSON('[{\"a\": null}, {\"a\": 1}, {}]').*.a", "[null,1]"),
        ("fromJSON('[[1, 2], [3], 4]').*[0]", "[1,3]"),
        ("fromJSON('[[1, 2], [3], 4]').*.*", "[1,2,3]"),
        ("fromJSON('[[1, 2], [3], 4]')[*][*]", "[1,2,3]"),
        // through parentheses and operators it is still the list of a star
        ("(github.event.labels.*).name", "[\"bug\",\"Docs\"]"),
        ("(github.nope || github.event.labels.*).name", "[\"bug\",\"Docs\"]"),
        ("case(true, github.event.labels.*, 1).name", "[\"bug\",\"Docs\"]"),
        // without one a list has no properties
        ("github.event.labels.name", "null"),
        ("fromJSON(toJSON(github.event.labels.*)).name", "null"),
    ] {
        check(expression, expected);
    }
}

#[test]
fn arguments_are_evaluated_only_when_they_are_needed() {
    for (expression, expected) in [
        ("true || fromJSON('')", "true"),
        ("false && fromJSON('')", "false"),
        ("case(true, 'a', fromJSON(''), 'b', 'c')", "\"a\""),
        ("format('{0}', 'a', fromJSON(''))", "\"a\""),
        ("join('a', fromJSON(''))", "\"a\""),
        ("contains(github.deep, fromJSON(''))", "false"),
        ("startsWith(github.list, fromJSON(''))", "false"),
        ("github.nope[fromJSON('')]", "null"),
    ] {
        check(expression, expected);
    }
    check("false || fromJSON('{')", "error: fromJSON: `{` is not JSON: EOF while parsing an object at line 1 column 1");
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
        ("contains(github.deep, 'x')", "false"),
        ("contains('a', github.list)", "false"),
        ("contains('12', 2)", "true"),
        ("contains(null, '')", "true"),
        ("endsWith('asdf_ı', 'I')", "false"),
        ("startsWith(123, 12)", "true"),
        ("format('{0}{1}', null, github.list)", "\"Array\""),
        ("format('}}{{{0}', 1.50)", "\"}{1.5\""),
        ("format('{00}', 'a')", "\"a\""),
        ("format('{0:}', 'a')", "\"a\""),
        ("join(github.deep)", "\"\""),
        ("join(github.list, github.list)", "\"a,B,3\""),
        ("join(fromJSON('[]'), '-')", "\"\""),
        ("case(false, 1, 2 > 1, 2, 3)", "2"),
        ("case(false, 1, false, 2, 3)", "3"),
        ("toJSON(0.1)", "\"0.1\""),
        ("toJSON(1e21)", "\"1E+21\""),
        ("toJSON(fromJSON('{\"b\": [], \"a\": {}, \"c\": [1]}'))", r#""{\n  \"b\": [],\n  \"a\": {},\n  \"c\": [\n    1\n  ]\n}""#),
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
        ("always(1)", "0: `always` takes no argument"),
        ("format()", "0: `format` takes 1 to 255 arguments"),
        ("fromJSON('{')", "error: fromJSON: `{` is not JSON: EOF while parsing an object at line 1 column 1"),
        ("format('{1}', 1)", "error: format: `{1}` asks for argument {1}, which is not there"),
        ("format('{x}', 1)", "error: format: `{x}` has a brace that is neither doubled nor around a number"),
        ("== 1", "0: a value is missing before `==`"),
        ("a ? b : c", "2: `?` means nothing in an expression"),
        ("github.a@b", "7: `a@b` means nothing in an expression"),
        ("github.1", "7: a name must follow the dot"),
        ("'a'.b", "3: `.b` is no number"),
        ("1-2", "0: `1-2` is no number"),
        ("github*", "0: `github*` means nothing in an expression"),
        ("join(1, 2, )", "11: a value is missing before `)`"),
        ("join(1 2)", "7: `2` is not expected here; `)` is missing"),
        ("(1, 2)", "2: `,` is not expected here; `)` is missing"),
        ("'é' é", "4: `é` means nothing in an expression"),
        ("case(true, 1)", "0: `case` takes 3 to 255 arguments"),
        ("case(true, 1, 2, 3)", "0: `case` takes pairs of a condition and a value, and one value more for when none holds"),
        ("case(1, 2, 3)", "error: case: a condition must be true or false, not Number"),
        ("hashFiles('x')", "error: hashFiles: there are no files here"),
        ("fromJSON('')", "error: fromJSON: `` is not JSON: EOF while parsing a value at line 1 column 0"),
        ("format('{0')", "error: format: `{0` has a brace that is neither doubled nor around a number"),
        ("format('{256}', 1)", "error: format: `{256}` has a brace that is neither doubled nor around a number"),
        ("format('{0:x}', 1)", "error: format: `x` after the number of an argument means nothing"),
        ("success('nope')", "error: the job does not need `nope`"),
    ] {
        check(expression, expected);
    }
    check(&"(".repeat(60), "51: the expression nests deeper than 50");
}

#[test]
fn an_expression_nests_fifty_levels_deep() {
    let too_deep = |at: usize| format!("{at}: the expression nests deeper than 50");
    check(&format!("{}true", "!".repeat(49)), "false");
    check(&format!("{}true", "!".repeat(50)), &too_deep(54));
    check(&format!("github{}", ".x".repeat(49)), "null");
    check(&format!("github{}", ".x".repeat(50)), &too_deep(106));
    check(&format!("github{}", "[0]".repeat(50)), &too_deep(156));
    check(&format!("1{}", " == 1".repeat(50)), &too_deep(251));
    check(&vec!["1"; 500].join(" && "), "1");
}

#[test]
fn an_expression_has_21_000_characters_at_most() {
    check(&format!("'{}'", "é".repeat(20_998)), &format!("\"{}\"", "é".repeat(20_998)));
    check(&format!("'{}'", "x".repeat(20_999)), "0: the expression is longer than 21000 characters");
}

#[test]
fn growth_is_bounded() {
    let mut expression = "'xxxxxxxxxxxxxxxx'".to_owned();
    for _ in 0..20 {
        expression = format!("format('{{0}}{{0}}', {expression})");
    }
    check(&expression, "error: the values become larger than 1024 KiB");
    // two values at a time, each of them small enough
    let half = format!("format('{}', toJSON('{}'))", "{0}".repeat(40), "x".repeat(9000));
    check(&format!("{half} == ''"), "false");
    check(&format!("{half} == {half}"), "error: the values become larger than 1024 KiB");
    // what came before is let go
    let small = format!("format('{}', toJSON('{}'))", "{0}".repeat(60), "x".repeat(6000));
    check(&format!("{small} == '' || {small} == '' || {small} == ''"), "false");
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
