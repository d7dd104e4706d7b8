//! Helm charts, rendered as Helm renders them: the same bytes, or the same refusal, in this process and within limits.
//!
//! A chart is loaded from bytes ([`load`]), its values are merged ([`values`]), its templates are run ([`render`]) by an engine
//! of Go's template language ([`template`]) with the functions that Helm gives to templates ([`functions`]), and what comes out
//! is sorted into manifests, hooks and notes ([`release`]). Numbers, texts and documents print as Go prints them ([`mod@format`],
//! [`json`], [`yaml`], [`toml`]).
//!
//! What never happens here: a file opened, a host asked, a clock read, a process or a thread started. Time, randomness and the
//! cluster that `lookup` sees are handed in; a render is the same again when they are. Every render has a [`budget`] of
//! steps, memory, output and depth, and no chart can make it panic.

#[cfg(test)]
mod answers;
pub mod budget;
pub mod chart;
pub mod diff;
mod documents;
pub mod format;
pub mod function;
pub mod functions;
pub mod json;
pub mod lint;
pub mod load;
pub mod package;
pub mod provenance;
pub mod random;
pub mod release;
pub mod render;
pub mod schema;
pub mod template;
pub mod toml;
pub mod uses;
pub mod value;
pub mod values;
pub mod yaml;
