//! `docs/cli.md` and the arguments say the same, and no document names a command that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::{Command, CommandFactory};
use penstock_cli::Cli;
use penstock_cli::exit;

const CLI: &str = include_str!("../../../../docs/cli.md");
const HEADING: &str = "### `penstock ";

/// The program with what clap adds to it.
fn program() -> Command {
    let mut program = Cli::command();
    program.build();
    program
}

/// Every command that does something, by its words: `project create`.
fn commands(command: &Command, words: &str, found: &mut BTreeMap<String, Command>) {
    for inner in command.get_subcommands() {
        let words = format!("{words} {}", inner.get_name()).trim().to_owned();
        if inner.has_subcommands() {
            commands(inner, &words, found);
        } else {
            found.insert(words, inner.clone());
        }
    }
}

fn all() -> BTreeMap<String, Command> {
    let mut found = BTreeMap::new();
    commands(&program(), "", &mut found);
    found
}

/// The text below each command's heading.
fn sections() -> BTreeMap<String, String> {
    let parts = CLI.split(HEADING).skip(1);
    parts.filter_map(|part| part.split_once("`\n")).map(|(words, text)| (words.to_owned(), text.to_owned())).collect()
}

/// Everything that looks like a long flag.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let starts = text.match_indices("--").filter(|(at, _)| !text[..*at].ends_with(|c: char| is_part(c) || c.is_alphanumeric()));
    let names = starts.map(|(at, _)| text[at + 2..].split(|c: char| !is_part(c)).next().unwrap_or_default());
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned).collect()
}

fn longs(command: &Command) -> BTreeSet<String> {
    command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

#[test]
fn every_command_has_its_section_and_every_section_is_a_command() {
    let (commands, sections): (BTreeSet<_>, BTreeSet<_>) = (all().into_keys().collect(), sections().into_keys().collect());
    let unlisted: Vec<_> = commands.difference(&sections).collect();
    let absent: Vec<_> = sections.difference(&commands).collect();
    assert!(unlisted.is_empty() && absent.is_empty(), "docs/cli.md has no section for {unlisted:?}, and sections for {absent:?}");
}

#[test]
fn every_flag_is_in_its_command_s_section_and_no_other_is() {
    let program = program();
    let global = longs(&program);
    let head = CLI.split(HEADING).next().unwrap_or_default();
    let unlisted: Vec<_> = global.difference(&flags(head)).cloned().collect();
    assert!(unlisted.is_empty(), "docs/cli.md lacks {unlisted:?} among the flags of every command");
    let sections = sections();
    for (words, command) in all() {
        let text = sections.get(&words).map(String::as_str).unwrap_or_default();
        let own: BTreeSet<_> = longs(&command).difference(&global).cloned().collect();
        let listed = flags(text);
        let unlisted: Vec<_> = own.difference(&listed).collect();
        let absent: Vec<_> = listed.iter().filter(|name| !own.contains(*name) && !global.contains(*name)).collect();
        assert!(unlisted.is_empty() && absent.is_empty(), "the section of `penstock {words}` lacks {unlisted:?} and has {absent:?}");
        for argument in command.get_positionals() {
            let names = argument.get_value_names().unwrap_or_default();
            assert!(names.iter().all(|name| text.contains(&format!("`{name}`"))), "the section of `penstock {words}` lacks {names:?}");
        }
        for value in
            command.get_arguments().filter(|a| !global.contains(a.get_long().unwrap_or_default())).flat_map(clap::Arg::get_possible_values)
        {
            let name = value.get_name();
            let known = text.contains(&format!("`{name}`")) || value.is_hide_set() || matches!(name, "true" | "false");
            assert!(known, "the section of `penstock {words}` lacks the value `{name}`");
        }
    }
}

#[test]
fn every_exit_code_is_in_the_document() {
    let codes = [exit::OK, exit::NOT_GOOD, exit::USAGE, exit::FAILED, exit::UNREACHABLE, exit::REFUSED, exit::ABSENT];
    let listed: Vec<u8> = CLI.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok()).collect();
    assert_eq!(listed, codes);
}

#[test]
fn no_document_names_a_command_or_a_flag_that_is_not_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<_> = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.extend(["README.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let program = program();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for call in calls(&text) {
            let words: Vec<&str> = call.split_whitespace().skip(1).collect();
            let (mut command, mut found) = (&program, false);
            for word in &words {
                match command.find_subcommand(word) {
                    Some(inner) => (command, found) = (inner, true),
                    None => break,
                }
            }
            assert!(found, "{}: there is no `{call}`", file.display());
            let unknown: Vec<_> = flags(&call).into_iter().filter(|flag| !longs(command).contains(flag)).collect();
            assert!(unknown.is_empty(), "{}: `{call}` has no {unknown:?}", file.display());
        }
    }
}

/// Calls of the program, between backticks or as a line of a block.
fn calls(text: &str) -> Vec<String> {
    let spans = text.split('`').filter(|span| !span.contains('\n'));
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let is_call = |span: &&str| span.strip_prefix("penstock ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    // processes that are the program started again, which nobody calls
    let is_own =
        |span: &&str| ["gateway", "container-monitor", "job-sandbox"].iter().any(|name| span.starts_with(&format!("penstock {name}")));
    spans
        .chain(lines)
        .map(|span| span.split(" -- ").next().unwrap_or_default().trim())
        .filter(|span| is_call(span) && !is_own(span))
        .map(str::to_owned)
        .collect()
}
