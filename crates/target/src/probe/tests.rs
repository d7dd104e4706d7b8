//! Probes against small real servers on loopback.

use std::net::Ipv4Addr;
use std::sync::Arc;

use penstock_testkit::FakeRuntime;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::manifest::pod::Container;
use crate::manifest::probe::Probe;

fn probe(json: serde_json::Value) -> Probe {
    serde_json::from_value(json).unwrap()
}

fn asked(runtime: Arc<FakeRuntime>) -> Asked {
    Asked { container: "c".into(), address: Ipv4Addr::LOCALHOST, ports: Vec::new(), runtime }
}

/// Answers every connection with the same bytes.
async fn server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn http_passes_from_200_to_399_and_says_why_not() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", ""),
        ("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n", ""),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 8\r\n\r\nno model", "GET / gave 503 Service Unavailable no model"),
        ("", "connection"),
    ] {
        let port = server(answer).await;
        let result = asked(Arc::default()).ask(&probe(json!({"httpGet": {"port": port}}))).await;
        assert!(result.clone().err().unwrap_or_default().contains(expected), "{result:?}");
        assert_eq!(result.is_ok(), expected.is_empty());
    }
}

#[tokio::test]
async fn tcp_passes_where_somebody_listens() {
    let port = server("").await;
    assert_eq!(asked(Arc::default()).ask(&probe(json!({"tcpSocket": {"port": port}}))).await, Ok(()));
    let free = penstock_testkit::free_port();
    let refused = asked(Arc::default()).ask(&probe(json!({"tcpSocket": {"port": free}}))).await.unwrap_err();
    assert!(refused.contains(&format!("no connection to port {free}")), "{refused}");
}

#[tokio::test]
async fn exec_passes_by_its_exit_code() {
    let runtime = Arc::new(FakeRuntime::default());
    let exec = probe(json!({"exec": {"command": ["check", "-x"]}}));
    assert_eq!(asked(Arc::clone(&runtime)).ask(&exec).await, Ok(()));
    runtime.answer_exec("c", 3, "line\nno database\n");
    assert_eq!(asked(runtime).ask(&exec).await, Err("`check -x` ended with 3 no database".into()));
}

#[tokio::test]
async fn a_silent_server_fails_after_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = probe(json!({"httpGet": {"port": port}, "timeoutSeconds": 1}));
    assert_eq!(asked(Arc::default()).ask(&silent).await, Err("no answer within 1 s".into()));
}

/// A gRPC health service that says this status, by hyper's own HTTP/2 server.
async fn health_server(status: u8, grpc_status: &'static str) -> u16 {
    use http_body_util::{BodyExt as _, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(move |request: ::http::Request<hyper::body::Incoming>| async move {
                assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
                let mut trailers = ::http::HeaderMap::new();
                trailers.insert("grpc-status", grpc_status.parse().unwrap());
                let body = Full::new(bytes::Bytes::from(vec![0, 0, 0, 0, 2, 8, status])).with_trailers(async move { Some(Ok(trailers)) });
                Ok::<_, std::convert::Infallible>(
                    ::http::Response::builder().header("content-type", "application/grpc").body(body).unwrap(),
                )
            });
            tokio::spawn(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

#[tokio::test]
async fn grpc_passes_when_it_serves() {
    for (status, code, expected) in
        [(1, "0", Ok(())), (2, "0", Err("the health service says status 2")), (1, "12", Err("the server has no grpc.health.v1 service"))]
    {
        let port = health_server(status, code).await;
        let result = asked(Arc::default()).ask(&probe(json!({"grpc": {"port": port, "service": "e2"}}))).await;
        assert_eq!(result, expected.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn a_watch_says_when_it_starts_and_when_it_fails() {
    let runtime = Arc::new(FakeRuntime::default());
    runtime.answer_exec("c", 1, "starting");
    let container: Container = serde_json::from_value(json!({
        "name": "c", "image": "x",
        "startupProbe": {"exec": {"command": ["a"]}, "periodSeconds": 1, "failureThreshold": 30},
        "livenessProbe": {"exec": {"command": ["a"]}, "periodSeconds": 1, "failureThreshold": 1},
    }))
    .unwrap();
    let (said, mut words) = mpsc::channel(16);
    let over = Watch { pod: "p".into(), asked: asked(Arc::clone(&runtime)), container, warm: false, ready: false };
    let watching = tokio::spawn(watch(over, said));
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    runtime.answer_exec("c", 0, "");
    let first = words.recv().await.unwrap();
    assert_eq!((first.probe, first.verdict), (ProbeKind::Startup, Some(Verdict::Passes)), "found early, with no failure counted");
    runtime.answer_exec("c", 1, "hangs");
    let second = words.recv().await.unwrap();
    assert_eq!((second.probe, second.verdict), (ProbeKind::Liveness, Some(Verdict::Fails)));
    watching.await.unwrap();
}
