//! The few requests to the kernel's routing socket that a bridge and a veth pair need.
//!
//! Written by hand because the alternative is one or two more processes a container (`ip`), each as slow as
//! everything else that a start does, or an asynchronous client that must not live in the single-threaded helper.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const NESTED: u16 = 0x8000;
const IFF_UP: u32 = 1;
const AF_INET: u8 = 2;

/// The largest answer that is read at once; the kernel's own limit for a part of a dump is 32 KiB.
const BUFFER: usize = 64 * 1024;

/// A message under construction: a header, a fixed part, attributes.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        bytes.extend(1_u32.to_ne_bytes());
        bytes.extend(0_u32.to_ne_bytes());
        bytes.extend(fixed);
        Self(bytes)
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        // attributes are at most a few dozen bytes
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Message)) -> &mut Self {
        let mut inner = Message(Vec::new());
        fill(&mut inner);
        self.attribute(kind | NESTED, &inner.0)
    }

    fn name(&mut self, kind: u16, name: &str) -> &mut Self {
        self.attribute(kind, &[name.as_bytes(), &[0]].concat())
    }
}

/// `struct ifinfomsg`.
fn link_part(index: u32, flags: u32) -> [u8; 16] {
    let mut part = [0; 16];
    part[4..8].copy_from_slice(&index.to_ne_bytes());
    part[8..12].copy_from_slice(&flags.to_ne_bytes());
    part[12..16].copy_from_slice(&flags.to_ne_bytes());
    part
}

/// `struct ifaddrmsg`.
fn address_part(index: u32, prefix: u8) -> [u8; 8] {
    let mut part = [AF_INET, prefix, 0, 0, 0, 0, 0, 0];
    part[4..].copy_from_slice(&index.to_ne_bytes());
    part
}

/// A routing socket. It belongs to the network namespace in which it was opened.
pub struct Netlink(OwnedFd);

impl Netlink {
    /// Opens one in the namespace of the calling thread.
    pub fn open() -> io::Result<Self> {
        Ok(Self(socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?))
    }

    fn send(&self, mut message: Message) -> io::Result<()> {
        let length = u32::try_from(message.0.len()).map_err(io::Error::other)?;
        message.0[..4].copy_from_slice(&length.to_ne_bytes());
        send(self.0.as_raw_fd(), &message.0, MsgFlags::empty())?;
        Ok(())
    }

