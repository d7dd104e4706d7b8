//! What Helm's users are used to write behind `penstock chart`: read as Helm reads it, and where Penstock lacks it, refused with what
//! to do instead.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, Args as _, Command, CommandFactory as _, Parser as _,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{Cli, args::chart::Cluster};

const ASKS_NO_CLUSTER: &str = "this command asks no cluster: leave it out";
const NOT_SLOWED: &str = "Penstock does not slow its questions to the API server: leave it out";

/// Helm's flags that Penstock has nowhere, or not with every command, and what to do instead.
const FLAGS: [(&str, &str); 24] = [
    ("--allow-deprecated-repos", "no address of a repository is refused for its age: leave it out"),
    ("--burst-limit", NOT_SLOWED),
    ("--debug", "with this command nothing more is told: leave it out"),
    ("--kube-apiserver", ASKS_NO_CLUSTER),
    ("--kube-as-group", ASKS_NO_CLUSTER),
    ("--kube-as-user", ASKS_NO_CLUSTER),
    ("--kube-ca-file", ASKS_NO_CLUSTER),
    ("--kube-context", ASKS_NO_CLUSTER),
    ("--kube-insecure-skip-tls-verify", ASKS_NO_CLUSTER),
    ("--kube-tls-server-name", ASKS_NO_CLUSTER),
    ("--kube-token", ASKS_NO_CLUSTER),
    ("--kubeconfig", ASKS_NO_CLUSTER),
    ("--max-col-width", "columns are as wide as their text: leave it out"),
    ("--namespace", "this command knows no namespaces: leave it out"),
    ("-n", "this command knows no namespaces: leave it out"),
    ("--no-update", "Helm itself takes no notice of it: leave it out"),
    ("--pass-credentials", "logins go to the host that they are for alone: leave it out"),
    ("--password", "others see what stands on a command line: hand it in by `--password-stdin < FILE`"),
    ("--qps", NOT_SLOWED),
    ("--registry-config", "$HELM_REGISTRY_CONFIG names that file"),
    ("--repository-cache", "$HELM_REPOSITORY_CACHE names that folder"),
    ("--repository-config", "$HELM_REPOSITORY_CONFIG names that file"),
    ("--url", "Penstock writes no index of a repository"),
    ("--merge", "Penstock writes no index of a repository"),
];

/// Helm's commands that Penstock lacks, and what to do instead.
const COMMANDS: [(&str, &str); 9] = [
    ("completion", "`penstock completion` is for all commands"),
    ("create", "Penstock makes no charts: Chart.yaml, values.yaml and templates/ are all that one needs"),
    ("env", "`penstock chart COMMAND --help` names the variables that count"),
    ("help", "`penstock chart COMMAND --help` is the help for a command"),
    ("index", "Penstock writes no index of a repository: `penstock chart push` puts a chart into a registry, which needs none"),
    ("plugin", "Penstock runs no plugins; `penstock chart diff` and `penstock chart explain` are commands of its own"),
    ("registry", "a login that `docker login` or `helm registry login` stored counts; `--username` and `--password-stdin` give one"),
    ("search", "`penstock chart show chart REPOSITORY/CHART` shows the newest version, with `--version` one of a range"),
    ("version", "`penstock --version`"),
];

/// Reads the arguments of a process, its own name first.
///
/// # Errors
/// They make no sense, or help was asked for.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.get(1).is_none_or(|first| first != "chart") {
        return Cli::try_parse_from(arguments);
    }
    let mut program = Cli::command();
    program.build();
    let Some(chart) = program.find_subcommand("chart") else { return Cli::try_parse_from(arguments) };
    let (before, after) = arguments.split_at(2);
    let (command, after) = flags_behind(chart, after.to_vec());
    Cli::try_parse_from(before.iter().cloned().chain(plain_switches(command, after))).map_err(with_a_way_out)
}

/// The command that is meant, and the arguments with the flags of all of Helm's commands behind its words: `-n web list` as `list -n web`.
fn flags_behind(chart: &Command, mut arguments: Vec<OsString>) -> (&Command, Vec<OsString>) {
    let debug = Arg::new("debug").long("debug").action(ArgAction::SetTrue);
    let everywhere = Cluster::augment_args(Cli::command()).arg(debug);
    let mut flags = 0;
    while let Some(width) = arguments.get(flags).and_then(|argument| width(&everywhere, argument)) {
        flags = (flags + width).min(arguments.len());
    }
    let (mut command, mut words) = (chart, flags);
    while let Some(inner) = arguments.get(words).and_then(|word| command.find_subcommand(word)) {
        (command, words) = (inner, words + 1);
    }
    if let Some(front) = arguments.get_mut(..words) {
        front.rotate_left(flags);
    }
    (command, arguments)
}

/// `--wait=true` as `--wait`, and what stands at `--wait=false` as if nobody had written it.
fn plain_switches(command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let mut read: Vec<OsString> = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            read.push(argument);
            break;
        }
        match switched(command, &argument) {
            Some((name, true)) => read.push(format!("--{name}").into()),
            Some((name, false)) => read.retain(|before| *before != *format!("--{name}")),
            None => {
                let values = width(command, &argument).unwrap_or(1) - 1;
                read.push(argument);
                read.extend(arguments.by_ref().take(values));
            }
        }
    }
    read.extend(arguments);
    read
}

