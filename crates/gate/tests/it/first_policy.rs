//! The policy that `penstock init` writes, which is also the example of the documents.

use penstock_gate::PolicySet;
use penstock_model::evidence::{Witness, predicate};
use serde_json::{Value, json};

use crate::world::{World, with};

const POLICY: &str = include_str!("../../../cli/templates/policies/gate.rego");

fn world() -> World {
    let mut world = World::staging();
    world.policy = PolicySet::new(vec![("policies/gate.rego".to_owned(), POLICY.to_owned())]);
    assert_eq!(world.policy.problem(), None);
    world
}

fn found(finding: Value) -> World {
    world().change(predicate::FINDINGS, "gitleaks", |e| e.predicate = with(json!([finding])))
}

#[test]
fn it_lets_in_what_was_built_here_and_looked_at() {
    world().check(&[]);
}

#[test]
fn it_asks_for_proof_of_the_build_and_for_a_look_at_the_whole_commit() {
    world().without(predicate::PROVENANCE, "build").check(&["provenance"]);
    world().change(predicate::PROVENANCE, "build", |e| e.witness = Witness::Reported).check(&["provenance"]);
    world().without(predicate::FINDINGS, "gitleaks").check(&["secrets"]);
    world().change(predicate::FINDINGS, "gitleaks", |e| e.witness = Witness::Reported).check(&["secrets"]);
    world().change(predicate::FINDINGS, "gitleaks", |e| e.predicate["paths"] = json!(["docs"])).check(&["secrets"]);
    world().change(predicate::FINDINGS, "gitleaks", |e| e.predicate["summary"]["leftOut"] = json!(1)).check(&["secrets"]);
}

#[test]
fn it_refuses_a_secret_wherever_it_is_and_says_where() {
    let place = |finding: Value| {
        let world = found(finding);
        world.check(&["secrets"]);
        world.decide().denials[0].where_.clone().unwrap_or_default()
    };
    let leak = |location: Value| json!({"rule": "private-key", "level": "error", "message": "a private key", "location": location});
    assert_eq!(place(leak(json!({"path": "deploy.pem", "line": 1}))), "deploy.pem:1");
    // a file by which the commit would tell gitleaks what to overlook has no line
    assert_eq!(place(leak(json!({"path": ".gitleaks.toml"}))), ".gitleaks.toml");
    assert_eq!(place(json!({"rule": "r", "message": "m"})), "");
    assert_eq!(place(json!({})), "");
}

#[test]
fn the_documents_show_it_as_it_is() {
    let document = include_str!("../../../../docs/gates.md");
    assert!(
        document.contains(&format!("```rego\n{POLICY}```\n")),
        "docs/gates.md shows another policy than crates/cli/templates/policies/gate.rego"
    );
}
