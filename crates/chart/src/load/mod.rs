//! A chart from bytes.
