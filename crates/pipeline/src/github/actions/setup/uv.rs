//! `astral-sh/setup-uv`.

use super::super::act::{Act, Inputs, quoted};
use super::super::facts::Facts;
use super::super::sequence::{KEY, Keeping, Saves, Sequence, ready, script};
use super::super::table::{BuiltIn, Known, Refusal};
use super::{Begun, Env, Found, Setup, Tool, Wish, first_line, folder, of_tool_versions};

pub(in super::super) const KNOWN: Known = Known {
    name: "astral-sh/setup-uv",
    built_in: BuiltIn::SetupUv,
    majors: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    branches: &["main"],
    inputs: &[
        "version",
        "version-file",
        "pyproject-file",
        "uv-file",
        "python-version",
        "activate-environment",
        "venv-path",
        "no-project",
        "working-directory",
        "checksum",
        "github-token",
        "server-url",
        "enable-cache",
        "cache-dependency-glob",
        "restore-cache",
        "save-cache",
        "cache-suffix",
        "cache-local-path",
        "prune-cache",
        "cache-python",
        "ignore-nothing-to-cache",
        "ignore-empty-workdir",
        "tool-dir",
        "tool-bin-dir",
        "manifest-file",
        "download-from-astral-mirror",
        "add-problem-matchers",
        "quiet",
        "resolution-strategy",
    ],
    check,
    begin,
};

const TOOL: Tool = Tool {
    title: "uv",
    image: "ghcr.io/astral-sh/uv:python3.13-bookworm",
    programs: &["uv"],
    elsewhere: &["/opt/uv*/uv", "/opt/uv*/bin/uv", "/opt/hostedtoolcache/uv/*/*/uv"],
    version: "\"$1\" --version 2>/dev/null | sed 's/^uv //; s/ .*//'",
    of_file,
    range: |wish| match wish {
        "latest" | "latest-known" => Some(Wish::Highest(|_| true)),
        _ => Wish::of_range(wish),
    },
    apply: |found: &Found| {
        let (path, folder) = (quoted(&found.path), quoted(folder(&found.path)));
        format!(
            "echo {folder} >> \"$GITHUB_PATH\"; PATH={folder}:$PATH\necho uv-path={path} >> \"$GITHUB_OUTPUT\"; echo uvx-path={folder}/uvx >> \"$GITHUB_OUTPUT\"\n"
        )
    },
};

/// The version of uv that a project's file asks for.
fn of_file(name: &str, text: &str) -> Option<String> {
    let trimmed = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
    match name {
        ".tool-versions" => of_tool_versions(text, &["uv"]),
        "uv.lock" => {
            let mut lines = text.lines().map(str::trim).skip_while(|line| *line != "name = \"uv\"");
            lines.find_map(|line| line.strip_prefix("version =")).map(trimmed)
        }
        _ if name.ends_with(".toml") => {
            text.lines().find_map(|line| line.trim().strip_prefix("required-version")?.trim_start().strip_prefix('=')).map(trimmed)
        }
        _ if name.ends_with(".txt") => text
            .lines()
            .find_map(|line| line.trim().strip_prefix("uv=="))
            .map(|rest| rest.split([' ', ';', '\\']).next().unwrap_or(rest).to_owned()),
        _ => first_line(text),
    }
}

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    if inputs.get("resolution-strategy").is_some_and(|how| !["highest", "lowest"].contains(&how)) {
        return Err(Refusal::input("resolution-strategy", "`resolution-strategy` is `highest` or `lowest`", "write one of them"));
    }
    Ok(())
}

