//! How two environments differ, for people: paired objects, normalised paths, no secret values.

use std::collections::{BTreeMap, BTreeSet};

use penstock_model::target::ObjectKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::{join, names};
use crate::manifest::Manifest;

/// Longer values are cut.
pub const MAX_SHOWN: usize = 200;
const NAMESPACE: &str = "{namespace}";

/// One place in which two environments differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EnvironmentDifference {
    /// The object in both: `api-gateway (Deployment, Rollout)`.
    pub object: String,
    /// Where in it; empty for an object that one has and the other has not.
    pub path: String,
    /// What the first has there.
    pub left: Option<String>,
    /// What the second has.
    pub right: Option<String>,
}

/// How two environments differ. The namespaces' own names do not count, wherever they stand; a Deployment and a Rollout of one
/// name are the same workload.
pub fn compare_environments(left: &[Manifest], right: &[Manifest]) -> Vec<EnvironmentDifference> {
    let (left, right) = (side(left), side(right));
    let mut found = Vec::new();
    for pair in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
        match (left.get(pair), right.get(pair)) {
            (Some(a), Some(b)) => {
                let object = label(a, Some(b));
                let secret = a.key.kind == "Secret" || b.key.kind == "Secret";
                let mut at = |path: &str, left: Option<&Value>, right: Option<&Value>| {
                    let hide = secret && (path.starts_with("data") || path.starts_with("stringData"));
                    let show = |value: Option<&Value>| value.map(|value| if hide { "(secret)".to_owned() } else { shown(value) });
                    found.push(EnvironmentDifference {
                        object: object.clone(),
                        path: path.to_owned(),
                        left: show(left),
                        right: show(right),
                    });
                };
                walk("", Some(&a.value), Some(&b.value), &mut at);
            }
            (a, b) => {
                let Some(only) = a.or(b) else { continue };
                let there = |side: Option<&Paired<'_>>| side.map(|_| "there".to_owned());
                found.push(EnvironmentDifference { object: label(only, None), path: String::new(), left: there(a), right: there(b) });
            }
        }
    }
    found
}

struct Paired<'a> {
    key: &'a ObjectKey,
    value: Value,
}

/// By what an object is paired with the other environment's: class and name.
fn side(manifests: &[Manifest]) -> BTreeMap<(String, String), Paired<'_>> {
    let namespace =
        manifests.iter().map(|manifest| manifest.key.namespace.as_str()).find(|namespace| !namespace.is_empty()).unwrap_or_default();
    let paired = manifests.iter().map(|manifest| {
        let key = &manifest.key;
        let class = match key.kind.as_str() {
            "Deployment" | "Rollout" | "StatefulSet" | "DaemonSet" => "workload",
            kind => kind,
        };
        let name = if key.kind == "Namespace" && key.name == namespace { NAMESPACE } else { &key.name };
        let mut value = manifest.value.clone();
        if class == "workload"
            && let Some(fields) = value.as_object_mut()
        {
            fields.shift_remove("apiVersion"); // goes with the kind
        }
        neutral(&mut value, namespace);
        ((class.to_owned(), name.to_owned()), Paired { key, value })
    });
    paired.collect()
}

fn neutral(value: &mut Value, namespace: &str) {
    match value {
        Value::String(text) if !namespace.is_empty() && text.contains(namespace) => *text = text.replace(namespace, NAMESPACE),
        Value::Array(items) => items.iter_mut().for_each(|item| neutral(item, namespace)),
        Value::Object(fields) => fields.values_mut().for_each(|field| neutral(field, namespace)),
        _ => {}
    }
}

fn label(a: &Paired<'_>, b: Option<&Paired<'_>>) -> String {
    let name = if a.key.kind == "Namespace" { "namespace" } else { &a.key.name };
    match b.filter(|b| b.key.kind != a.key.kind) {
        Some(b) => format!("{name} ({}, {})", a.key.kind, b.key.kind),
        None => format!("{name} ({})", a.key.kind),
    }
}

fn shown(value: &Value) -> String {
    let text = if let Value::String(text) = value { text.clone() } else { value.to_string() };
    if text.chars().count() > MAX_SHOWN { text.chars().take(MAX_SHOWN).chain(['…']).collect() } else { text }
}

fn walk(path: &str, left: Option<&Value>, right: Option<&Value>, found: &mut dyn FnMut(&str, Option<&Value>, Option<&Value>)) {
    match (left, right) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                walk(&join(path, key), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => match (names(a), names(b)) {
            (Some(left), Some(right)) => {
                let of = |list: &'_ [Value], name: &str| list.iter().find(|item| item["name"] == name).cloned();
                for name in left.iter().chain(right.iter().filter(|name| !left.contains(name))) {
                    walk(&format!("{path}[{name}]"), of(a, name).as_ref(), of(b, name).as_ref(), found);
                }
            }
            _ if a.len() == b.len() => {
                for (index, (a, b)) in a.iter().zip(b).enumerate() {
                    walk(&format!("{path}[{index}]"), Some(a), Some(b), found);
                }
            }
            _ => found(path, left, right),
        },
        _ if left == right => {}
        _ => found(path, left, right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::parse_manifests;

    fn environment(namespace: &str, texts: &[&str]) -> Vec<Manifest> {
        let files = texts.iter().enumerate().map(|(n, text)| (format!("{n}.yaml"), text.replace("NS", namespace)));
        parse_manifests(&files.collect(), namespace).unwrap()
    }

    const NS: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NS}\n";
    const URL: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {url: 'http://pqc.NS.svc:8080'}\n";

    #[test]
    fn two_that_are_alike_but_for_their_names_do_not_differ() {
        assert_eq!(compare_environments(&environment("sdr-staging", &[NS, URL]), &environment("sdr-production", &[NS, URL])), vec![]);
    }

    #[test]
    fn what_differs_is_told_and_secrets_are_not() {
        let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{key: {value}}}\n");
        let staging = environment(
            "st",
            &[
                NS,
                URL,
                &secret("abc"),
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: x, env: [{name: L, value: debug}]}]}}}\n",
            ],
        );
        let production = environment(
            "pr",
            &[
                NS,
                &secret("def"),
                "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: api}\nspec: {replicas: 2, strategy: {canary: {}}, template: {spec: {containers: [{name: a, image: x, env: [{name: L, value: info}]}]}}}\n",
            ],
        );
        let seen = compare_environments(&staging, &production);
        let line = |d: &EnvironmentDifference| {
            format!("{} | {} | {} | {}", d.object, d.path, d.left.as_deref().unwrap_or("-"), d.right.as_deref().unwrap_or("-"))
        };
        let lines: Vec<String> = seen.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "c (ConfigMap) |  | there | -",
                "s (Secret) | stringData.key | (secret) | (secret)",
                "api (Deployment, Rollout) | kind | Deployment | Rollout",
                "api (Deployment, Rollout) | spec.replicas | 1 | 2",
                "api (Deployment, Rollout) | spec.template.spec.containers[a].env[L].value | debug | info",
                "api (Deployment, Rollout) | spec.strategy | - | {\"canary\":{}}",
            ]
        );
    }
}
