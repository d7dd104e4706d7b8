//! What reads a step's script: a name, or a command; by expression where GitHub allows one.

use penstock_model::job::Shell;

use crate::github::checked::checked_text;
use crate::github::contexts::Place;
use crate::plan::Asked;
use crate::reader::{Problems, shown};
use crate::yaml::Node;

/// What there is.
const HELP: &str = "use one of: bash, sh, python, pwsh; or a command with `{0}` for the script's file";

/// Reads `shell` at a place.
pub(in crate::github) fn shell(node: &Node, path: &str, place: &Place, problems: &mut Problems) -> Option<Asked<Shell>> {
    let written = checked_text(node, path, place, problems)?;
    if written.contains("${{") {
        return Some(Asked::Expression(written));
    }
    let read = of_text(&written);
    if read.is_none() {
        problems.add(node.at, path, unknown(&written), HELP);
    }
    read.map(Asked::Given)
}

/// The shell that an expression came to. Nothing is the one that a step has that names none, as in GitHub's runner.
pub(in crate::github) fn evaluated(text: &str) -> Result<Shell, String> {
    if text.is_empty() {
        return Ok(Shell::BashOrSh);
    }
    of_text(text).ok_or_else(|| format!("{}: {HELP}", unknown(text)))
}

fn unknown(text: &str) -> String {
    format!("`{}` is no shell that Penstock knows", shown(text))
}

fn of_text(text: &str) -> Option<Shell> {
    Some(match text {
        "bash" => Shell::Bash,
        "sh" => Shell::Sh,
        "python" => Shell::Python,
        "pwsh" => Shell::Pwsh,
        // of Windows: a step that names one fails where it is not there, when it is reached
        "cmd" => Shell::Custom(r#"cmd /D /E:ON /V:OFF /S /C "CALL {0}""#.to_owned()),
        "powershell" => Shell::Custom(r#"powershell -command ". '{0}'""#.to_owned()),
        custom if custom.contains("{0}") && custom.split_whitespace().next().is_some_and(|program| program != "{0}") => {
            Shell::Custom(custom.to_owned())
        }
        _ => return None,
    })
}
