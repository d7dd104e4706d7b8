//! `extends` and then `!reference`, carried out on the tree, so that every key keeps its place.

use std::collections::HashMap;

use crate::reader::{Problems, join, shown, texts};
use crate::yaml::{At, Budget, Key, Node, Value};

/// How many parents a chain may have (GitLab's own bound).
const MAX_CHAIN: usize = 11;
/// How deep references may refer to references (GitLab's own bound).
const MAX_REFERENCES: usize = 10;

/// A problem was told; there is nothing to go on with.
pub(super) struct Told;

/// The file with what jobs and templates extend merged in. One that cannot be is told, and left out.
pub(super) fn unfold(root: &Node, budget: &mut Budget, problems: &mut Problems) -> Node {
    let Value::Map(entries) = &root.value else { return root.clone() };
    let mut extender = Extender::new(entries);
    let mut out = Vec::with_capacity(entries.len());
    for (key, node) in entries {
        let unfolds = super::is_job(key) && (!key.text.starts_with('.') || node.get("extends").is_some());
        if !unfolds {
            out.push((key.clone(), node.clone()));
        } else if let Ok(node) = extender.job(key, budget, problems) {
            out.push((key.clone(), node));
        }
    }
    Node::map(out, root.at)
}

/// Replaces every `!reference [job, key]` by what it names.
pub(super) fn references(root: Node, budget: &mut Budget, problems: &mut Problems) -> Result<Node, Told> {
    if !has_reference(&root) {
        return Ok(root);
    }
    replaced(&root, &root, 0, budget, problems)
}

fn has_reference(node: &Node) -> bool {
    node.reference
        || match &node.value {
            Value::Scalar { .. } => false,
            Value::Seq(items) => items.iter().any(has_reference),
            Value::Map(entries) => entries.iter().any(|(_, node)| has_reference(node)),
        }
}

fn replaced(node: &Node, root: &Node, depth: usize, budget: &mut Budget, problems: &mut Problems) -> Result<Node, Told> {
    if node.reference {
        return referred(node, root, depth, budget, problems);
    }
    Ok(match &node.value {
        Value::Scalar { .. } => node.clone(),
        Value::Seq(items) => {
            let items: Result<Vec<Node>, Told> = items.iter().map(|item| replaced(item, root, depth, budget, problems)).collect();
            Node::seq(items?, node.at)
        }
        Value::Map(entries) => {
            let mut out = Vec::with_capacity(entries.len());
            for (key, node) in entries {
                out.push((key.clone(), replaced(node, root, depth, budget, problems)?));
            }
            Node::map(out, node.at)
        }
    })
}

fn referred(node: &Node, root: &Node, depth: usize, budget: &mut Budget, problems: &mut Problems) -> Result<Node, Told> {
    let names = texts(node, "!reference", problems);
    if depth >= MAX_REFERENCES {
        problems.add(
            node.at,
            "!reference",
            format!("references refer to references more than {MAX_REFERENCES} deep"),
            "look for one that refers to itself",
        );
        return Err(Told);
    }
    let mut found = Some(root);
    for (name, _) in &names {
        found = found.and_then(|node| node.get(name));
    }
    let Some(found) = found.filter(|_| !names.is_empty()) else {
        let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
        problems.add(
            node.at,
            "!reference",
            format!("nothing has the name [{}]", shown(&names.join(", "))),
            "name a job of this file and one of its keys",
        );
        return Err(Told);
    };
    if let Err(problem) = budget.take(found.weight(), node.at) {
        problems.malformed(problem);
        return Err(Told);
    }
    replaced(found, root, depth + 1, budget, problems)
}

/// Jobs with what they extend merged in.
struct Extender<'n> {
    jobs: HashMap<&'n str, (&'n Key, &'n Node)>,
    done: HashMap<&'n str, Node>,
}

impl<'n> Extender<'n> {
    fn new(entries: &'n [(Key, Node)]) -> Self {
        Self { jobs: entries.iter().map(|(key, node)| (key.text.as_str(), (key, node))).collect(), done: HashMap::new() }
    }

    /// A job with everything that it extends.
    fn job(&mut self, key: &'n Key, budget: &mut Budget, problems: &mut Problems) -> Result<Node, Told> {
        self.extended(&key.text, &mut Vec::new(), key.at, budget, problems)
    }

    fn extended(
        &mut self,
        name: &str,
        open: &mut Vec<&'n str>,
        asked_at: At,
        budget: &mut Budget,
        problems: &mut Problems,
    ) -> Result<Node, Told> {
        if let Some(node) = self.done.get(name) {
            return Ok(node.clone());
        }
        let path = open.last().map_or_else(|| name.to_owned(), |child| join(child, "extends"));
        let Some((key, node)) = self.jobs.get(name).copied() else {
            problems.add(
                asked_at,
                &path,
                format!("`{}` is extended and is not in the file", shown(name)),
                "look at its spelling; hidden jobs start with a dot",
            );
            return Err(Told);
        };
        if let Some(start) = open.iter().position(|other| *other == name) {
            let chain: Vec<&str> = open[start..].iter().copied().chain([name]).collect();
            problems.add(asked_at, &path, format!("jobs extend each other in a circle: {}", chain.join(" -> ")), "take one of these out");
            return Err(Told);
        }
        if open.len() >= MAX_CHAIN {
            problems.add(asked_at, &path, format!("a chain of `extends` is longer than {MAX_CHAIN}"), "flatten it");
            return Err(Told);
        }
        let Value::Map(_) = &node.value else {
            problems.add(node.at, name, format!("a job is a mapping, not {}", node.kind()), "write its keys below it");
            return Err(Told);
        };
        open.push(&key.text);
        let parents = node.get("extends").map(|node| parents(node, name, problems)).unwrap_or_default();
        let mut merged: Option<Node> = None;
        for (parent, at) in parents {
            let base = self.extended(&parent, open, at, budget, problems)?;
            merged = Some(match merged {
                None => base,
                Some(before) => merge(&before, &base),
            });
        }
        open.pop();
        let whole = merged.map_or_else(|| node.clone(), |base| merge(&base, node)).without("extends");
        budget.take(whole.weight(), node.at).map_err(|problem| {
            problems.malformed(problem);
            Told
        })?;
        self.done.insert(&key.text, whole.clone());
        Ok(whole)
    }
}

fn parents(node: &Node, name: &str, problems: &mut Problems) -> Vec<(String, At)> {
    if has_reference(node) {
        let message = "`extends` is carried out before `!reference`, so that it cannot hold one";
        problems.add(node.at, &join(name, "extends"), message, "name the jobs themselves");
        return Vec::new();
    }
    texts(node, &join(name, "extends"), problems)
}

/// Mappings merge key by key, all else is replaced.
fn merge(base: &Node, over: &Node) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &over.value) else { return over.clone() };
    let mut out: Vec<(Key, Node)> = Vec::with_capacity(below.len() + above.len());
    for (key, node) in below {
        match above.iter().find(|(other, _)| other.text == key.text) {
            Some((other, replacement)) => out.push((other.clone(), merge(node, replacement))),
            None => out.push((key.clone(), node.clone())),
        }
    }
    out.extend(above.iter().filter(|(key, _)| !below.iter().any(|(other, _)| other.text == key.text)).cloned());
    Node::map(out, over.at)
}
