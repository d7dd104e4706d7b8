//! A GitLab job from the inside: `pre_get_sources_script` in a shell of its own if there is one, `before_script` and `script` in one shell, then `after_script` in another.
//!
//! As GitLab's reference of `after_script` has it: it comes after a failure and a cancellation too, and not after the job's
//! time limit.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::job::{EnvValue, NextStep, Shell, StepOutcome, StepSource, StepSpec};

use crate::plan::{Plan, PlannedJob, PlannedStep};

/// How long `after_script` may take (GitLab's own default).
const AFTER_SCRIPT_TIMEOUT: Duration = Duration::from_mins(5);

/// Fetches submodules as GitLab's runner does, before anything else: the variables are those that the job has when it starts.
const SUBMODULES: &str = "(
case \"${GIT_STRATEGY:-fetch}\" in
none|empty) exit 0 ;;
esac
case \"${GIT_SUBMODULE_STRATEGY:-none}\" in
normal) deep= ;;
recursive) deep=--recursive ;;
*) exit 0 ;;
esac
git submodule sync --quiet $deep
git submodule update --init --force $deep ${GIT_SUBMODULE_DEPTH:+--depth \"$GIT_SUBMODULE_DEPTH\"} $GIT_SUBMODULE_UPDATE_FLAGS -- $GIT_SUBMODULE_PATHS
)";

/// Where the job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Hook,
    Script,
    After,
}

pub(super) struct GitlabSteps {
    hook: Vec<String>,
    script: Vec<String>,
    after: Vec<String>,
    shell: Shell,
    phase: Phase,
    exit_code: i32,
}

impl GitlabSteps {
    pub(super) fn new(plan: &Plan, job: &PlannedJob) -> Self {
        let (mut hook, mut script, mut after) = (Vec::new(), Vec::new(), Vec::new());
        if fetches_submodules(plan, job) {
            script.push(SUBMODULES.to_owned());
        }
        for step in &job.steps {
            match step {
                PlannedStep::BeforeSources { commands } => hook.extend(commands.iter().cloned()),
                PlannedStep::Script { commands } => script.extend(commands.iter().cloned()),
                PlannedStep::AfterScript { commands } => after.extend(commands.iter().cloned()),
                PlannedStep::Run { .. } | PlannedStep::Uses { .. } | PlannedStep::Background { .. } | PlannedStep::Wait { .. } => {}
            }
        }
        // an image need not have bash
        let shell = if job.image.is_some() { Shell::Sh } else { Shell::Bash };
        Self { hook, script, after, shell, phase: Phase::Start, exit_code: 0 }
    }

    fn done(&self) -> NextStep {
        NextStep::Done { exit_code: self.exit_code, outputs: BTreeMap::new() }
    }

    fn after_script(&mut self, cancelled: bool) -> NextStep {
        self.phase = Phase::After;
        if self.after.is_empty() {
            return self.done();
        }
        let status = match (cancelled, self.exit_code) {
            (true, _) => "canceled",
            (false, 0) => "success",
            _ => "failed",
        };
        let env = BTreeMap::from([("CI_JOB_STATUS".to_owned(), EnvValue::Plain(status.to_owned()))]);
        let step = self.step("after_script", &self.after, env, Some(AFTER_SCRIPT_TIMEOUT));
        NextStep::Run(StepSpec { may_fail: true, ..step })
    }

    fn step(&self, name: &str, commands: &[String], env: BTreeMap<String, EnvValue>, timeout: Option<Duration>) -> StepSpec {
        StepSpec { env, timeout, ..StepSpec::script(name, shell_script(commands, &self.shell), self.shell.clone()) }
    }
}

impl StepSource for GitlabSteps {
    fn next(&mut self, last: Option<&StepOutcome>, cancelled: bool) -> NextStep {
        match self.phase {
            Phase::Start if cancelled => {
                self.exit_code = 1;
                self.phase = Phase::After;
                self.done()
            }
            Phase::Start if !self.hook.is_empty() => {
                self.phase = Phase::Hook;
                NextStep::Run(self.step("pre_get_sources_script", &self.hook, BTreeMap::new(), None))
            }
            // a job without its sources has nothing to clean up
            Phase::Hook if cancelled || last.and_then(|outcome| outcome.exit_code) != Some(0) => {
                self.exit_code = last.and_then(|outcome| outcome.exit_code).filter(|code| *code != 0).unwrap_or(1);
                self.phase = Phase::After;
                self.done()
            }
            Phase::Start | Phase::Hook => {
                self.phase = Phase::Script;
                NextStep::Run(self.step("script", &self.script, BTreeMap::new(), None))
            }
            Phase::Script => {
                self.exit_code = last.and_then(|outcome| outcome.exit_code).unwrap_or(1);
                if cancelled && self.exit_code == 0 {
                    self.exit_code = 1;
                }
                if last.is_some_and(|outcome| outcome.timed_out) {
                    self.phase = Phase::After;
                    return self.done();
                }
                self.after_script(cancelled)
            }
            // how `after_script` ended does not count
            Phase::After => self.done(),
        }
    }
}

/// Whether some variable asks for submodules; what it says is known when the job starts.
fn fetches_submodules(plan: &Plan, job: &PlannedJob) -> bool {
    let own = job.variables.iter().chain(plan.inherited(job));
    own.into_iter().any(|(name, variable)| name == "GIT_SUBMODULE_STRATEGY" && variable.value != "none")
}

