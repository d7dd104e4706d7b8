//! Ports of the machine's loopback that lead to services.

use std::net::{Ipv4Addr, SocketAddr};

use penstock_model::job::RunnerError;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::runner::io;

/// A port that leads to a service until this is dropped.
pub(super) struct Forward {
    /// On the machine's loopback.
    pub(super) port: u16,
    _open: DropGuard,
}

impl Forward {
    /// Opens a port, or any that is free.
    pub(super) async fn open(port: Option<u16>, to: (Ipv4Addr, u16)) -> Result<Self, RunnerError> {
        let what = || match port {
            Some(port) => format!("opening port {port} of localhost: does something listen there already?"),
            None => "opening a port of localhost".to_owned(),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await.map_err(io(what()))?;
        let port = listener.local_addr().map_err(io(what()))?.port();
        let open = CancellationToken::new();
        let guard = open.clone().drop_guard();
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, SocketAddr::from(to), &open) => {}
                () = open.cancelled() => {}
            }
        });
        Ok(Self { port, _open: guard })
    }
}

async fn accept(listener: TcpListener, to: SocketAddr, open: &CancellationToken) {
    while let Ok((mut near, _)) = listener.accept().await {
        let open = open.clone();
        tokio::spawn(async move {
            let carried = async {
                let mut far = TcpStream::connect(to).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            };
            tokio::select! {
                // whoever has the other end sees how it ended
                _ = carried => {}
                () = open.cancelled() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_comes_to_a_port_reaches_the_service_until_it_is_let_go() {
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let to = (Ipv4Addr::LOCALHOST, service.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = service.accept().await {
                stream.write_all(b"hello").await.unwrap();
            }
        });
        let forward = Forward::open(None, to).await.unwrap();
        let mut said = String::new();
        TcpStream::connect((Ipv4Addr::LOCALHOST, forward.port)).await.unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hello");
        let again = Forward::open(Some(forward.port), to).await.err().unwrap();
        assert!(again.to_string().contains("does something listen there already?"), "{again}");
    }
}
