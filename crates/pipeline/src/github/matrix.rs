//! `strategy`: one job becomes several.

use serde_json::{Map, Value as Json};

use super::checked::{as_written, template};
use super::contexts::{Place, STRATEGY};
use super::expression::Contexts;
use super::value::Value;
use crate::reader::{Problems, closest, join, shown};
use crate::yaml::{Node, Value as Yaml};

/// The most jobs that one may become (GitHub's own bound).
const MAX_COMBINATIONS: usize = 256;
/// The most that the lists may make before `exclude` takes some away.
const MAX_PRODUCT: usize = 4096;
/// The most jobs of a matrix that may be at work at once: more there are never.
const MAX_PARALLEL: u64 = 256;

/// What `strategy` says.
pub(super) struct Strategy {
    pub(super) combinations: Vec<Map<String, Json>>,
    pub(super) fail_fast: bool,
    pub(super) max_parallel: Option<usize>,
}

/// Something is wrong, and told.
pub(super) struct Wrong;

/// Reads `strategy`; nothing if it makes no matrix.
pub(super) fn read(node: &Node, path: &str, contexts: &Contexts, problems: &mut Problems) -> Result<Option<Strategy>, Wrong> {
    let Json::Object(mut given) = json(node, path, &STRATEGY, contexts, problems).ok_or(Wrong)? else {
        problems.add(node.at, path, format!("a mapping is expected here, not {}", node.kind()), "write `matrix:` below it");
        return Err(Wrong);
    };
    // what a key stands at, if the mapping is written out
    let place = |name: &str| node.get(name).unwrap_or(node).at;
    let fail_fast = match given.shift_remove("fail-fast") {
        None | Some(Json::Null) => true,
        Some(Json::Bool(value)) => value,
        Some(other) => {
            let message = format!("`true` or `false` is expected here, not {other}");
            problems.add(place("fail-fast"), &join(path, "fail-fast"), message, "write true or false, without quotes");
            return Err(Wrong);
        }
    };
    let max_parallel = match given.shift_remove("max-parallel") {
        None | Some(Json::Null) => None,
        Some(other) => {
            let number = other.as_u64().filter(|number| *number <= MAX_PARALLEL);
            if number.is_none() {
                let message = format!("a whole number from 0 to {MAX_PARALLEL} is expected here, not {other}");
                problems.add(place("max-parallel"), &join(path, "max-parallel"), message, "write the number, without quotes");
                return Err(Wrong);
            }
            // as at GitHub, 0 is no bound
            number.filter(|most| *most > 0).and_then(|most| usize::try_from(most).ok())
        }
    };
    let matrix = given.shift_remove("matrix");
    let names = ["fail-fast", "matrix", "max-parallel"];
    for key in given.keys() {
        let at = match &node.value {
            Yaml::Map(entries) => entries.iter().find(|(own, _)| own.text == *key).map_or(node.at, |(own, _)| own.at),
            _ => node.at,
        };
        problems.add(at, &join(path, key), format!("`{}` is not a key of this place", shown(key)), closest(key, &names));
    }
    let matrix_path = join(path, "matrix");
    match matrix {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(matrix)) => {
            let combinations = combinations(matrix, node.get("matrix").unwrap_or(node), &matrix_path, problems).ok_or(Wrong)?;
            Ok(Some(Strategy { combinations, fail_fast, max_parallel }))
        }
        Some(_) => {
            problems.add(place("matrix"), &matrix_path, "a matrix is a mapping of lists", "write `name: [value, value]` lines below it");
            Err(Wrong)
        }
    }
}

