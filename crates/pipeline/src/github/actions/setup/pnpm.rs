//! `pnpm/action-setup`.

use serde_json::Value as Json;

use super::super::act::{Act, Inputs, quoted};
use super::super::facts::Facts;
use super::super::given;
use super::super::sequence::{KEY, Keeping, Saves, Sequence, ready, script};
use super::super::table::{BuiltIn, Known, Refusal};
use super::{Begun, Env, Setup, Tool, Wish, folder};

pub(in super::super) const KNOWN: Known = Known {
    name: "pnpm/action-setup",
    built_in: BuiltIn::SetupPnpm,
    majors: &[1, 2, 3, 4, 5, 6],
    branches: &["master"],
    inputs: &["version", "dest", "run_install", "cache", "cache_dependency_path", "package_json_file", "standalone"],
    check,
    begin,
};

const TOOL: Tool = Tool {
    title: "pnpm",
    image: "",
    programs: &["pnpm"],
    elsewhere: &["/opt/pnpm*/pnpm", "/opt/pnpm*/bin/pnpm", "/usr/local/lib/node_modules/.bin/pnpm"],
    version: "COREPACK_ENABLE_NETWORK=0 \"$1\" --version 2>/dev/null",
    of_file: |_, text| {
        let json: Json = serde_json::from_str(text).ok()?;
        let named = json.get("packageManager").and_then(Json::as_str).and_then(|manager| manager.strip_prefix("pnpm@"));
        let asked = json.pointer("/devEngines/packageManager/version").and_then(Json::as_str);
        named.map(|version| version.split('+').next().unwrap_or(version).to_owned()).or_else(|| asked.map(str::to_owned))
    },
    range: |wish| match wish {
        "latest" => Some(Wish::Highest(|_| true)),
        _ => Wish::of_range(wish.strip_prefix("latest-").unwrap_or(wish)),
    },
    apply: |found| format!("b={}; echo \"$b\" >> \"$GITHUB_PATH\"; PATH=$b:$PATH\n", quoted(folder(&found.path))),
};

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    let refusal = |why: String| Refusal::input("run_install", why, "write true, false, or a list of `recursive`, `cwd` and `args`");
    installs(inputs).map(drop).map_err(refusal)
}

/// The commands that `run_install` stands for.
fn installs(inputs: &Inputs) -> Result<Vec<String>, String> {
    let text = inputs.or("run_install", "null");
    let value = given::yaml(text).map_err(|why| format!("`run_install` is not YAML: {why}"))?;
    let one = |entry: &Json| -> Result<String, String> {
        let fault = || "an entry of `run_install` is a mapping of `recursive`, `cwd` and `args`".to_owned();
        let Json::Object(entry) = entry else { return Err(fault()) };
        if entry.keys().any(|key| !["recursive", "cwd", "args"].contains(&key.as_str())) {
            return Err(fault());
        }
        let mut command = String::from("pnpm");
        if entry.get("recursive").and_then(Json::as_bool).unwrap_or(false) {
            command.push_str(" recursive");
        }
        command.push_str(" install");
        for word in entry.get("args").and_then(Json::as_array).into_iter().flatten() {
            command.push_str(&format!(" {}", quoted(word.as_str().ok_or_else(fault)?)));
        }
        Ok(match entry.get("cwd").and_then(Json::as_str) {
            Some(folder) => format!("( cd {} && {command} )\n", quoted(folder)),
            None => format!("{command}\n"),
        })
    };
    match &value {
        Json::Null | Json::Bool(false) => Ok(Vec::new()),
        Json::Bool(true) => Ok(vec!["pnpm recursive install\n".to_owned()]),
        Json::Array(entries) => entries.iter().map(one).collect(),
        entry => Ok(vec![one(entry)?]),
    }
}

fn begin(inputs: Inputs, _: &Facts, _: &Env) -> Begun {
    let wishes: Vec<String> = inputs.get("version").map(str::to_owned).into_iter().collect();
    let file = inputs.or("package_json_file", "package.json").to_owned();
    let mut setup = Setup::new(&TOOL, wishes, None, "penstock.version");
    if setup.wishes.is_empty() {
        (setup.files, setup.file_needed) = (vec![file], true);
    }
    let dest = inputs.or("dest", "~/setup-pnpm");
    let dest = dest.strip_prefix("~/").map_or_else(|| quoted(dest), |rest| format!("\"$HOME/\"{}", quoted(rest)));
    setup.after = format!(
        "h={dest}; mkdir -p \"$h\"; echo \"PNPM_HOME=$h\" >> \"$GITHUB_ENV\"; echo \"$h\" >> \"$GITHUB_PATH\"\necho \"dest=$h\" >> \"$GITHUB_OUTPUT\"; echo \"bin_dest=$b\" >> \"$GITHUB_OUTPUT\"\n"
    );
    let installs = installs(&inputs)?.concat();
    let mut parts = vec![ready(Box::new(setup) as Box<dyn Act>)];
    if inputs.flag("cache", false)? {
        let lock = quoted(inputs.or("cache_dependency_path", "pnpm-lock.yaml"));
        parts.push(script(format!(
            "set -e\nh=$(git ls-files -z -- ':(glob)'{lock} | sort -zu | xargs -0r cat -- | sha256sum | cut -c1-64)\necho \"{KEY}=pnpm-cache-linux-$(uname -m)-$h\" >> \"$GITHUB_OUTPUT\"\n"
        )));
        let keeping = Keeping {
            paths: vec!["~/.local/share/pnpm/store".to_owned()],
            restores: true,
            saves: Saves::AfterSuccess,
            hit: "cache-hit",
            ..Keeping::default()
        };
        parts.push(keeping.part());
    }
    if !installs.is_empty() {
        parts.push(script(format!("set -e\n{installs}")));
    }
    Ok(Sequence::boxed(parts))
}
