//! One question, whatever its kind.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use penstock_model::container::ContainerRuntime;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{grpc, http};
use crate::manifest::ContainerPort;
use crate::manifest::probe::Probe;

/// Who is asked.
#[derive(Clone)]
pub struct Asked {
    /// The container.
    pub container: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its ports, by name.
    pub ports: Vec<ContainerPort>,
    /// Who runs programs in it.
    pub runtime: Arc<dyn ContainerRuntime>,
}

impl Asked {
    /// Asks within the probe's time limit; an error is a line for people.
    pub async fn ask(&self, probe: &Probe) -> Result<(), String> {
        match timeout(probe.timeout(), self.ask_now(probe)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", probe.timeout().as_secs())),
        }
    }

    async fn ask_now(&self, probe: &Probe) -> Result<(), String> {
        let at = |port: u16| SocketAddr::from((self.address, port));
        let missing = || "the port has no number".to_owned();
        if let Some(get) = &probe.http_get {
            return http::get(at(get.port.number(&self.ports).ok_or_else(missing)?), get).await;
        }
        if let Some(tcp) = &probe.tcp_socket {
            let port = tcp.port.number(&self.ports).ok_or_else(missing)?;
            return TcpStream::connect(at(port)).await.map(drop).map_err(|error| format!("no connection to port {port}: {error}"));
        }
        if let Some(health) = &probe.grpc {
            return grpc::check(at(health.port), health).await;
        }
        let Some(exec) = &probe.exec else { return Ok(()) };
        let left = self.runtime.exec(&self.container, &exec.command, probe.timeout()).await.map_err(|error| error.to_string())?;
        if left.code == 0 {
            return Ok(());
        }
        let last = left.output.lines().last().unwrap_or_default().chars().take(200).collect::<String>();
        Err(format!("`{}` ended with {} {last}", exec.command.join(" ").chars().take(100).collect::<String>(), left.code))
    }
}
