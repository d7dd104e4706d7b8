//! What one render may cost. Everything that a chart can make grow is charged here before it is done, so that a render ends
//! the same way on every machine: with its output, or with the limit that it met.

use thiserror::Error;

/// The limits of one render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: a template action, a call, an item looked at, 64 bytes looked through by a function, a part of a costly calculation.
    pub steps: u64,
    /// Bytes of all the files that are rendered.
    pub output: u64,
    /// Bytes of all the values that are made on the way.
    pub memory: u64,
    /// How deep templates may call one another, and values may hold one another.
    pub depth: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 200_000_000, output: 64 << 20, memory: 512 << 20, depth: 1_000 }
    }
}

/// The limit that a render met.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Exhausted {
    /// Too many steps.
    #[error("the chart takes more than {0} steps to render: a loop that hardly ends, or a costly function in one")]
    Steps(u64),
    /// Too much output.
    #[error("the chart renders to more than {0} bytes")]
    Output(u64),
    /// Too much on the way.
    #[error("the chart's templates make values of more than {0} bytes")]
    Memory(u64),
    /// Too deep.
    #[error("the chart's templates or values stand more than {0} deep in one another")]
    Depth(u32),
}

/// What is left of the limits.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    steps: u64,
    output: u64,
    memory: u64,
    depth: u32,
}

impl Budget {
    /// All of it.
    pub fn new(limits: Limits) -> Self {
        Self { limits, steps: limits.steps, output: limits.output, memory: limits.memory, depth: limits.depth }
    }

    /// Takes steps.
    pub fn step(&mut self, count: u64) -> Result<(), Exhausted> {
        take(&mut self.steps, count).ok_or(Exhausted::Steps(self.limits.steps))
    }

    /// Takes the steps of looking through this many bytes.
    pub fn scan(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.step(1 + bytes as u64 / 64)
    }

    /// Takes room for a value of so many bytes, before it is made.
    pub fn make(&mut self, bytes: usize) -> Result<(), Exhausted> {
        take(&mut self.memory, bytes as u64).ok_or(Exhausted::Memory(self.limits.memory))
    }

    /// Takes room in the output.
    pub fn write(&mut self, bytes: usize) -> Result<(), Exhausted> {
        take(&mut self.output, bytes as u64).ok_or(Exhausted::Output(self.limits.output))
    }

    /// Goes one deeper; every `enter` has its [`Budget::leave`].
    pub fn enter(&mut self) -> Result<(), Exhausted> {
        self.depth = self.depth.checked_sub(1).ok_or(Exhausted::Depth(self.limits.depth))?;
        Ok(())
    }

    /// Comes back from [`Budget::enter`].
    pub fn leave(&mut self) {
        self.depth += 1;
    }
}

fn take(left: &mut u64, count: u64) -> Option<()> {
    *left = left.checked_sub(count)?;
    Some(())
}
