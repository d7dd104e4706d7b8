//! Helm charts, rendered as Helm renders them: the same bytes, or the same refusal, in this process and within limits.
//!
//! A chart is loaded from bytes ([`load`]), its values are merged ([`values`]), its templates are run ([`render`]) with the functions
//! that Helm gives to templates ([`functions`]), and what comes out is sorted into manifests, hooks and notes ([`release`]). The engine
//! of Go's template language is here, too, and numbers, texts and documents print as Go prints them ([`json`], [`yaml`]).
//!
//! [`release::compose`] does all of that at once:
//!
//! ```
//! use penstock_chart::{chart::File, load, random::Seeded, release::{Request, compose}, render::{Release, Surroundings}, yaml};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // the files of a directory; `load::archive` reads a `.tgz`
//! let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
//! let chart = load::files(vec![
//!     file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0"),
//!     file("values.yaml", "team: nobody"),
//!     file("templates/app.yaml", "kind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-{{ .Values.team | quote }}"),
//!     file("templates/space.yaml", "kind: Namespace\nmetadata:\n  name: {{ .Release.Namespace }}"),
//! ])?
//! .chart;
//! let request = Request {
//!     values: yaml::read_table(b"team: ours")?,
//!     release: Release { name: "blog".into(), namespace: "sites".into(), revision: 1, is_upgrade: false },
//!     ..Request::default()
//! };
//! // the same time and the same seed give the same bytes; keys and passwords that are used want a seed that nobody knows
//! let (now, mut random) = ("2026-01-02T03:04:05[UTC]".parse()?, Seeded::new([7; 32]));
//! let composed = compose(&chart, &request, &mut Surroundings::new(&now, &mut random))?;
//! // in the order in which they are installed
//! let sources: Vec<&str> = composed.manifests.iter().map(|manifest| manifest.source.as_str()).collect();
//! assert_eq!(sources, ["web/templates/space.yaml", "web/templates/app.yaml"]);
//! assert!(composed.manifest.ends_with("name: blog-\"ours\"\n"));
//! # Ok(())
//! # }
//! ```
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
mod format;
pub mod function;
pub mod functions;
pub mod json;
pub mod jsonpath;
pub mod lint;
pub mod load;
pub mod origins;
pub mod package;
pub mod provenance;
pub mod random;
pub mod release;
pub mod render;
pub mod schema;
mod template;
mod toml;
pub mod uses;
pub mod value;
pub mod values;
pub mod yaml;
