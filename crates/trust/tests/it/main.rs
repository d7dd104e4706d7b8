//! The room's promises, seen from outside.

mod outside;
mod tampering;
