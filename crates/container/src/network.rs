//! The instance's bridge and a container's end of it.
//!
//! Of the /24, `.1` is the bridge; the rest is given out by whoever starts containers and Services. There is no
//! default route and no forwarding: containers reach each other and the machine.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use nix::sched::{CloneFlags, setns};
use penstock_model::Digest;
use serde::{Deserialize, Serialize};

use crate::netlink::Netlink;

/// The /24 of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet([u8; 3]);

impl Subnet {
    /// A /24 out of 10.64.0.0 – 10.191.255.0, from the instance's name; two names rarely meet, and if they do, `ensure_bridge` says so.
    pub fn for_instance(instance: &str) -> Self {
        let digest = Digest::of(instance);
        let [a, b, ..] = digest.as_bytes();
        Self([10, 64 + (a & 0x7f), *b])
    }

    /// The /24 in which this address lies.
    pub fn around(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        Self([a, b, c])
    }

    /// A /24 out of 10.192.0.0 – 10.255.255.0 for a network of its own; another one for each try.
    pub fn for_network(instance: &str, name: &str, attempt: u8) -> Self {
        let digest = Digest::of(format!("{instance}/{name}/{attempt}"));
        let [a, b, ..] = digest.as_bytes();
        Self([10, 192 + (a & 0x3f), *b])
    }

    /// An address of it.
    pub fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, last)
    }

    /// The bridge's own, where the machine answers.
    pub fn bridge(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// True if it lies in the subnet and is not the bridge's.
    pub fn gives(&self, address: Ipv4Addr) -> bool {
        Self::around(address) == *self && (2..=254).contains(&address.octets()[3])
    }
}

/// The name of an instance's bridge: at most 15 bytes, as the kernel wants it.
pub fn bridge_name(instance: &str) -> String {
    format!("pb{}", &Digest::of(instance).hex()[..10])
}

/// What stands for the instance where the bridge of one of its own networks is meant.
pub fn own_bridge(instance: &str, network: &str) -> String {
    format!("{instance}/network/{network}")
}

/// The hardware address of an instance's bridge: locally administered, for one station (IEEE 802, 8.2.2).
fn bridge_hardware(instance: &str) -> [u8; 6] {
    let mut address = [0x02; 6];
    address[1..].copy_from_slice(&Digest::of(instance).as_bytes()[..5]);
    address
}

/// The name of the machine's end of a container's pair.
pub fn veth_name(instance: &str, container: &str) -> String {
    format!("pv{}", &Digest::of(format!("{instance}/{container}")).hex()[..10])
}

/// Makes the bridge, unless it is there; gives its index.
pub fn ensure_bridge(instance: &str, subnet: Subnet) -> io::Result<u32> {
    let netlink = Netlink::open()?;
    let name = bridge_name(instance);
    let index = netlink.add_bridge(&name, bridge_hardware(instance))?;
    if let Some((_, taken)) =
        netlink.addresses()?.into_iter().find(|(other, address)| *other != index && Subnet::around(*address) == subnet)
    {
        netlink.remove(&name)?;
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!(
                "the subnet {}/24 is in use on this machine ({taken}): give this instance another name or another subnet",
                subnet.address(0)
            ),
        ));
    }
    netlink.add_address(index, subnet.bridge(), 24)?;
    Ok(index)
}

/// The bridge's index. One that is there is left as it is.
pub fn there_or_made(instance: &str, subnet: Subnet) -> io::Result<u32> {
    match Netlink::open()?.index_of(&bridge_name(instance))? {
        Some(index) => Ok(index),
        None => ensure_bridge(instance, subnet),
    }
}

/// Puts exactly these addresses on the bridge, beside its own.
pub fn ensure_addresses(instance: &str, subnet: Subnet, wanted: &[Ipv4Addr]) -> io::Result<()> {
    if let Some(outside) = wanted.iter().find(|address| !subnet.gives(**address)) {
        return Err(io::Error::other(format!("{outside} is not an address of this instance's subnet, {}/24", subnet.address(0))));
    }
    let index = there_or_made(instance, subnet)?;
    let netlink = Netlink::open()?;
    let seen: Vec<Ipv4Addr> = netlink.addresses()?.into_iter().filter(|(link, _)| *link == index).map(|(_, address)| address).collect();
    for address in seen.iter().filter(|address| **address != subnet.bridge() && !wanted.contains(address)) {
        netlink.remove_address(index, *address, 32)?;
    }
    for address in wanted.iter().filter(|address| !seen.contains(address)) {
        netlink.add_address(index, *address, 32)?;
    }
    Ok(())
}

/// Removes the bridge.
pub fn remove_bridge(instance: &str) -> io::Result<()> {
    Netlink::open()?.remove(&bridge_name(instance))
}

/// Brings loopback up in a container's namespace and, given an address, connects it to a bridge, that of the instance or of
/// [`own_bridge`].
///
/// Only for the single-threaded helper: the thread visits the other namespace for a moment.
pub fn connect(pid: i32, instance: &str, container: &str, end: Option<(&str, Ipv4Addr)>) -> io::Result<()> {
    let own = File::open("/proc/self/ns/net")?;
    let theirs = File::open(format!("/proc/{pid}/ns/net"))?;
    setns(&theirs, CloneFlags::CLONE_NEWNET)?;
    let inside = Netlink::open();
    setns(&own, CloneFlags::CLONE_NEWNET)?;
    let inside = inside?;
    inside.up(1)?;
    let Some((bridge, address)) = end else { return Ok(()) };
    let outside = Netlink::open()?;
    let bridge = outside
        .index_of(&bridge_name(bridge))?
        .ok_or_else(|| io::Error::other("its bridge is gone: start the container again, and it is made"))?;
    let name = veth_name(instance, container);
    // left behind by a monitor that was killed while its container's namespace is still going
    outside.remove(&name)?;
    outside.add_veth(&name, bridge, theirs.as_raw_fd())?;
    let index = inside.index_of("eth0")?.ok_or_else(|| io::Error::other("no eth0 in the container"))?;
    inside.add_address(index, address, 24)?;
    inside.up(index)
}

/// Takes a container's pair away; it also goes with its namespace.
pub fn disconnect(instance: &str, container: &str) -> io::Result<()> {
    Netlink::open()?.remove(&veth_name(instance, container))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_the_kernel_and_differ_between_instances() {
        assert!(bridge_name("a-long-instance-name").len() <= 15);
        assert_ne!(bridge_name("a"), bridge_name("b"));
        assert_ne!(veth_name("a", "x"), veth_name("b", "x"));
    }

    #[test]
    fn a_subnet_is_private_and_does_not_give_its_bridge_away() {
        let subnet = Subnet::for_instance("demo");
        assert!(subnet.bridge().is_private());
        assert!(!subnet.gives(subnet.bridge()) && !subnet.gives(subnet.address(255)) && subnet.gives(subnet.address(2)));
    }
}
