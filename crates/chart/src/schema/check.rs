//! Values held against a schema.

use std::{collections::BTreeMap, fmt, rc::Rc};

use super::{
    Unfit, combine,
    compile::{At, Bounds, Part, Pattern, Rest, Schema},
    formats,
    node::{Members, Node},
};
use crate::{
    budget::Budget,
    functions::regex::{self, Searcher},
};

/// Where a value stands: keys and places from the root on.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    name: &'a str,
    above: Option<&'a Place<'a>>,
}

impl<'a> Place<'a> {
    /// One below.
    pub(super) fn below(&'a self, name: &'a str) -> Self {
        Self { name, above: Some(self) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.above {
            // the root is only named when it is meant itself
            Some(Place { above: None, .. }) | None => formatter.write_str(self.name),
            Some(above) => write!(formatter, "{above}.{}", self.name),
        }
    }
}

/// What was found, and how well the value fits: of several schemas that fail, the one that fits best is told of.
#[derive(Default)]
pub(super) struct Findings {
    pub problems: Vec<String>,
    pub score: i64,
}

impl Findings {
    pub(super) fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }

    /// One more, charged for: alternatives can multiply them.
    pub(super) fn add(&mut self, place: Place<'_>, text: &str, budget: &mut Budget) -> Result<(), Unfit> {
        let problem = format!("{place}: {text}");
        budget.make(problem.len() + 64)?;
        self.problems.push(problem);
        self.score -= 2;
        Ok(())
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.score += other.score;
    }
}

/// What is wrong with values; empty when nothing is.
pub(super) fn check(schema: &Schema, values: &Node, budget: &mut Budget) -> Result<Vec<String>, Unfit> {
    let mut checker = Checker { parts: &schema.parts, budget, searchers: BTreeMap::new() };
    let root = Place { name: "(root)", above: None };
    Ok(checker.findings(schema.root, values, root)?.problems)
}

pub(super) struct Checker<'a, 'b> {
    parts: &'a [Part],
    pub budget: &'b mut Budget,
    /// Of each pattern that was looked for.
    searchers: BTreeMap<&'a str, Searcher>,
}

