//! Searches beside those of the `regex` crate, whose patterns are the same and whose answers are known to be Go's.

use ::regex::Regex;
use proptest::prelude::*;

use super::{NotCompiled, Subject, program::Cache, syntax};
use crate::budget::{Budget, Exhausted, Limits};

fn part() -> impl Strategy<Value = String> {
    let atoms = [
        "a",
        "b",
        "é",
        ".",
        "(?s:.)",
        r"\w",
        r"\W",
        r"\b",
        r"\B",
        "^",
        "$",
        "(?m:^)",
        "(?m:$)",
        "[^a]",
        "[a-é]",
        r"\pL",
        "(?i:k)",
        "",
        "ab",
        "日",
        r"\d",
        "[[:space:]]",
    ];
    let leaf = proptest::sample::select(atoms.map(str::to_owned).to_vec());
    leaf.prop_recursive(4, 24, 3, |inner| {
        let repeat = proptest::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}?", ""]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner.clone(), repeat.clone()).prop_map(|(part, repeat)| format!("(?:{part}){repeat}")),
            (inner, repeat).prop_map(|(part, repeat)| format!("({part}){repeat}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn a_search_finds_what_the_regex_crate_finds(expression in part(), text in "[abkKé日_ 1\n\u{301}]{0,12}") {
        let mut budget = Budget::new(Limits::default());
        let pattern = Regex::new(&syntax::parse(expression.as_bytes()).unwrap().pattern).unwrap();
        let mut cache = Cache::default();
        let searcher = cache.compile(&expression.as_str().into(), &mut budget).ok().unwrap();
        let subject = Subject::new(text.as_str().into(), &mut budget).unwrap();
        prop_assert_eq!(searcher.is_match(&subject, &mut budget), Ok(pattern.is_match(&text)));
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let found = pattern.find_at(&text, at).map(|found| (found.start(), found.end()));
            prop_assert_eq!(searcher.find(&subject, at, &mut budget), Ok(found));
            let groups = pattern.captures_at(&text, at).map(|groups| {
                groups.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect::<Vec<_>>()
            });
            prop_assert_eq!(searcher.groups(&subject, at, &mut budget), Ok(groups));
        }
    }
}

/// What is left of so many steps when a search has ended or was ended.
fn search(expression: &str, text: &str, limits: Limits) -> Result<bool, Exhausted> {
    let (mut budget, mut cache) = (Budget::new(limits), Cache::default());
    match cache.compile(&expression.into(), &mut budget) {
        Ok(searcher) => super::is_in(searcher, text, &mut budget),
        Err(NotCompiled::Limit(limit)) => Err(limit),
        Err(NotCompiled::Wrong(error)) => panic!("{}", String::from_utf8_lossy(&error.shown())),
    }
}

#[test]
fn a_search_is_not_carried_on_when_its_steps_are_spent() {
    // the time is looked at every few thousand steps: it is over at the third look, wherever the search is
    let looks = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = looks.clone();
    let over = move || counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 2;
    let time = crate::budget::TimeLimit::new(std::time::Duration::from_secs(1), |_| over);
    let mut budget = Budget::new(Limits::default()).within(Some(time));
    let text = "01".repeat(1 << 20);
    let mut cache = Cache::default();
    let searcher = cache.compile(&r"[01]*0[01]{300}a".into(), &mut budget).ok().unwrap();
    let stopped = super::is_in(searcher, &text, &mut budget);
    assert!(matches!(stopped, Err(Exhausted::Time(_))), "{stopped:?}");
    let few = Limits { steps: 1_000_000, ..Limits::default() };
    assert_eq!(search(r"[01]*0[01]{300}a", &text, few), Err(Exhausted::Steps(1_000_000)));
    // what skips through a text is charged, too
    assert_eq!(search("x", &text, Limits { steps: 10_000, ..few }), Err(Exhausted::Steps(10_000)));
}

#[test]
fn the_room_of_a_search_is_charged() {
    let little = Limits { memory: 1 << 20, ..Limits::default() };
    let groups = "(a)".repeat(200);
    let expression = format!("{groups}[0-9]{{500}}");
    assert_eq!(search(&expression, "a", little), Ok(false));
    let (mut budget, mut cache) = (Budget::new(little), Cache::default());
    let searcher = cache.compile(&expression.as_str().into(), &mut budget).ok().unwrap();
    let subject = Subject::new("a".into(), &mut budget).unwrap();
    assert_eq!(searcher.groups(&subject, 0, &mut budget), Err(Exhausted::Memory(1 << 20)));
}

#[test]
fn the_groups_that_a_search_carries_along_are_paid_for() {
    let expression = format!("{}b", "(a?)".repeat(300));
    let search = |limits| {
        let (mut budget, mut cache) = (Budget::new(limits), Cache::default());
        let searcher = cache.compile(&expression.as_str().into(), &mut budget).ok().unwrap();
        let subject = Subject::new("a".repeat(300).into(), &mut budget).unwrap();
        searcher.groups(&subject, 0, &mut budget)
    };
    let few = Limits { steps: 500_000, ..Limits::default() };
    assert_eq!(search(few), Err(Exhausted::Steps(few.steps)));
    assert_eq!(search(Limits::default()), Ok(None));
}
