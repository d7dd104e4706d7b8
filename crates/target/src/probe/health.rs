//! What a row of answers means. Pure.

/// What a probe found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes from now on.
    Passes,
    /// It fails from now on, or again where failing has a consequence each time.
    Fails,
}

/// Counts answers in a row against the thresholds.
#[derive(Clone, Debug)]
pub struct Row {
    passes: Option<bool>,
    successes: u32,
    failures: u32,
    success_threshold: u32,
    failure_threshold: u32,
}

impl Row {
    /// A row for these thresholds; `passes` is how it stands, if that is known from before.
    pub fn new(success_threshold: u32, failure_threshold: u32, passes: Option<bool>) -> Self {
        Self { passes, successes: 0, failures: 0, success_threshold, failure_threshold }
    }

    /// Takes an answer in; says so when the verdict changes.
    pub fn take(&mut self, success: bool) -> Option<Verdict> {
        if success {
            self.failures = 0;
            self.successes = self.successes.saturating_add(1);
            if self.passes != Some(true) && self.successes >= self.success_threshold {
                self.passes = Some(true);
                return Some(Verdict::Passes);
            }
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            if self.passes != Some(false) && self.failures >= self.failure_threshold {
                self.passes = Some(false);
                return Some(Verdict::Fails);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(thresholds: (u32, u32), answers: &str, expected: &str) {
        let mut row = Row::new(thresholds.0, thresholds.1, None);
        let said: String = answers
            .chars()
            .map(|answer| match row.take(answer == '+') {
                Some(Verdict::Passes) => 'P',
                Some(Verdict::Fails) => 'F',
                None => '.',
            })
            .collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn thresholds_count_answers_in_a_row() {
        check((1, 3), "+--+---", "P.....F");
        check((2, 1), "+-++-", ".F.PF");
        check((1, 1), "-+-+", "FPFP");
        check((1, 2), "----", ".F..");
    }
}
