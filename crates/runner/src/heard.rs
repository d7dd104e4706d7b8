//! What a job's steps have said by workflow commands, and what is done about it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use penstock_model::Secret;
use penstock_model::job::{Annotation, AnnotationLevel, StepOutcome};

use crate::commands::{self, Command};
use crate::mask::Masks;
use crate::matchers::{Match, Matchers};
use crate::places::Places;

/// Annotations of each level that one step may leave; more are in the log alone, as at GitHub.
const MAX_OF_A_STEP: usize = 10;
/// Annotations that one job may leave.
const MAX_ANNOTATIONS: usize = 200;
/// The longest text of an annotation.
const MAX_MESSAGE: usize = 4096;
/// The largest file of problem matchers.
const MAX_MATCHER_FILE: u64 = 256 << 10;
/// Variables that no step may set for later ones.
const FORBIDDEN: &[&str] = &["NODE_OPTIONS"];

/// What a job says besides its output.
pub(crate) struct Heard {
    places: Places,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    step: Step,
    matchers: Matchers,
    annotations: Vec<Annotation>,
}

/// What the step that runs has said.
#[derive(Default)]
struct Step {
    name: String,
    /// Whether `set-env` and `add-path` are allowed (`ACTIONS_ALLOW_UNSECURE_COMMANDS`).
    unsecure: bool,
    /// Whether `debug` is shown (`RUNNER_DEBUG`).
    debug: bool,
    echo: bool,
    /// The word that ends `stop-commands`.
    stopped: Option<String>,
    annotations: Vec<AnnotationLevel>,
    outcome: StepOutcome,
    /// Commands that could not be carried out.
    faults: u32,
}

