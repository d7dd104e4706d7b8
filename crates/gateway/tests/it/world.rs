//! One gateway process in a directory of its own, and users who speak to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use penstock_gateway::GatewayClient;
use penstock_model::gateway::{BackendGroup, Counters, Gateway as _, GatewaySnapshot, Protocol, Route};
use penstock_testkit::free_address;
use tokio::net::TcpStream;

/// What has not come about by then never will.
pub const LIMIT: Duration = Duration::from_mins(1);

pub const ROUTE: &str = "ns/service:80";

pub struct World {
    pub client: GatewayClient,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    pub protocol: Protocol,
}

/// A client of the gateway binary that was built for this test.
pub fn client(folder: &std::path::Path) -> GatewayClient {
    GatewayClient { command: vec![env!("CARGO_BIN_EXE_penstock-gateway").into()], ..GatewayClient::new("", folder) }
}

impl World {
    pub async fn start(protocol: Protocol) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { client: client(folder.path()), address: free_address(), folder, protocol };
        world.client.ensure().await.unwrap();
        world
    }

    pub fn snapshot(&self, version: u64, groups: &[(&str, u32, &[SocketAddr])]) -> GatewaySnapshot {
        let groups = groups.iter().map(|(name, weight, backends)| {
            let backends = backends.iter().map(|address| (format!("pod-{}", address.port()), *address)).collect();
            ((*name).to_owned(), BackendGroup { weight: *weight, backends })
        });
        let route = Route { listen: vec![self.address], protocol: self.protocol, groups: groups.collect() };
        GatewaySnapshot { version, routes: BTreeMap::from([(ROUTE.to_owned(), route)]) }
    }

    pub async fn publish(&self, version: u64, groups: &[(&str, u32, &[SocketAddr])]) {
        self.client.publish(&self.snapshot(version, groups)).await.unwrap();
    }

    pub async fn counters(&self, group: &str) -> Counters {
        self.client.figures().await.unwrap().routes.get(ROUTE).and_then(|groups| groups.get(group)).cloned().unwrap_or_default()
    }

    /// Waits until the counters of a group satisfy a condition.
    pub async fn until(&self, group: &str, condition: impl Fn(&Counters) -> bool) -> Counters {
        let began = Instant::now();
        loop {
            let seen = self.counters(group).await;
            if condition(&seen) {
                return seen;
            }
            assert!(began.elapsed() < LIMIT, "never came about: {seen:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn end(self) {
        self.client.shut_down().await.unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // a test that failed leaves no process behind: its own child, found by its own socket
        let socket = self.client.socket.clone();
        if let Ok(stream) = std::os::unix::net::UnixStream::connect(socket) {
            let _ = std::io::Write::write_all(&mut &stream, b"{\"do\":\"shut_down\"}\n");
        }
    }
}

/// A user's kept-alive connection.
pub struct User {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

impl User {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self { sender }
    }

    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<hyper::body::Incoming>> {
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    pub async fn get(&mut self, path: &str) -> hyper::Result<(StatusCode, String)> {
        let request = Request::get(path).header("host", "service").body(Full::default()).unwrap();
        let response = self.send(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}
