//! Schemas of which one, some, all or none have to fit, and those that depend on others.

use super::{
    Unfit,
    check::{Checker, Findings, Place},
    compile::{Dependency, Part},
    node::Node,
};

/// What the combinations of a schema find.
pub(super) fn check(
    checker: &mut Checker<'_, '_>,
    part: &Part,
    node: &Node,
    place: Place<'_>,
    findings: &mut Findings,
) -> Result<(), Unfit> {
    any_of(checker, part, node, place, findings)?;
    one_of(checker, part, node, place, findings)?;
    all_of(checker, part, node, place, findings)?;
    if let Some(not) = part.not
        && checker.findings(not, node, place)?.is_valid()
    {
        findings.add(place, "Must not validate the schema (not)", checker.budget)?;
    }
    dependencies(checker, part, node, place, findings)?;
    condition(checker, part, node, place, findings)?;
    findings.score += 1;
    Ok(())
}

/// The better of both, the first if they are alike.
fn better(best: Option<Findings>, other: Findings) -> Option<Findings> {
    match best {
        Some(best) if best.score >= other.score => Some(best),
        _ => Some(other),
    }
}

fn any_of(checker: &mut Checker<'_, '_>, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
    let mut best = None;
    for at in &part.any_of {
        let found = checker.findings(*at, node, place)?;
        if found.is_valid() {
            return Ok(());
        }
        best = better(best, found);
    }
    if let Some(best) = best {
        findings.add(place, "Must validate at least one schema (anyOf)", checker.budget)?;
        findings.merge(best);
    }
    Ok(())
}

fn one_of(checker: &mut Checker<'_, '_>, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
    let (mut best, mut valid) = (None, 0);
    for at in &part.one_of {
        let found = checker.findings(*at, node, place)?;
        if found.is_valid() {
            valid += 1;
        } else if valid == 0 {
            best = better(best, found);
        }
    }
    if part.one_of.is_empty() || valid == 1 {
        return Ok(());
    }
    findings.add(place, "Must validate one and only one schema (oneOf)", checker.budget)?;
    if let Some(best) = best.filter(|_| valid == 0) {
        findings.merge(best);
    }
    Ok(())
}

fn all_of(checker: &mut Checker<'_, '_>, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
    let mut is_valid = true;
    for at in &part.all_of {
        let found = checker.findings(*at, node, place)?;
        is_valid &= found.is_valid();
        findings.merge(found);
    }
    if !is_valid {
        findings.add(place, "Must validate all the schemas (allOf)", checker.budget)?;
    }
    Ok(())
}

fn dependencies(checker: &mut Checker<'_, '_>, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
    let Some(members) = node.members() else { return Ok(()) };
    checker.budget.step(part.dependencies.len() as u64)?;
    for (key, dependency) in &part.dependencies {
        if !members.contains_key(key) {
            continue;
        }
        match dependency {
            Dependency::Keys(keys) => {
                checker.budget.step(keys.len() as u64)?;
                for key in keys.iter().filter(|key| !members.contains_key(*key)) {
                    findings.add(place, &format!("Has a dependency on {key}"), checker.budget)?;
                }
            }
            Dependency::Schema(at) => checker.check(*at, node, place, findings)?,
        }
    }
    Ok(())
}

fn condition(checker: &mut Checker<'_, '_>, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
    let Some(test) = part.condition.test else { return Ok(()) };
    let (branch, text) = if checker.findings(test, node, place)?.is_valid() {
        (part.condition.then, r#"Must validate "then" as "if" was valid"#)
    } else {
        (part.condition.otherwise, r#"Must validate "else" as "if" was not valid"#)
    };
    if let Some(branch) = branch {
        let found = checker.findings(branch, node, place)?;
        if !found.is_valid() {
            findings.add(place, text, checker.budget)?;
            findings.merge(found);
        }
    }
    Ok(())
}