impl Heard {
    /// Nothing was said yet.
    pub(crate) fn new(places: Places) -> Self {
        Self { places, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step begins, with these variables.
    pub(crate) fn begin(&self, name: &str, variable: impl Fn(&str) -> Option<String>) {
        let is = |name: &str, value: &str| variable(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
        let debug = is("RUNNER_DEBUG", "1");
        let unsecure = is("ACTIONS_ALLOW_UNSECURE_COMMANDS", "true");
        self.state().step = Step { name: name.to_owned(), unsecure, debug, echo: debug, ..Step::default() };
    }

    /// The step is over: adds what it said to how it ended. Files that it wrote go over it.
    pub(crate) fn end(&self, outcome: &mut StepOutcome) {
        let said = std::mem::take(&mut self.state().step);
        outcome.outputs = said.outcome.outputs;
        outcome.env = said.outcome.env;
        outcome.path = said.outcome.path;
        outcome.state = said.outcome.state;
        outcome.masks = said.outcome.masks;
        if said.faults > 0 {
            outcome.exit_code = outcome.exit_code.map(|code| if code == 0 { 1 } else { code });
        }
    }

    /// What the job said about its source.
    pub(crate) fn annotations(&self) -> Vec<Annotation> {
        std::mem::take(&mut self.state().annotations)
    }

    /// Whether whole lines are looked at.
    pub(crate) fn watches(&self) -> bool {
        !self.state().matchers.is_empty()
    }

    /// A line that is no command has gone by.
    pub(crate) fn passed(&self, line: &str) {
        let mut state = self.state();
        let Some(found) = state.matchers.line(line) else { return };
        if let Some(annotation) = self.annotation_of(found, &state.step.name) {
            state.keep(annotation);
        }
    }

    /// A line that may be a command: what the log shows in its place; `None` leaves it as it is.
    pub(crate) fn line(&self, line: &str, masks: &Masks) -> Option<Vec<String>> {
        let mut state = self.state();
        let token = state.step.stopped.clone();
        let command = commands::read(line, token.as_deref())?;
        if let Some(token) = token {
            if !command.name.eq_ignore_ascii_case(&token) {
                return None;
            }
            state.step.stopped = None;
            return Some(vec![line.to_owned()]);
        }
        let quiet = ["add-mask", "debug", "error", "notice", "warning"].contains(&&*command.name);
        let mut shown = Vec::new();
        if state.step.echo && !quiet {
            shown.push(line.to_owned());
        }
        if let Err(why) = self.carry_out(&mut state, &command, line, masks, &mut shown) {
            state.step.faults += 1;
            let said = if quiet { command.name.as_str() } else { line };
            shown.push(format!("##[error]the command `{said}` cannot be carried out: {why}"));
        }
        Some(shown)
    }

    fn carry_out(&self, state: &mut State, command: &Command, line: &str, masks: &Masks, shown: &mut Vec<String>) -> Result<(), String> {
        let data = &command.data;
        let property = |name: &str| command.properties.get(name).filter(|text| !text.is_empty());
        let named = || property("name").cloned().ok_or_else(|| "it needs `name=`".to_owned());
        match &*command.name {
            "add-mask" => {
                if data.trim().is_empty() {
                    shown.push("##[warning]an empty text cannot be masked".to_owned());
                    return Ok(());
                }
                masks.add(data)?;
                state.step.outcome.masks.push(Secret::new(data.clone()));
            }
            "debug" if state.step.debug => shown.extend(data.lines().map(|line| format!("##[debug]{line}"))),
            "debug" => {}
            "group" => shown.push(format!("##[group]{data}")),
            "endgroup" => shown.push("##[endgroup]".to_owned()),
            "error" | "warning" | "notice" => {
                shown.push(format!("##[{}]{data}", command.name));
                let annotation = self.annotation(command, &state.step.name);
                state.keep(annotation);
            }
            "echo" => match &*data.trim().to_lowercase() {
                "on" => state.step.echo = true,
                "off" => state.step.echo = false,
                _ => return Err("it is `on` or `off`".to_owned()),
            },
            "stop-commands" => {
                if data.is_empty() || commands::is_name(data) || data.eq_ignore_ascii_case("pause-logging") {
                    return Err("it needs a word that no command has".to_owned());
                }
                state.step.stopped = Some(data.clone());
                shown.clear();
                shown.push(line.to_owned());
            }
            "set-output" => drop(state.step.outcome.outputs.insert(named()?, data.clone())),
            "save-state" => drop(state.step.outcome.state.insert(named()?, data.clone())),
            "set-env" | "add-path" if !state.step.unsecure => {
                let file = if command.name == "set-env" { "GITHUB_ENV" } else { "GITHUB_PATH" };
                return Err(format!("write to the file that ${file} names; a step's output may hold anybody's text"));
            }
            "set-env" => {
                let name = named()?;
                if FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden)) {
                    shown.push(format!("##[error]the variable {name} cannot be set for later steps"));
                } else {
                    state.step.outcome.env.insert(name, data.clone());
                }
            }
            "add-path" if data.is_empty() => return Err("it needs a folder".to_owned()),
            "add-path" => state.step.outcome.path.push(data.clone()),
            "add-matcher" => state.matchers.add(&self.matcher_file(data)?)?,
            "remove-matcher" => match (property("owner"), data.is_empty()) {
                (Some(owner), true) => state.matchers.remove(owner),
                (None, false) => Matchers::owners(&self.matcher_file(data)?)?.iter().for_each(|owner| state.matchers.remove(owner)),
                _ => shown.push("##[warning]remove-matcher needs `owner=` or a file, and not both".to_owned()),
            },
            _ => {}
        }
        Ok(())
    }

    fn matcher_file(&self, path: &str) -> Result<Vec<u8>, String> {
        self.places.read(path, MAX_MATCHER_FILE).map_err(|error| format!("{path}: {error}"))
    }

    fn annotation(&self, command: &Command, step: &str) -> Annotation {
        let text = |name: &str| command.properties.get(name).filter(|text| !text.is_empty());
        let number = |name: &str| text(name).and_then(|text| text.trim().parse::<u32>().ok());
        let (mut line, mut end_line) = (number("line"), number("endline"));
        let (mut column, mut end_column) = (number("col"), number("endcolumn"));
        // what does not go together is put right or left out as GitHub's runner does
        line = line.or(end_line);
        column = column.or(end_column);
        if line.is_none() || (end_line.is_some() && end_line != line) {
            (column, end_column) = (None, None);
        }
        if end_line < line && end_line.is_some() {
            (line, end_line) = (None, None);
        }
        if end_column < column && end_column.is_some() {
            (column, end_column) = (None, None);
        }
        Annotation {
            level: match &*command.name {
                "error" => AnnotationLevel::Error,
                "warning" => AnnotationLevel::Warning,
                _ => AnnotationLevel::Notice,
            },
            message: cut(&command.data),
            title: text("title").map(|title| cut(title)),
            file: text("file").map(|file| cut(self.places.relative(file))),
            line,
            end_line,
            column,
            end_column,
            step: step.to_owned(),
        }
    }

    fn annotation_of(&self, found: Match, step: &str) -> Option<Annotation> {
        let level = found.level()?;
        let message = found.message.filter(|message| !message.is_empty())?;
        let file = found.file.filter(|file| !file.is_empty()).map(|file| match found.from_path.as_deref() {
            Some(from) if !file.starts_with('/') && !from.is_empty() => match from.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{file}"),
                None => file,
            },
            _ => file,
        });
        let number = |text: Option<String>| text.and_then(|text| text.trim().parse().ok());
        Some(Annotation {
            level,
            message: cut(&message),
            title: found.code.filter(|code| !code.is_empty()).map(|code| cut(&code)),
            file: file.map(|file| cut(self.places.relative(&file))),
            line: number(found.line),
            end_line: None,
            column: number(found.column),
            end_column: None,
            step: step.to_owned(),
        })
    }
}