impl<'a> Checker<'a, '_> {
    /// What one schema finds.
    pub(super) fn findings(&mut self, at: At, node: &Node, place: Place<'_>) -> Result<Findings, Unfit> {
        let mut findings = Findings::default();
        self.check(at, node, place, &mut findings)?;
        Ok(findings)
    }

    /// What one schema finds, added to what is found already.
    pub(super) fn check(&mut self, at: At, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        self.budget.step(1)?;
        let Some(part) = self.parts.get(at) else { return Ok(()) };
        match (part.pass, part.target) {
            (Some(true), _) => return Ok(()),
            (Some(false), _) => return findings.add(place, "False always fails validation", self.budget),
            (None, Some(target)) => {
                self.budget.enter()?;
                let checked = self.check(target, node, place, findings);
                self.budget.leave();
                return checked;
            }
            (None, None) => {}
        }
        let given = kind(node);
        let is_wanted = |wanted: &String| wanted == given || wanted == "number" && given == "integer";
        if !part.types.is_empty() && !part.types.iter().any(is_wanted) {
            let expected = match part.types.as_slice() {
                [one] => one.clone(),
                several => format!("[{}]", several.join(",")),
            };
            return findings.add(place, &format!("Invalid type. Expected: {expected}, given: {given}"), self.budget);
        }
        // two levels: it takes as much of the stack as two calls of templates
        self.budget.enter()?;
        let checked = self.deeper(part, node, place, findings);
        self.budget.leave();
        checked?;
        findings.score += 1;
        Ok(())
    }

    fn deeper(&mut self, part: &'a Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        self.budget.enter()?;
        let checked = self.contents(part, node, place, findings);
        self.budget.leave();
        checked
    }

    fn contents(&mut self, part: &'a Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        combine::check(self, part, node, place, findings)?;
        match node {
            Node::Null => self.value(part, node, place, findings),
            Node::Bool(_) => self.value(part, node, place, findings),
            Node::Number(_) => {
                self.number(part, node, place, findings)?;
                self.value(part, node, place, findings)
            }
            Node::Text(text) => {
                self.value(part, node, place, findings)?;
                self.text(part, text, place, findings)
            }
            Node::List(items) => {
                self.list(part, items, place, findings)?;
                self.value(part, node, place, findings)
            }
            Node::Map(members) => {
                self.map(part, members, place, findings)?;
                self.value(part, node, place, findings)?;
                self.properties(part, members, place, findings)
            }
        }
    }

    /// `properties`: those that are there, in the order of their keys, which both maps have. The shorter one is walked: a schema of many properties may
    /// be held against many small maps.
    fn properties(&mut self, part: &'a Part, members: &Members, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        if members.len() < part.properties.len() {
            for (key, node) in members {
                if let Some(at) = part.properties.get(key) {
                    self.check(*at, node, place.below(key), findings)?;
                }
            }
            return Ok(());
        }
        for (key, at) in &part.properties {
            if let Some(node) = members.get(key) {
                self.check(*at, node, place.below(key), findings)?;
            }
        }
        Ok(())
    }

    /// `const` and `enum`
    fn value(&mut self, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        if part.constant.is_some() || !part.allowed.is_empty() {
            let value = node.canonical(self.budget)?;
            if let Some(constant) = part.constant.as_ref().filter(|constant| **constant != value) {
                findings.add(place, &format!("{place} does not match: {constant}"), self.budget)?;
            }
            self.budget.step(part.allowed.len() as u64)?;
            if !part.allowed.is_empty() && !part.allowed.contains(&value) {
                let allowed = part.allowed.join(", ");
                findings.add(place, &format!("{place} must be one of the following: {allowed}"), self.budget)?;
            }
        }
        findings.score += 1;
        Ok(())
    }

    fn number(&mut self, part: &Part, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        let limits = &part.numbers;
        let Some(number) = node.number() else { return Ok(()) };
        if let Some(of) = &limits.multiple_of {
            self.budget.step(number.multiple_steps(of))?;
        }
        if let Some(of) = limits.multiple_of.as_ref().filter(|of| !number.is_multiple_of(of)) {
            findings.add(place, &format!("Must be a multiple of {}", of.shown()), self.budget)?;
        }
        if let Some(limit) = limits.maximum.as_ref().filter(|limit| number > **limit) {
            findings.add(place, &format!("Must be less than or equal to {}", limit.shown()), self.budget)?;
        }
        if let Some(limit) = limits.below.as_ref().filter(|limit| number >= **limit) {
            findings.add(place, &format!("Must be less than {}", limit.shown()), self.budget)?;
        }
        if let Some(limit) = limits.minimum.as_ref().filter(|limit| number < **limit) {
            findings.add(place, &format!("Must be greater than or equal to {}", limit.shown()), self.budget)?;
        }
        if let Some(limit) = limits.above.as_ref().filter(|limit| number <= **limit) {
            findings.add(place, &format!("Must be greater than {}", limit.shown()), self.budget)?;
        }
        // a known format is one of texts
        if let Some(format) = part.format.as_deref().filter(|format| formats::is_known(format)) {
            findings.add(place, &format!("Does not match format '{format}'"), self.budget)?;
        }
        findings.score += 1;
        Ok(())
    }

    fn is_found(&mut self, pattern: &'a Pattern, text: &str) -> Result<bool, Unfit> {
        let searcher = self.searchers.entry(&pattern.text).or_insert_with(|| Searcher::new(pattern.expression.clone()));
        Ok(regex::is_in(searcher, text, self.budget)?)
    }

    fn text(&mut self, part: &'a Part, text: &str, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        self.budget.scan(text.len())?;
        let Bounds { least, most } = part.length;
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(least) = least.filter(|least| length < *least) {
            findings.add(place, &format!("String length must be greater than or equal to {least}"), self.budget)?;
        }
        if let Some(most) = most.filter(|most| length > *most) {
            findings.add(place, &format!("String length must be less than or equal to {most}"), self.budget)?;
        }
        if let Some(pattern) = &part.pattern
            && !self.is_found(pattern, text)?
        {
            findings.add(place, &format!("Does not match pattern '{}'", pattern.text), self.budget)?;
        }
        if let Some(format) = &part.format
            && !formats::fits(format, text, self.budget)?
        {
            findings.add(place, &format!("Does not match format '{format}'"), self.budget)?;
        }
        findings.score += 1;
        Ok(())
    }

    fn list(&mut self, part: &Part, items: &[Rc<Node>], place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        for (number, item) in items.iter().enumerate() {
            let schema = match (part.all_items, part.items.get(number), part.additional_items) {
                (Some(all), ..) => all,
                (None, Some(own), _) => *own,
                // without a list there is nothing to add to
                (None, None, Rest::As(rest)) if !part.items.is_empty() => rest,
                _ => break,
            };
            let name = number.to_string();
            let found = self.findings(schema, item, place.below(&name))?;
            findings.merge(found);
        }
        let is_longer = part.all_items.is_none() && !part.items.is_empty() && items.len() > part.items.len();
        if is_longer && part.additional_items == Rest::Refused {
            findings.add(place, "No additional items allowed on array", self.budget)?;
        }
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(least) = part.item_count.least.filter(|least| length < *least) {
            findings.add(place, &format!("Array must have at least {least} items"), self.budget)?;
        }
        if let Some(most) = part.item_count.most.filter(|most| length > *most) {
            findings.add(place, &format!("Array must have at most {most} items"), self.budget)?;
        }
        if part.unique_items {
            self.unique(items, place, findings)?;
        }
        if let Some(wanted) = part.contains {
            self.contains(wanted, items, place, findings)?;
        }
        findings.score += 1;
        Ok(())
    }

    fn unique(&mut self, items: &[Rc<Node>], place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        let mut seen = BTreeMap::new();
        for (number, item) in items.iter().enumerate() {
            if let Some(other) = seen.insert(item.canonical(self.budget)?, number) {
                findings.add(place, &format!("array items[{other},{number}] must be unique"), self.budget)?;
            }
        }
        Ok(())
    }

    fn contains(&mut self, wanted: At, items: &[Rc<Node>], place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        let mut best: Option<Findings> = None;
        for (number, item) in items.iter().enumerate() {
            let name = number.to_string();
            let found = self.findings(wanted, item, place.below(&name))?;
            if found.is_valid() {
                return Ok(());
            }
            if best.as_ref().is_none_or(|best| found.score > best.score) {
                best = Some(found);
            }
        }
        findings.add(place, "At least one of the items must match", self.budget)?;
        if let Some(best) = best {
            findings.merge(best);
        }
        Ok(())
    }

    fn map(&mut self, part: &'a Part, members: &Members, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        self.budget.step((members.len() + part.required.len()) as u64)?;
        let length = i64::try_from(members.len()).unwrap_or(i64::MAX);
        if let Some(least) = part.property_count.least.filter(|least| length < *least) {
            findings.add(place, &format!("Must have at least {least} properties"), self.budget)?;
        }
        if let Some(most) = part.property_count.most.filter(|most| length > *most) {
            findings.add(place, &format!("Must have at most {most} properties"), self.budget)?;
        }
        for key in &part.required {
            if members.contains_key(key) {
                findings.score += 1;
            } else {
                findings.add(place, &format!("{key} is required"), self.budget)?;
            }
        }
        for (key, node) in members {
            self.member(part, key, node, place, findings)?;
        }
        if let Some(names) = part.property_names {
            for key in members.keys() {
                let found = self.findings(names, &Node::Text(key.clone()), place)?;
                if !found.is_valid() {
                    findings.add(place, &format!("Property name of \"{key}\" does not match"), self.budget)?;
                    findings.merge(found);
                }
            }
        }
        findings.score += 1;
        Ok(())
    }

    /// What the patterns want of a member, and `additionalProperties` where nothing else speaks of it.
    fn member(&mut self, part: &'a Part, key: &str, node: &Node, place: Place<'_>, findings: &mut Findings) -> Result<(), Unfit> {
        let mut is_matched = false;
        for (pattern, at) in &part.pattern_properties {
            if self.is_found(pattern, key)? {
                is_matched = true;
                let found = self.findings(*at, node, place.below(key))?;
                findings.merge(found);
            }
        }
        if is_matched {
            findings.score += 1;
        }
        if is_matched || part.properties.contains_key(key) {
            return Ok(());
        }
        match part.additional_properties {
            Rest::Free => Ok(()),
            Rest::Refused => findings.add(place, &format!("Additional property {key} is not allowed"), self.budget),
            Rest::As(at) => {
                let found = self.findings(at, node, place.below(key))?;
                findings.merge(found);
                Ok(())
            }
        }
    }
}

/// The type of a value. A number without a fraction is an integer, however it is written.
fn kind(node: &Node) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "boolean",
        Node::Number(_) if node.number().is_some_and(|number| number.is_whole()) => "integer",
        Node::Number(_) => "number",
        Node::Text(_) => "string",
        Node::List(_) => "array",
        Node::Map(_) => "object",
    }
}
