//! What the command line promises to people who read about it.

mod documents;
