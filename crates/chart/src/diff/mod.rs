//! Two renders compared object by object, as a reader of a change wants to see it: what comes, what goes, and which lines of
//! which object differ. The order of keys, comments and quoting are no difference; what a Secret holds is told by its digest.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use similar::{Algorithm, DiffOp};

use crate::{
    budget::{Budget, Limits},
    json,
    release::{Hook, Manifest},
    value, yaml,
};

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its kind.
    pub kind: String,
    /// Its API group and version.
    pub api_version: String,
    /// The namespace that it names; empty for none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it is a hook.
    pub hook: bool,
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is there no more.
    Removed,
    /// It differs.
    Changed,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineFate {
    /// It is the same in both.
    Same,
    /// It is new.
    Added,
    /// It is there no more.
    Removed,
}

/// An object that differs.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which object.
    pub object: Identity,
    /// What becomes of it.
    pub fate: Fate,
    /// The template that makes it, in the newer render where it is there.
    pub source: String,
    /// Its lines, those that differ with some around them; an empty list stands between two places.
    pub hunks: Vec<Vec<(LineFate, String)>>,
}

/// Which object it is of, not its lines.
impl fmt::Debug for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { object, fate, source, hunks: _ } = self;
        let mut shown = formatter.debug_struct("Difference");
        shown.field("object", object).field("fate", fate).field("source", source).finish_non_exhaustive()
    }
}

/// One of two renders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Side<'a> {
    /// Its documents.
    pub manifests: &'a [Manifest],
    /// Its hooks.
    pub hooks: &'a [Hook],
}

/// What differs between two renders: objects by kind and name, with `context` lines around each difference.
/// What Secrets hold is shown only if it is asked for.
pub fn diff(older: Side<'_>, newer: Side<'_>, context: usize, show_secrets: bool) -> Result<Vec<Difference>, String> {
    let (older, newer) = (objects(older, show_secrets)?, objects(newer, show_secrets)?);
    let mut differences = Vec::new();
    for (object, (source, text)) in &older {
        let (fate, source, after) = match newer.get(object) {
            None => (Fate::Removed, source, ""),
            Some((_, after)) if after == text => continue,
            Some((source, after)) => (Fate::Changed, source, after.as_str()),
        };
        differences.push(Difference { object: object.clone(), fate, source: source.clone(), hunks: hunks(text, after, context) });
    }
    for (object, (source, text)) in newer.iter().filter(|(object, _)| !older.contains_key(object)) {
        differences.push(Difference { object: object.clone(), fate: Fate::Added, source: source.clone(), hunks: hunks("", text, context) });
    }
    differences.sort_by(|one, two| one.object.cmp(&two.object));
    Ok(differences)
}

/// Each object with where it comes from and its text.
type Objects = BTreeMap<Identity, (String, String)>;

fn objects(side: Side<'_>, show_secrets: bool) -> Result<Objects, String> {
    let hooks = side.hooks.iter().map(|hook| (&hook.manifest, true));
    let mut objects = Objects::new();
    let mut times: BTreeMap<Identity, usize> = BTreeMap::new();
    for (manifest, hook) in side.manifests.iter().map(|manifest| (manifest, false)).chain(hooks) {
        let data = yaml::read(manifest.content.as_bytes()).map_err(|error| format!("{}: {error}", manifest.source))?;
        let mut object = json::value(&data);
        if object.is_null() {
            continue;
        }
        if manifest.head.is_secret() && !show_secrets {
            hide(&mut object);
        }
        let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut identity = Identity {
            kind: manifest.head.kind.clone(),
            api_version: manifest.head.api_version.clone(),
            namespace,
            // what names itself by nothing is told by its template
            name: if manifest.head.name.is_empty() { manifest.source.clone() } else { manifest.head.name.clone() },
            hook,
        };
        // a chart that makes one name twice is at fault, but both are shown
        if objects.contains_key(&identity) {
            let (name, times) = (identity.name.clone(), times.entry(identity.clone()).or_insert(1));
            while objects.contains_key(&identity) {
                *times += 1;
                identity.name = if *times == 2 { format!("{name} (again)") } else { format!("{name} ({times})") };
            }
        }
        objects.insert(identity, (manifest.source.clone(), text(&object)?));
    }
    Ok(objects)
}

/// Puts the digest of each entry of a Secret in its place.
fn hide(secret: &mut Value) {
    for part in ["data", "stringData"] {
        let Some(entries) = secret.get_mut(part).and_then(Value::as_object_mut) else { continue };
        for value in entries.values_mut() {
            let bytes = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let digest = hex::encode(Sha256::digest(bytes.as_bytes()));
            *value = Value::String(format!("hidden, sha256 {}", digest.get(..12).unwrap_or_default()));
        }
    }
}

fn text(object: &Value) -> Result<String, String> {
    let mut budget = Budget::new(Limits::default());
    let written = yaml::write(&value::Value::from(&json::data(object)), &mut budget).map_err(|fault| fault.to_string())?;
    Ok(written.lossy().into_owned())
}

/// The lines that differ, with so many around them.
fn hunks(older: &str, newer: &str, context: usize) -> Vec<Vec<(LineFate, String)>> {
    let lines = compared(&older.lines().collect::<Vec<_>>(), &newer.lines().collect::<Vec<_>>());
    let mut hunks = Vec::new();
    let mut end = 0;
    for at in (0..lines.len()).filter(|at| lines.get(*at).is_some_and(|(fate, _)| *fate != LineFate::Same)) {
        let from = at.saturating_sub(context).max(end);
        if hunks.is_empty() || from > end {
            hunks.push(Vec::new());
        }
        let to = (at + context + 1).min(lines.len());
        if let Some(hunk) = hunks.last_mut() {
            hunk.extend(lines.get(from..to).unwrap_or_default().iter().map(|(fate, line)| (*fate, (*line).to_owned())));
        }
        end = to;
    }
    hunks
}

