//! Where the local target keeps its things and which addresses it deals out.

use std::net::Ipv4Addr;
use std::path::PathBuf;

/// A range of addresses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    /// The first.
    pub first: Ipv4Addr,
    /// The last.
    pub last: Ipv4Addr,
}

impl AddressRange {
    /// Splits an instance's subnet: the first half for pods, without the ten addresses at its start (the bridge has the
    /// first of them); the second half, without the broadcast address, for Services.
    ///
    /// The prefix is from 16 to 27; anything else gives nothing.
    pub fn split(subnet: Ipv4Addr, prefix: u8) -> Option<(Self, Self)> {
        if !(16..=27).contains(&prefix) {
            return None;
        }
        let size = 1u32 << (32 - prefix);
        let base = u32::from(subnet) & !(size - 1);
        let at = |offset: u32| Ipv4Addr::from(base + offset);
        let pods = Self { first: at(10), last: at(size / 2 - 1) };
        Some((pods, Self { first: at(size / 2), last: at(size - 2) }))
    }
}

/// What the local target is told.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// Its own directory: objects, pods, files of volumes.
    pub dir: PathBuf,
    /// Addresses for pods, on the runtime's bridge.
    pub pods: AddressRange,
    /// Addresses for Services, on the same bridge.
    pub services: AddressRange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_split_between_pods_and_services() {
        let (pods, services) = AddressRange::split("10.88.4.7".parse().unwrap(), 24).unwrap();
        assert_eq!((pods.first.to_string(), pods.last.to_string()), ("10.88.4.10".into(), "10.88.4.127".into()));
        assert_eq!((services.first.to_string(), services.last.to_string()), ("10.88.4.128".into(), "10.88.4.254".into()));
        assert_eq!(AddressRange::split("10.0.0.0".parse().unwrap(), 30), None);
    }
}
