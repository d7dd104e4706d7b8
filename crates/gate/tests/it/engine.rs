//! Whatever is wrong with a policy denies.

use std::time::Duration;

use penstock_gate::{PolicyError, PolicySet};

use crate::world::World;

fn with(text: &str) -> World {
    let mut world = World::staging();
    world.policy = PolicySet::new(vec![("p.rego".to_owned(), text.to_owned())]);
    world
}

fn rule(body: &str) -> World {
    with(&format!("package penstock.gate\n{body}\n"))
}

#[track_caller]
fn denies(world: &World, rule: &str, message: &str) {
    world.check(&[rule]);
    let denial = &world.decide().denials[0];
    assert!(denial.message.contains(message), "{denial:#?}");
}

#[test]
fn only_allow_true_passes() {
    rule("allow := true").check(&[]);
    rule("allow if input.environment == \"staging\"").check(&[]);
    for body in [
        "",
        "allow := false",
        "allow := \"true\"",
        "allow := 1",
        "allow := {true}",
        "allow if input.environment == \"elsewhere\"",
        "allowed := true",
    ] {
        denies(&rule(body), "allow", "does not allow it and gives no reason");
    }
}

#[test]
fn a_deny_beside_an_allow_denies() {
    denies(&rule("allow := true\ndeny contains \"no\""), "policy", "no");
    denies(&rule("allow := true\ndeny contains {\"rule\": \"mine\", \"message\": \"no\"}"), "mine", "no");
    denies(&rule("allow := true\ndeny contains 1"), "policy", "1");
    denies(&rule("allow := true\ndeny := \"text\""), "policy", "`deny` is not a set");
}

#[test]
fn a_policy_that_cannot_be_read_denies() {
    denies(&rule("allow {"), "policy", "p.rego is not a policy");
    denies(&with("package elsewhere\nallow := true"), "policy", "is in package `elsewhere`");
    denies(&with("package penstock.gates\nallow := true"), "policy", "is in package `penstock.gates`");
    denies(&with(&format!("package penstock.gate\nallow := true\n# {}", "x".repeat(2 << 20))), "policy", "at most");
    let mut none = World::staging();
    none.policy = PolicySet::new(vec![]);
    denies(&none, "policy", "no policy file");
    assert_eq!(none.policy.problem(), Some(&PolicyError::Empty));
}

#[test]
fn neither_time_nor_network_nor_chance_is_there() {
    for call in [
        "time.now_ns()",
        "http.send({\"url\": \"http://127.0.0.1\", \"method\": \"get\"})",
        "uuid.rfc4122(\"x\")",
        "rand.intn(\"x\", 2)",
        "opa.runtime()",
        "net.lookup_ip_addr(\"localhost\")",
    ] {
        denies(&rule(&format!("allow if {{ x := {call}; x != 7 }}")), "policy", "");
    }
}

#[test]
fn errors_and_conflicts_deny() {
    denies(&rule("allow := true\nx := to_number(\"no\")"), "policy", "could not be evaluated");
    denies(&rule("allow := true\nallow := false"), "policy", "");
    denies(&rule("allow := true\nx := y\ny := x"), "policy", "");
}

#[test]
fn a_policy_without_end_denies_in_time() {
    let mut world = World::staging();
    let text = "package penstock.gate\nallow if { n := numbers.range(1, 4000); count([1 | some a in n; some b in n; a * b == 7]) > 0 }";
    world.policy = PolicySet::with_time_limit(vec![("p.rego".to_owned(), text.to_owned())], Duration::from_millis(50));
    denies(&world, "policy", "could not be evaluated");
}

#[test]
fn the_digest_is_of_every_path_and_text() {
    let set = |files: &[(&str, &str)]| PolicySet::new(files.iter().map(|(p, t)| ((*p).to_owned(), (*t).to_owned())).collect()).digest();
    let one = set(&[("a", "package penstock.gate")]);
    assert_eq!(one, set(&[("a", "package penstock.gate")]));
    assert_ne!(one, set(&[("b", "package penstock.gate")]));
    assert_ne!(one, set(&[("a", "package penstock.gate\n")]));
    assert_ne!(one, set(&[("a", "package penstock.gate"), ("b", "package penstock.gate")]));
}
