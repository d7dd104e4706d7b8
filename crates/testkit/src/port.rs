use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// An address of this machine at which nobody listens, and which no other call of this process gives.
///
/// Its port is below those that the kernel gives away by itself (`ip_local_port_range`), so that nobody gets it before it is
/// listened at, nor between two starts of a server.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap_or_default();
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, begin + NEXT.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// The port of a [`free_address`].
pub fn free_port() -> u16 {
    free_address().port()
}
