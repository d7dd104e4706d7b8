//! YAML as Kubernetes' own tools read it, with the line and the bytes of each scalar, within bounds.
//!
//! Plain scalars mean what they mean to `kubectl` (YAML 1.1 as Go reads it): `0644` is octal. Words that the two
//! versions of YAML read differently (`yes`, `off`) are refused: quote them.

mod load;
mod node;
mod scalar;

pub use load::{MAX_DEPTH, MAX_FILE, MAX_NODES, YamlError, parse, parse_loosely};
pub use node::{Kind, Node, Style};
