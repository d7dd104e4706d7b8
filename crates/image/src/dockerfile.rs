//! A Dockerfile, read: directives, lines, instructions. Nothing is expanded yet, since variables depend on the base.

mod instruction;
mod lines;

use std::collections::BTreeMap;

use crate::words::Words;
use lines::{Logical, logical_lines};

/// Longer files are refused.
pub const MAX_FILE: usize = 1024 * 1024;

/// What is wrong with a Dockerfile, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}{}{hint}", if hint.is_empty() { "" } else { ": " })]
pub struct DockerfileError {
    /// The file as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do, or empty.
    pub hint: String,
}

/// A program with arguments, or text for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `["program", "argument"]`
    Exec(Vec<String>),
    /// Text.
    Shell(String),
}

/// What an instruction says, not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Names with or without a default.
    Arg(Vec<(String, Option<String>)>),
    /// Names and values.
    Env(Vec<(String, String)>),
    /// Names and values.
    Label(Vec<(String, String)>),
    /// A command.
    Run {
        /// Whether the machine's network was asked for, or none; `None` if nothing is said.
        network: Option<bool>,
        /// What to run.
        command: Command,
    },
    /// `COPY`, or `ADD` of local files.
    Copy {
        /// True for `ADD`.
        add: bool,
        /// A stage or an image instead of the context.
        from: Option<String>,
        /// `user` or `user:group`.
        chown: Option<String>,
        /// An octal mode.
        chmod: Option<String>,
        /// What.
        sources: Vec<String>,
        /// Where to.
        dest: String,
    },
    /// A directory.
    Workdir(String),
    /// `user` or `user:group`.
    User(String),
    /// Ports.
    Expose(Vec<String>),
    /// The program.
    Entrypoint(Command),
    /// The arguments, or the program.
    Cmd(Command),
    /// What reads text.
    Shell(Vec<String>),
    /// The signal that stops it.
    StopSignal(String),
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Where it begins, counted from 1.
    pub line: usize,
    /// As it is written, on one line.
    pub text: String,
    /// What it says.
    pub verb: Verb,
}

/// What a stage begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage.
    Stage(usize),
    /// An image, as it is written.
    Image(String),
}

/// A stage, its base decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Where it begins.
    pub line: usize,
    /// `FROM …`
    pub text: String,
    /// The name after `AS`.
    pub name: Option<String>,
    /// What it begins with.
    pub base: Base,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
}

/// A Dockerfile with its stages' bases decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dockerfile {
    /// The file as it was named.
    pub file: String,
    /// `\` unless the file says otherwise.
    pub escape: char,
    /// What `ARG` before the first `FROM` and the caller say, for stages that declare the name.
    pub globals: BTreeMap<String, String>,
    /// What the caller gave.
    pub build_args: BTreeMap<String, String>,
    /// Whether a `RUN` that does not say has the machine's network.
    pub run_network: bool,
    /// At least one.
    pub stages: Vec<Stage>,
}

impl Dockerfile {
    /// Reads a Dockerfile for one platform (`linux/amd64`) with the caller's arguments.
    pub fn parse(file: &str, text: &str, platform: &str, build_args: &BTreeMap<String, String>) -> Result<Self, DockerfileError> {
        let at = |line: usize, what: &str, hint: &str| DockerfileError {
            file: file.to_owned(),
            line,
            what: what.to_owned(),
            hint: hint.to_owned(),
        };
        if text.len() > MAX_FILE {
            return Err(at(1, "the file is larger than 1 MiB", ""));
        }
        let (escape, lines) = logical_lines(text).map_err(|(line, what, hint)| at(line, &what, &hint))?;
        let mut read = Self {
            file: file.to_owned(),
            escape,
            globals: platform_args(platform),
            build_args: build_args.clone(),
            run_network: false,
            stages: Vec::new(),
        };
        let mut declared: Vec<String> = Vec::new();
        for line in &lines {
            let (name, _) = line.head();
            if name == "FROM" {
                let stage = read.from(line, platform)?;
                read.stages.push(stage);
                continue;
            }
            let verb = instruction::parse(line, escape).map_err(|(what, hint)| at(line.number, &what, &hint))?;
            if let Verb::Arg(args) = &verb {
                declared.extend(args.iter().map(|(name, _)| name.clone()));
            }
            let instruction = Instruction { line: line.number, text: line.text.clone(), verb };
            match read.stages.last_mut() {
                Some(stage) => stage.instructions.push(instruction),
                None => read.global(&instruction)?,
            }
        }
        if read.stages.is_empty() {
            return Err(at(lines.last().map_or(1, |line| line.number), "there is no FROM", "begin with `FROM scratch` or an image"));
        }
        if let Some(unknown) = build_args.keys().find(|name| !declared.contains(name)) {
            return Err(at(
                1,
                &format!("the build argument `{unknown}` is declared by no ARG"),
                "declare it where it is used, or leave it out",
            ));
        }
        Ok(read)
    }

    /// An error at one of its lines.
    pub fn error(&self, line: usize, what: impl Into<String>, hint: impl Into<String>) -> DockerfileError {
        DockerfileError { file: self.file.clone(), line, what: what.into(), hint: hint.into() }
    }

