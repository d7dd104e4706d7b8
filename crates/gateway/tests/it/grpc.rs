//! HTTP/2 by prior knowledge with trailers, as gRPC uses it.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use penstock_model::gateway::Protocol;
use penstock_testkit::free_address;
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// Answers with the status that the path names, in trailers; `/head/N` in the head.
async fn serve() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| async move {
                    assert_eq!(request.headers()["te"], "trailers");
                    let code = request.uri().path().rsplit('/').next().unwrap().to_owned();
                    let mut response = Response::builder().header("content-type", "application/grpc");
                    let mut frames = Vec::new();
                    if request.uri().path().starts_with("/head/") {
                        response = response.header("grpc-status", code);
                    } else {
                        frames.push(Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"answer"))));
                        if code != "none" {
                            let mut trailers = HeaderMap::new();
                            trailers.insert("grpc-status", code.parse().unwrap());
                            frames.push(Ok(Frame::trailers(trailers)));
                        }
                    }
                    Ok::<_, Infallible>(response.body(StreamBody::new(futures::stream::iter(frames))).unwrap())
                });
                let _ =
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

async fn user(address: SocketAddr) -> hyper::client::conn::http2::SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(path: &str) -> Request<Full<Bytes>> {
    let request = Request::post(format!("http://e2-server{path}")).header("content-type", "application/grpc").header("te", "trailers");
    request.body(Full::new(Bytes::from_static(b"question"))).unwrap()
}

#[tokio::test]
async fn trailers_pass_and_their_status_is_counted() {
    let world = World::start(Protocol::H2c).await;
    let address = serve().await;
    world.publish(1, &[("a", 1, &[address])]).await;
    let mut sender = user(world.address).await;
    for (path, status) in [("/rpc/0", "0"), ("/rpc/5", "5"), ("/rpc/13", "13"), ("/rpc/14", "14")] {
        let seen = sender.send_request(request(path)).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(seen.trailers().unwrap()["grpc-status"], status);
        assert_eq!(seen.to_bytes(), "answer");
    }
    assert_eq!(sender.send_request(request("/head/2")).await.unwrap().headers()["grpc-status"], "2");
    // an answer cut off before its trailers is an error, too
    sender.send_request(request("/rpc/none")).await.unwrap().into_body().collect().await.unwrap();
    let seen = world.until("a", |seen| seen.requests == 6).await;
    assert_eq!((seen.errors, seen.in_flight), (4, 0));
    world.end().await;
}

#[tokio::test]
async fn streams_of_one_connection_are_split_by_weight() {
    let world = World::start(Protocol::H2c).await;
    let (one, two) = (serve().await, serve().await);
    world.publish(1, &[("a", 3, &[one]), ("b", 1, &[two])]).await;
    let mut sender = user(world.address).await;
    for _ in 0..40 {
        sender.send_request(request("/rpc/0")).await.unwrap().into_body().collect().await.unwrap();
    }
    assert_eq!(world.until("b", |seen| seen.requests == 10).await.errors, 0);
    world.until("a", |seen| seen.requests == 30).await;
    world.end().await;
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_unavailable_in_grpcs_words() {
    let world = World::start(Protocol::H2c).await;
    let (alive, dead) = (serve().await, free_address());
    world.publish(1, &[("a", 1, &[dead])]).await;
    let mut sender = user(world.address).await;
    let response = sender.send_request(request("/rpc/0")).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(world.counters("a").await.errors, 1);
    world.publish(2, &[("a", 1, &[dead, alive])]).await;
    for _ in 0..4 {
        let seen = sender.send_request(request("/rpc/0")).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(seen.trailers().unwrap()["grpc-status"], "0");
    }
    world.end().await;
}