const LOCKS: &str =
    "**/*requirements*.txt\n**/*requirements*.in\n**/*constraints*.txt\n**/*constraints*.in\n**/pyproject.toml\n**/uv.lock\n**/*.py.lock";

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let place = inputs.or("working-directory", ".").to_owned();
    let below = |name: &str| if place == "." { name.to_owned() } else { format!("{place}/{name}") };
    let wishes: Vec<String> = inputs.get("version").map(str::to_owned).into_iter().collect();
    let named = ["version-file", "uv-file", "pyproject-file"].iter().find_map(|name| inputs.get(name));
    let mut setup = Setup::new(&TOOL, wishes, None, "uv-version");
    if setup.wishes.is_empty() {
        setup.files = named.map_or_else(|| ["uv.toml", "pyproject.toml"].map(&below).into(), |file| vec![below(file)]);
        setup.file_needed = named.is_some() && inputs.get("version-file").is_some();
    }
    setup.otherwise = Some("latest");
    setup.lowest = inputs.get("resolution-strategy") == Some("lowest");
    if inputs.get("checksum").is_some() {
        setup.notes.push("`checksum` is of a download, and nothing is downloaded".to_owned());
    }
    setup.after = environment(&inputs, &place)?;
    // as `auto` has it on machines that are not GitHub's
    if !matches!(inputs.or("enable-cache", "auto"), "true" | "True" | "TRUE") {
        setup.outputs.push(("cache-hit", "false".to_owned()));
        return Ok(Box::new(setup));
    }
    let cache = inputs.or("cache-local-path", "~/.cache/uv").trim_end_matches('/').to_owned();
    let tilde = cache.strip_prefix("~/").map_or_else(|| quoted(&cache), |rest| format!("\"$HOME/\"{}", quoted(rest)));
    setup.after.push_str(&format!("echo UV_CACHE_DIR={tilde} >> \"$GITHUB_ENV\"\n"));
    let mut paths = vec![cache];
    if inputs.flag("cache-python", false)? {
        paths.push("~/.local/share/uv/python".to_owned());
    }
    let tidy = if inputs.flag("prune-cache", false)? { "uv cache prune --ci\n" } else { "" };
    let keeping = Keeping {
        paths,
        restores: inputs.flag("restore-cache", true)?,
        saves: Saves::only_if(inputs.flag("save-cache", true)?),
        tidy: tidy.to_owned(),
        hit: "cache-hit",
        ..Keeping::default()
    };
    let key = key(&inputs, &place);
    Ok(Sequence::boxed(vec![ready(Box::new(setup) as Box<dyn Act>), script(key), keeping.part()]))
}

/// Variables, folders of tools and an environment, as they are asked for.
fn environment(inputs: &Inputs, place: &str) -> Result<String, String> {
    let mut text = String::new();
    let version = inputs.get("python-version").map(quoted);
    if let Some(version) = &version {
        text.push_str(&format!(
            "export UV_PYTHON={version}; echo UV_PYTHON={version} >> \"$GITHUB_ENV\"; echo python-version={version} >> \"$GITHUB_OUTPUT\"\n"
        ));
    }
    if let Some(tools) = inputs.get("tool-dir") {
        text.push_str(&format!("echo UV_TOOL_DIR={} >> \"$GITHUB_ENV\"\n", quoted(tools)));
    }
    match inputs.get("tool-bin-dir").map(quoted) {
        Some(folder) => text.push_str(&format!("echo UV_TOOL_BIN_DIR={folder} >> \"$GITHUB_ENV\"; echo {folder} >> \"$GITHUB_PATH\"\n")),
        None => text.push_str("echo \"$HOME/.local/bin\" >> \"$GITHUB_PATH\"\n"),
    }
    if inputs.flag("activate-environment", false)? {
        let no_project = if inputs.flag("no-project", false)? { " --no-project" } else { "" };
        text.push_str(&format!(
            "cd {}; v={}; uv venv --clear{no_project} \"$v\"; e=$(cd \"$v\" && pwd)\necho \"$e/bin\" >> \"$GITHUB_PATH\"; echo \"VIRTUAL_ENV=$e\" >> \"$GITHUB_ENV\"; echo \"venv=$e\" >> \"$GITHUB_OUTPUT\"\n",
            quoted(place),
            quoted(inputs.or("venv-path", ".venv"))
        ));
    }
    Ok(text)
}

/// What says the key of the cache: the machine, Python and the files that name what is downloaded.
fn key(inputs: &Inputs, place: &str) -> String {
    let globs: Vec<String> =
        inputs.or("cache-dependency-glob", LOCKS).lines().map(str::trim).filter(|line| !line.is_empty()).map(quoted).collect();
    let suffix = inputs.get("cache-suffix").map(|suffix| format!("-{}", suffix.replace(',', "-"))).unwrap_or_default();
    format!(
        concat!(
            "set -e\ncd {place}\n",
            "h=$(for g in {globs}; do git ls-files -z --cached --others --exclude-standard -- \":(glob)$g\" 2>/dev/null || true; done | sort -zu | xargs -0r cat -- | sha256sum | cut -c1-32)\n",
            "p=$(uv python find 2>/dev/null || true); [ -z \"$p\" ] || p=$(\"$p\" -c 'import platform; print(platform.python_version())')\n",
            "k=setup-uv-2-$(uname -m)-linux-$p-$h{suffix}\n",
            "echo \"{key}=$k\" >> \"$GITHUB_OUTPUT\"; echo \"cache-key=$k\" >> \"$GITHUB_OUTPUT\"; echo \"the key is $k\"\n",
        ),
        place = quoted(place),
        globs = globs.join(" "),
        suffix = suffix,
        key = KEY
    )
}
