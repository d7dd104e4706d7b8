//! What stands before the first `|` of a block: `inputs.NAME`, `inputs.LIST[0].key`, `component.version`.

use super::Values;
use crate::reader::shown;
use crate::yaml::{At, Node, Value};

/// The longest one, in bytes (GitLab's own bound).
const MAX_LENGTH: usize = 1024;
/// The most names in one (GitLab's own bound).
const MAX_NAMES: usize = 5;
/// The most indices after one name (GitLab's own bound).
const MAX_INDICES: usize = 5;

/// The value that is named.
pub(super) fn access(path: &str, values: &Values<'_>) -> Result<Node, String> {
    if path.len() > MAX_LENGTH {
        return Err(format!("a block names something with more than {MAX_LENGTH} characters"));
    }
    let mut names = path.splitn(MAX_NAMES, '.');
    let root = names.next().unwrap_or_default();
    let Some(first) = names.next() else {
        return Err(format!("`{}` names no input", shown(path)));
    };
    let (name, indices) = split(first, path)?;
    let found = match root {
        "inputs" => values.inputs.get(name),
        "component" => values.component.get(name),
        _ => return Err(format!("there is no `{}` to fill in: `inputs` is, and in a component `component`", shown(root))),
    };
    let known: Vec<&str> = match root {
        "inputs" => values.inputs.keys().map(String::as_str).collect(),
        _ => values.component.keys().copied().collect(),
    };
    let mut value = indexed(found.ok_or_else(|| absent(name, path, &known))?, &indices, path)?;
    for segment in names {
        let (name, indices) = split(segment, path)?;
        value = indexed(value.get(name).ok_or_else(|| absent(name, path, &[]))?, &indices, path)?;
    }
    Ok(value.clone())
}

fn absent(name: &str, path: &str, known: &[&str]) -> String {
    let known = if known.is_empty() { String::new() } else { format!("; the header declares {}", shown(&known.join(", "))) };
    format!("`{}` in `{}` is not known{known}", shown(name), shown(path))
}

/// A name and the indices after it.
fn split<'p>(segment: &'p str, path: &str) -> Result<(&'p str, Vec<usize>), String> {
    let wrong = |what: String| format!("`{}` {what}", shown(path));
    let Some((name, mut rest)) = segment.split_once('[') else { return Ok((segment, Vec::new())) };
    if name.is_empty() {
        return Err(wrong("has an index without a name before it".to_owned()));
    }
    let mut indices = Vec::new();
    loop {
        let Some((index, after)) = rest.split_once(']') else {
            return Err(wrong("has an index without its `]`".to_owned()));
        };
        let digits = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
        let Some(number) = index.parse().ok().filter(|_| digits) else {
            return Err(wrong(format!("has `{}` as an index, which is no number from 0", shown(index))));
        };
        indices.push(number);
        if indices.len() > MAX_INDICES {
            return Err(wrong(format!("has more than {MAX_INDICES} indices")));
        }
        match after.strip_prefix('[') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok((name, indices)),
            None => return Err(wrong("goes on after an index".to_owned())),
        }
    }
}

fn indexed<'n>(value: &'n Node, indices: &[usize], path: &str) -> Result<&'n Node, String> {
    indices.iter().try_fold(value, |value, index| match &value.value {
        Value::Seq(items) => items
            .get(*index)
            .ok_or_else(|| format!("`{}` asks for item {index}, and the list has {} (the first is 0)", shown(path), items.len())),
        _ => Err(format!("`{}` has an index on {}, which is no list", shown(path), value.kind())),
    })
}

/// A place for what has none.
pub(super) const NOWHERE: At = At { file: 0, line: 0, column: 0 };
