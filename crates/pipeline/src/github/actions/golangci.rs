//! `golangci/golangci-lint-action`: the linter of the machine or the image.

use std::collections::BTreeMap;

use super::act::{Act, Doing, Done, Inputs, Once, quoted};
use super::facts::Facts;
use super::sequence::{KEY, Keeping, Saves, Sequence, ready, script};
use super::setup;
use super::table::{BuiltIn, Known, Refusal};

pub(super) const KNOWN: Known = Known {
    name: "golangci/golangci-lint-action",
    built_in: BuiltIn::Golangci,
    majors: &[2, 3, 4, 5, 6, 7, 8, 9],
    branches: &["main", "master"],
    inputs: &[
        "version",
        "version-file",
        "install-mode",
        "install-only",
        "working-directory",
        "github-token",
        "verify",
        "only-new-issues",
        "args",
        "skip-cache",
        "skip-save-cache",
        "skip-pkg-cache",
        "skip-build-cache",
        "cache-invalidation-interval",
        "problem-matchers",
        "annotations",
        "debug",
        "experimental",
    ],
    check,
    begin,
};

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    let unknown = |name: &str, known: &[&str]| {
        inputs.get(name).into_iter().flat_map(|all| all.split(',')).map(str::trim).any(|one| !known.contains(&one))
    };
    if unknown("install-mode", &["binary", "goinstall", "none"]) {
        return Err(Refusal::input("install-mode", "`install-mode` is binary, goinstall or none", "nothing is installed whatever it says"));
    }
    if unknown("experimental", &["automatic-module-directories", "no-run-logs-group"]) || unknown("debug", &["cache", "clean"]) {
        return Err(Refusal::new("an option of `experimental` or `debug` is not known", "remove it"));
    }
    if inputs.get("cache-invalidation-interval").is_some_and(|days| days.parse::<i64>().is_err()) {
        return Err(Refusal::input("cache-invalidation-interval", "`cache-invalidation-interval` is a number of days", "write a number"));
    }
    Ok(())
}

/// What the linter prints, as faults in the log.
const MATCHER: &str = r#"{"problemMatcher": [{"owner": "golangci-lint", "severity": "error", "pattern": [{"regexp": "^([^:]+):(\\d+):(?:(\\d+):)?\\s+(.+ \\(.+\\))$", "file": 1, "line": 2, "column": 3, "message": 4}]}]}"#;

fn begin(inputs: Inputs, facts: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    let place = inputs.or("working-directory", ".").trim_end_matches('/').to_owned();
    let run = run(&inputs, facts, &place)?;
    let mut parts = vec![ready(setup::golangci(&inputs, &place))];
    if !inputs.flag("skip-cache", false)? {
        parts.push(script(key(&inputs, &place)));
        let saves = if inputs.flag("skip-save-cache", false)? { Saves::Never } else { Saves::Always };
        let keeping = Keeping {
            paths: vec!["~/.cache/golangci-lint".to_owned()],
            near: 1,
            restores: true,
            saves,
            hit: "penstock.hit",
            ..Keeping::default()
        };
        parts.push(keeping.part());
    }
    if !inputs.flag("install-only", false)? {
        parts.push(ready(Once::boxed(Doing::script(run), |_| Done::default())));
    }
    Ok(Sequence::boxed(parts))
}

/// By the folder and the time: an older cache of the same time is good enough.
fn key(inputs: &Inputs, place: &str) -> String {
    let days = inputs.or("cache-invalidation-interval", "7").parse::<i64>().unwrap_or(7);
    let time = if days > 0 { format!("$(( $(date +%s) / {} ))", days.saturating_mul(86_400)) } else { "$(date +%s)".to_owned() };
    let of = if place == "." { String::new() } else { format!("{}-", place.replace(',', "-")) };
    format!(
        "set -e\ncd {0}\nk=golangci-lint.cache-Linux-{1}{time}-\nif [ -f go.mod ]; then h=$(sha1sum go.mod | cut -c1-40); else h=nogomod; fi\necho \"{KEY}=$k$h\" >> \"$GITHUB_OUTPUT\"; echo \"{KEY}-1=$k\" >> \"$GITHUB_OUTPUT\"\n",
        quoted(place),
        of.replace(['"', '$', '`', '\\'], "-")
    )
}

fn run(inputs: &Inputs, facts: &Facts, place: &str) -> Result<String, String> {
    let mut options = String::new();
    let given: Vec<&str> = inputs.or("args", "").split_whitespace().collect();
    if place != "." && !given.iter().any(|word| word.starts_with("--path-prefix") || word.starts_with("--path-mode")) {
        options.push_str("$m");
    }
    if inputs.flag("only-new-issues", false)? {
        if given.iter().any(|word| word.starts_with("--new")) {
            return Err("`args` has `--new…` beside `only-new-issues`\nhelp: remove one of them".to_owned());
        }
        if let Some(since) = &facts.since {
            options.push_str(&format!(" --new-from-rev=\"$(git merge-base {} HEAD)\" --new=false --new-from-patch=", quoted(since)));
        }
    }
    // as the action does it, the shell reads what stands in `args`
    let command = format!("golangci-lint run{options} {}", inputs.or("args", "")).replace('\n', " ");
    let mut text = format!(
        "printf '%s\\n' {} > \"$RUNNER_TEMP/golangci.json\"; echo \"::add-matcher::$RUNNER_TEMP/golangci.json\"\n",
        quoted(MATCHER)
    );
    // only the second major version knows it
    text.push_str("m=''; case \"$(golangci-lint version --short 2>/dev/null)\" in 2.*) m=' --path-mode=abs' ;; esac\n");
    for (word, sub) in [("clean", "cache clean"), ("cache", "cache status")] {
        if inputs.or("debug", "").split(',').any(|flag| flag.trim() == word) {
            text.push_str(&format!("golangci-lint {sub}\n"));
        }
    }
    if inputs.or("experimental", "").contains("automatic-module-directories") {
        text.push_str(&format!(
            "s=0; for f in $(git ls-files -- {}); do d=$(dirname \"$f\"); case \"/$d/\" in */vendor/*|*/node_modules/*|*/dist/*) continue ;; esac; echo \"::group::run golangci-lint in $d\"; ( cd \"$d\" && {command} ) || s=$?; echo '::endgroup::'; done; exit $s\n",
            quoted(if place == "." { ":(glob)**/go.mod".to_owned() } else { format!(":(glob){place}/**/go.mod") }.as_str())
        ));
    } else {
        text.push_str(&format!("cd {}\n{command}\n", quoted(place)));
    }
    Ok(text)
}
