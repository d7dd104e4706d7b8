//! `actions/setup-python`, `-node`, `-go` and `-java`: what the machine or the image has, of the version that is asked for.
//!
//! The first thing to do finds every such program; which one is taken is decided here; the second puts it on the `PATH`.

mod go;
mod golangci;
mod java;
mod node;
mod plain;
mod pnpm;
mod python;
mod ruby;
mod rust;
mod uv;

pub(super) use go::KNOWN as GO;
pub(super) use golangci::golangci;
pub(super) use java::KNOWN as JAVA;
pub(super) use node::KNOWN as NODE;
pub(super) use plain::{BUN, CMAKE, DEADSNAKES, DENO};
pub(super) use pnpm::KNOWN as PNPM;
pub(super) use python::KNOWN as PYTHON;
pub(super) use ruby::KNOWN as RUBY;
pub(super) use rust::{ACTIONS_RS, SETUP as SETUP_RUST, TOOLCHAIN as RUST_TOOLCHAIN};
pub(super) use uv::KNOWN as UV;

use std::collections::BTreeMap;

use penstock_model::job::StepOutcome;

use super::act::{Act, Doing, Done, Inputs, Next, fault, quoted};
use super::versions::{Range, Version};
use crate::reader::shown;

/// A toolchain.
struct Tool {
    /// What people call it.
    title: &'static str,
    /// The image that has it, for whoever lacks it; nothing if there is none that everybody has.
    image: &'static str,
    /// Names of its program, which may be patterns of the shell.
    programs: &'static [&'static str],
    /// Where it may lie besides the `PATH`.
    elsewhere: &'static [&'static str],
    /// What prints the version of `"$1"`.
    version: &'static str,
    /// The wish in a file such as `.nvmrc`, by the file's name.
    of_file: fn(&str, &str) -> Option<String>,
    /// The range that a wish means; `None` if it means none.
    range: fn(&str) -> Option<Wish>,
    /// The script that puts a program on the `PATH`.
    apply: fn(&Found) -> String,
}

/// What is wished for.
enum Wish {
    In(Range),
    /// The highest of those for which this holds.
    Highest(fn(&Version) -> bool),
    /// One that lies in a folder of this name.
    Folder(String),
}

impl Wish {
    fn of_range(text: &str) -> Option<Self> {
        Range::read(text).map(Self::In)
    }

    fn holds(&self, found: &Found) -> bool {
        match self {
            Self::In(range) => range.holds(&found.version),
            Self::Highest(holds) => holds(&found.version),
            Self::Folder(name) => found.path.split('/').any(|part| part.starts_with(name.as_str())),
        }
    }
}

/// A program that there is.
#[derive(Clone)]
struct Found {
    version: Version,
    /// As it prints it.
    printed: String,
    path: String,
}

/// How a toolchain is made ready.
struct Setup {
    tool: &'static Tool,
    /// What is wished for, one after the other; nothing is whatever is on the `PATH`.
    wishes: Vec<String>,
    /// Files that say it: the first that is there.
    files: Vec<String>,
    /// Whether one of them must be there and say it.
    file_needed: bool,
    /// Outputs besides the version, and the name of that.
    outputs: Vec<(&'static str, String)>,
    version_output: &'static str,
    path_output: Option<&'static str>,
    /// What is wished for if nothing says so.
    otherwise: Option<&'static str>,
    /// Done first of all.
    before: String,
    /// Done after the toolchain is ready.
    after: String,
    notes: Vec<String>,
    /// Whether a version before a release is good enough.
    early: bool,
    /// Whether the lowest that fits is taken.
    lowest: bool,
    taken: Option<Found>,
}

impl Setup {
    fn new(tool: &'static Tool, wishes: Vec<String>, file: Option<&str>, version_output: &'static str) -> Self {
        Self {
            tool,
            wishes,
            files: file.map(str::to_owned).into_iter().collect(),
            file_needed: file.is_some(),
            outputs: Vec::new(),
            version_output,
            path_output: None,
            otherwise: None,
            before: String::new(),
            after: String::new(),
            notes: Vec::new(),
            early: false,
            lowest: false,
            taken: None,
        }
    }

    /// What a package manager downloads is kept by an `actions/cache` step alone; that costs time and changes nothing.
    fn caches(&mut self, inputs: &Inputs) {
        if let Some(cache) = inputs.get("cache").filter(|cache| !["true", "false"].contains(cache)) {
            self.notes.push(format!("what {} downloads is not kept by this step; an `actions/cache` step keeps it", shown(cache)));
        }
        self.outputs.push(("cache-hit", "false".to_owned()));
    }

    fn probe(&self) -> Doing {
        let tool = self.tool;
        let names = tool.programs.iter().map(|name| format!("\"$d\"/{name}")).collect::<Vec<_>>().join(" ");
        let mut script = self.before.clone();
        script.push_str(&format!(
            "probe() {{ [ -f \"$1\" ] && [ -x \"$1\" ] || return 0; v=$({}) || return 0; [ -n \"$v\" ] && printf '%s\\t%s\\n' \"$v\" \"$1\"; return 0; }}\n",
            tool.version
        ));
        script.push_str("dirs() { old=$IFS; IFS=:; set -f; set -- $PATH; set +f; IFS=$old; for d in \"$@\"; do ");
        script.push_str(&format!("for f in {names}; do probe \"$f\"; done; done; return 0; }}\n"));
        script.push_str(&format!("{{ echo '{FOUND}<<end-of-what-is-there'; dirs; "));
        script.push_str(&format!(
            "for f in {}; do probe \"$f\"; done; echo end-of-what-is-there; }} >> \"$GITHUB_OUTPUT\"\n",
            tool.elsewhere.join(" ")
        ));
        if !self.files.is_empty() {
            let files: Vec<String> = self.files.iter().map(|file| quoted(file)).collect();
            script.push_str(&format!(
                "n=''; for f in {0}; do if [ -f \"$f\" ]; then n=$f; break; fi; done\nif [ -n \"$n\" ]; then {{ echo \"{FILE_NAME}=$n\"; echo '{FILE}<<end-of-the-file'; cat \"$n\"; echo; echo end-of-the-file; }} >> \"$GITHUB_OUTPUT\"",
                files.join(" ")
            ));
            if self.file_needed {
                let why = format!("##[error]there is no file {}", self.files.join(" or "));
                script.push_str(&format!("\nelse echo {}; exit 1", quoted(&why)));
            }
            script.push_str("; fi\n");
        }
        Doing::script(script)
    }

