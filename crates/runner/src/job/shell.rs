//! What reads a step's script, and how it is started.

use penstock_model::job::{RunnerError, Shell, Work};

use super::Attempt;
use super::steps::Call;
use crate::runner::io;

/// The program that carries a step out on the host, with its arguments; `None` if there is nothing to start.
pub(super) fn argv(attempt: &Attempt<'_>, call: &Call) -> Result<Option<Vec<String>>, RunnerError> {
    match &call.step.work {
        Work::Script { text, shell } => {
            let script = put(attempt, call.index, text, shell)?;
            Ok(Some(reading(shell, &script, std::path::Path::new("/bin/bash").exists())))
        }
        Work::Program(argv) => Ok(Some(argv.clone())),
        Work::Container(_) | Work::Chore(_) => Ok(None),
    }
}

/// Puts a script where the job finds it; gives its path inside.
pub(super) fn put(attempt: &Attempt<'_>, index: usize, text: &str, shell: &Shell) -> Result<String, RunnerError> {
    let failed = io("writing the step's script");
    match shell {
        // PowerShell reads only what has its extension, and goes on after an error unless it is told not to
        Shell::Pwsh => {
            let text = format!(
                "$ErrorActionPreference = 'stop'\n{text}\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) {{ exit $LASTEXITCODE }}\n"
            );
            attempt.scratch.script(&format!("step-{index}.ps1"), &text).map_err(failed)
        }
        _ => attempt.scratch.script(&format!("step-{index}"), text).map_err(failed),
    }
}

/// The command that reads a script.
pub(super) fn reading(shell: &Shell, script: &str, bash: bool) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut argv = match shell {
        Shell::Bash => words(&["/bin/bash", "--noprofile", "--norc", "-e", "-o", "pipefail"]),
        Shell::BashOrSh if bash => words(&["/bin/bash", "-e"]),
        Shell::BashOrSh | Shell::Sh => words(&["/bin/sh", "-e"]),
        Shell::Python => words(&["python3"]),
        Shell::Pwsh => return vec!["pwsh".to_owned(), "-command".to_owned(), format!(". '{script}'")],
        Shell::Custom(command) => return split(command).iter().map(|word| word.replace("{0}", script)).collect(),
    };
    argv.push(script.to_owned());
    argv
}

/// A command's words: between blanks, which count for nothing within double quotes.
fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&'"') => word.extend(letters.next()),
            '"' => (quoted, begun) = (!quoted, true),
            letter if letter.is_whitespace() && !quoted => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            letter => word.push(letter),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_is_started_as_github_starts_it() {
        let custom = |command: &str| Shell::Custom(command.to_owned());
        for (shell, bash, expected) in [
            (Shell::Bash, true, "/bin/bash --noprofile --norc -e -o pipefail S"),
            (Shell::BashOrSh, true, "/bin/bash -e S"),
            (Shell::BashOrSh, false, "/bin/sh -e S"),
            (Shell::Sh, true, "/bin/sh -e S"),
            (Shell::Python, true, "python3 S"),
            (Shell::Pwsh, true, "pwsh -command . 'S'"),
            (custom("perl {0}"), true, "perl S"),
            (custom("bash -leo pipefail {0}"), true, "bash -leo pipefail S"),
        ] {
            assert_eq!(reading(&shell, "S", bash).join(" "), expected);
        }
    }

    #[test]
    fn a_commands_quoted_words_stay_whole() {
        assert_eq!(split(r#"a  "b c" d"e f" "" \"g "#), ["a", "b c", "de f", "", "\"g"]);
    }
}