/// The flag that takes no value, where an argument gives it one all the same that Go takes for true or false.
fn switched<'a>(command: &Command, argument: &'a OsStr) -> Option<(&'a str, bool)> {
    let (name, value) = argument.to_str()?.strip_prefix("--")?.split_once('=')?;
    let on = match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
        "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
        _ => return None,
    };
    let flag = command.get_arguments().find(|flag| flag.get_long() == Some(name))?;
    matches!(flag.get_action(), ArgAction::SetTrue).then_some((name, on))
}

/// How many arguments a flag takes up, itself counted; nothing where it is none that the command has.
fn width(command: &Command, argument: &OsStr) -> Option<usize> {
    let text = argument.to_str()?;
    let apart = |flag: &Arg| flag.get_action().takes_values() && !flag.is_require_equals_set();
    if let Some(long) = text.strip_prefix("--") {
        let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
        let flag = command.get_arguments().find(|flag| flag.get_long() == Some(name))?;
        return Some(if value.is_none() && apart(flag) { 2 } else { 1 });
    }
    let mut shorts = text.strip_prefix('-')?.chars();
    let first = shorts.next()?;
    let of = |short: char| command.get_arguments().find(|flag| flag.get_short() == Some(short));
    let mut flag = of(first)?;
    while !apart(flag) {
        match shorts.next().and_then(of) {
            Some(next) => flag = next,
            None => return Some(1),
        }
    }
    Some(if shorts.as_str().is_empty() { 2 } else { 1 })
}

/// What clap refuses, with what to do instead where it is Helm's.
fn with_a_way_out(mut error: clap::Error) -> clap::Error {
    let (kind, similar, known): (_, _, &[(&str, &str)]) = match error.kind() {
        ErrorKind::UnknownArgument => (ContextKind::InvalidArg, ContextKind::SuggestedArg, &FLAGS),
        ErrorKind::InvalidSubcommand => (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand, &COMMANDS),
        _ => return error,
    };
    let Some(ContextValue::String(what)) = error.get(kind) else { return error };
    let Some((_, instead)) = known.iter().find(|(name, _)| name == what) else { return error };
    let tip = StyledStr::from(format!("Penstock lacks Helm's `{what}` here. {instead}"));
    error.remove(similar);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command as Commands, args::chart::Chart};

    fn read_line(line: &str) -> Result<Chart, String> {
        match read(line.split(' ').map(OsString::from)).map_err(|error| error.to_string())?.command {
            Commands::Chart(chart) => Ok(chart),
            other => Err(format!("{other:?}")),
        }
    }

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(format!("{:?}", read_line(one)), format!("{:?}", read_line(other)));
        assert!(read_line(one).is_ok(), "{:?}", read_line(one));
    }

    #[test]
    fn flags_of_all_commands_may_stand_before_the_command() {
        same("penstock chart -n web --kube-context=home list -a", "penstock chart list -n web --kube-context home -a");
        same("penstock chart --debug -nweb upgrade -i a b", "penstock chart upgrade --debug -nweb -i a b");
        same("penstock chart -o json --kube-token t get values web", "penstock chart get values web -o json --kube-token t");
        same("penstock chart -n web list -n api", "penstock chart list -n api");
        assert!(read_line("penstock chart -n web").is_err());
        assert!(read_line("penstock chart -n").is_err());
    }

    #[test]
    fn switches_take_what_go_takes_for_true_or_false() {
        same("penstock chart upgrade a b --wait=true --atomic=f -i", "penstock chart upgrade a b --wait -i");
        same("penstock chart upgrade a b --wait --wait=false", "penstock chart upgrade a b");
        same("penstock chart upgrade a b --wait=false --wait", "penstock chart upgrade a b --wait");
        same("penstock chart upgrade a b --dry-run=false", "penstock chart upgrade a b --dry-run=none");
        assert!(read_line("penstock chart upgrade a b --wait=perhaps").is_err());
        let arguments = "penstock chart template a --post-renderer sed --post-renderer-args --debug=true";
        assert!(format!("{:?}", read_line(arguments)).contains("--debug=true"), "a value is nobody's switch");
        assert!(read_line("penstock chart template a -- --debug=true").is_ok(), "nor is what stands behind --");
    }

    #[test]
    fn what_is_written_twice_counts_as_it_was_written_last() {
        same("penstock chart upgrade a b --timeout 1m --wait --timeout 2m --wait", "penstock chart upgrade a b --timeout 2m --wait");
        same("penstock chart upgrade a b -f one -f two,three", "penstock chart upgrade a b -f one -f two -f three");
    }

    #[test]
    fn what_penstock_lacks_of_helm_is_refused_with_what_to_do_instead() {
        let told = read_line("penstock chart list --qps 3").unwrap_err();
        assert!(told.contains("unexpected argument '--qps'") && told.contains(NOT_SLOWED), "{told}");
        assert!(!told.contains("as a value"), "{told}");
        let told = read_line("penstock chart show all web --password=x").unwrap_err();
        assert!(told.contains("--password-stdin < FILE") && !told.contains("similar"), "{told}");
        let told = read_line("penstock chart create web").unwrap_err();
        assert!(told.contains("Penstock makes no charts") && !told.contains("similar"), "{told}");
        assert!(read_line("penstock chart nothing").unwrap_err().contains("unrecognized subcommand 'nothing'"));
        assert!(!read_line("penstock runs --qps").unwrap_err().contains("Helm"), "it is Helm's behind `chart` alone");
    }
}
