//! Steps that run beside others, as processes that outlive the step that starts them.
//!
//! Each has a folder of its own with its script, its log and the files by which it speaks. Whoever waits for it shows the log
//! and takes in what it left, as GitHub's runner does then and not before.

use std::collections::VecDeque;

use penstock_model::job::{NextStep, Shell, StepOutcome, StepSpec, Work};

use super::frame::Mark;
use super::{Running, WorkflowSteps, evaluate};
use crate::github::actions::quoted;
use crate::github::template::fill;
use crate::github::value::Value;
use crate::plan::{Awaited, PlannedStep};

/// A step in the background.
#[derive(Clone)]
pub(super) struct Beside {
    key: String,
    mark: Mark,
    name: String,
}

impl Beside {
    /// Whether the job goes on if it fails.
    pub(super) fn forgives(&self) -> bool {
        self.mark.continue_on_error
    }
}

/// What waits for steps in the background, or ends them.
pub(super) struct Waiting {
    left: VecDeque<Beside>,
    now: Option<Beside>,
    /// How it is recorded itself.
    mark: Mark,
    name: String,
    /// Whether they are ended.
    ends: bool,
    failed: bool,
    begun: bool,
}

impl Waiting {
    /// Whether the steps after it go on if what it waits for now fails.
    pub(super) fn forgives(&self) -> bool {
        self.mark.continue_on_error || self.now.as_ref().is_none_or(Beside::forgives)
    }
}

impl WorkflowSteps {
    /// Begins a step that runs beside those after it; nothing if it is skipped.
    pub(super) fn begin_beside(&mut self, key: &str, step: &PlannedStep) -> Option<NextStep> {
        let next = self.begin(step)?;
        let NextStep::Run(spec) = next else { return Some(next) };
        match (self.running.take(), &spec.work) {
            (Some(Running::Script(mark)), Work::Script { text, shell }) if matches!(step, PlannedStep::Run { .. }) => {
                let beside = Beside { key: key.to_owned(), mark, name: spec.name.clone() };
                let limit = spec.timeout.map(|limit| limit.as_secs());
                let script = launch(key, text, shell, limit);
                self.running = Some(Running::Launch(beside));
                let name = format!("{} (in the background)", spec.name);
                let work = Work::Script { text: script, shell: Shell::BashOrSh };
                Some(NextStep::Run(StepSpec { name, work, timeout: None, ..spec }))
            }
            // an action is carried out in its place, and done when somebody waits for it
            (running, _) => {
                self.running = running;
                Some(NextStep::Run(spec))
            }
        }
    }

    /// It runs, or could not be started.
    pub(super) fn launched(&mut self, beside: Beside, code: Option<i32>) {
        if code == Some(0) {
            self.beside.push(beside);
        } else {
            self.record(&beside.mark, code, std::collections::BTreeMap::new());
        }
    }

    /// Begins a step that waits for others or ends them.
    pub(super) fn begin_wait(&mut self, step: &PlannedStep) -> Option<NextStep> {
        let PlannedStep::Wait { id, name, awaited, continue_on_error, .. } = step else { return None };
        let contexts = self.contexts(&self.env.clone());
        let mut mark = Mark { id: id.clone(), continue_on_error: false };
        let settled = name.as_ref().map(|name| fill(name, &contexts)).transpose().and_then(|name| {
            mark.continue_on_error = evaluate::flag(continue_on_error, &contexts)?;
            Ok(name)
        });
        let name = match settled {
            Ok(name) => name,
            Err(why) => return Some(self.fail(mark, &why)),
        };
        let (usual, ends, wanted) = match awaited {
            Awaited::For { steps } => ("Wait", false, Some(steps)),
            Awaited::All => ("Wait for all", false, None),
            Awaited::Cancel { steps } => ("Cancel", true, Some(steps)),
        };
        let wanted = |beside: &Beside| wanted.is_none_or(|steps| steps.contains(&beside.key));
        self.wait_for(wanted, name.unwrap_or_else(|| usual.to_owned()), mark, ends)
    }

