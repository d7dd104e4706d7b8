//! A schema read into a form that values are held against, and refused in the peer's words where it is none.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Unfit,
    decimal::Decimal,
    keywords,
    node::{Members, Node},
    reference::{Document, Draft, Pool, draft_of, parse},
};
use crate::{
    budget::Budget,
    functions::regex::{Cache, Program},
};

/// Where a part of a schema stands among all of them: they may refer to one another in circles.
pub(super) type At = usize;

/// A schema with everything that it refers to.
pub(super) struct Schema {
    pub parts: Vec<Part>,
    pub root: At,
}

/// What comes after listed items or properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    #[default]
    Free,
    Refused,
    As(At),
}

/// What a property asks for when it is there.
pub(super) enum Dependency {
    Keys(Vec<String>),
    Schema(At),
}

/// Limits of numbers, each inclusive or not.
#[derive(Default)]
pub(super) struct Numbers {
    pub multiple_of: Option<Decimal>,
    pub minimum: Option<Decimal>,
    pub above: Option<Decimal>,
    pub maximum: Option<Decimal>,
    pub below: Option<Decimal>,
}

/// The least and the most of something countable.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds {
    pub least: Option<i64>,
    pub most: Option<i64>,
}

/// A pattern with the text that it was read from.
pub(super) struct Pattern {
    pub text: String,
    pub expression: Program,
}

/// `if`, `then`, `else`
#[derive(Clone, Copy, Default)]
pub(super) struct Condition {
    pub test: Option<At>,
    pub then: Option<At>,
    pub otherwise: Option<At>,
}

/// One schema of those that a schema is made of. Its fields are the keywords.
#[derive(Default)]
pub(super) struct Part {
    /// The schema is `true` or `false`.
    pub pass: Option<bool>,
    /// It stands for another, and nothing else in it counts.
    pub target: Option<At>,
    pub types: Vec<String>,
    pub properties: BTreeMap<String, At>,
    pub pattern_properties: Vec<(Pattern, At)>,
    pub additional_properties: Rest,
    pub property_names: Option<At>,
    pub dependencies: BTreeMap<String, Dependency>,
    pub required: Vec<String>,
    pub property_count: Bounds,
    /// One schema for all items, or one for each.
    pub all_items: Option<At>,
    pub items: Vec<At>,
    pub additional_items: Rest,
    pub item_count: Bounds,
    pub unique_items: bool,
    pub contains: Option<At>,
    pub numbers: Numbers,
    pub length: Bounds,
    pub pattern: Option<Pattern>,
    pub format: Option<String>,
    /// JSON, as `enum` has it.
    pub constant: Option<String>,
    pub allowed: Vec<String>,
    pub any_of: Vec<At>,
    pub one_of: Vec<At>,
    pub all_of: Vec<At>,
    pub not: Option<At>,
    pub condition: Condition,
}

/// How many levels of the budget's depth a schema in a schema takes: it takes as much of the stack as so many calls of templates.
const LEVELS: u32 = 4;

/// Reads a schema.
pub(super) fn compile(text: &[u8], budget: &mut Budget) -> Result<Schema, Unfit> {
    let node = Rc::new(Node::read(text, budget)?);
    let mut compiler =
        Compiler { budget, pool: Pool::default(), targets: BTreeMap::new(), parts: Vec::new(), expressions: Cache::default() };
    let Document { node, .. } = compiler.pool.add(&node, "", compiler.budget)?;
    let draft = draft_of(&node)?.unwrap_or(Draft::Hybrid);
    let root = compiler.part(&node, draft)?;
    Ok(Schema { parts: compiler.parts, root })
}

pub(super) struct Compiler<'b> {
    pub budget: &'b mut Budget,
    pool: Pool,
    /// What each reference means, as soon as it is begun to be read.
    targets: BTreeMap<String, At>,
    parts: Vec<Part>,
    pub expressions: Cache,
}