impl State {
    fn keep(&mut self, annotation: Annotation) {
        let of_level = self.step.annotations.iter().filter(|level| **level == annotation.level).count();
        if of_level < MAX_OF_A_STEP && self.annotations.len() < MAX_ANNOTATIONS {
            self.step.annotations.push(annotation.level);
            self.annotations.push(annotation);
        }
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_MESSAGE)].to_owned()
}

/// Variables of `GITHUB_ENV` that no step may set; gives those that were taken out.
pub(crate) fn without_forbidden(env: &mut BTreeMap<String, String>) -> Vec<String> {
    let is_forbidden = |name: &String| FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden));
    let out: Vec<String> = env.keys().filter(|name| is_forbidden(name)).cloned().collect();
    env.retain(|name, _| !is_forbidden(name));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard() -> (Heard, Masks) {
        let heard = Heard::new(Places::new(vec![("/builds/shop".into(), "/nowhere".into())]));
        heard.begin("a step", |_| None);
        (heard, Masks::new([]))
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &[&str]) -> (StepOutcome, Vec<Annotation>) {
        let (heard, masks) = heard();
        let shown: Vec<String> =
            lines.iter().flat_map(|line| heard.line(line, &masks).unwrap_or_else(|| vec![format!("as is: {line}")])).collect();
        assert_eq!(shown, expected);
        let mut outcome = StepOutcome::exited(0);
        heard.end(&mut outcome);
        (outcome, heard.annotations())
    }

    #[test]
    fn commands_do_what_they_say_and_are_shown_as_github_shows_them() {
        let (outcome, _) = check(
            &["::group::all", "::set-output name=a::1", "::save-state name=s::2", "::debug::no", "::add-mask::x1y2", "::endgroup::"],
            &["##[group]all", "##[endgroup]"],
        );
        assert_eq!((outcome.outputs["a"].as_str(), outcome.state["s"].as_str(), outcome.masks.len()), ("1", "2", 1));
        assert_eq!(outcome.exit_code, Some(0));
    }

    #[test]
    fn no_command_counts_until_the_word_that_ends_the_stop() {
        let (outcome, annotations) = check(
            &["::stop-commands::w0rd", "::error::no", "::W0rd::", "::set-output name=a::1"],
            &["::stop-commands::w0rd", "as is: ::error::no", "::W0rd::"],
        );
        assert_eq!((outcome.outputs.len(), annotations.len()), (1, 0));
        let (outcome, _) = check(
            &["::stop-commands::error"],
            &["##[error]the command `::stop-commands::error` cannot be carried out: it needs a word that no command has"],
        );
        assert_eq!(outcome.exit_code, Some(1));
    }

    #[test]
    fn a_variable_for_later_steps_by_output_is_refused_as_at_github() {
        let (outcome, _) = check(
            &["::set-env name=A::b"],
            &[
                "##[error]the command `::set-env name=A::b` cannot be carried out: write to the file that $GITHUB_ENV names; a step's output may hold anybody's text",
            ],
        );
        assert_eq!((outcome.exit_code, outcome.env.len()), (Some(1), 0));
    }

    #[test]
    fn places_of_annotations_are_put_right() {
        let place = |line: &str| {
            let (_, annotations) = check(&[line], &["##[warning]m"]);
            let one = &annotations[0];
            (one.file.clone(), one.line, one.end_line, one.column, one.end_column)
        };
        let file = || Some("a.c".to_owned());
        assert_eq!(
            place("::warning file=/builds/shop/a.c,line=3,endLine=3,col=1,endColumn=2::m"),
            (file(), Some(3), Some(3), Some(1), Some(2))
        );
        assert_eq!(place("::warning file=a.c,endLine=3::m"), (file(), Some(3), Some(3), None, None));
        assert_eq!(place("::warning file=a.c,line=3,endLine=4,col=1::m"), (file(), Some(3), Some(4), None, None));
        assert_eq!(place("::warning file=a.c,col=1::m"), (file(), None, None, None, None));
        assert_eq!(place("::warning file=a.c,line=5,endLine=4::m"), (file(), None, None, None, None));
        assert_eq!(place("::warning::m"), (None, None, None, None, None));
    }

    #[test]
    fn a_step_leaves_as_many_annotations_as_github_keeps() {
        let (heard, masks) = heard();
        for _ in 0..30 {
            heard.line("::error::x", &masks);
            heard.line("::notice::x", &masks);
        }
        assert_eq!(heard.annotations().len(), 2 * MAX_OF_A_STEP);
    }
}