    /// Which programs are taken, in order.
    fn choose(&self, last: &StepOutcome) -> Result<Vec<Found>, String> {
        let found = listed(last.outputs.get(FOUND).map_or("", String::as_str));
        let mut wishes = self.wishes.clone();
        if let Some(file) = last.outputs.get(FILE_NAME).or_else(|| self.files.first().filter(|_| self.file_needed)) {
            let name = file.rsplit('/').next().unwrap_or(file);
            let wish = (self.tool.of_file)(name, last.outputs.get(FILE).map_or("", String::as_str));
            if wish.is_none() && self.file_needed {
                return Err(format!("{} says no version of {}", shown(file), self.tool.title));
            }
            wishes.extend(wish);
        }
        if wishes.is_empty() {
            wishes.extend(self.otherwise.map(str::to_owned));
        }
        if wishes.is_empty() {
            let first = found.first().cloned().ok_or_else(|| self.absent("any version", &found))?;
            return Ok(vec![first]);
        }
        wishes.iter().map(|wish| self.one(wish, &found)).collect()
    }

    fn one(&self, wish: &str, found: &[Found]) -> Result<Found, String> {
        let range = (self.tool.range)(wish).ok_or_else(|| format!("`{}` asks for no version of {}", shown(wish), self.tool.title))?;
        let early = self.early || wish.contains('-');
        // of equal ones that whose folder is named so, then the first on the PATH
        let fits = found.iter().filter(|found| range.holds(found) && (early || !found.version.is_early()));
        let named = |found: &Found| found.path.split('/').any(|part| part.strip_prefix(wish).is_some_and(|rest| rest.starts_with('-')));
        let best = fits.fold(None::<&Found>, |best, one| match best {
            Some(best) if best.version == one.version && (named(best) || !named(one)) => Some(best),
            Some(best) if best.version != one.version && (best.version > one.version) != self.lowest => Some(best),
            _ => Some(one),
        });
        best.cloned().ok_or_else(|| self.absent(&format!("`{}`", shown(wish)), found))
    }

    fn absent(&self, wish: &str, found: &[Found]) -> String {
        let mut there: Vec<String> = found.iter().map(|found| format!("{} ({})", found.printed, found.path)).collect();
        there.dedup();
        there.truncate(10);
        let there = if there.is_empty() { "none at all".to_owned() } else { there.join(", ") };
        let image = if self.tool.image.is_empty() { String::new() } else { format!(" (`container: {}`)", self.tool.image) };
        let help = "nothing is downloaded: put it on the machine, or run the job in an image that has it";
        format!("{} {wish} is not here; there is {there}\nhelp: {help}{image}", self.tool.title)
    }
}

/// Outputs of the probe that nobody else sees.
const FOUND: &str = "penstock.found";
const FILE: &str = "penstock.file";
const FILE_NAME: &str = "penstock.file-name";

/// `VERSION<tab>PATH` lines.
fn listed(text: &str) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for (printed, path) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(version) = Version::read(printed)
            && !all.iter().any(|known| known.path == path)
        {
            all.push(Found { version, printed: printed.trim().to_owned(), path: path.to_owned() });
        }
    }
    all
}

impl Act for Setup {
    fn next(&mut self, last: Option<&StepOutcome>) -> Next {
        let Some(last) = last else { return Next::Do(self.probe()) };
        if let Some(failed) = fault(last) {
            return Next::Done(failed);
        }
        if let Some(taken) = self.taken.take() {
            let mut done = Done::default();
            done.outputs.extend(self.outputs.drain(..).map(|(name, value)| (name.to_owned(), value)));
            done.outputs.insert(self.version_output.to_owned(), taken.printed.clone());
            if let Some(name) = self.path_output {
                done.outputs.entry(name.to_owned()).or_insert_with(|| last.outputs.get("path").cloned().unwrap_or(taken.path));
            }
            done.notes = std::mem::take(&mut self.notes);
            return Next::Done(done);
        }
        match self.choose(last) {
            Err(why) => Next::Done(Done::failed(why)),
            Ok(taken) => {
                let scripts: Vec<String> = taken.iter().map(|found| (self.tool.apply)(found)).collect();
                let mut doing = Doing::script(format!("set -e\n{}{}", scripts.concat(), self.after));
                doing.notes = taken.iter().map(|found| format!("{} {} at {}", self.tool.title, found.printed, found.path)).collect();
                self.taken = taken.into_iter().next_back();
                Next::Do(doing)
            }
        }
    }
}

/// The folder of a program.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// The line of asdf's `.tool-versions` for a tool.
fn of_tool_versions(text: &str, tools: &[&str]) -> Option<String> {
    let mut lines = text.lines().map(str::split_whitespace);
    lines.find_map(|mut words| tools.contains(&words.next()?).then(|| words.next())?.map(str::to_owned))
}

/// The first line that says something.
fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned)
}

type Begun = Result<Box<dyn Act>, String>;
type Env = BTreeMap<String, String>;
