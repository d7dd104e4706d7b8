//! Helm's flags, all of them: carried out, or refused with what to do instead.

use std::process::Command;

use super::{Said, chart, cluster};

/// Those that take no chart and no release: they are told apart by what they refuse.
const LACKING: [&str; 8] = ["completion", "create", "env", "help", "plugin", "registry", "search", "version"];

fn helps(words: &[String]) -> String {
    Said::of(Command::new(cluster::helm()).args(words).arg("--help").output().unwrap()).fine()
}

/// What stands below a heading, line by line, up to the next empty one.
fn below<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = help.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.is_empty()).collect()
}

/// The long name of a flag, from its line: `-n, --namespace string  …`.
fn long(line: &str) -> Option<&str> {
    line.split_whitespace().find_map(|word| word.strip_prefix("--"))
}

/// Every command of Helm's that has no commands of its own, by its words, with its help.
fn commands(words: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let help = helps(words);
    let inner = below(&help, "Available Commands:");
    for name in inner.iter().filter_map(|line| line.split_whitespace().next()) {
        if words.is_empty() && LACKING.contains(&name) || words.first().is_some_and(|first| first == "repo") && name == "index" {
            let said = chart(&[words.join(" ").as_str(), name].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>());
            assert!(said.code == Some(2) && said.err.contains(&format!("lacks Helm's `{name}` here")), "{said:?}");
            continue;
        }
        commands(&[words, &[name.to_owned()]].concat(), found);
    }
    if inner.is_empty() {
        found.push((words.to_vec(), help));
    }
}

#[test]
fn every_flag_of_helms_is_carried_out_or_refused_with_what_to_do_instead() {
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 25, "{}", found.len());
    for (words, help) in found {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let own = chart(&[&words[..], &["--help"]].concat()).fine();
        let known: Vec<&str> = own.lines().filter_map(long).collect();
        let known: Vec<&str> = known.iter().map(|name| name.trim_end_matches(|c: char| !c.is_ascii_lowercase())).collect();
        let wanted = below(&help, "Flags:").into_iter().chain(below(&help, "Global Flags:")).filter_map(long);
        for flag in wanted.filter(|flag| !known.contains(flag)) {
            let said = chart(&[&words[..], &[&format!("--{flag}")]].concat());
            assert!(said.code == Some(2) && said.err.contains("Penstock lacks Helm's"), "{words:?} --{flag}: {said:?}");
        }
    }
}
