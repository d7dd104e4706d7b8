//! A backend that does what the path says.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub struct Backend {
    pub address: SocketAddr,
    /// Connections open now.
    pub open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

struct Open(Arc<AtomicUsize>);
impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Backend {
    pub async fn start(name: &'static str) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = socket.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let open = Open(Arc::clone(&counted));
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(name, request));
                    let _ =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
                    drop(open);
                });
            }
        });
        Self { address, open, task }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Body = Either<Full<Bytes>, Incoming>;

async fn answer(name: &'static str, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let text = |text: String| Response::new(Either::Left(Full::new(Bytes::from(text))));
    let path = request.uri().path().to_owned();
    let mut parts = path.split('/').skip(1);
    Ok(match (parts.next().unwrap_or(""), parts.next()) {
        ("status", Some(code)) => Response::builder().status(code).body(Either::Left(Full::default())).unwrap(),
        ("slow", Some(millis)) => {
            tokio::time::sleep(Duration::from_millis(millis.parse().unwrap())).await;
            text(name.to_owned())
        }
        ("echo", _) => Response::new(Either::Right(request.into_body())),
        ("length", _) => text(request.into_body().collect().await.unwrap().to_bytes().len().to_string()),
        ("head", _) => text(format!("{} {:?} {:?}", request.method(), request.uri(), request.headers())),
        ("upgrade", _) => {
            tokio::spawn(async move {
                let mut stream = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
                let mut word = [0; 4];
                stream.read_exact(&mut word).await.unwrap();
                stream.write_all(&word).await.unwrap();
            });
            Response::builder()
                .status(101)
                .header("connection", "upgrade")
                .header("upgrade", "echo")
                .body(Either::Left(Full::default()))
                .unwrap()
        }
        _ => text(name.to_owned()),
    })
}
