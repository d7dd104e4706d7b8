//! A GET over a fresh connection.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::manifest::probe::HttpGet;

/// Asks; an error is a line for people.
pub async fn get(address: SocketAddr, probe: &HttpGet) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| format!("no connection to port {}: {error}", address.port()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let mut request = http::Request::get(&probe.path).header("user-agent", "penstock-probe").header("connection", "close");
    if !probe.http_headers.iter().any(|header| header.name.eq_ignore_ascii_case("host")) {
        request = request.header("host", address.to_string());
    }
    for header in &probe.http_headers {
        request = request.header(&header.name, &header.value);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if (200..400).contains(&status.as_u16()) {
            return Ok(());
        }
        // the start of the body says why
        let body = http_body_util::Limited::new(answer.into_body(), 4096).collect().await.map(http_body_util::Collected::to_bytes);
        let why = body.map(|bytes| String::from_utf8_lossy(&bytes).trim().chars().take(200).collect::<String>()).unwrap_or_default();
        Err(format!("GET {} gave {status} {why}", probe.path).trim_end().to_owned())
    };
    tokio::pin!(ask);
    tokio::select! {
        answer = &mut ask => answer,
        // what came before the end is still there to be read
        _ = connection => ask.await,
    }
}
