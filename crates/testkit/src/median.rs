//! What a bench tells of many rounds.

use std::time::Duration;

/// The middle one of the times that rounds took, the upper of two; nothing took no time.
///
/// A machine that is busy elsewhere makes some rounds slow, and a mean would tell of these.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_round_moves_no_median() {
        let of = |seconds: &[u64]| median(seconds.iter().copied().map(Duration::from_secs).collect());
        assert_eq!(of(&[90, 1, 2]), Duration::from_secs(2));
        assert_eq!(of(&[4, 3]), Duration::from_secs(4));
        assert_eq!(of(&[]), Duration::ZERO);
    }
}
