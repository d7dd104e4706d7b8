//! Go's template language (text/template), with Helm's `include` and `tpl`.
//!
//! A text is parsed once ([`Parsed`]) and kept; parsed texts make a [`Set`], in which each finds the others' templates by name;
//! [`execute()`] carries one out. Neither the depth of a template's text nor that of its calls takes the thread's stack: blocks,
//! parentheses and templates in one another lie on the heap, where the render's budget is charged for them.
//!
//! The language is that of Go 1.26. Helm's own builds of 3.18 use Go 1.24, which differs in one error only: there, no depth of
//! parentheses is too much.

mod argument;
mod build;
mod builtin;
mod call;
mod callee;
mod compare;
mod constant;
mod escape;
mod execute;
mod field;
mod frame;
mod index;
mod lex;
mod literal;
mod operand;
mod parse;
mod pipeline;
mod range;
#[cfg(test)]
mod size;
#[cfg(test)]
mod tests;
mod tree;
mod uses;
mod word;
mod wording;

use std::{cell::Cell, collections::HashMap, rc::Rc, sync::Arc};

use thiserror::Error;

use crate::{
    budget::{Budget, Exhausted},
    function::Scope,
    value::{Str, Value},
};
pub use callee::{Language, names};
use tree::Tree;

/// A text that is no template, with text/template's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text}")]
pub struct ParseFault {
    /// `template: NAME:LINE: …`
    pub text: Str,
}

/// Why a template gave nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Failure {
    /// A template was wrong while it was carried out (text/template's `ExecError`): `template: NAME:LINE:COLUMN: executing …`.
    #[error("{0}")]
    Execution(Str),
    /// There is no such template.
    #[error("{0}")]
    Missing(Str),
    /// The render met a limit.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

/// A text that has been parsed: its own template and those that it defines. Cheap to clone, and good for any number of sets.
#[derive(Clone, Debug)]
pub struct Parsed {
    name: Str,
    trees: Arc<[Arc<Tree>]>,
}

impl Parsed {
    /// Parses a text. Its name is what errors call it, and what [`execute()`] finds it by.
    pub fn new(name: &Str, text: &Str) -> Result<Self, ParseFault> {
        Self::of(name, text, Language::Helm)
    }

    /// The same of a text in which only some functions are known.
    pub fn of(name: &Str, text: &Str, language: Language) -> Result<Self, ParseFault> {
        let trees = parse::parse(name, text, language)?.into_iter().map(Arc::new).collect();
        Ok(Self { name: name.clone(), trees })
    }

    /// The template of the text itself.
    fn main(&self) -> Option<&Arc<Tree>> {
        self.trees.iter().find(|tree| tree.name == self.name)
    }
}

/// Templates that know one another by name. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Set {
    layer: Arc<Layer>,
}

/// The templates of a set, over those that `tpl` found when it was called.
#[derive(Clone, Debug, Default)]
struct Layer {
    own: HashMap<Str, Arc<Tree>>,
    below: Option<Arc<Layer>>,
    depth: usize,
}

/// As many layers may lie on one another before they are made one.
const LAYERS: usize = 16;

impl Set {
    /// Parses a text into the set.
    pub fn parse(&mut self, name: &Str, text: &Str) -> Result<(), ParseFault> {
        self.add(&Parsed::new(name, text)?);
        Ok(())
    }

    /// Adds the templates of a text. One takes the place of another of its name, unless it is empty.
    pub fn add(&mut self, parsed: &Parsed) {
        for tree in parsed.trees.iter() {
            if !tree.empty || self.find(tree.name.as_bytes()).is_none() {
                Arc::make_mut(&mut self.layer).own.insert(tree.name.clone(), tree.clone());
            }
        }
    }

    fn find(&self, name: &[u8]) -> Option<&Arc<Tree>> {
        let mut layer = Some(&self.layer);
        while let Some(it) = layer {
            if let Some(tree) = it.own.get(name) {
                return Some(tree);
            }
            layer = it.below.as_ref();
        }
        None
    }

    /// A set whose new templates are not seen in this one.
    fn above(&self, budget: &mut Budget) -> Result<Self, Exhausted> {
        if self.layer.depth < LAYERS {
            let depth = self.layer.depth + 1;
            return Ok(Self { layer: Arc::new(Layer { own: HashMap::new(), below: Some(self.layer.clone()), depth }) });
        }
        let mut layers = vec![&self.layer];
        while let Some(below) = layers.last().and_then(|layer| layer.below.as_ref()) {
            layers.push(below);
        }
        // many templates, and many that call one another by `tpl`: each sixteenth has all of them anew
        let count = layers.iter().map(|layer| layer.own.len()).sum::<usize>();
        budget.step(count as u64)?;
        budget.make(count.saturating_mul(2 * size_of::<(Str, Arc<Tree>)>()))?;
        let mut own = HashMap::with_capacity(count);
        for layer in layers.into_iter().rev() {
            own.extend(layer.own.iter().map(|(name, tree)| (name.clone(), tree.clone())));
        }
        Ok(Self { layer: Arc::new(Layer { own, below: None, depth: 0 }) })
    }
}

/// What a template finds in a map that has no such key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// Nothing, which prints as `<no value>` (`missingkey=default`).
    Nothing,
    /// The zero of the map's elements (`missingkey=zero`), as Helm has it.
    #[default]
    Zero,
    /// It is an error (`missingkey=error`), as Helm's `--strict` has it.
    Error,
}

/// What all templates of one render share.
pub struct Run<'a> {
    /// What functions are given.
    pub scope: Scope<'a>,
    /// What a missing key is.
    pub missing: MissingKey,
    /// How often each template is being included just now.
    included: HashMap<Str, Rc<Cell<usize>>>,
}

impl<'a> Run<'a> {
    /// A render that begins.
    pub fn new(scope: Scope<'a>, missing: MissingKey) -> Self {
        Self { scope, missing, included: HashMap::new() }
    }
}

/// Carries out a template of a set. The output is charged to the budget as it is written, not at the end.
pub fn execute(set: &Set, name: &Str, data: &Value, run: &mut Run<'_>) -> Result<Vec<u8>, Failure> {
    execute::execute(set, name, data, run)
}
