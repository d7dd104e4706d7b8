//! Conditions, one line each.

use super::*;

/// `BRANCH=main`, `EMPTY=""`, `BLANK=" "`, `PATTERN=/^ma/`, `NOPATTERN=abc`; nothing else is known.
#[track_caller]
fn check(condition: &str, expected: &str) {
    let variables = [("BRANCH", "main"), ("EMPTY", ""), ("BLANK", " "), ("PATTERN", "/^ma/"), ("NOPATTERN", "abc"), ("PATH_", "a/b")]
        .map(|(name, text)| (name.to_owned(), Expanded { text: text.to_owned(), secret: false }));
    let seen = match Condition::read(condition) {
        Ok(read) => match read.holds(&variables.into()) {
            Ok(holds) => holds.to_string(),
            Err(why) => format!("error: {why}"),
        },
        Err(why) => format!("{}: {}", why.offset, why.message),
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
        ("$EMPTY == null", false),
        ("$EMPTY == \"\"", true),
        ("$NOPE == \"\"", false),
        ("$NOPE != null", false),
        ("$BRANCH == $BRANCH", true),
        ("null == null", true),
        ("\"x\"", true),
        ("\"\"", false),
        ("$NOPE == $ALSO_NOPE", true),
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
        ("$NOPE =~ /x/", false),
        ("$NOPE !~ /x/", true),
        ("$BRANCH =~ $PATTERN", true),
        ("$BRANCH =~ $NOPE", false),
        ("$BRANCH !~ $NOPE", true),
        ("$PATH_ =~ /a\\/b/", true),
        ("$BRANCH =~ /^(main|dev)$/", true),
        ("$BRANCH =~ \"/ain/\"", true),
    ] {
        check(condition, &holds.to_string());
    }
}

#[test]
fn and_binds_tighter_than_or_and_parentheses_tighter_still() {
    check("$BRANCH || $NOPE && $NOPE", "true");
    check("($BRANCH || $NOPE) && $NOPE", "false");
    check("$NOPE && $NOPE || $BRANCH", "true");
    check("$BRANCH == \"main\" && ($NOPE == null || $EMPTY)", "true");
    check("$BRANCH=='main'&&$BRANCH!='x'", "true");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    check("$BRANCH = \"main\"", "8: `=` is not an operator; known: == != =~ !~ && || ( )");
    check("$BRANCH == main", "11: `main` must be a $variable or in quotes");
    check("$BRANCH ==", "10: a value is missing at the end");
    check("($BRANCH", "0: this `(` is not closed");
    check("$BRANCH)", "7: `)` is not expected here");
    check("${BRANCH}", "0: a variable's name must follow `$`, without braces");
    check("$BRANCH == \"main", "11: the text is not closed with \"");
    check("$BRANCH =~ /a", "11: the regex is not closed with /");
    check("$BRANCH =~ /(/", "11: the regex /(/ cannot be read: unclosed group");
    check("$BRANCH =~ /a/x", "14: `x` is not a flag of a regex; known: i, m, s, U");
    check("$BRANCH =~ $NOPATTERN", "error: the right side is `abc`, which is no /regex/");
    check("", "0: a value is missing at the end");
    check("&& $BRANCH", "0: a value is missing before `&&`");
    check("$A $B", "3: $B is not expected here");
    check(&"(".repeat(100), "40: parentheses nest deeper than 40");
}
