//! The image room: a Dockerfile as a graph of stages and steps, the keys under which their results are kept, and
//! layers, configurations and manifests as values.
//!
//! Everything here is a function of its arguments: the same Dockerfile over the same files gives the same bytes,
//! whatever the directory, the time, the umask or the machine. Never here: a file opened, a process started, the
//! clock read. What a Dockerfile asks for and we do not carry out is an error with file, line and what to do.

pub mod dockerfile;
pub mod glob;
pub mod ignore;
pub mod key;
pub mod layer;
pub mod manifest;
pub mod place;
pub mod stage;
mod words;

pub use dockerfile::{Base, Dockerfile, DockerfileError, Instruction, Verb};
pub use ignore::Ignore;
pub use stage::{Copy, CopyFrom, Run, StageState, Step};
