//! Conditions, one line each.

use std::collections::BTreeMap;

use super::*;
use crate::expand::Expanded;

/// `BRANCH=main`, `EMPTY=""`, `BLANK=" "`, `PATTERN=/^ma/`, `NOPATTERN=abc`; nothing else is known.
fn variables() -> BTreeMap<String, Expanded> {
    [
        ("BRANCH", "main"),
        ("EMPTY", ""),
        ("BLANK", " "),
        ("PATTERN", "/^ma/"),
        ("PATTERN_I", "/^MA/i"),
        ("NOPATTERN", "abc"),
        ("BROKEN", "/(/"),
        ("PATH_", "a/b"),
        ("ESCAPED", "/a\\/b/"),
        ("NESTED", "$BRANCH"),
        ("LINES", "x\n/^ma/\ny"),
    ]
    .map(|(name, text)| (name.to_owned(), Expanded::plain(text)))
    .into()
}

#[track_caller]
fn check(condition: &str, expected: &str) {
    let variables = variables();
    let seen = match Condition::read(condition) {
        Ok(read) => match read.holds(&variables) {
            Ok(holds) => holds.to_string(),
            Err(why) => format!("error: {why}"),
        },
        Err(why) => format!("{}: {}", why.offset, why.message),
    };
    assert_eq!(seen, expected, "{condition}");
}

/// What it comes to, before it is asked whether it holds.
#[track_caller]
fn check_value(condition: &str, expected: &str) {
    let (variables, read) = (variables(), Condition::read(condition).unwrap());
    let seen = match read.value(&|name| variables.get(name).map(|value| &*value.text)).unwrap() {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Pattern(pattern) => pattern.written.clone(),
    };
    assert_eq!(seen, expected, "{condition}");
}

#[test]
fn values_compare_as_gitlab_compares_them() {
    for (condition, holds) in [
        ("$BRANCH == \"main\"", true),
        ("$BRANCH == 'main'", true),
        ("$BRANCH != \"main\"", false),
        ("\"main\" == $BRANCH", true),
        ("$BRANCH", true),
        ("$EMPTY", false),
        ("$BLANK", false),
        ("$NOPE", false),
        ("$NOPE == null", true),
        ("null == $NOPE", true),
        ("$EMPTY == null", false),
        ("$EMPTY != null", true),
        ("$EMPTY == \"\"", true),
        ("$NOPE == \"\"", false),
        ("$NOPE != null", false),
        ("$BRANCH == $BRANCH", true),
        ("null == null", true),
        ("\"x\"", true),
        ("\"\"", false),
        ("$NOPE == $ALSO_NOPE", true),
        ("$NESTED == $BRANCH", false),
        ("$NESTED == '$BRANCH'", true),
        ("true", true),
        ("false", false),
        ("\"true\" == true", false),
        ("true == true", true),
        ("$BRANCH == /main/", false),
        ("/main/", true),
        ("$BRANCH == \"main\" == true", true),
        ("\"it's\" == 'it\"s'", false),
    ] {
        check(condition, &holds.to_string());
    }
}

#[test]
fn regexes_match_as_gitlab_matches_them() {
    for (condition, holds) in [
        ("$BRANCH =~ /^ma/", true),
        ("$BRANCH =~ /^MA/i", true),
        ("$BRANCH =~ /^MA/", false),
        ("$BRANCH !~ /^feature/", true),
        ("$NOPE =~ /xy/", false),
        ("$NOPE !~ /xy/", true),
        ("$NOPE =~ /.*/", true),
        ("$PATH_ =~ /a\\/b/", true),
        ("$BRANCH =~ /^(main|dev)$/", true),
        ("$BRANCH=~/ai/||$BRANCH=~/xy/", true),
        ("$PATH_ =~ /a//", true),
        ("$PATH_ =~ /b\\//", false),
        ("$BRANCH =~ /MAIN/ims", true),
    ] {
        check(condition, &holds.to_string());
    }
}

