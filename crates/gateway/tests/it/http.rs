use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper_util::rt::TokioIo;
use penstock_model::gateway::{Gateway as _, Protocol};
use penstock_testkit::free_address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::backend::Backend;
use crate::world::{User, World};

#[tokio::test]
async fn five_of_a_hundred_requests_reach_the_canary_and_all_are_counted() {
    let world = World::start(Protocol::Http).await;
    let (one, two) = (Backend::start("stable").await, Backend::start("canary").await);
    world.publish(1, &[("5f2", 95, &[one.address]), ("9ab", 5, &[two.address])]).await;
    let mut user = User::connect(world.address).await;
    let mut canary = 0;
    for _ in 0..200 {
        let (status, name) = user.get("/").await.unwrap();
        assert_eq!(status, StatusCode::OK);
        canary += usize::from(name == "canary");
    }
    assert_eq!(canary, 10);
    let seen = world.until("9ab", |seen| seen.requests == 10).await;
    assert_eq!((seen.errors, seen.in_flight, seen.latency.iter().sum::<u64>()), (0, 0, 10));
    assert_eq!(world.counters("5f2").await.requests, 190);
    world.end().await;
}

#[tokio::test]
async fn a_users_connection_survives_snapshots_and_follows_them_at_once() {
    let world = World::start(Protocol::Http).await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    for version in 2..20 {
        let backend = if version % 2 == 0 { &two } else { &one };
        world.publish(version, &[("a", 1, &[backend.address])]).await;
        let expected = if version % 2 == 0 { "two" } else { "one" };
        assert_eq!(user.get("/").await.unwrap().1, expected);
    }
    world.end().await;
}

#[tokio::test]
async fn what_is_under_way_at_a_removed_backend_ends_well_and_idle_connections_close() {
    let world = World::start(Protocol::Http).await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    world.publish(1, &[("a", 1, &[old.address])]).await;
    let (mut idle, mut busy) = (User::connect(world.address).await, User::connect(world.address).await);
    idle.get("/").await.unwrap();
    let slow = tokio::spawn(async move { busy.get("/slow/2000").await });
    world.until("a", |seen| seen.in_flight == 1).await;
    world.publish(2, &[("b", 1, &[new.address])]).await;
    assert_eq!(world.counters("a").await.in_flight, 1, "the group that left is still readable");
    let pod = format!("pod-{}", old.address.port());
    assert_eq!(world.client.figures().await.unwrap().backends.get(&pod), Some(&1), "whoever drains the pod sees what it waits for");
    assert_eq!(idle.get("/").await.unwrap().1, "new");
    assert_eq!(slow.await.unwrap().unwrap(), (StatusCode::OK, "old".to_owned()));
    assert!(!world.client.figures().await.unwrap().backends.contains_key(&pod));
    let began = Instant::now();
    while old.open.load(Ordering::SeqCst) > 0 {
        // idle ones close after four seconds by themselves
        assert!(began.elapsed() < Duration::from_secs(3), "connections to the removed backend stay open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_refused_connection_goes_to_the_next_backend_of_the_group_and_is_counted() {
    let world = World::start(Protocol::Http).await;
    let alive = Backend::start("alive").await;
    let dead = free_address();
    world.publish(1, &[("a", 1, &[alive.address, dead])]).await;
    let mut user = User::connect(world.address).await;
    for _ in 0..10 {
        assert_eq!(user.get("/").await.unwrap(), (StatusCode::OK, "alive".to_owned()));
    }
    assert!(world.client.metrics().await.unwrap().contains("penstock_gateway_connect_refused_total 5\n"));
    world.publish(2, &[("a", 1, &[dead])]).await;
    let (status, text) = user.get("/").await.unwrap();
    assert_eq!(status, StatusCode::BAD_GATEWAY);
    assert!(text.contains("refused the connection"), "{text}");
    assert_eq!(world.until("a", |seen| seen.requests == 11).await.errors, 1);
    world.end().await;
}

#[tokio::test]
async fn an_idle_connection_that_its_backend_closed_costs_no_request() {
    let world = World::start(Protocol::Http).await;
    // closes each connection right after its answer, without saying so before
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let rude = tokio::spawn(async move {
        loop {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        }
    });
    world.publish(1, &[("a", 1, &[address])]).await;
    let mut user = User::connect(world.address).await;
    for _ in 0..30 {
        assert_eq!(user.get("/").await.unwrap().1, "hi");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    rude.abort();
    world.end().await;
}

#[tokio::test]
async fn errors_of_backends_are_counted_and_those_of_users_are_not() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    for code in ["200", "404", "429", "500", "503"] {
        assert_eq!(user.get(&format!("/status/{code}")).await.unwrap().0.as_str(), code);
    }
    assert_eq!(world.until("a", |seen| seen.requests == 5).await.errors, 2);
    world.end().await;
}

#[tokio::test]
async fn a_backend_that_hangs_shows_in_the_latency_when_its_user_leaves() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    assert!(tokio::time::timeout(Duration::from_millis(250), user.get("/slow/60000")).await.is_err());
    drop(user);
    let seen = world.until("a", |seen| seen.requests == 1).await;
    assert_eq!(seen.latency.iter().skip(13).sum::<u64>(), 1, "more than 200 ms: {seen:?}");
    world.end().await;
}

#[tokio::test]
async fn nothing_to_serve_is_said_so() {
    let world = World::start(Protocol::Http).await;
    world.publish(1, &[("a", 1, &[])]).await;
    let (status, text) = User::connect(world.address).await.get("/").await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("has no backend that takes requests"), "{text}");
    assert!(world.client.metrics().await.unwrap().contains("penstock_gateway_unrouted_total 1\n"));
    world.end().await;
}

