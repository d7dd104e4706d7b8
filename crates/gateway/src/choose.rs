//! Who gets the next request: smooth weighted round robin, so that 5 % is 5 of every 100, evenly spread.

/// Deals requests out by weight. In every whole cycle (as many picks as the weights' sum) each gets exactly its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smooth {
    weights: Vec<u32>,
    credit: Vec<i64>,
    total: i64,
}

impl Smooth {
    /// Deals between as many as there are weights; zero never gets one.
    pub fn new(weights: Vec<u32>) -> Self {
        let total = weights.iter().map(|w| i64::from(*w)).sum();
        Self { credit: vec![0; weights.len()], weights, total }
    }

    /// The weights it deals by.
    pub fn weights(&self) -> &[u32] {
        &self.weights
    }

    /// The only one that can get anything, if there is one: no bookkeeping is needed then.
    pub fn only(&self) -> Option<usize> {
        let mut able = self.weights.iter().enumerate().filter(|(_, w)| **w > 0);
        match (able.next(), able.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        }
    }

    /// The next one; `None` if all weights are zero.
    pub fn pick(&mut self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for index in 0..self.weights.len() {
            if self.weights[index] == 0 {
                continue;
            }
            self.credit[index] += i64::from(self.weights[index]);
            if best.is_none_or(|b| self.credit[index] > self.credit[b]) {
                best = Some(index);
            }
        }
        let best = best?;
        self.credit[best] -= self.total;
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_percent_is_five_of_a_hundred() {
        let mut smooth = Smooth::new(vec![95, 5]);
        for _ in 0..10 {
            let canary = (0..100).filter(|_| smooth.pick() == Some(1)).count();
            assert_eq!(canary, 5);
        }
    }

    #[test]
    fn nobody_gets_anything_where_all_weights_are_zero() {
        assert_eq!(Smooth::new(vec![0, 0]).pick(), None);
        assert_eq!(Smooth::new(vec![]).pick(), None);
        assert_eq!(Smooth::new(vec![0, 3]).only(), Some(1));
        assert_eq!(Smooth::new(vec![1, 3]).only(), None);
    }

    proptest! {
        #[test]
        fn every_cycle_is_exact_and_no_stretch_is_far_off(weights in prop::collection::vec(0u32..40, 1..6), cycles in 1usize..4) {
            let total: u32 = weights.iter().sum();
            prop_assume!(total > 0);
            let mut smooth = Smooth::new(weights.clone());
            let mut seen = vec![0u32; weights.len()];
            for turn in 1..=u64::from(total) * cycles as u64 {
                seen[smooth.pick().unwrap()] += 1;
                for (index, weight) in weights.iter().enumerate() {
                    let fair = turn as f64 * f64::from(*weight) / f64::from(total);
                    prop_assert!((f64::from(seen[index]) - fair).abs() <= weights.len() as f64);
                }
                if turn.is_multiple_of(u64::from(total)) {
                    let rounds = u32::try_from(turn / u64::from(total)).unwrap();
                    prop_assert!(seen.iter().zip(&weights).all(|(s, w)| *s == w * rounds));
                }
            }
        }
    }
}