    /// Waits for whatever nobody waited for; nothing if there is nothing.
    pub(super) fn wait_at_the_end(&mut self) -> Option<NextStep> {
        if self.beside.is_empty() {
            return None;
        }
        let ends = self.cancelled;
        self.wait_for(|_| true, "Wait for all background steps".to_owned(), Mark::default(), ends)
    }

    fn wait_for(&mut self, wanted: impl Fn(&Beside) -> bool, name: String, mark: Mark, ends: bool) -> Option<NextStep> {
        let (left, others): (Vec<Beside>, Vec<Beside>) = std::mem::take(&mut self.beside).into_iter().partition(wanted);
        self.beside = others;
        self.go_on_waiting(Waiting { left: left.into(), now: None, mark, name, ends, failed: false, begun: false }, None)
    }

    /// Takes in how the one that was waited for ended, and goes on to the next.
    pub(super) fn go_on_waiting(&mut self, mut waiting: Waiting, last: Option<&StepOutcome>) -> Option<NextStep> {
        if let (Some(beside), Some(last)) = (waiting.now.take(), last) {
            let outputs = last.outputs.clone();
            if waiting.ends && last.outputs.contains_key(ENDED) {
                // whoever was to be ended fails nobody
                self.frame().keep(beside.mark.id.as_ref(), Vec::new(), "cancelled", "cancelled");
            } else {
                let failed = last.exit_code != Some(0) && !beside.mark.continue_on_error;
                waiting.failed |= failed;
                if failed && waiting.mark.continue_on_error {
                    self.beside_failed = true;
                    let outputs = outputs.into_iter().map(|(name, value)| (name, Value::text(value))).collect();
                    self.frame().keep(beside.mark.id.as_ref(), outputs, "failure", "failure");
                } else {
                    self.record(&beside.mark, last.exit_code, outputs);
                }
            }
        }
        let Some(beside) = waiting.left.pop_front() else {
            let code = Some(i32::from(waiting.failed));
            self.record(&waiting.mark, code, std::collections::BTreeMap::new());
            return None;
        };
        let text = if waiting.ends { end(&beside.key) } else { await_one(&beside.key) };
        let spec = StepSpec {
            notes: vec![format!("{}:", beside.name)],
            goes_on: waiting.begun,
            ..StepSpec::script(waiting.name.clone(), text, Shell::BashOrSh)
        };
        waiting.begun = true;
        waiting.now = Some(beside);
        self.running = Some(Running::Waiting(waiting));
        Some(NextStep::Run(spec))
    }
}

/// The output that says that a step was ended before its end.
const ENDED: &str = "penstock.ended";

/// Its folder.
fn folder(key: &str) -> String {
    format!("d=\"${{RUNNER_TEMP:-/tmp}}/.beside/\"{}\n", quoted(key))
}

/// The command that reads a script, as the runner has it for steps.
fn reading(shell: &Shell) -> String {
    match shell {
        Shell::Bash => "bash --noprofile --norc -e -o pipefail \"$d/script\"".to_owned(),
        Shell::BashOrSh => "$(command -v bash || echo sh) -e \"$d/script\"".to_owned(),
        Shell::Sh => "sh -e \"$d/script\"".to_owned(),
        Shell::Python => "python3 \"$d/script\"".to_owned(),
        Shell::Pwsh => "pwsh -command \". '$d/script'\"".to_owned(),
        Shell::Custom(command) => command.replace("{0}", "\"$d/script\""),
    }
}