#[tokio::test]
async fn heads_are_passed_on_as_a_proxy_should() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    let request = Request::get("http://shop.example/head/x?y=1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("x-forwarded-for", "203.0.113.9")
        .header("connection", "x-secret")
        .header("x-secret", "1")
        .body(Full::default())
        .unwrap();
    let body = user.send(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let seen = String::from_utf8_lossy(&body).into_owned();
    for part in
        ["GET /head/x?y=1", "\"host\": \"shop.example\"", "00-4bf92f", "\"203.0.113.9, 127.0.0.1\"", "\"x-forwarded-proto\": \"http\""]
    {
        assert!(seen.contains(part), "{part} is not in {seen}");
    }
    assert!(!seen.contains("x-secret"), "{seen}");
    world.end().await;
}

#[tokio::test]
async fn bodies_stream_both_ways_without_being_held() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (feed, chunks) = tokio::sync::mpsc::channel::<Result<http_body::Frame<Bytes>, std::convert::Infallible>>(1);
    let chunks = Box::pin(futures_stream(chunks));
    let sending = sender.send_request(Request::post("/echo").header("host", "a").body(StreamBody::new(chunks)).unwrap());
    feed.send(Ok(http_body::Frame::data(Bytes::from_static(b"first")))).await.unwrap();
    // the answer's first bytes are here although the request has not ended
    let mut body = sending.await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    feed.send(Ok(http_body::Frame::data(Bytes::from(vec![7; 1 << 20])))).await.unwrap();
    drop(feed);
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 1 << 20);
    world.end().await;
}

fn futures_stream<T>(receiver: tokio::sync::mpsc::Receiver<T>) -> impl futures::Stream<Item = T> {
    futures::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) })
}

#[tokio::test]
async fn an_upgraded_connection_passes_bytes_both_ways() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    let request = Request::get("/upgrade").header("host", "a").header("connection", "upgrade").header("upgrade", "echo");
    let response = user.send(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["upgrade"], "echo");
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
    drop(stream);
    assert_eq!(world.until("a", |seen| seen.requests == 1).await.errors, 0);
    world.end().await;
}

#[tokio::test]
async fn a_head_beyond_the_limit_and_a_connect_are_refused() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let say = async |text: String| {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let count = stream.read(&mut answer).await.unwrap_or(0);
        String::from_utf8_lossy(&answer[..count]).into_owned()
    };
    let large = say(format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(100 << 10))).await;
    assert!(large.starts_with("HTTP/1.1 431"), "{large}");
    let connect = say("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n".to_owned()).await;
    assert!(connect.starts_with("HTTP/1.1 501"), "{connect}");
    let smuggled = say("POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd".to_owned()).await;
    assert!(smuggled.starts_with("HTTP/1.1 400"), "{smuggled}");
    assert_eq!(world.counters("a").await.requests, 0);
    world.end().await;
}