fn combinations(mut matrix: Map<String, Json>, node: &Node, path: &str, problems: &mut Problems) -> Option<Vec<Map<String, Json>>> {
    let include = objects(matrix.shift_remove("include"), "include", node, path, problems)?;
    let exclude = objects(matrix.shift_remove("exclude"), "exclude", node, path, problems)?;
    let mut out: Vec<Map<String, Json>> = if matrix.is_empty() { Vec::new() } else { vec![Map::new()] };
    for (key, values) in &matrix {
        let Json::Array(values) = values else {
            problems.add(node.at, &join(path, key), format!("`{}` must be a list", shown(key)), "write `[value, value]`");
            return None;
        };
        if values.is_empty() {
            problems.add(node.at, &join(path, key), format!("`{}` has no value", shown(key)), "give it at least one");
            return None;
        }
        if out.len() * values.len() > MAX_PRODUCT {
            problems.add(node.at, path, format!("the matrix makes more than {MAX_COMBINATIONS} jobs"), "leave some out");
            return None;
        }
        out = out.iter().flat_map(|done| values.iter().map(move |value| with(done, key, value))).collect();
    }
    out.retain(|combination| !exclude.iter().any(|excluded| excluded.iter().all(|(key, value)| combination.get(key) == Some(value))));
    let originals: Vec<Map<String, Json>> = out.clone();
    for included in include {
        let mut fitted = false;
        for (combination, original) in out.iter_mut().zip(&originals) {
            if included.iter().all(|(key, value)| original.get(key).is_none_or(|own| own == value)) {
                combination.extend(included.clone());
                fitted = true;
            }
        }
        if !fitted {
            out.push(included);
        }
    }
    if out.is_empty() || out.len() > MAX_COMBINATIONS {
        problems.add(
            node.at,
            path,
            format!("the matrix makes {} jobs; 1 to {MAX_COMBINATIONS} are possible", out.len()),
            "look at `exclude` and `include`",
        );
        return None;
    }
    Some(out)
}

fn with(done: &Map<String, Json>, key: &str, value: &Json) -> Map<String, Json> {
    let mut more = done.clone();
    more.insert(key.to_owned(), value.clone());
    more
}

fn objects(given: Option<Json>, name: &str, node: &Node, path: &str, problems: &mut Problems) -> Option<Vec<Map<String, Json>>> {
    let Some(given) = given else { return Some(Vec::new()) };
    let items = match given {
        Json::Array(items) if items.len() <= MAX_COMBINATIONS => items,
        _ => {
            problems.add(
                node.at,
                &join(path, name),
                format!("`{name}` must be a list of mappings, at most {MAX_COMBINATIONS}"),
                "start each with `- `",
            );
            return None;
        }
    };
    let objects: Option<Vec<Map<String, Json>>> = items
        .into_iter()
        .map(|item| match item {
            Json::Object(object) => Some(object),
            _ => None,
        })
        .collect();
    if objects.is_none() {
        problems.add(node.at, &join(path, name), format!("`{name}` must be a list of mappings"), "start each with `- `");
    }
    objects
}

/// A tree as JSON, its expressions evaluated.
pub(super) fn json(node: &Node, path: &str, place: &Place, contexts: &Contexts, problems: &mut Problems) -> Option<Json> {
    match &node.value {
        Yaml::Seq(items) => {
            items.iter().map(|item| json(item, path, place, contexts, problems)).collect::<Option<Vec<Json>>>().map(Json::Array)
        }
        Yaml::Map(entries) => {
            let mut out = Map::new();
            for (key, value) in entries {
                out.insert(key.text.clone(), json(value, &join(path, &key.text), place, contexts, problems)?);
            }
            Some(Json::Object(out))
        }
        Yaml::Scalar { .. } if node.is_null() => Some(Json::Null),
        Yaml::Scalar { text, .. } => {
            as_written(node, path, problems);
            if let Some(value) = node.bool() {
                return Some(Json::Bool(value));
            }
            if let Some(number) = node.number() {
                return Some(Value::Number(number).to_json());
            }
            if !text.contains("${{") {
                return Some(Json::String(text.to_string()));
            }
            let (_, template) = template(node, path, place, problems)?;
            match template.value(contexts) {
                Ok(value) => Some(value.to_json()),
                Err(why) => {
                    problems.add(node.at, path, format!("the expression cannot be evaluated: {why}"), "");
                    None
                }
            }
        }
    }
}

/// The values of a combination as they stand in a job's name: `3.11, linux`.
pub(super) fn label(values: &Map<String, Json>) -> String {
    let mut out = Vec::new();
    values.values().for_each(|value| leaves(value, &mut out));
    out.join(", ")
}

fn leaves(value: &Json, out: &mut Vec<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Json::Object(entries) => entries.values().for_each(|item| leaves(item, out)),
        Json::Null => {}
        other => out.push(shown(&Value::from(other).to_text())),
    }
}