impl Compiler<'_> {
    /// Reads one schema.
    pub(super) fn part(&mut self, node: &Node, draft: Draft) -> Result<At, Unfit> {
        let at = self.reserve()?;
        self.fill(at, node, draft)?;
        Ok(at)
    }

    fn reserve(&mut self) -> Result<At, Unfit> {
        self.budget.make(size_of::<Part>())?;
        self.parts.push(Part::default());
        Ok(self.parts.len() - 1)
    }

    fn fill(&mut self, at: At, node: &Node, draft: Draft) -> Result<(), Unfit> {
        self.budget.step(1)?;
        for level in 0..LEVELS {
            if let Err(limit) = self.budget.enter() {
                self.leave(level);
                return Err(limit.into());
            }
        }
        // on the heap: schemas stand deep in one another
        let mut part = Box::<Part>::default();
        let read = self.read(node, draft, &mut part);
        self.leave(LEVELS);
        read?;
        if let Some(place) = self.parts.get_mut(at) {
            *place = *part;
        }
        Ok(())
    }

    fn leave(&mut self, levels: u32) {
        (0..levels).for_each(|_| self.budget.leave());
    }

    fn read(&mut self, node: &Node, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
        let members = match node {
            Node::Bool(pass) if draft >= Draft::Six => {
                part.pass = Some(*pass);
                return Ok(());
            }
            Node::Map(members) => members,
            _ => return Err(Unfit::said("Expected: valid schema, given: Invalid JSON")),
        };
        check_id(members, draft)?;
        self.definitions(members, draft)?;
        for key in ["title", "description", "$ref"] {
            if members.get(key).is_some_and(|node| node.text().is_none()) {
                return Err(invalid_type("string", key));
            }
        }
        if let Some(reference) = members.get("$ref").and_then(|node| node.text()) {
            parse(reference)?;
            if let Some(target) = self.targets.get(reference) {
                part.target = Some(*target);
            } else {
                part.target = Some(self.target(reference, draft)?);
                // the keywords beside it are not even looked at; where the target is known already, they are
                return Ok(());
            }
        }
        keywords::read(self, members, draft, part)
    }

    fn target(&mut self, reference: &str, draft: Draft) -> Result<At, Unfit> {
        let at = self.reserve()?;
        self.targets.insert(reference.to_owned(), at);
        let document = self.pool.get(reference, self.budget)?;
        if !matches!(document.node.as_ref(), Node::Map(_) | Node::Bool(_)) {
            return Err(Unfit::said("valid schema must be of type object"));
        }
        self.fill(at, &document.node, document.draft.unwrap_or(draft))?;
        Ok(at)
    }

    /// They are only read to be refused: what is used of them is referred to.
    fn definitions(&mut self, members: &Members, draft: Draft) -> Result<(), Unfit> {
        let refused = || invalid_type("array of schemas", "definitions");
        match members.get("definitions").map(Rc::as_ref) {
            None => Ok(()),
            Some(Node::Map(definitions)) => definitions.values().try_for_each(|node| match node.as_ref() {
                Node::Map(_) | Node::Bool(_) => self.part(node, draft).map(|_| ()),
                _ => Err(refused()),
            }),
            Some(Node::Bool(_)) => Err(panicked("interface conversion: interface {} is bool, not map[string]interface {}")),
            Some(_) => Err(refused()),
        }
    }
}

fn check_id(members: &Members, draft: Draft) -> Result<(), Unfit> {
    let key = match draft {
        Draft::Four => "id",
        Draft::Hybrid if members.contains_key("id") => "id",
        _ => "$id",
    };
    match members.get(key).map(|node| node.text()) {
        None => Ok(()),
        Some(None) => Err(invalid_type("string", key)),
        Some(Some(name)) => parse(name).map(|_| ()),
    }
}

pub(super) fn invalid_type(expected: &str, given: &str) -> Unfit {
    Unfit::said(format!("Invalid type. Expected: {expected}, given: {given}"))
}

/// What Helm says where the peer's code panics.
pub(super) fn panicked(text: &str) -> Unfit {
    Unfit::said(format!("unable to validate schema: {text}"))
}
