//! An `action.yml`: what the action takes, and how it runs.

use std::collections::BTreeMap;

use super::container;
use crate::github::checked::{checked_text, condition, named_texts};
use crate::github::contexts::{ACTION_CONTAINER, STEP, STEP_IF};
use crate::github::step::{Around, steps};
use crate::plan::{Action, ActionImage, ActionInput, ActionOrigin, ContainerAction, PlannedStep};
use crate::reader::{Fields, Problems, join, shown, text};
use crate::yaml::{At, Node, Value};

/// Where an action lies.
pub(super) struct Place<'p> {
    /// Its folder, from the root of its repository.
    pub(super) path: &'p str,
    /// Its repository, if it is another one.
    pub(super) origin: Option<&'p ActionOrigin>,
    /// All files of its repository, where they are known.
    pub(super) files: Option<&'p [String]>,
}

/// Reads an `action.yml`.
pub(super) fn manifest(root: &Node, place: &Place<'_>, problems: &mut Problems) -> Option<Action> {
    // whatever else it says is for people, as at GitHub
    let mut fields = Fields::of(root, "", problems)?;
    let inputs = fields.get("inputs").map(|node| inputs(node, problems)).unwrap_or_default();
    let outputs = fields.get("outputs").map(|node| outputs(node, problems)).unwrap_or_default();
    let Some(node) = fields.get("runs") else {
        problems.add(root.at, "runs", "the action has no `runs`", "say how it runs");
        return None;
    };
    let mut runs = Fields::of(node, "runs", problems)?;
    let using = runs.get("using").and_then(|node| text(node, "runs.using", problems))?;
    let (path, origin) = (place.path.to_owned(), place.origin.cloned());
    let action = if using == "composite" {
        let node = runs.get("steps");
        let steps = node.map(|node| inner_steps(node, problems)).unwrap_or_default();
        Action::Composite { path, origin, inputs, outputs, steps }
    } else if using.starts_with("node") {
        let [pre, main, post] = ["pre", "main", "post"].map(|name| script(&mut runs, name, place, problems));
        let [pre_if, post_if] = ["pre-if", "post-if"].map(|name| when(&mut runs, name, problems));
        // as at GitHub, an action of the repository itself has nothing before the first step: it may not be there yet
        let pre = pre.filter(|_| origin.is_some());
        let Some(main) = main else {
            problems.add(node.at, "runs", "an action of Node.js has a `main`", "name its script");
            return None;
        };
        Action::JavaScript { path, origin, inputs, pre, pre_if, main, post, post_if }
    } else if using.eq_ignore_ascii_case("docker") {
        let container = in_container(node.at, &mut runs, place, inputs, problems)?;
        Action::Container(Box::new(container))
    } else {
        let help = "composite actions, those of Node.js and containers are carried out; do what it does in a `run`";
        problems.add(node.at, "runs.using", format!("an action that runs by `{}` is not carried out", shown(&using)), help);
        return None;
    };
    runs.finish(&[], problems);
    Some(action)
}

/// When an action does what it does before or after all steps.
fn when(runs: &mut Fields<'_>, name: &'static str, problems: &mut Problems) -> Option<String> {
    let node = runs.get(name)?;
    condition(node, &join("runs", name), &STEP_IF, problems).map(|condition| condition.expression)
}

/// An action that is a container.
fn in_container(
    at: At,
    runs: &mut Fields<'_>,
    place: &Place<'_>,
    inputs: BTreeMap<String, ActionInput>,
    problems: &mut Problems,
) -> Option<ContainerAction> {
    let Some(node) = runs.get("image") else {
        problems.add(at, "runs", "an action of a container has an `image`", "name its Dockerfile, or `docker://NAME:TAG`");
        return None;
    };
    let written = text(node, "runs.image", problems)?;
    let image = match container::named(&written) {
        Some(Ok(image)) => image,
        Some(Err(refusal)) => {
            problems.add(node.at, "runs.image", refusal.message, refusal.help);
            return None;
        }
        None if stays_within(place.path, &written) => ActionImage::Dockerfile { path: lexical(place.path, &written) },
        None => {
            let help = "name a Dockerfile of it, or `docker://NAME:TAG`";
            problems.add(node.at, "runs.image", format!("`{}` leaves the action's repository", shown(&written)), help);
            return None;
        }
    };
    if let (ActionImage::Dockerfile { path }, Some(files)) = (&image, place.files)
        && !files.contains(path)
    {
        let help = "add it, or name an image: `docker://NAME:TAG`";
        problems.add(node.at, "runs.image", format!("the commit has no `{}`", shown(path)), help);
        return None;
    }
    let mut program = |name: &'static str| runs.get(name).and_then(|node| text(node, &join("runs", name), problems));
    let [entrypoint, pre, post] = ["entrypoint", "pre-entrypoint", "post-entrypoint"].map(&mut program);
    let [pre_if, post_if] = ["pre-if", "post-if"].map(|name| when(runs, name, problems));
    let args = runs.get("args").map(|node| arguments(node, problems));
    let env = runs.get("env").map(|node| named_texts(node, "runs.env", &ACTION_CONTAINER, problems)).unwrap_or_default();
    // as at GitHub, an action of the repository itself has nothing before the first step: it may not be there yet
    let pre = pre.filter(|_| place.origin.is_some());
    let whole = ContainerAction::of(image, place.origin.cloned());
    Some(ContainerAction { inputs: Some(inputs), entrypoint, args, env, pre, pre_if, post, post_if, ..whole })
}

