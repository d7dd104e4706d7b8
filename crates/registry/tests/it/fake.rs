//! A server that answers as a test says, and writes down who asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header;

pub struct Fake {
    pub address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// What was asked since the last time: method, path, and the login or `-`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

pub fn app(answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static) -> (Router, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = asked.clone();
    let app = Router::new().fallback(move |request: Request| {
        let login = request.headers().get(header::AUTHORIZATION).map_or("-", |value| value.to_str().unwrap());
        log.lock().unwrap().push(format!("{} {} {login}", request.method(), request.uri()));
        let answered = answer(&request);
        async move { answered }
    });
    (app, asked)
}

pub async fn fake(answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static) -> Fake {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (app, asked) = app(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Fake { address, asked }
}

pub fn status(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

pub fn ok(body: impl Into<Body>) -> Response {
    Response::new(body.into())
}

pub fn to(address: impl AsRef<str>) -> Response {
    located(302, address)
}

pub fn located(status: u16, address: impl AsRef<str>) -> Response {
    Response::builder().status(status).header(header::LOCATION, address.as_ref()).body(Body::empty()).unwrap()
}

pub fn challenge(challenge: impl AsRef<str>) -> Response {
    Response::builder().status(401).header(header::WWW_AUTHENTICATE, challenge.as_ref()).body(Body::empty()).unwrap()
}

/// Bytes whose number is not said before, and that may never end.
pub fn stream(piece: &'static [u8], pieces: usize, then_silent: bool) -> Response {
    use futures::StreamExt;
    let some = futures::stream::iter((0..pieces).map(move |_| Ok::<_, std::io::Error>(Bytes::from_static(piece))));
    let rest = if then_silent { futures::stream::pending().left_stream() } else { futures::stream::empty().right_stream() };
    ok(Body::from_stream(some.chain(rest)))
}
