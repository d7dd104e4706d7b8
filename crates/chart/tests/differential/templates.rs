//! Templates as cases.

use serde_json::{Value as Json, json};

use super::{
    compare::Case,
    oracle::Outcome,
    render,
    signatures::{self, Signature},
    statements,
};

impl Case for statements::Case {
    fn question(&self) -> (Json, &'static str) {
        let question = json!({
            "op": "template",
            "goVersion": "go1.24.4",
            "template": self.template.to_string(),
            "helpers": self.definitions.to_string(),
            "values": [self.values.root.yaml()],
            "files": { "f.txt": FILE },
        });
        (question, "text")
    }

    fn ours(&self) -> Outcome {
        render::template(&self.template.to_string(), &self.definitions.to_string(), &self.values.root.yaml())
    }

    fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        if !self.definitions.parts.is_empty() {
            found.push(Self { definitions: super::tree::Tree::new(super::tree::Role::Body), ..self.clone() });
        }
        found.extend(self.template.smaller().into_iter().map(|template| Self { template, ..self.clone() }));
        found.extend(self.definitions.smaller().into_iter().map(|definitions| Self { definitions, ..self.clone() }));
        for root in self.values.root.smaller() {
            found.push(Self { values: super::values::Values { root, paths: Vec::new() }, ..self.clone() });
        }
        found
    }

    fn shown(&self) -> String {
        let mut text = format!("template: {}\n", self.template);
        if !self.definitions.parts.is_empty() {
            text.push_str(&format!("definitions: {}\n", self.definitions));
        }
        text.push_str(&format!("values: {}", self.values.root.yaml()));
        text
    }

    fn functions(&self) -> Vec<&'static str> {
        let text = self.template.to_string();
        let words: std::collections::BTreeSet<&str> = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        SIGNATURES.with(|all| {
            all.iter()
                .map(|it| it.name)
                .filter(|name| words.contains(name))
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect()
        })
    }
}

/// The file that the chart of every case has.
pub const FILE: &str = "one\ntwo\n";

thread_local! {
    static SIGNATURES: Vec<Signature> = signatures::all();
}

/// The case of a number: whole templates and single calls take turns.
pub fn case(number: u64, signatures: &[Signature]) -> statements::Case {
    if number.is_multiple_of(2) { statements::case(number, signatures) } else { statements::single(number / 2, signatures) }
}
