//! What one render may cost. Everything that a chart can make grow is charged here before it is done, so that a render ends
//! the same way on every machine: with its output, or with the limit that it met.

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;

/// How many steps go by between two looks at a [`TimeLimit`]: less than a millisecond.
const SLICE: u64 = 4_096;

/// The limits of one render.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps: a template action, a call, an item looked at, 64 bytes of text that a call is given or a function looks through, a part of a costly calculation.
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

/// How long a render may take where nothing else is said: far more than any chart takes that people use.
pub const RENDER_TIME: Duration = Duration::from_secs(120);

/// How long a render may take, beside the steps it has: for whoever waits for it on a machine that is slow or busy.
///
/// This room has no clock: who renders says whether the time is over. It is asked every few thousand steps, so a render ends
/// soon after it, and not at it.
#[derive(Clone)]
pub struct TimeLimit {
    limit: Duration,
    is_over: Tells,
    given_up: Option<Tells>,
}

/// What is asked now and then while a chart is rendered.
pub type Tells = Arc<dyn Fn() -> bool + Send + Sync>;

impl TimeLimit {
    /// A limit from now on, and who tells that a time from now on is over.
    pub fn new<F: Fn() -> bool + Send + Sync + 'static>(limit: Duration, over_after: impl FnOnce(Duration) -> F) -> Self {
        Self { limit, is_over: Arc::new(over_after(limit)), given_up: None }
    }

    /// The same, and who tells that nobody waits for the render any more.
    #[must_use]
    pub fn unless_given_up(self, given_up: Tells) -> Self {
        Self { given_up: Some(given_up), ..self }
    }

    fn check(&self) -> Result<(), Exhausted> {
        match &self.given_up {
            Some(given_up) if given_up() => Err(Exhausted::GivenUp),
            _ if (self.is_over)() => Err(Exhausted::Time(self.limit)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeLimit({:?})", self.limit)
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
    /// Too long. How far a render comes in a time is another matter on every machine, so that nothing may be concluded from it.
    #[error("the chart took longer than {0:?} to render on this machine")]
    Time(Duration),
    /// Whoever waited for it gave it up.
    #[error("the render was given up before its end")]
    GivenUp,
}

/// What something took of a [`Budget`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Steps.
    pub steps: u64,
    /// Bytes that were made.
    pub memory: u64,
    /// How much deeper it went.
    depth: u32,
}

/// What is left of the limits.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    time: Option<TimeLimit>,
    /// Steps until the time is looked at, taken out of `steps` already.
    slice: u64,
    steps: u64,
    output: u64,
    memory: u64,
    depth: u32,
    /// The least that `depth` was since it was last measured.
    deepest: u32,
}

impl Budget {
    /// All of it, and all the time that it takes.
    pub fn new(limits: Limits) -> Self {
        let Limits { steps, output, memory, depth } = limits;
        Self { limits, time: None, slice: 0, steps, output, memory, depth, deepest: depth }
    }

    /// The same within a time.
    #[must_use]
    pub fn within(self, time: Option<TimeLimit>) -> Self {
        Self { time, ..self }
    }

    /// Takes steps.
    pub(crate) fn step(&mut self, count: u64) -> Result<(), Exhausted> {
        match self.slice.checked_sub(count) {
            Some(left) => self.slice = left,
            None => self.next_slice(count)?,
        }
        Ok(())
    }

    /// Takes steps that the slice does not have, and begins the next one.
    #[cold]
    fn next_slice(&mut self, count: u64) -> Result<(), Exhausted> {
        self.time.as_ref().map_or(Ok(()), TimeLimit::check)?;
        let rest = self.slice + self.steps;
        let left = rest.checked_sub(count).ok_or(Exhausted::Steps(self.limits.steps))?;
        self.slice = left.min(SLICE);
        self.steps = left - self.slice;
        Ok(())
    }

    /// Takes the steps of looking through this many bytes.
    pub(crate) fn scan(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.step(1 + bytes as u64 / 64)
    }