/// All lines of both texts. Lines that only one of them has are known to differ; the rest is compared without them, which would take the square of
/// their number.
fn compared<'t>(older: &[&'t str], newer: &[&'t str]) -> Vec<(LineFate, &'t str)> {
    let shared = |own: &[&'t str], other: &[&'t str]| -> (Vec<usize>, Vec<&'t str>) {
        let there: HashSet<&str> = other.iter().copied().collect();
        own.iter().enumerate().filter(|(_, line)| there.contains(*line)).map(|(place, line)| (place, *line)).unzip()
    };
    let ((old_places, old_lines), (new_places, new_lines)) = (shared(older, newer), shared(newer, older));
    let mut same: Vec<(usize, usize)> = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            let pairs = old_places.iter().skip(old_index).zip(new_places.iter().skip(new_index)).take(len);
            same.extend(pairs.map(|(old, new)| (*old, *new)));
        }
    }
    let mut lines = Vec::new();
    let (mut old, mut new) = (0, 0);
    for (next_old, next_new) in same.into_iter().chain([(older.len(), newer.len())]) {
        let part = |of: &[&'t str], from: usize, to: usize| of.get(from..to).unwrap_or_default().to_vec();
        lines.extend(part(older, old, next_old).into_iter().map(|line| (LineFate::Removed, line)));
        lines.extend(part(newer, new, next_new).into_iter().map(|line| (LineFate::Added, line)));
        lines.extend(older.get(next_old).map(|line| (LineFate::Same, *line)));
        (old, new) = (next_old + 1, next_new + 1);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::{INSTALL, sort};
    use crate::value::Str;

    fn manifests(text: &str) -> Vec<Manifest> {
        sort(&BTreeMap::from([(Str::from("c/templates/a.yaml"), Str::from(text))]), INSTALL).unwrap().manifests
    }

    fn between(older: &str, newer: &str) -> Vec<Difference> {
        let (older, newer) = (manifests(older), manifests(newer));
        let side = |manifests| Side { manifests, hooks: &[] };
        diff(side(&older), side(&newer), 1, false).unwrap()
    }

    #[test]
    fn the_order_of_keys_comments_and_quotes_are_no_difference() {
        assert_eq!(between("kind: A\nmetadata: {name: x}\nb: \"1x\" # why\na: 2", "a: 2\nb: 1x\nkind: A\nmetadata:\n  name: x"), []);
    }

    #[test]
    fn each_object_that_differs_is_told_with_its_lines() {
        let found = between(
            "kind: A\nmetadata: {name: x}\nspec: 1\n---\nkind: B\nmetadata: {name: y}",
            "kind: A\nmetadata: {name: x}\nspec: 2\n---\nkind: C\nmetadata: {name: y}",
        );
        let fates: Vec<_> = found.iter().map(|one| (one.object.kind.as_str(), one.fate)).collect();
        assert_eq!(fates, [("A", Fate::Changed), ("B", Fate::Removed), ("C", Fate::Added)]);
        let lines: Vec<_> = found[0].hunks[0].iter().map(|(fate, line)| (*fate, line.as_str())).collect();
        assert_eq!(lines, [(LineFate::Same, "  name: x"), (LineFate::Removed, "spec: 1"), (LineFate::Added, "spec: 2")]);
    }

    #[test]
    fn what_a_chart_makes_many_times_under_one_name_is_told_each_time() {
        let found = between("", &"kind: A\nmetadata: {name: x}\n---\n".repeat(3));
        let names: Vec<_> = found.iter().map(|one| one.object.name.as_str()).collect();
        assert_eq!(names, ["x", "x (3)", "x (again)"]);
        assert_eq!(between("", &"kind: A\n---\n".repeat(3_000)).len(), 3_000);
    }

    #[test]
    fn long_texts_without_a_line_in_common_are_told_line_by_line() {
        let text = |of: &str| {
            format!(
                "kind: A\nmetadata: {{name: x}}\nl:\n{}",
                (0..30_000).map(|line| format!("- {of}{line}\n")).collect::<Vec<_>>().concat()
            )
        };
        let found = between(&text("a"), &text("b"));
        let fates: Vec<LineFate> = found[0].hunks[0].iter().map(|(fate, _)| *fate).collect();
        let count = |wanted| fates.iter().filter(|fate| **fate == wanted).count();
        assert_eq!((count(LineFate::Removed), count(LineFate::Added), count(LineFate::Same)), (30_000, 30_000, 2));
    }

    #[test]
    fn places_that_differ_stand_apart_when_there_is_enough_between_them() {
        let of = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
        let (older, newer) = (of(&["a", "b", "c", "d", "e", "f"]), of(&["x", "b", "c", "d", "e", "y"]));
        let shown = |context| {
            let told = |hunk: &Vec<(LineFate, String)>| hunk.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().concat();
            hunks(&older, &newer, context).iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(shown(0), ["ax", "fy"]);
        assert_eq!(shown(1), ["axb", "efy"]);
        assert_eq!(shown(2), ["axbcdefy"]);
        assert_eq!(hunks("", "", 3), [[]; 0]);
    }

    #[test]
    fn what_a_secret_holds_is_not_shown_but_that_it_differs_is() {
        let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\nstringData: {{password: {value}}}");
        let found = between(&secret("hunter2"), &secret("hunter3"));
        assert_eq!(found.len(), 1);
        assert!(!serde_json::to_string(&found).unwrap().contains("hunter"));
    }
}
