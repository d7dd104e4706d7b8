//! `actions/setup-python`.

use super::super::act::{Inputs, quoted};
use super::super::facts::Facts;
use super::super::table::{BuiltIn, Known, Refusal, anything};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, of_tool_versions};

pub(in super::super) const KNOWN: Known = Known {
    name: "actions/setup-python",
    built_in: BuiltIn::SetupPython,
    majors: &[1, 2, 3, 4, 5, 6, 7],
    branches: &["main"],
    inputs: &[
        "python-version",
        "python-version-file",
        "cache",
        "architecture",
        "check-latest",
        "token",
        "cache-dependency-path",
        "update-environment",
        "allow-prereleases",
        "freethreaded",
        "pip-version",
        "pip-install",
    ],
    check,
    begin,
};

pub(super) const TOOL: Tool = Tool {
    title: "Python",
    image: "python:3",
    programs: &["python3", "python", "python3.[0-9]", "python3.[0-9][0-9]"],
    elsewhere: &["/opt/hostedtoolcache/Python/*/*/bin/python3", "/usr/local/bin/python3.[0-9]*", "/usr/bin/python3.[0-9]*"],
    version: "\"$1\" -c 'import platform; print(platform.python_version())' 2>/dev/null",
    of_file,
    // the newest there is of a line, released or not
    range: |wish| match wish.strip_suffix("-dev") {
        Some(line) => Wish::of_range(&format!("~{line}.0-0")),
        None => Wish::of_range(wish),
    },
    apply,
};

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    for version in inputs.lines("python-version") {
        if version.starts_with("pypy") || version.starts_with("graalpy") {
            return Err(Refusal::input(
                "python-version",
                format!("`{version}` is not carried out"),
                "use CPython, or an image that has it",
            ));
        }
    }
    anything(inputs)
}

fn of_file(name: &str, text: &str) -> Option<String> {
    match name {
        ".tool-versions" => of_tool_versions(text, &["python"]),
        "pyproject.toml" => {
            let mut lines = text.lines().map(str::trim);
            let line = lines.find(|line| line.starts_with("requires-python") || line.starts_with("python ="))?;
            Some(line.split_once('=')?.1.trim().trim_matches(['"', '\'']).to_owned())
        }
        _ => first_line(text).map(|line| line.trim_start_matches("python-").to_owned()),
    }
}

/// An environment of its own, so that packages can be installed as at GitHub, whatever the system's Python says to that.
fn apply(found: &Found) -> String {
    let path = quoted(&found.path);
    let folder = format!("\"$HOME/.python/{}\"", found.version.shown());
    format!(
        "d={folder}\nif ! {path} -m venv \"$d\" > \"$d.log\" 2>&1; then\n  mkdir -p \"$d/bin\"; for n in python python3; do ln -sf {path} \"$d/bin/$n\"; done\n  echo 'PIP_BREAK_SYSTEM_PACKAGES=1' >> \"$GITHUB_ENV\"; echo 'PIP_USER=1' >> \"$GITHUB_ENV\"; echo \"$HOME/.local/bin\" >> \"$GITHUB_PATH\"\n  echo '##[warning]this Python has no `venv`: packages go to the home directory'\nfi\necho \"$d/bin\" >> \"$GITHUB_PATH\"\nfor n in pythonLocation Python_ROOT_DIR Python2_ROOT_DIR Python3_ROOT_DIR; do echo \"$n=$d\" >> \"$GITHUB_ENV\"; done\necho \"path=$d/bin/python\" >> \"$GITHUB_OUTPUT\"\n"
    )
    .replacen("d=", "mkdir -p \"$HOME/.python\"\nd=", 1)
}

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let wishes = inputs.lines("python-version");
    let file = inputs.get("python-version-file").filter(|_| wishes.is_empty());
    let mut setup = Setup::new(&TOOL, wishes, file, "python-version");
    setup.caches(&inputs);
    setup.early = inputs.flag("allow-prereleases", false)?;
    setup.path_output = Some("python-path");
    if let Some(packages) = inputs.get("pip-install") {
        setup.after = format!("\"$d/bin/python\" -m pip install {packages}\n");
    }
    Ok(Box::new(setup))
}
