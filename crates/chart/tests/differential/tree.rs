//! A template as the generator grew it: text with the places marked that may be taken away, so that a difference can be cut down.

use std::fmt;

/// What a part of a template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Statements one after the other.
    Body,
    /// A text or an action with all that stands in it: may go, or leave its bodies behind.
    Statement,
    /// An operand: may be one of its own operands instead, or a number.
    Operand,
    /// A further stage of a pipeline or a further argument: may go.
    Extra,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub struct Tree {
    /// What it is.
    pub role: Role,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// Text, or a part of its own.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text that stays as long as the part it is in.
    Text(String),
    /// A part within.
    Tree(Tree),
}

impl Tree {
    /// A part without parts.
    pub fn leaf(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    /// A part that is still empty.
    pub fn new(role: Role) -> Self {
        Self { role, parts: Vec::new() }
    }

    /// With text after it.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// With a part after it.
    #[must_use]
    pub fn tree(mut self, tree: Self) -> Self {
        self.parts.push(Part::Tree(tree));
        self
    }

    /// Every template that is this one with a piece less, the big pieces first.
    pub fn smaller(&self) -> Vec<Self> {
        let mut found = Vec::new();
        self.instead(&mut |smaller| found.push(smaller));
        found.sort_by_key(|tree| tree.to_string().len());
        found
    }

    fn instead(&self, tell: &mut dyn FnMut(Self)) {
        match self.role {
            Role::Body => {}
            Role::Statement => {
                tell(Self::new(Role::Statement));
                self.parts.iter().filter_map(Part::as_tree).filter(|part| part.role == Role::Body).for_each(|body| tell(body.clone()));
            }
            Role::Operand => {
                self.operands(&mut |operand| tell(operand.clone()));
                if self.to_string().len() > 3 {
                    ["1", "\"\"", ".", "nil"].into_iter().for_each(|atom| tell(Self::leaf(Role::Operand, atom)));
                }
            }
            Role::Extra => tell(Self::new(Role::Extra)),
        }
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Tree(tree) => tree.instead(&mut |smaller| tell(self.with(index, Part::Tree(smaller)))),
                Part::Text(text) if self.role == Role::Statement && self.parts.len() == 1 && text.len() > 1 && !text.contains("{{") => {
                    let half = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
                    tell(self.with(index, Part::Text(text[..half].to_owned())));
                    tell(self.with(index, Part::Text(text[half..].to_owned())));
                }
                Part::Text(_) => {}
            }
        }
    }

    fn operands(&self, tell: &mut dyn FnMut(&Self)) {
        for tree in self.parts.iter().filter_map(Part::as_tree) {
            if tree.role == Role::Operand { tell(tree) } else { tree.operands(tell) }
        }
    }

    fn with(&self, index: usize, part: Part) -> Self {
        let mut copy = self.clone();
        copy.parts[index] = part;
        copy
    }
}

impl Part {
    fn as_tree(&self) -> Option<&Tree> {
        match self {
            Self::Tree(tree) => Some(tree),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => formatter.write_str(text),
            Part::Tree(tree) => fmt::Display::fmt(tree, formatter),
        })
    }
}