    /// Takes room for a value of so many bytes, before it is made.
    pub(crate) fn make(&mut self, bytes: usize) -> Result<(), Exhausted> {
        take(&mut self.memory, bytes as u64).ok_or(Exhausted::Memory(self.limits.memory))
    }

    /// Takes room in the output.
    pub(crate) fn write(&mut self, bytes: usize) -> Result<(), Exhausted> {
        take(&mut self.output, bytes as u64).ok_or(Exhausted::Output(self.limits.output))
    }

    /// Goes one deeper; every `enter` has its [`Budget::leave`].
    pub(crate) fn enter(&mut self) -> Result<(), Exhausted> {
        self.depth = self.depth.checked_sub(1).ok_or(Exhausted::Depth(self.limits.depth))?;
        self.deepest = self.deepest.min(self.depth);
        Ok(())
    }

    /// Comes back from [`Budget::enter`].
    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Does something that spends of it, and says what it took.
    pub(crate) fn measured<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (T, Cost) {
        let (steps, memory, depth, deepest) = (self.slice + self.steps, self.memory, self.depth, self.deepest);
        self.deepest = depth;
        let outcome = act(self);
        let cost = Cost { steps: steps - self.slice - self.steps, memory: memory - self.memory, depth: depth - self.deepest };
        self.deepest = self.deepest.min(deepest);
        (outcome, cost)
    }

    /// Takes what something took that need not be done again. False where less is left, and nothing is taken.
    pub(crate) fn take_again(&mut self, cost: Cost) -> Result<bool, Exhausted> {
        if cost.steps > self.slice + self.steps || cost.memory > self.memory || cost.depth > self.depth {
            return Ok(false);
        }
        self.memory -= cost.memory;
        self.deepest = self.deepest.min(self.depth - cost.depth);
        self.step(cost.steps)?;
        Ok(true)
    }
}

fn take(left: &mut u64, count: u64) -> Option<()> {
    *left = left.checked_sub(count)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_many_steps_are_taken_as_there_are_however_they_are_cut(limit in 0_u64..50_000, counts in prop::collection::vec(0_u64..9_000, 0..40)) {
            let mut budget = Budget::new(Limits { steps: limit, ..Limits::default() });
            let mut taken = 0;
            for count in counts {
                let fits = taken + count <= limit;
                prop_assert_eq!(budget.step(count), if fits { Ok(()) } else { Err(Exhausted::Steps(limit)) });
                taken += if fits { count } else { 0 };
            }
        }
    }

    #[test]
    fn the_time_is_looked_at_now_and_then_and_ends_a_render() {
        let looks = Arc::new(AtomicU64::new(0));
        let counted = looks.clone();
        let second = Duration::from_secs(1);
        let time = TimeLimit::new(second, |_| move || counted.fetch_add(1, Ordering::Relaxed) == 3);
        let mut budget = Budget::new(Limits::default()).within(Some(time));
        let steps = (0..u64::MAX).find(|_| budget.step(1) == Err(Exhausted::Time(second)));
        assert_eq!((steps, looks.load(Ordering::Relaxed)), (Some(3 * (SLICE + 1)), 4));
    }

    #[test]
    fn a_step_that_is_many_is_not_begun_when_the_time_is_over() {
        let mut budget = Budget::new(Limits::default()).within(Some(TimeLimit::new(Duration::ZERO, |_| || true)));
        assert_eq!(budget.step(100_000_000), Err(Exhausted::Time(Duration::ZERO)));
    }
    #[test]
    fn a_render_that_is_given_up_ends_before_its_time_in_other_words() {
        let given_up = Arc::new(AtomicU64::new(0));
        let told = given_up.clone();
        let time = TimeLimit::new(Duration::from_secs(1), |_| || false).unless_given_up(Arc::new(move || told.load(Ordering::Relaxed) > 0));
        let mut budget = Budget::new(Limits::default()).within(Some(time));
        assert!((0..3 * SLICE).all(|_| budget.step(1).is_ok()));
        given_up.store(1, Ordering::Relaxed);
        assert!((0..=SLICE).any(|_| budget.step(1) == Err(Exhausted::GivenUp)));
    }
}
