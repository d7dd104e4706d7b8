//! Actions that Penstock carries out itself, and how a `uses` finds what carries it out.

mod act;
mod artifacts;
mod cache;
mod checkout;
mod facts;
mod table;

pub(super) use act::{Act, Doing, Next};
pub(super) use facts::Facts;
pub use table::BuiltIn;
pub(super) use table::{begin, resolve};
