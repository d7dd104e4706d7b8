//! `table.tsv` holds what Masterminds' semver 3.3.0 answered to texts made at random: `version TEXT ok TEXT`, `check CONSTRAINT VERSION error TEXT` …

use super::{Constraints, Version, satisfies};

/// What Go's `strconv.Quote` wrote of these texts.
fn unquoted(text: &str) -> String {
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.replace(r"\t", "\t").replace(r"\v", "\x0b").replace(r#"\""#, "\"")
}

fn answer<T: ToString, E: ToString>(result: Result<T, E>) -> (&'static str, String) {
    result.map_or_else(|error| ("error", error.to_string()), |value| ("ok", value.to_string()))
}

fn whole(text: &str) -> Result<String, super::Invalid> {
    let it = Version::parse(text)?;
    let (major, minor, patch) = (it.next_major().original, it.next_minor().original, it.next_patch().original);
    Ok(format!("{it} {} {} {} {} {} {major} {minor} {patch}", it.major, it.minor, it.patch, it.prerelease, it.metadata))
}

#[test]
fn versions_and_constraints_are_read_and_compared_as_the_peer_does() {
    let table = include_str!("table.tsv");
    let mut differences = Vec::new();
    for line in table.lines() {
        let cells: Vec<String> = line.split('\t').map(unquoted).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let (seen, expected) = match *cells.as_slice() {
            ["version", text, kind, expected] => (answer(whole(text)), (kind, expected)),
            ["strict", text, kind, expected] => (answer(Version::parse_strict(text)), (kind, expected)),
            ["check", constraint, version, kind, expected] => (answer(satisfies(constraint, version)), (kind, expected)),
            ["compare", one, two, kind, expected] => {
                let both = Version::parse(one).and_then(|one| Ok((one, Version::parse(two)?)));
                (answer(both.map(|(one, two)| one.compare(&two) as i8)), (kind, expected))
            }
            _ => panic!("not a line of the table: {line}"),
        };
        if (seen.0, seen.1.as_str()) != expected {
            differences.push(format!("{line}\n  seen {seen:?}"));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn a_range_is_replaced_where_its_text_first_stands() {
    assert_eq!(satisfies("1 - 2", "1.5.0"), Ok(true));
    assert_eq!(satisfies("1 - 2", "2.9.9"), Ok(true));
    assert_eq!(satisfies("1 - 2", "3.0.0"), Ok(false));
}

#[test]
fn a_constraint_has_a_bound() {
    assert!(Constraints::parse(vec![b'1'; 1 << 20]).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_panic(constraint in "[0-9vxX*|., ~^<>=!+a-]{0,40}", version: Vec<u8>) {
        let _ = satisfies(&constraint, &version);
        let _ = Version::parse_strict(&constraint);
    }
}
