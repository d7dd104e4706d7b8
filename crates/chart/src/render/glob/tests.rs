//! What the peer answered, asked through Helm.

use super::{Glob, Stop};

fn matches(pattern: &str, path: &str) -> Result<bool, Stop> {
    let mut steps = 1_000_000;
    // a pattern that is none stands for all files
    Glob::new(pattern, &mut steps)?.map_or(Ok(true), |glob| glob.matches(path.as_bytes(), &mut steps))
}

#[test]
fn a_pattern_matches_what_gobwas_glob_matches() {
    for (pattern, path, wanted) in [
        ("files/*", "files/a.txt", true),
        ("files/*", "files/deep/a.txt", false),
        ("files/**", "files/deep/a.txt", true),
        ("**.yaml", "a/b/c.yaml", true),
        ("*.yaml", "a/c.yaml", false),
        ("a?c", "abc", true),
        ("a?c", "a/c", false),
        ("[a-c]x", "bx", true),
        ("[!a-c]x", "bx", false),
        ("[abc]x", "cx", true),
        ("conf.{json,y{a,}ml}", "conf.yml", true),
        ("conf.{json,y{a,}ml}", "conf.yaml", true),
        ("conf.{json,toml}", "conf.yaml", false),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(matches(pattern, path), Ok(wanted), "{pattern} on {path}");
    }
}

#[test]
fn what_looks_like_a_mistake_of_the_peer_s_is_made_here_too() {
    for (pattern, path, wanted) in [
        // the beginning and the end share a letter
        ("f/a/**/x.yaml", "f/a/x.yaml", true),
        // a letter of several bytes is cut
        ("a[!a]/[!a]", "aé/b", false),
        // of the alternatives that have no length only the last that has one is known
        ("{*/,b}b*", "x.a/b", false),
        ("{a*,.}/b.**", "ab/b.a/x.a", false),
        ("a{/b/,?/b**}", "aé/b.a", false),
        // a class of two ranges is none, and then the pattern is none
        ("[a-z0-9]*", "any/thing", true),
        ("[a-z0-9]*/x", "any/thing", true),
    ] {
        assert_eq!(matches(pattern, path), Ok(wanted), "{pattern} on {path}");
    }
}

#[test]
fn a_broken_pattern_stands_for_all_and_one_that_is_not_closed_ends_where_it_ends() {
    for pattern in ["[", "[a", "[z-a]", "[]", "[!]", "[a-z", "[a-zb]"] {
        assert!(matches!(Glob::new(pattern, &mut 1_000), Ok(None)), "{pattern}");
    }
    for (pattern, path, wanted) in [("{a", "a", true), ("{a,b", "b", true), ("{a,b", "c", false), ("a\\", "a", true), ("\\", "a", false)] {
        assert_eq!(matches(pattern, path), Ok(wanted), "{pattern} on {path}");
    }
}

#[test]
fn a_pattern_that_takes_too_long_ends() {
    assert_eq!(matches(&"?[a-b]".repeat(2_000), "a"), Err(Stop::Steps));
    assert_eq!(matches(&"*a?".repeat(1_000), "a"), Err(Stop::Steps));
    let long = format!("{}b", "a".repeat(1_000));
    assert_eq!(matches(&format!("{}*", "**a?".repeat(12)), &long.replace('b', "/")), Err(Stop::Steps));
    assert_eq!(matches(&"{".repeat(200), "a"), Ok(true), "more than may stand in one another is none");
}
