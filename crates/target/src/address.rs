//! Ranges of addresses, and which is next. Pure.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A range of addresses, dealt out in turn, so that one that was just given back is not used at once: somebody may
/// still hold a connection to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    first: Ipv4Addr,
    last: Ipv4Addr,
    used: BTreeSet<Ipv4Addr>,
    turn: Ipv4Addr,
}

impl Addresses {
    /// The range from `first` to `last`, both included.
    pub fn new(first: Ipv4Addr, last: Ipv4Addr) -> Self {
        Self { first, last, used: BTreeSet::new(), turn: first }
    }

    /// Marks one as used, when it is found again.
    pub fn found(&mut self, address: Ipv4Addr) {
        self.used.insert(address);
        self.turn = self.after(self.turn.max(address));
    }

    /// The next one that is free; `None` if the range is used up.
    pub fn next(&mut self) -> Option<Ipv4Addr> {
        let size = u32::from(self.last).saturating_sub(u32::from(self.first)).saturating_add(1);
        let mut candidate = if self.holds(self.turn) { self.turn } else { self.first };
        for _ in 0..size {
            let next = self.after(candidate);
            if self.used.insert(candidate) {
                self.turn = next;
                return Some(candidate);
            }
            candidate = next;
        }
        None
    }

    /// Gives one back.
    pub fn release(&mut self, address: Ipv4Addr) {
        self.used.remove(&address);
    }

    fn holds(&self, address: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&address)
    }

    fn after(&self, address: Ipv4Addr) -> Ipv4Addr {
        let next = Ipv4Addr::from(u32::from(address).wrapping_add(1));
        if self.holds(next) { next } else { self.first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_dealt_out_in_turn_and_each_only_once() {
        let ip = |last| Ipv4Addr::new(10, 0, 0, last);
        let mut range = Addresses::new(ip(10), ip(12));
        range.found(ip(10));
        assert_eq!((range.next(), range.next(), range.next()), (Some(ip(11)), Some(ip(12)), None));
        range.release(ip(11));
        range.release(ip(10));
        assert_eq!(range.next(), Some(ip(10)));
        range.release(ip(10));
        // 10 was just given back: 11 is first
        assert_eq!((range.next(), range.next(), range.next()), (Some(ip(11)), Some(ip(10)), None));
    }
}
