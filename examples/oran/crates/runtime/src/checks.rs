//! A program's test of itself, told in TAP (the Test Anything Protocol) on standard output.

use std::fmt::Display;

use crate::Failure;

/// What has been checked so far.
#[derive(Debug, Default)]
pub struct Checks {
    passed: usize,
    failed: usize,
}

impl Checks {
    /// Notes the outcome of one check.
    pub fn note<T, E: Display>(&mut self, name: &str, outcome: Result<T, E>) -> Option<T> {
        let number = self.passed + self.failed + 1;
        match outcome {
            Ok(value) => {
                self.passed += 1;
                println!("ok {number} - {name}");
                Some(value)
            }
            Err(error) => {
                self.failed += 1;
                println!("not ok {number} - {name}");
                for line in error.to_string().lines() {
                    println!("# {line}");
                }
                None
            }
        }
    }

    /// Notes that two things are, or are not, equal.
    pub fn equal<T: PartialEq + std::fmt::Debug>(&mut self, name: &str, seen: &T, expected: &T) {
        let outcome = if seen == expected { Ok(()) } else { Err(format!("seen {seen:?}, expected {expected:?}")) };
        self.note(name, outcome);
    }

    /// The verdict. Checking nothing is a failure.
    pub fn finish(self) -> Result<(), Failure> {
        println!("1..{}", self.passed + self.failed);
        match (self.passed, self.failed) {
            (0, 0) => Err("nothing was checked".into()),
            (_, 0) => Ok(()),
            (passed, failed) => Err(format!("{failed} of {} checks failed", passed + failed).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_check_fails_the_test() {
        let mut checks = Checks::default();
        checks.equal("equal", &1, &1);
        checks.equal("different", &1, &2);
        assert_eq!(checks.finish().unwrap_err().to_string(), "1 of 2 checks failed");
    }

    #[test]
    fn a_test_that_checks_nothing_fails() {
        assert!(Checks::default().finish().is_err());
    }
}
