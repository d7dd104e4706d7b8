//! `actions/checkout`: every job starts in a checkout of the commit, with the whole history and all tags.

use std::collections::BTreeMap;

use super::act::{Act, Already, Doing, Done, Inputs, Once, quoted};
use super::facts::Facts;
use super::table::{BuiltIn, Known, Refusal};
use crate::reader::shown;

pub(super) const KNOWN: Known = Known {
    name: "actions/checkout",
    built_in: BuiltIn::Checkout,
    majors: &[1, 2, 3, 4, 5, 6, 7],
    branches: &["main", "master"],
    inputs: &[
        "repository",
        "ref",
        "token",
        "ssh-key",
        "ssh-known-hosts",
        "ssh-strict",
        "ssh-user",
        "persist-credentials",
        "path",
        "clean",
        "filter",
        "sparse-checkout",
        "sparse-checkout-cone-mode",
        "fetch-depth",
        "fetch-tags",
        "show-progress",
        "lfs",
        "submodules",
        "set-safe-directory",
        "github-server-url",
        "allow-unsafe-pr-checkout",
    ],
    check,
    begin,
};

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    if inputs.get("fetch-depth").is_some_and(|depth| depth.parse::<u32>().is_err()) {
        let help = "write `0`, or remove it: the history is whole whatever it says";
        return Err(Refusal::input("fetch-depth", "`fetch-depth` is a whole number", help));
    }
    if inputs.get("github-server-url").is_some() {
        return Err(Refusal::input("github-server-url", "`github-server-url` is not carried out", "remove it; the source is here"));
    }
    for name in ["submodules", "lfs"] {
        let known = ["false", "true"].iter().chain(if name == "lfs" { &[][..] } else { &["recursive"] });
        if let Some(given) = inputs.get(name)
            && !known.into_iter().any(|known| known.eq_ignore_ascii_case(given))
        {
            return Err(Refusal::input(name, format!("`{name}: {}` is not known", shown(given)), "write true or false"));
        }
    }
    if inputs.get("path").is_some_and(|path| path.starts_with('/') || path.split('/').any(|part| part == "..")) {
        return Err(Refusal::input("path", "`path` leaves the checkout", "name a folder below it"));
    }
    Ok(())
}

fn begin(inputs: Inputs, facts: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    let own = |given: &str| given.eq_ignore_ascii_case(&facts.repository) || facts.repository.rsplit('/').next() == Some(given);
    if let Some(other) = inputs.get("repository").filter(|given| !own(given)) {
        return Err(format!(
            "the repository `{}` cannot be checked out: a job has the source of {} alone\nhelp: bring it in as an artifact, a submodule's files, or by `git clone` in a step",
            shown(other),
            facts.repository
        ));
    }
    let reference = inputs.get("ref").filter(|given| *given != facts.commit && *given != facts.reference);
    let path = inputs.get("path").filter(|path| !matches!(*path, "." | "./"));
    let mut script = String::new();
    if inputs.get("submodules").is_some_and(|given| !given.eq_ignore_ascii_case("false")) {
        script.push_str("if [ -s .gitmodules ]; then echo '##[error]submodules are other repositories, which a job does not have: keep their files in this one'; exit 1; fi\n");
    }
    if inputs.get("lfs").is_some_and(|given| given.eq_ignore_ascii_case("true")) {
        script.push_str("if git grep -q filter=lfs HEAD -- '*.gitattributes' .gitattributes 2>/dev/null; then echo '##[error]files in Git LFS are not kept here: commit them as they are'; exit 1; fi\n");
    }
    if let Some(path) = path {
        script.push_str(&format!(
            "rm -rf -- {0}\ngit clone --quiet --no-checkout \"$(git remote get-url origin)\" {0}\ncd {0}\n",
            quoted(path)
        ));
        if reference.is_none() {
            script.push_str(&format!("git checkout --quiet --force --detach {}\n", quoted(&facts.commit)));
        }
    } else if facts.used && reference.is_none() {
        if inputs.flag("clean", true)? {
            script.push_str("git clean -ffdxq\n");
        }
        script.push_str(&format!("git reset --quiet --hard\ngit checkout --quiet --force {}\n", quoted(&place(facts))));
    }
    if let Some(reference) = reference {
        script.push_str(&switch(reference));
    }
    script.push_str(&sparse(&inputs)?);
    let given = reference.unwrap_or(&facts.reference).to_owned();
    if script.is_empty() {
        let note = format!("the job has been in a checkout of {} from its beginning, with the whole history", &facts.commit);
        return Ok(Already::boxed(Done::well([("ref", given), ("commit", facts.commit.clone())]).note(note)));
    }
    script = format!(
        "set -e\n{script}echo \"commit=$(git rev-parse HEAD)\" >> \"$GITHUB_OUTPUT\"\ngit --no-pager log -1 --format='HEAD is now at %h %s'\n"
    );
    Ok(Once::boxed(Doing::script(script), move |_| Done::well([("ref", given)])))
}

/// What Git finds checked out at the job's beginning.
fn place(facts: &Facts) -> String {
    facts.reference.strip_prefix("refs/heads/").unwrap_or(&facts.commit).to_owned()
}

/// A branch, a tag, a ref or a commit, in the order in which the action tries them.
fn switch(reference: &str) -> String {
    let quoted = quoted(reference.strip_prefix("refs/heads/").unwrap_or(reference));
    format!(
        "ref={quoted}\nif git rev-parse -q --verify \"refs/remotes/origin/$ref^{{commit}}\" > /dev/null; then git checkout --quiet --force -B \"$ref\" \"refs/remotes/origin/$ref\"\nelif git rev-parse -q --verify \"refs/tags/${{ref#refs/tags/}}^{{commit}}\" > /dev/null; then git checkout --quiet --force --detach \"refs/tags/${{ref#refs/tags/}}\"\nelif git rev-parse -q --verify \"$ref^{{commit}}\" > /dev/null; then git checkout --quiet --force --detach \"$ref\"\nelse echo \"##[error]there is no branch, tag or commit \\`$ref\\` here\"; exit 1; fi\n"
    )
}

fn sparse(inputs: &Inputs) -> Result<String, String> {
    let patterns = inputs.lines("sparse-checkout");
    if patterns.is_empty() {
        return Ok(String::new());
    }
    let cone = if inputs.flag("sparse-checkout-cone-mode", true)? { "--cone" } else { "--no-cone" };
    let patterns: Vec<String> = patterns.iter().map(|pattern| quoted(pattern)).collect();
    Ok(format!("git sparse-checkout set {cone} -- {}\n", patterns.join(" ")))
}