fn arguments(node: &Node, problems: &mut Problems) -> Vec<String> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, "runs.args", format!("arguments are a list, not {}", node.kind()), "write each as an item of it");
        return Vec::new();
    };
    let read = |(index, item)| checked_text(item, &format!("runs.args[{index}]"), &ACTION_CONTAINER, problems);
    items.iter().enumerate().filter_map(read).collect()
}

/// A path of a folder that stays in the folder's repository, from the root of that.
fn lexical(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// One of an action's scripts.
fn script(runs: &mut Fields<'_>, name: &'static str, place: &Place<'_>, problems: &mut Problems) -> Option<String> {
    let node = runs.get(name)?;
    let (key, file) = (join("runs", name), text(node, &join("runs", name), problems)?);
    if stays_within(place.path, &file) {
        return Some(file);
    }
    problems.add(node.at, &key, format!("`{}` leaves the action's repository", shown(&file)), "name a file of it");
    None
}

/// Whether a path of a folder stays in the repository that the folder is of.
fn stays_within(folder: &str, path: &str) -> bool {
    let mut depth = folder.split('/').filter(|part| !part.is_empty()).count();
    let inside = path.split('/').all(|part| match part {
        "" | "." => true,
        ".." => depth.checked_sub(1).is_some_and(|less| {
            depth = less;
            true
        }),
        _ => {
            depth += 1;
            true
        }
    });
    inside && !path.starts_with('/') && !path.contains('\0')
}

/// An action's steps: each script names its shell.
fn inner_steps(node: &Node, problems: &mut Problems) -> Vec<PlannedStep> {
    let read = steps(node, "runs.steps", Around::Action, problems);
    for step in &read {
        if let PlannedStep::Background { .. } | PlannedStep::Wait { .. } = step {
            let help = "run them beside each other in the workflow";
            problems.add(node.at, "runs.steps", "the steps of an action run one after the other", help);
        }
        if let PlannedStep::Run { line, shell: None, .. } = step {
            let at = At { line: *line, ..node.at };
            problems.add(at, "runs.steps", "a step with `run` in an action names its `shell`", "write `shell: bash`");
        }
    }
    read
}

fn entries<'n>(node: &'n Node, key: &str, problems: &mut Problems) -> &'n [(crate::yaml::Key, Node)] {
    if let Value::Map(entries) = &node.value {
        return entries;
    }
    problems.add(node.at, key, format!("a mapping is expected here, not {}", node.kind()), "write one name a line");
    &[]
}

fn inputs(node: &Node, problems: &mut Problems) -> BTreeMap<String, ActionInput> {
    let mut out = BTreeMap::new();
    for (key, node) in entries(node, "inputs", problems) {
        let path = join("inputs", &key.text);
        let mut input = ActionInput { name: key.text.clone(), ..ActionInput::default() };
        if !node.is_null()
            && let Some(mut fields) = Fields::of(node, &path, problems)
        {
            input.deprecated = fields.get("deprecationMessage").and_then(|node| text(node, &path, problems));
            input.required = fields.get("required").and_then(Node::text) == Some("true");
            input.default = fields.get("default").and_then(|node| checked_text(node, &join(&path, "default"), &STEP, problems));
        }
        out.insert(key.text.to_lowercase(), input);
    }
    out
}

fn outputs(node: &Node, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (key, node) in entries(node, "outputs", problems) {
        let path = join("outputs", &key.text);
        if node.is_null() {
            continue;
        }
        let Some(mut fields) = Fields::of(node, &path, problems) else { continue };
        fields.get("description");
        if let Some(value) = fields.get("value").and_then(|node| checked_text(node, &join(&path, "value"), &STEP, problems)) {
            out.insert(key.text.clone(), value);
        }
        fields.finish(&[], problems);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_may_lie_anywhere_in_the_repository_of_its_action_and_nowhere_else() {
        for (folder, path, inside) in [
            ("", "dist/index.js", true),
            ("", "./a.js", true),
            ("", "../a.js", false),
            ("restore", "../dist/a.js", true),
            ("restore", "../../a.js", false),
            ("a/b", "x/../../../a.js", true),
            ("a/b", "../../../a.js", false),
            ("", "/etc/passwd", false),
            ("", "a\0", false),
        ] {
            assert_eq!(stays_within(folder, path), inside, "{folder}: {path}");
        }
    }
}
