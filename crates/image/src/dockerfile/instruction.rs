//! One instruction, read.

use super::lines::Logical;
use super::{Command, Verb};
use crate::words::split;

/// What is wrong and what to do.
type Trouble = (String, String);

fn trouble<T>(what: impl Into<String>, hint: impl Into<String>) -> Result<T, Trouble> {
    Err((what.into(), hint.into()))
}

/// Reads any instruction but `FROM`.
pub fn parse(line: &Logical, escape: char) -> Result<Verb, Trouble> {
    let (name, rest) = line.head();
    if rest.is_empty() {
        return trouble(format!("{name} without anything"), "say what");
    }
    match name.as_str() {
        "ARG" => args(rest, escape),
        "ENV" => Ok(Verb::Env(pairs(rest, escape, true)?)),
        "LABEL" => Ok(Verb::Label(pairs(rest, escape, false)?)),
        "RUN" => run(rest, escape),
        "COPY" => copy(rest, escape, false),
        "ADD" => copy(rest, escape, true),
        "WORKDIR" => Ok(Verb::Workdir(rest.to_owned())),
        "USER" => Ok(Verb::User(rest.to_owned())),
        "EXPOSE" => Ok(Verb::Expose(split(rest, escape).map_err(plain)?)),
        "ENTRYPOINT" => Ok(Verb::Entrypoint(command(rest))),
        "CMD" => Ok(Verb::Cmd(command(rest))),
        "STOPSIGNAL" => Ok(Verb::StopSignal(rest.to_owned())),
        "SHELL" => match command(rest) {
            Command::Exec(words) if !words.is_empty() => Ok(Verb::Shell(words)),
            _ => trouble("SHELL needs a list", "write it as `[\"/bin/sh\", \"-c\"]`"),
        },
        "HEALTHCHECK" => {
            trouble("HEALTHCHECK is not carried out", "leave it out; health is asked for by the probes of a Deployment or Rollout")
        }
        "VOLUME" => trouble("VOLUME is not carried out", "leave it out; give the workload an emptyDir volume where it writes"),
        "ONBUILD" => trouble("ONBUILD is not carried out", "write its instruction into the Dockerfiles that build on this image"),
        "MAINTAINER" => trouble("MAINTAINER is not carried out", "write `LABEL org.opencontainers.image.authors=…`"),
        _ => trouble(format!("there is no instruction `{name}`"), "is it the rest of a line above that lacks its `\\`?"),
    }
}

fn plain(what: String) -> Trouble {
    (what, String::new())
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|next| next.is_ascii_alphanumeric() || next == '_')
}

fn args(rest: &str, escape: char) -> Result<Verb, Trouble> {
    let mut args = Vec::new();
    for word in split(rest, escape).map_err(plain)? {
        let (name, default) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value.to_owned())));
        if !is_name(name) {
            return trouble(format!("`{name}` is no name for an argument"), "letters, digits and `_`, no digit first");
        }
        args.push((name.to_owned(), default));
    }
    Ok(Verb::Arg(args))
}

/// `NAME=value …`, or the old `NAME value`.
fn pairs(rest: &str, escape: char, names: bool) -> Result<Vec<(String, String)>, Trouble> {
    let words = split(rest, escape).map_err(plain)?;
    if !words[0].contains('=') {
        return match rest.split_once(char::is_whitespace) {
            Some((name, value)) => Ok(vec![(name.to_owned(), value.trim_start().to_owned())]),
            None => trouble(format!("`{rest}` has no value"), format!("write `{rest}=value`")),
        };
    }
    let mut pairs = Vec::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return trouble(format!("`{word}` has no value"), "write `NAME=value`, and quotes around a value with spaces");
        };
        if name.is_empty() || (names && name.contains(['"', '\''])) {
            return trouble(format!("`{word}` has no name"), "write `NAME=value`");
        }
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(pairs)
}

fn command(rest: &str) -> Command {
    match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) if rest.starts_with('[') => Command::Exec(words),
        _ => Command::Shell(rest.to_owned()),
    }
}

/// Takes `--name=value` off the front.
fn flags(rest: &str) -> (Vec<(&str, &str)>, &str) {
    let mut flags = Vec::new();
    let mut rest = rest;
    while let Some(flag) = rest.strip_prefix("--") {
        let (flag, after) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        flags.push(flag.split_once('=').unwrap_or((flag, "")));
        rest = after.trim_start();
    }
    (flags, rest)
}

/// `<<WORD`, as a word of its own or after a number.
fn has_heredoc(rest: &str) -> bool {
    rest.split_whitespace().any(|word| {
        let word = word.trim_start_matches(|next: char| next.is_ascii_digit());
        let Some(mark) = word.strip_prefix("<<") else { return false };
        let mark = mark.strip_prefix('-').unwrap_or(mark).trim_start_matches(['"', '\'']);
        mark.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    })
}

fn run(rest: &str, _escape: char) -> Result<Verb, Trouble> {
    let (flags, rest) = flags(rest);
    let mut network = None;
    for (name, value) in flags {
        match (name, value) {
            ("network", "none") => network = Some(false),
            ("network", "default" | "host") => network = Some(true),
            ("network", other) => return trouble(format!("the network `{other}` is not known"), "write `none` or `default`"),
            ("mount", _) => {
                return trouble("--mount is not carried out", "COPY what the step needs; there are no caches and secrets in a build");
            }
            _ => return trouble(format!("`--{name}` is not carried out"), "leave it out"),
        }
    }
    if has_heredoc(rest) {
        return trouble("here-documents are not carried out", "COPY a script and run it, or join commands with `&&`");
    }
    match command(rest) {
        Command::Exec(words) if words.is_empty() => trouble("RUN without a program", "say what to run"),
        Command::Shell(text) if text.is_empty() => trouble("RUN without a command", "say what to run"),
        command => Ok(Verb::Run { network, command }),
    }
}

fn copy(rest: &str, escape: char, add: bool) -> Result<Verb, Trouble> {
    let verb = if add { "ADD" } else { "COPY" };
    let (flags, rest) = flags(rest);
    let (mut from, mut chown, mut chmod) = (None, None, None);
    for (name, value) in flags {
        match name {
            "from" if !add && !value.is_empty() => from = Some(value.to_owned()),
            "chown" if !value.is_empty() => chown = Some(value.to_owned()),
            "chmod" if !value.is_empty() => chmod = Some(value.to_owned()),
            "link" => return trouble("--link is not carried out", "leave it out: every COPY is a layer of its own here"),
            _ => return trouble(format!("`--{name}` of {verb} is not carried out"), "leave it out"),
        }
    }
    if has_heredoc(rest) {
        return trouble("here-documents are not carried out", "write the text into a file and COPY it");
    }
    let mut words = match command(rest) {
        Command::Exec(words) => words,
        Command::Shell(text) => split(&text, escape).map_err(plain)?,
    };
    let Some(dest) = words.pop().filter(|_| !words.is_empty()) else {
        return trouble(format!("{verb} needs what and where to"), format!("write `{verb} source destination`"));
    };
    if add && let Some(away) = words.iter().find(|source| source.contains("://") || source.starts_with("git@")) {
        return trouble(
            format!("ADD of `{away}` is not carried out: a build sees no network"),
            "fetch it in the pipeline, check its digest, and COPY it",
        );
    }
    Ok(Verb::Copy { add, from, chown, chmod, sources: words, dest })
}
