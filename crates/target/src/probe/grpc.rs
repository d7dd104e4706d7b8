//! `grpc.health.v1.Health/Check` over HTTP/2 with prior knowledge (gRPC health checking protocol).

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::manifest::probe::Grpc;

/// An answer is a few bytes.
const MAX_ANSWER: usize = 4096;

/// A `HealthCheckRequest` with its gRPC frame: not compressed, length, field 1 the service's name.
fn request_body(service: &str) -> Bytes {
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(0x0a);
        let mut length = service.len();
        while length >= 0x80 {
            message.put_u8(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        message.put_u8(u8::try_from(length).unwrap_or_default());
        message.put_slice(service.as_bytes());
    }
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap_or_default());
    frame.put_slice(&message);
    frame.freeze()
}

/// The `status` of a `HealthCheckResponse` in its gRPC frame; 0 (`UNKNOWN`) if it is not there.
fn serving_status(frame: &[u8]) -> Option<u64> {
    let (&compressed, rest) = frame.split_first()?;
    let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
    let mut message = rest.get(4..4 + length)?;
    if compressed != 0 {
        return None;
    }
    let mut status = 0;
    while !message.is_empty() {
        let (tag, after) = varint(message)?;
        message = match tag & 7 {
            0 => {
                let (value, after) = varint(after)?;
                if tag >> 3 == 1 {
                    status = value;
                }
                after
            }
            1 => after.get(8..)?,
            2 => {
                let (length, after) = varint(after)?;
                after.get(usize::try_from(length).ok()?..)?
            }
            5 => after.get(4..)?,
            _ => return None,
        };
    }
    Some(status)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

/// Asks; an error is a line for people.
pub async fn check(address: SocketAddr, probe: &Grpc) -> Result<(), String> {
    let stream = TcpStream::connect(address).await.map_err(|error| format!("no connection to port {}: {error}", address.port()))?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = http::Request::post(format!("http://{address}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "penstock-probe")
        .body(Full::new(request_body(&probe.service)))
        .map_err(|error| error.to_string())?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("the health check gave {}", answer.status()));
        }
        let early = answer.headers().get("grpc-status").cloned();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|error| error.to_string())?;
        let late = body.trailers().and_then(|trailers| trailers.get("grpc-status")).cloned();
        let code = late.or(early).and_then(|value| value.to_str().ok().map(str::to_owned)).unwrap_or_default();
        match (code.as_str(), serving_status(&body.to_bytes())) {
            ("0", Some(1)) => Ok(()),
            ("0", status) => Err(format!("the health service says status {}", status.unwrap_or_default())),
            ("12", _) => Err("the server has no grpc.health.v1 service".to_owned()),
            (code, _) => Err(format!("the health check gave grpc-status {code}")),
        }
    };
    tokio::pin!(ask);
    tokio::select! {
        answer = &mut ask => answer,
        // what came before the end is still there to be read
        _ = connection => ask.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_the_one_of_the_protocol() {
        assert_eq!(&request_body("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&request_body("e2")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'e', b'2']);
        assert_eq!(request_body(&"x".repeat(200))[5..8], [0x0a, 0xc8, 0x01]);
    }

    #[test]
    fn the_answer_is_read_whatever_else_it_holds() {
        assert_eq!(serving_status(&[0, 0, 0, 0, 2, 8, 1]), Some(1));
        assert_eq!(serving_status(&[0, 0, 0, 0, 0]), Some(0));
        assert_eq!(serving_status(&[0, 0, 0, 0, 5, 0x12, 1, 0, 8, 2]), Some(2));
        for bad in [&[][..], &[0, 0, 0, 0, 9, 8, 1], &[1, 0, 0, 0, 2, 8, 1], &[0, 0, 0, 0, 1, 8], &[0, 255, 255, 255, 255, 1]] {
            assert_eq!(serving_status(bad), None, "{bad:?}");
        }
    }
}