    /// The number of a stage that was named or numbered, among those before `before`.
    pub fn stage_named(&self, name: &str, before: usize) -> Option<usize> {
        let known = &self.stages[..before.min(self.stages.len())];
        let by_name = known.iter().rposition(|stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)));
        by_name.or_else(|| name.parse().ok().filter(|number| *number < known.len()))
    }

    /// `ARG` before the first `FROM`.
    fn global(&mut self, instruction: &Instruction) -> Result<(), DockerfileError> {
        let Verb::Arg(args) = &instruction.verb else {
            return Err(self.error(instruction.line, "only ARG may come before the first FROM", "move it below"));
        };
        for (name, default) in args {
            let words = Words { escape: self.escape, variables: &self.globals };
            let default = default.as_ref().map(|text| words.one(text)).transpose();
            let default = default.map_err(|what| self.error(instruction.line, what, ""))?;
            if let Some(value) = self.build_args.get(name).cloned().or(default) {
                self.globals.insert(name.clone(), value);
            }
        }
        Ok(())
    }

    fn from(&self, line: &Logical, platform: &str) -> Result<Stage, DockerfileError> {
        let error = |what: &str, hint: &str| self.error(line.number, what, hint);
        let words = Words { escape: self.escape, variables: &self.globals };
        let mut parts = words.many(line.head().1).map_err(|what| error(&what, ""))?;
        while parts.first().is_some_and(|part| part.starts_with("--")) {
            let flag = parts.remove(0);
            match flag.strip_prefix("--platform=") {
                Some(wanted) if wanted == platform => {}
                Some(wanted) => {
                    return Err(error(
                        &format!("the platform {wanted} is not built here"),
                        &format!("leave --platform out, or name {platform}"),
                    ));
                }
                None => return Err(error(&format!("`{flag}` is not carried out"), "leave it out")),
            }
        }
        let (base, name) = match parts.as_slice() {
            [base] => (base, None),
            [base, word, name] if word.eq_ignore_ascii_case("as") => (base, Some(name.clone())),
            _ => return Err(error("this FROM is not understood", "write `FROM image` or `FROM image AS name`")),
        };
        if let Some(name) = &name
            && !is_stage_name(name)
        {
            return Err(error(&format!("`{name}` is no name for a stage"), "begin with a letter, then letters, digits, `_`, `-`, `.`"));
        }
        if base.is_empty() {
            return Err(error("the base is empty", "give the ARG that it names a default, or pass it with --build-arg"));
        }
        let base = match self.stage_named(base, self.stages.len()).filter(|_| base.parse::<usize>().is_err()) {
            Some(number) => Base::Stage(number),
            None if base == "scratch" => Base::Scratch,
            None => Base::Image(base.clone()),
        };
        Ok(Stage { line: line.number, text: line.text.clone(), name, base, instructions: Vec::new() })
    }

    /// The images that have to be there: what needed stages are built on, and what they copy from. Each once.
    pub fn images(&self) -> Vec<&str> {
        let mut images: Vec<&str> = Vec::new();
        for number in self.needed() {
            let stage = &self.stages[number];
            let base = if let Base::Image(name) = &stage.base { Some(name.as_str()) } else { None };
            let copied = stage.instructions.iter().filter_map(|instruction| match &instruction.verb {
                Verb::Copy { from: Some(from), .. } if self.stage_named(from, number).is_none() => Some(from.as_str()),
                _ => None,
            });
            images.extend(base.into_iter().chain(copied));
        }
        let mut seen = std::collections::BTreeSet::new();
        images.retain(|image| seen.insert(*image));
        images
    }

    /// The stages that the last one needs, in the order in which they are built.
    pub fn needed(&self) -> Vec<usize> {
        let mut needed = vec![false; self.stages.len()];
        if let Some(last) = needed.last_mut() {
            *last = true;
        }
        // a stage needs only earlier ones, so one pass from the end is enough
        for number in (0..self.stages.len()).rev() {
            if !needed[number] {
                continue;
            }
            let stage = &self.stages[number];
            if let Base::Stage(base) = stage.base {
                needed[base] = true;
            }
            for instruction in &stage.instructions {
                if let Verb::Copy { from: Some(from), .. } = &instruction.verb
                    && let Some(source) = self.stage_named(from, number)
                {
                    needed[source] = true;
                }
            }
        }
        (0..needed.len()).filter(|number| needed[*number]).collect()
    }
}

fn is_stage_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '-' | '.'))
}

/// What every stage may declare without a default.
fn platform_args(platform: &str) -> BTreeMap<String, String> {
    let (os, architecture) = platform.split_once('/').unwrap_or(("linux", platform));
    let mut args = BTreeMap::new();
    for side in ["TARGET", "BUILD"] {
        for (name, value) in [("PLATFORM", platform), ("OS", os), ("ARCH", architecture)] {
            args.insert(format!("{side}{name}"), value.to_owned());
        }
    }
    args
}

#[cfg(test)]
mod tests;
