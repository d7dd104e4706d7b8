//! Expansion, one line each.

use super::*;

fn scope(values: &[(&str, &str)]) -> Scope<'static> {
    let mut scope = Scope::default();
    for (name, value) in values {
        scope.set(*name, Raw::Template((*value).to_owned()));
    }
    scope
}

#[track_caller]
fn check(values: &[(&str, &str)], name: &str, expected: &str) {
    let seen = match scope(values).expand() {
        Ok(known) => known.value(name).unwrap().text.clone(),
        Err(why) => format!("error: {}", why.explain().1),
    };
    assert_eq!(seen, expected);
}

#[test]
fn names_are_expanded_in_any_order() {
    check(&[("A", "$B/x"), ("B", "${C}y"), ("C", "z")], "A", "zy/x");
}

#[test]
fn a_doubled_dollar_is_a_dollar_and_a_lone_one_stays() {
    check(&[("A", "$$B $ $1 $(x) ${B:-y} 5$")], "A", "$B $ $1 $(x) ${B:-y} 5$");
}

#[test]
fn an_unknown_name_is_nothing() {
    check(&[("A", "[$NOPE]")], "A", "[]");
}

#[test]
fn an_unknown_name_stays_in_a_pattern() {
    let values = BTreeMap::from([("A".to_owned(), Expanded { text: "a".into(), secret: false })]);
    for (text, expected) in [("$A/${A}$", "a/a$"), ("r/$nope.tsx", "r/$nope.tsx"), ("${nope}$A", "${nope}a"), ("$1 ${A", "$1 ${A")] {
        assert_eq!(expand_known(text, &values), Expanded::plain(expected));
    }
}

#[test]
fn a_value_that_names_itself_means_the_value_it_covers() {
    check(&[("A", "low"), ("A", "$A-high")], "A", "low-high");
}

#[test]
fn a_circle_is_named_in_full() {
    check(&[("A", "$B"), ("B", "$A")], "A", "error: variables refer to each other in a circle: A -> B -> A");
}

#[test]
fn growth_is_bounded() {
    let names: Vec<String> = (0..30).map(|n| format!("V{n}")).collect();
    let values: Vec<String> = (0..30).map(|n| if n == 29 { "x".repeat(64) } else { format!("$V{0}$V{0}", n + 1) }).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    assert!(matches!(scope(&pairs).expand(), Err(Unexpandable::Long(_))));
}

#[test]
fn what_holds_a_secret_is_one() {
    let mut scope = scope(&[("URL", "https://$TOKEN@host"), ("OTHER", "x")]);
    scope.set("TOKEN", Raw::Hidden(Secret::new("hunter2")));
    let known = scope.expand().unwrap();
    assert!(known.value("URL").unwrap().secret && !known.value("OTHER").unwrap().secret);
}
