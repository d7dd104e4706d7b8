//! Rendered files as cases: split into documents, told from hooks, put in order.

use penstock_chart::render::Files;
use serde_json::{Value as Json, json};

use super::{compare::Case, lint_templates::ODD_DOCUMENTS, oracle::Outcome, random::Random, render, shrink};

/// Files as a render gives them.
#[derive(Clone, Debug)]
pub struct Rendered(Vec<(String, String)>);

impl Case for Rendered {
    fn question(&self) -> (Json, &'static str) {
        let files: serde_json::Map<String, Json> = self.0.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
        (json!({ "op": "manifests", "files": files }), "*")
    }

    fn ours(&self) -> Outcome {
        let files: Files = self.0.iter().map(|(name, text)| (name.as_str().into(), text.as_str().into())).collect();
        render::manifests(&files)
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for (at, (_, text)) in self.0.iter().enumerate() {
            let mut fewer = self.0.clone();
            fewer.remove(at);
            found.push(Self(fewer));
            found.extend(shrink::shorter(text).into_iter().map(|text| {
                let mut smaller = self.clone();
                smaller.0[at].1 = text;
                smaller
            }));
        }
        found
    }

    fn shown(&self) -> String {
        format!("{:?}", self.0)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

const KINDS: &[&str] = &[
    "Deployment",
    "Service",
    "Namespace",
    "Secret",
    "Ingress",
    "Job",
    "CustomResourceDefinition",
    "Widget",
    "Gadget",
    "ClusterRole",
    "ServiceAccount",
    "APIService",
    "Pod",
    "\"ConfigMap\"",
    "StatefulSet",
    "PodDisruptionBudget",
    "RoleBindingList",
    "MutatingWebhookConfiguration",
];
const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-install,post-upgrade",
    "test",
    "test-success",
    "PRE-DELETE",
    " pre-rollback , post-rollback",
    "never",
    "",
    "crd-install",
    "pre-upgrade,never",
    "test-failure",
];

/// Grows files.
pub fn grow(seed: u64) -> Rendered {
    let mut random = Random::new(seed);
    let files = (0..=random.below(3)).map(|at| {
        let name = random.word(&[
            "c/templates/a.yaml",
            "c/templates/b.yaml",
            "c/charts/d/templates/a.yaml",
            "c/templates/_p.tpl",
            "c/templates/NOTES.txt",
            "z",
        ]);
        let documents: Vec<String> = (0..=random.below(4)).map(|_| document(&mut random)).collect();
        let text = random.word(&["", "---\n", "\n", "# c\n---\n", "--- \n"]).to_owned()
            + &documents.join(random.word(&["\n---\n", "---\n", "\n--- \n", "\n---\n\n---\n", "\n---# c\n", "\n ---\n"]))
            + random.word(&["", "\n", "\n---", "\n...\n"]);
        (format!("{name}{}", if at > 1 { "x" } else { "" }), text)
    });
    let mut files: Vec<(String, String)> = files.collect();
    files.sort();
    files.dedup_by(|one, two| one.0 == two.0);
    Rendered(files)
}

fn document(random: &mut Random) -> String {
    if random.percent(12) {
        return random.word(ODD_DOCUMENTS).to_owned();
    }
    let mut text = String::new();
    if random.percent(90) {
        text.push_str(&format!("apiVersion: {}\n", random.word(&["v1", "apps/v1", "batch/v1", "example.test/v1"])));
    }
    if random.percent(95) {
        text.push_str(&format!("kind: {}\n", random.word(KINDS)));
    }
    text.push_str(&format!("metadata:\n  name: {}\n", random.word(&["a", "b", "c", "\"d\"", "z"])));
    if random.percent(50) {
        text.push_str("  annotations:\n");
        if random.percent(80) {
            text.push_str(&format!("    helm.sh/hook: \"{}\"\n", random.word(EVENTS)));
        }
        if random.percent(50) {
            text.push_str(&format!(
                "    helm.sh/hook-weight: {}\n",
                random.word(&["\"1\"", "\"-5\"", "\"0\"", "\"x\"", "\"+3\"", "\"99999999999999999999\"", "1", "\" 2\"", "\"1.5\""])
            ));
        }
        if random.percent(40) {
            text.push_str(&format!(
                "    helm.sh/hook-delete-policy: {}\n",
                random.word(&["hook-succeeded", "hook-succeeded,hook-failed", "\" Before-Hook-Creation \"", "\"\"", "\"a,,b\"", "none"])
            ));
        }
        text.push_str(random.word(&["    other: x\n", "    n: 1\n", ""]));
    }
    text.push_str(random.word(&["spec: {a: 1}", "data:\n  k: |\n    ---\n    text", "items: []", "", "spec:\n  x: \"---\"\n"]));
    text
}
