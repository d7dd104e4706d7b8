//! What happened between two looks at the same counters.

use std::time::Duration;

use penstock_model::gateway::{Counters, LATENCY_BOUNDS_MS};
use serde::{Deserialize, Serialize};

/// Requests, errors and latencies of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Requests that ended in it.
    pub requests: u64,
    /// Of these, errors.
    pub errors: u64,
    /// By [`LATENCY_BOUNDS_MS`], not cumulative; one more for what is slower.
    pub latency: Vec<u64>,
}

impl Window {
    /// The stretch between two looks; `None` if any counter went backwards, since the gateway then began anew and what
    /// happened is not known.
    pub fn between(earlier: &Counters, later: &Counters) -> Option<Self> {
        let bucket = |counters: &Counters, index: usize| counters.latency.get(index).copied().unwrap_or(0);
        let latency = (0..=LATENCY_BOUNDS_MS.len()).map(|index| bucket(later, index).checked_sub(bucket(earlier, index)));
        Some(Self {
            requests: later.requests.checked_sub(earlier.requests)?,
            errors: later.errors.checked_sub(earlier.errors)?,
            latency: latency.collect::<Option<_>>()?,
        })
    }

    /// Everything that was counted.
    pub fn whole(counters: &Counters) -> Self {
        Self::between(&Counters::default(), counters).unwrap_or_default()
    }

    /// Errors in parts per million of the requests, rounded up; `None` without requests.
    pub fn error_ppm(&self) -> Option<u64> {
        if self.requests == 0 {
            None
        } else {
            Some((u128::from(self.errors) * 1_000_000).div_ceil(u128::from(self.requests)).try_into().unwrap_or(u64::MAX))
        }
    }

    /// Errors as a share of the requests, for charts; `None` without requests.
    pub fn error_rate(&self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "for charts")]
        self.error_ppm().map(|ppm| ppm as f64 / 1e6)
    }

    /// Requests a second, for charts.
    pub fn rate(&self, over: Duration) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "for charts")]
        if over.is_zero() { 0.0 } else { self.requests as f64 / over.as_secs_f64() }
    }

    /// Requests that took longer than a bound of [`LATENCY_BOUNDS_MS`].
    pub fn slower_than(&self, bound_ms: u32) -> u64 {
        let first = LATENCY_BOUNDS_MS.partition_point(|bound| *bound <= bound_ms);
        self.latency.iter().skip(first).sum()
    }

    /// The 95th percentile as the upper bound of its bucket in milliseconds; `None` without requests, `Some(None)` beyond
    /// the last bound.
    #[allow(clippy::option_option, reason = "no requests and no bound are two things")]
    pub fn p95_ms(&self) -> Option<Option<u32>> {
        self.quantile_ms(95)
    }

    /// A percentile (1 to 100) as [`Self::p95_ms`].
    #[allow(clippy::option_option, reason = "no requests and no bound are two things")]
    pub fn quantile_ms(&self, percent: u32) -> Option<Option<u32>> {
        let total: u64 = self.latency.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = (u128::from(total) * u128::from(percent.clamp(1, 100))).div_ceil(100);
        let mut seen: u128 = 0;
        for (index, count) in self.latency.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(LATENCY_BOUNDS_MS.get(index).copied());
            }
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn counters(requests: &[(usize, u64)], errors: u64) -> Counters {
        let mut latency = vec![0; LATENCY_BOUNDS_MS.len() + 1];
        requests.iter().for_each(|(bucket, count)| latency[*bucket] += count);
        Counters { requests: latency.iter().sum(), errors, in_flight: 0, latency }
    }

    #[test]
    fn p95_is_over_a_bound_exactly_when_more_than_a_twentieth_is_slower() {
        let at = |slow: u64| Window::whole(&counters(&[(3, 100 - slow), (17, slow)], 0)).p95_ms();
        assert_eq!(at(5), Some(Some(5)));
        assert_eq!(at(6), Some(Some(750)));
        assert_eq!(Window::whole(&counters(&[(22, 1)], 0)).p95_ms(), Some(None));
        assert_eq!(Window::default().p95_ms(), None);
    }

    #[test]
    fn counters_that_went_backwards_give_no_window() {
        let (a, b) = (counters(&[(0, 10)], 2), counters(&[(1, 500)], 2));
        assert_eq!(Window::between(&a, &b), None, "a bucket shrank though the sum grew");
        assert_eq!(Window::between(&a, &a), Some(Window { requests: 0, errors: 0, latency: vec![0; 23] }));
        assert_eq!(Window::between(&Counters::default(), &a).map(|w| w.requests), Some(10));
    }

    proptest! {
        #[test]
        fn p95_and_slower_than_say_the_same(parts in prop::collection::vec((0usize..23, 0u64..1000), 0..8), bound in 0usize..22) {
            let window = Window::whole(&counters(&parts, 0));
            let bound = LATENCY_BOUNDS_MS[bound];
            if let Some(p95) = window.p95_ms() {
                let over = p95.is_none_or(|p95| p95 > bound);
                prop_assert_eq!(over, window.slower_than(bound) * 100 > window.requests * 5);
            }
        }
        #[test]
        fn windows_add_up(a in prop::collection::vec((0usize..23, 0u64..1000), 0..6), b in prop::collection::vec((0usize..23, 0u64..1000), 0..6)) {
            let first = counters(&a, 1);
            let second = counters(&[a.clone(), b.clone()].concat(), 3);
            let window = Window::between(&first, &second).unwrap();
            prop_assert_eq!(window.requests, b.iter().map(|(_, n)| n).sum::<u64>());
            prop_assert_eq!(window.errors, 2);
        }
    }
}
