//! `Swatinem/rust-cache`: what cargo downloaded and built, kept for later jobs.

use std::collections::BTreeMap;

use super::act::{Inputs, quoted};
use super::facts::Facts;
use super::sequence::{KEY, Keeping, Part, Saves, Sequence, script};
use super::table::{BuiltIn, Known, Refusal};
use crate::reader::shown;

pub(super) const KNOWN: Known = Known {
    name: "swatinem/rust-cache",
    built_in: BuiltIn::RustCache,
    majors: &[1, 2],
    branches: &["master"],
    inputs: &[
        "prefix-key",
        "shared-key",
        "key",
        "add-job-id-key",
        "add-rust-environment-hash-key",
        "env-vars",
        "workspaces",
        "cache-directories",
        "cache-targets",
        "cache-on-failure",
        "cache-all-crates",
        "cache-workspace-crates",
        "save-if",
        "cache-provider",
        "cache-bin",
        "lookup-only",
        "cmd-format",
        // of its first version
        "sharedkey",
        "working-directory",
        "target-dir",
    ],
    check: |inputs| provider(inputs, "cache-provider"),
    begin: |inputs, facts, env| Ok(Sequence::boxed(parts(&inputs, facts, env)?)),
};

/// Refuses caches of others.
pub(super) fn provider(inputs: &Inputs, name: &str) -> Result<(), Refusal> {
    match inputs.get(name) {
        None | Some("github") => Ok(()),
        Some(other) => {
            Err(Refusal::input(name, format!("`{}` keeps no cache here", shown(other)), "remove it: caches lie in the runner's directory"))
        }
    }
}

/// The inputs that `actions-rust-lang/setup-rust-toolchain` hands on.
pub(super) fn of_setup(inputs: &Inputs, folder: &str) -> Inputs {
    let names = [
        ("workspaces", "cache-workspaces"),
        ("cache-directories", "cache-directories"),
        ("cache-bin", "cache-bin"),
        ("cache-targets", "cache-targets"),
        ("save-if", "cache-save-if"),
        ("key", "cache-key"),
        ("shared-key", "cache-shared-key"),
    ];
    let mut out: BTreeMap<String, String> =
        names.iter().filter_map(|(name, own)| Some(((*name).to_owned(), inputs.get(own)?.to_owned()))).collect();
    out.insert("cache-on-failure".to_owned(), inputs.or("cache-on-failure", "true").to_owned());
    out.entry("workspaces".to_owned()).or_insert_with(|| folder.to_owned());
    Inputs::new(out)
}

/// A workspace's folder and that of what is built in it.
fn workspaces(inputs: &Inputs) -> Vec<(String, String)> {
    let mut lines = inputs.lines("workspaces");
    if lines.is_empty() {
        lines.push(inputs.or("working-directory", ".").to_owned());
    }
    let pair = |line: &String| {
        let (root, target) = line.split_once("->").unwrap_or((line, inputs.or("target-dir", "target")));
        let (root, target) = (root.trim().trim_start_matches("./").trim_end_matches('/'), target.trim());
        let root = if root.is_empty() { "." } else { root };
        let target = if root == "." || target.starts_with('/') { target.to_owned() } else { format!("{root}/{target}") };
        (root.to_owned(), target)
    };
    lines.iter().map(pair).collect()
}

/// What says the key: the prefix, the job, the machine, the compiler with its variables, and the files that name what is built.
fn key_script(inputs: &Inputs, facts: &Facts, roots: &[String]) -> Result<String, String> {
    let mut prefix = inputs.or("prefix-key", "v0-rust").to_owned();
    match inputs.get("shared-key").or_else(|| inputs.get("sharedkey")) {
        Some(shared) => prefix.push_str(&format!("-{shared}")),
        None => {
            prefix.extend(inputs.get("key").map(|key| format!("-{key}")));
            if inputs.flag("add-job-id-key", true)? {
                prefix.push_str(&format!("-{}", facts.job));
            }
        }
    }
    let prefix = prefix.replace(',', "-");
    let mut text = format!("set -e\nk={}-$(uname -s)-$(uname -m)\n", quoted(&prefix));
    if !inputs.flag("add-rust-environment-hash-key", true)? {
        text.push_str(&format!("echo \"{KEY}=$k\" >> \"$GITHUB_OUTPUT\"\n"));
        return Ok(text);
    }
    let rustc = inputs.or("cmd-format", "{0}").replace("{0}", "rustc -vV");
    let names: Vec<&str> =
        inputs.or("env-vars", "").split_whitespace().filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).collect();
    let names = [""].iter().chain(&names).copied().collect::<Vec<_>>().join("|");
    let roots: Vec<String> = roots.iter().map(|root| quoted(root)).collect();
    text.push_str(&format!(
        concat!(
            "hash() {{ sha256sum | cut -c1-8; }}\n",
            "e=$({{ {rustc}; env | grep -E '^(CARGO|CC|CFLAGS|CXX|CMAKE|RUST{names})' | sort; }} | hash)\n",
            "f=$({{ for r in {roots}; do find \"$r\" \\( -name target -o -name .git -o -name node_modules \\) -prune -o -type f \\( -name Cargo.toml -o -name Cargo.lock -o -name rust-toolchain -o -name rust-toolchain.toml -o -path '*/.cargo/config.toml' \\) -print; done; }} | LC_ALL=C sort -u | while read -r p; do echo \"$p\"; cat \"$p\"; done | hash)\n",
            "echo \"{key}=$k-$e-$f\" >> \"$GITHUB_OUTPUT\"; echo \"{key}-1=$k-$e\" >> \"$GITHUB_OUTPUT\"\n",
            "echo \"the key is $k-$e-$f\"\n",
        ),
        rustc = rustc,
        names = names,
        roots = roots.join(" "),
        key = KEY
    ));
    Ok(text)
}

/// Asks for the cache, and keeps it at the job's end.
pub(super) fn parts(inputs: &Inputs, facts: &Facts, env: &BTreeMap<String, String>) -> Result<Vec<Part>, String> {
    let home = env.get("CARGO_HOME").map_or("~/.cargo", String::as_str).trim_end_matches('/').to_owned();
    let workspaces = workspaces(inputs);
    let roots: Vec<String> = workspaces.iter().map(|(root, _)| root.clone()).collect();
    let mut paths = Vec::new();
    if inputs.flag("cache-bin", true)? {
        paths.extend(["bin", ".crates.toml", ".crates2.json"].map(|name| format!("{home}/{name}")));
    }
    paths.extend(["registry", "git"].map(|name| format!("{home}/{name}")));
    let mut tidy = String::new();
    if inputs.flag("cache-targets", true)? {
        for (_, target) in &workspaces {
            paths.push(target.clone());
            tidy.push_str(&format!("rm -rf -- {0}/*/incremental {0}/*/*/incremental\n", quoted(target)));
        }
    }
    paths.extend(inputs.or("cache-directories", "").split_whitespace().map(str::to_owned));
    let saves = match (inputs.flag("save-if", true)?, inputs.flag("cache-on-failure", false)?) {
        (true, true) => Saves::Always,
        (wanted, _) => Saves::only_if(wanted),
    };
    let keeping =
        Keeping { paths, near: 1, restores: true, lookup_only: inputs.flag("lookup-only", false)?, saves, tidy, hit: "cache-hit" };
    Ok(vec![script(key_script(inputs, facts, &roots)?), keeping.part()])
}