#[test]
fn a_text_on_the_right_is_a_regex_if_it_is_written_as_one() {
    for (condition, holds) in [
        ("$BRANCH =~ $PATTERN", true),
        ("$BRANCH !~ $PATTERN", false),
        ("$BRANCH =~ $PATTERN_I", true),
        ("$PATH_ =~ $ESCAPED", true),
        ("$BRANCH =~ \"/ain/\"", true),
        ("$BRANCH =~ $LINES", true),
        ("$BRANCH =~ $NOPE", false),
        ("$BRANCH !~ $NOPE", true),
        // otherwise the left side is looked for in it
        ("$BRANCH =~ 'on main here'", true),
        ("$BRANCH =~ 'mai'", false),
        ("$BRANCH =~ $NOPATTERN", false),
        ("$BRANCH !~ $NOPATTERN", true),
        ("$NOPE =~ $NOPATTERN", true),
        ("'(' =~ $BROKEN", true),
        ("$BRANCH =~ ($BRANCH == 'x')", false),
    ] {
        check(condition, &holds.to_string());
    }
}

#[test]
fn and_and_or_give_one_of_their_sides() {
    for (condition, value) in [
        ("$BRANCH && 'text'", "\"text\""),
        ("$BRANCH && $EMPTY", "\"\""),
        ("$EMPTY && $BRANCH", "\"main\""),
        ("$EMPTY && 'text'", "\"text\""),
        ("$NOPE && $BRANCH", "null"),
        ("'text' && null", "null"),
        ("$BRANCH || $NOPE", "\"main\""),
        ("$NOPE || $BRANCH", "\"main\""),
        // an empty text is true enough
        ("$EMPTY || $BRANCH", "\"\""),
        ("$NOPE || null", "null"),
        ("$EMPTY == '' && $BRANCH", "\"main\""),
        ("$NOPE == null || $BRANCH", "true"),
        ("$BRANCH && null || $EMPTY == ''", "true"),
        ("('a' || 'b') == 'a'", "true"),
        ("('a' == ('b' && 'a'))", "true"),
        ("/ab/", "/ab/"),
    ] {
        check_value(condition, value);
    }
    check("$EMPTY || $BRANCH", "false");
    check("$EMPTY && $BRANCH", "true");
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_tighter_still() {
    check("$BRANCH || $NOPE && $NOPE", "true");
    check("($BRANCH || $NOPE) && $NOPE", "false");
    check("$NOPE && $NOPE || $BRANCH", "true");
    check("$BRANCH == \"main\" && ($NOPE == null || $EMPTY)", "true");
    check("$BRANCH=='main'&&$BRANCH!='x'", "true");
    check("((($BRANCH)))", "true");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    check("$BRANCH = \"main\"", "8: `=` is not an operator; known: == != =~ !~ && || ( )");
    check("$BRANCH == main", "11: `main` must be a $variable or in quotes");
    check("!$BRANCH", "0: `!` is not an operator; known: == != =~ !~ && || ( )");
    check("$BRANCH ==", "10: a value is missing at the end");
    check("($BRANCH", "0: this `(` is not closed");
    check("$BRANCH)", "7: `)` is not expected here");
    check("${BRANCH}", "0: a variable's name must follow `$`, without braces");
    check("$BRANCH == \"main", "11: the text is not closed with \" on its line");
    check("$BRANCH == 'ma\nin'", "11: the text is not closed with ' on its line");
    check("$BRANCH =~ /ab", "11: the regex is not closed with /");
    check("$BRANCH =~ /ab\\/", "11: the regex is not closed with /");
    check("$BRANCH =~ /a/", "11: GitLab knows no regex of less than two characters; write `/(a)/`, or use `==`");
    check("$BRANCH =~ //", "11: GitLab knows no regex of less than two characters; write `/(a)/`, or use `==`");
    check("$BRANCH =~ /(a/", "11: the regex /(a/ cannot be read: unclosed group");
    check("$BRANCH =~ /ab/x", "15: `x` is not a flag of a regex; known: i, m, s, U");
    check("$BRANCH =~ true", "error: what stands on the right of `=~` is neither a regex nor text");
    check("/ab/ == $BRANCH", "error: a regex is compared with something that is none; use `=~`");
    check("/ab/ =~ /ab/", "error: a regex stands on the left of `=~`");
    check("", "0: a value is missing at the end");
    check("&& $BRANCH", "0: a value is missing before `&&`");
    check("$A $B", "3: $B is not expected here");
    check("$A\u{a0}", "2: `\\u{a0}` is not an operator; known: == != =~ !~ && || ( )");
}

#[test]
fn a_condition_has_99_words_at_most() {
    check(&format!("{}$BRANCH{}", "(".repeat(49), ")".repeat(49)), "true");
    check(&format!("{}$BRANCH{}", "(".repeat(50), ")".repeat(50)), "105: the condition has more than 99 words");
}
