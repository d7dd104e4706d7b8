//! Helm and ours, side by side: cases that grow at random, asked of both, compared, and cut down where they differ.

pub mod archives;
pub mod atoms;
pub mod charts;
pub mod compare;
pub mod directory;
pub mod documents;
pub mod expressions;
pub mod flags;
pub mod lint_charts;
pub mod lint_templates;
pub mod lints;
pub mod manifests;
pub mod oracle;
pub mod ours;
pub mod random;
pub mod render;
pub mod schemas;
pub mod shrink;
pub mod signatures;
pub mod sources;
pub mod statements;
pub mod templates;
pub mod texts;
pub mod tree;
pub mod values;
pub mod warnings;
