//! The local target against fakes, and against the real runtime and gateway.

mod fakes;
mod machine;
mod real;