/// One script that says each command before it does it.
fn shell_script(commands: &[String], shell: &Shell) -> String {
    let mut out = String::new();
    if *shell == Shell::Sh {
        out.push_str("if [ -z \"${BASH_VERSION:-}\" ] && [ -f \"$0\" ] && command -v bash >/dev/null 2>&1; then exec bash --noprofile --norc -eo pipefail \"$0\"; fi\n");
    }
    for command in commands {
        let shown = match command.trim_end().split_once('\n') {
            None => format!("$ {}", command.trim_end()),
            Some((first, _)) => format!("$ {first} # and more lines"),
        };
        out.push_str("printf '%s\\n' ");
        out.push_str(&quoted(&shown));
        out.push('\n');
        out.push_str(command);
        out.push('\n');
    }
    out
}

/// In single quotes, for any shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::testing::gitlab_plan;

    fn ended(exit_code: Option<i32>) -> StepOutcome {
        StepOutcome { exit_code, ..StepOutcome::default() }
    }

    /// What the runner sees, given how each step ends.
    #[track_caller]
    fn check(job: &str, ends: &[(Option<i32>, bool)], expected: &str) {
        let plan = gitlab_plan(job);
        let mut steps = GitlabSteps::new(&plan, &plan.jobs[0]);
        let mut seen = String::new();
        let mut next = steps.next(None, false);
        for (exit_code, cancelled) in ends {
            if let NextStep::Run(step) = &next {
                write!(seen, "{} {:?}; ", step.name, step.env.values().collect::<Vec<_>>()).unwrap();
            }
            next = steps.next(Some(&ended(*exit_code)), *cancelled);
        }
        if let NextStep::Done { exit_code, .. } = next {
            write!(seen, "done {exit_code}").unwrap();
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn after_script_runs_whatever_happened_and_does_not_count() {
        let job = "a: {script: [x], after_script: [y]}";
        check(job, &[(Some(0), false), (Some(9), false)], "script []; after_script [Plain(\"success\")]; done 0");
        check(job, &[(Some(3), false), (Some(0), false)], "script []; after_script [Plain(\"failed\")]; done 3");
        check(job, &[(None, true), (Some(0), true)], "script []; after_script [Plain(\"canceled\")]; done 1");
        check("a: {script: [x]}", &[(Some(2), false)], "script []; done 2");
    }

    #[test]
    fn a_hook_comes_first_in_a_shell_of_its_own_and_its_failure_is_the_jobs() {
        let job = "a: {hooks: {pre_get_sources_script: [h]}, script: [x], after_script: [y]}";
        let all = "pre_get_sources_script []; script []; after_script [Plain(\"success\")]; done 0";
        check(job, &[(Some(0), false), (Some(0), false), (Some(0), false)], all);
        check(job, &[(Some(4), false)], "pre_get_sources_script []; done 4");
        check(job, &[(None, false)], "pre_get_sources_script []; done 1");
        check(job, &[(Some(0), true)], "pre_get_sources_script []; done 1");
        let default = "default: {hooks: {pre_get_sources_script: [h]}}\na: {script: [x]INHERIT}";
        check(&default.replace("INHERIT", ""), &[(Some(4), false)], "pre_get_sources_script []; done 4");
        check(&default.replace("INHERIT", ", inherit: {default: false}"), &[(Some(4), false)], "script []; done 4");
        check(&default.replace("INHERIT", ", hooks: {}"), &[(Some(4), false)], "script []; done 4");
    }

    #[test]
    fn submodules_are_fetched_first_if_a_variable_asks_for_them() {
        for (file, fetched) in [
            ("a: {script: [x]}", false),
            ("a: {script: [x], variables: {GIT_SUBMODULE_STRATEGY: recursive}}", true),
            ("variables: {GIT_SUBMODULE_STRATEGY: normal}\na: {script: [x]}", true),
            ("variables: {GIT_SUBMODULE_STRATEGY: normal}\na: {script: [x], inherit: {variables: false}}", false),
            ("a: {script: [x], variables: {GIT_SUBMODULE_STRATEGY: none}}", false),
        ] {
            let plan = gitlab_plan(file);
            let NextStep::Run(step) = GitlabSteps::new(&plan, &plan.jobs[0]).next(None, false) else { panic!("{file}") };
            let script = format!("{step:?}");
            assert_eq!(script.contains("git submodule update --init"), fetched, "{file}");
        }
        // there is nothing to fetch them for
        let (none, submodules) = (SUBMODULES.find("none|empty) exit 0"), SUBMODULES.find("git submodule"));
        assert!(none.is_some() && none < submodules);
    }

    #[test]
    fn after_script_does_not_run_after_the_jobs_time_limit() {
        let plan = gitlab_plan("a: {script: [x], after_script: [y]}");
        let mut steps = GitlabSteps::new(&plan, &plan.jobs[0]);
        assert!(matches!(steps.next(None, false), NextStep::Run(_)));
        let last = StepOutcome { timed_out: true, ..ended(None) };
        assert_eq!(steps.next(Some(&last), true), NextStep::Done { exit_code: 1, outputs: BTreeMap::new() });
    }

    #[test]
    fn each_command_is_said_before_it_is_done() {
        let commands = ["echo 'it'".to_owned(), "cat <<E\nx\nE".to_owned()];
        let expected = "printf '%s\\n' '$ echo '\\''it'\\'''\necho 'it'\nprintf '%s\\n' '$ cat <<E # and more lines'\ncat <<E\nx\nE\n";
        assert_eq!(shell_script(&commands, &Shell::Bash), expected);
    }
}