    /// Calls `each` with the kind and the body of every answer; returns at the acknowledgement or the end of a dump.
    fn answers(&self, mut each: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let length = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
            let mut rest = &buffer[..length];
            while let Some(header) = rest.get(..16) {
                let length = usize::try_from(number(&header[..4])).unwrap_or(0);
                let kind = u16::from_ne_bytes([header[4], header[5]]);
                let Some(body) = rest.get(16..length) else { return Err(io::Error::other("a broken netlink answer")) };
                match kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => {
                        let code = body.get(..4).map_or(0, |code| number(code).cast_signed());
                        return if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) };
                    }
                    other => each(other, body),
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
            }
        }
    }

    fn request(&self, message: Message) -> io::Result<()> {
        self.send(message)?;
        self.answers(|_, _| ())
    }

    /// The index of a link, or `None` if there is no such link.
    pub fn index_of(&self, name: &str) -> io::Result<Option<u32>> {
        let mut message = Message::new(RTM_GETLINK, NLM_F_ACK, &link_part(0, 0));
        message.name(IFLA_IFNAME, name);
        self.send(message)?;
        let mut found = None;
        let answer = self.answers(|kind, body| {
            if kind == RTM_NEWLINK {
                found = body.get(4..8).map(number);
            }
        });
        match answer {
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(None),
            other => other.map(|()| found),
        }
    }

    /// Adds a bridge that is up and has this hardware address; an existing one of this name is fine, and gets it.
    ///
    /// A bridge without an address of its own takes the lowest of its ports'. It then changes as containers come and
    /// go, and whoever remembers the old one (ARP, for half a minute) talks into the void.
    pub fn add_bridge(&self, name: &str, hardware: [u8; 6]) -> io::Result<u32> {
        let mut message = Message::new(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &link_part(0, IFF_UP));
        message.name(IFLA_IFNAME, name).nested(IFLA_LINKINFO, |info| {
            info.attribute(IFLA_INFO_KIND, b"bridge");
        });
        exists_is_fine(self.request(message))?;
        let index = self.index_of(name)?.ok_or_else(|| io::Error::other("the bridge is gone again"))?;
        // a request of its own: that one marks the address as chosen on every kernel
        let mut message = Message::new(RTM_NEWLINK, NLM_F_ACK, &link_part(index, IFF_UP));
        message.attribute(IFLA_ADDRESS, &hardware);
        self.request(message)?;
        Ok(index)
    }

    /// Adds a veth pair: `name` here, up and on the bridge; `eth0` in the other namespace.
    pub fn add_veth(&self, name: &str, bridge: u32, peer_namespace: RawFd) -> io::Result<()> {
        let mut message = Message::new(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &link_part(0, IFF_UP));
        message.name(IFLA_IFNAME, name).attribute(IFLA_MASTER, &bridge.to_ne_bytes()).nested(IFLA_LINKINFO, |info| {
            info.attribute(IFLA_INFO_KIND, b"veth").nested(IFLA_INFO_DATA, |data| {
                data.nested(VETH_INFO_PEER, |peer| {
                    peer.0.extend(link_part(0, 0));
                    peer.name(IFLA_IFNAME, "eth0").attribute(IFLA_NET_NS_FD, &peer_namespace.to_ne_bytes());
                });
            });
        });
        self.request(message)
    }

    /// Brings a link up.
    pub fn up(&self, index: u32) -> io::Result<()> {
        self.request(Message::new(RTM_NEWLINK, NLM_F_ACK, &link_part(index, IFF_UP)))
    }

    /// Removes a link; one that is absent is fine.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let Some(index) = self.index_of(name)? else { return Ok(()) };
        match self.request(Message::new(RTM_DELLINK, NLM_F_ACK, &link_part(index, 0))) {
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => Ok(()),
            other => other,
        }
    }

    /// Gives a link an address; having it already is fine.
    pub fn add_address(&self, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let mut message = Message::new(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &address_part(index, prefix));
        message.attribute(IFA_LOCAL, &address.octets()).attribute(IFA_ADDRESS, &address.octets());
        exists_is_fine(self.request(message))
    }

    /// Takes an address from a link; not having it is fine.
    pub fn remove_address(&self, index: u32, address: Ipv4Addr, prefix: u8) -> io::Result<()> {
        let mut message = Message::new(RTM_DELADDR, NLM_F_ACK, &address_part(index, prefix));
        message.attribute(IFA_LOCAL, &address.octets());
        match self.request(message) {
            Err(error) if error.raw_os_error() == Some(Errno::EADDRNOTAVAIL as i32) => Ok(()),
            other => other,
        }
    }

    /// Every IPv4 address of this namespace with its link's index.
    pub fn addresses(&self) -> io::Result<Vec<(u32, Ipv4Addr)>> {
        self.send(Message::new(RTM_GETADDR, NLM_F_DUMP, &[AF_INET, 0, 0, 0, 0, 0, 0, 0]))?;
        let mut found = Vec::new();
        self.answers(|kind, body| {
            if kind != RTM_NEWADDR {
                return;
            }
            let Some(index) = body.get(4..8).map(number) else { return };
            let mut rest = body.get(8..).unwrap_or(&[]);
            while let [a, b, c, d, ..] = *rest {
                let length = usize::from(u16::from_ne_bytes([a, b]));
                if u16::from_ne_bytes([c, d]) == IFA_LOCAL
                    && let Some(&[w, x, y, z]) = rest.get(4..8)
                {
                    found.push((index, Ipv4Addr::new(w, x, y, z)));
                }
                rest = rest.get(length.max(4).next_multiple_of(4)..).unwrap_or(&[]);
            }
        })?;
        Ok(found)
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_ne_bytes)
}

fn exists_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(Errno::EEXIST as i32) => Ok(()),
        other => other,
    }
}
