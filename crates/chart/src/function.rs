//! What a function of templates is, and what it is given beside its arguments.

use thiserror::Error;

use crate::{
    budget::{Budget, Exhausted},
    value::{Map, Str, Type, Value},
};

/// Why a function gave nothing.
#[derive(Clone, Debug, Error)]
pub enum Fault {
    /// It said so, or Go would have panicked: text/template shows either as `error calling NAME: TEXT`.
    #[error("{0}")]
    Said(Str),
    /// The render met a limit. No template can go on from that.
    #[error(transparent)]
    Limit(#[from] Exhausted),
}

impl Fault {
    /// A function's own error text, without `error calling …`.
    pub fn said(text: impl Into<Str>) -> Self {
        Self::Said(text.into())
    }
}

/// Where randomness comes from. A render is the same again when this is.
pub trait Random {
    /// Fills the buffer.
    fn fill(&mut self, buffer: &mut [u8]);
}

/// What `lookup` sees of a cluster.
pub trait Lookup {
    /// The object of that name, or the list of all when the name is empty, as a JSON document; none where it is not found.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Option<crate::value::Data>, String>;
}

/// What a function is given beside its arguments.
pub(crate) struct Scope<'a> {
    /// What may still be spent.
    pub budget: &'a mut Budget,
    /// What `now` gives.
    pub now: &'a jiff::ZonedDateTime,
    /// What random functions draw from.
    pub random: &'a mut dyn Random,
    /// What `lookup` asks; nothing is found without it.
    pub lookup: Option<&'a dyn Lookup>,
    /// What `getHostByName` asks; without it the answer is empty, as Helm's is without `--enable-dns`.
    pub hosts: Option<&'a dyn Fn(&str) -> Vec<String>>,
    /// Whether missing `required` values and `fail` are let pass.
    pub lint: bool,
    /// Maps that a function has put something into: emptied when the render ends, since a map may now hold itself.
    pub changed: &'a mut Vec<Map>,
    /// Regular expressions, compiled once a render.
    pub expressions: &'a mut crate::functions::regex::Cache,
}

/// A function of templates.
pub(crate) struct Function {
    /// Its name in templates.
    pub name: &'static str,
    /// The types of its arguments. The engine has checked them: what is called gets a [`Value`] of exactly these types, where
    /// [`types::ANY`](crate::value::types::ANY) is anything and a map or slice type takes the named types that are assignable to it.
    pub takes: &'static [&'static Type],
    /// The type of any number of arguments after those.
    pub rest: Option<&'static Type>,
    /// What it does.
    pub call: fn(&mut Scope<'_>, &[Value]) -> Result<Value, Fault>,
}