/// Starts it and does not wait, in a process group of its own where `setsid` is there. What a shell starts beside itself is deaf
/// to SIGINT, unless `env` says otherwise.
fn launch(key: &str, text: &str, shell: &Shell, limit: Option<u64>) -> String {
    let limit = limit.map(|seconds| format!("timeout --foreground -k 10 {seconds} ")).unwrap_or_default();
    let run = format!(
        "{}s=0; {limit}{} || s=$?; if [ $s = 124 ]; then echo '##[error]the time limit of the step was reached'; trap '' TERM; kill -s TERM -- -$$ 2> /dev/null || kill -TERM -$$ 2> /dev/null || true; fi; echo $s > \"$d/exit.new\"; mv \"$d/exit.new\" \"$d/exit\"\n",
        folder(key),
        reading(shell)
    );
    format!(
        concat!(
            "umask 077\n{folder}rm -rf \"$d\"; mkdir -p \"$d\"; printf '%s' {text} > \"$d/script\"; printf '%s' {run} > \"$d/run\"\n",
            "for f in log output env path summary state; do : > \"$d/$f\"; done\n",
            "export GITHUB_OUTPUT=\"$d/output\" GITHUB_ENV=\"$d/env\" GITHUB_PATH=\"$d/path\" GITHUB_STEP_SUMMARY=\"$d/summary\" GITHUB_STATE=\"$d/state\"\n",
            "w=$(command -v setsid || true); if env --default-signal=INT true 2> /dev/null; then w=\"$w env --default-signal=INT,QUIT\"; fi\n$w sh \"$d/run\" > \"$d/log\" 2>&1 < /dev/null &\necho $! > \"$d/pid\"\n",
        ),
        folder = folder(key),
        text = quoted(&format!("{}\n", text.trim_end_matches('\n'))),
        run = quoted(&run),
    )
}

/// Shows its log as it grows, then takes in what it left, and ends as it ended.
fn await_one(key: &str) -> String {
    format!(
        concat!(
            "{}o=0; show() {{ n=$(wc -c < \"$d/log\"); if [ \"$n\" -gt \"$o\" ]; then tail -c +$((o + 1)) \"$d/log\" | head -c $((n - o)); o=$n; fi; }}\n",
            "while [ ! -f \"$d/exit\" ] && kill -0 \"$(cat \"$d/pid\")\" 2> /dev/null; do show; sleep 0.05; done\n",
            "show; {}",
            "exit \"$(cat \"$d/exit\" 2> /dev/null || echo 137)\"\n",
        ),
        folder(key),
        TAKE_IN
    )
}

const TAKE_IN: &str = "cat \"$d/output\" >> \"$GITHUB_OUTPUT\"; cat \"$d/env\" >> \"$GITHUB_ENV\"; cat \"$d/path\" >> \"$GITHUB_PATH\"; cat \"$d/summary\" >> \"$GITHUB_STEP_SUMMARY\"\n";

/// Ends its process group (whatever the shell's `kill` makes of `--`) by SIGINT, then SIGTERM after 7.5 s, then SIGKILL after another 2.5 s; one that has ended already ends as it ended.
fn end(key: &str) -> String {
    format!(
        concat!(
            "{}if [ ! -f \"$d/exit\" ]; then\n  p=$(cat \"$d/pid\"); gone() {{ [ -f \"$d/exit\" ] || ! kill -0 \"$p\" 2> /dev/null; }}\n",
            "  for s in INT TERM KILL; do gone && break; kill -s $s -- \"-$p\" 2> /dev/null || kill -$s \"-$p\" 2> /dev/null || kill -$s \"$p\" 2> /dev/null || true\n",
            "    i=0; case $s in INT) m=150 ;; *) m=50 ;; esac; while [ $i -lt $m ] && ! gone; do sleep 0.05; i=$((i + 1)); done\n  done\n",
            "  echo '{}=true' >> \"$GITHUB_OUTPUT\"; cat \"$d/log\"; {}  exit 0\nfi\n",
            "cat \"$d/log\"; {}exit \"$(cat \"$d/exit\")\"\n"
        ),
        folder(key),
        ENDED,
        TAKE_IN,
        TAKE_IN
    )
}
