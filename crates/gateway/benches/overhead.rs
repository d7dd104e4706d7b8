//! What the gateway costs a request, beside nginx and haproxy before the same backend, by wrk.
//!
//! `cargo bench -p penstock-gateway` prints a table; a program that is not installed is left out and named.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run says where")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use penstock_gateway::GatewayClient;
use penstock_model::gateway::{BackendGroup, Gateway as _, GatewaySnapshot, Protocol, Route};
use tokio::net::TcpListener;

const SECONDS: &str = "5s";
const CONNECTIONS: &str = "32";

fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn main() {
    if Command::new("wrk").arg("-v").output().is_err() {
        println!("gateway overhead: `wrk` is not installed (apt-get install wrk nginx haproxy); nothing was measured");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = std::env::temp_dir().join(format!("penstock-overhead-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let backend = runtime.block_on(backend());
    println!("{:<22} {:>12} {:>10} {:>10}", "", "requests/s", "median", "99 %");
    measure("no proxy", backend);

    let client = GatewayClient { command: vec![env!("CARGO_BIN_EXE_penstock-gateway").into()], ..GatewayClient::new("", &folder) };
    let address = free();
    runtime.block_on(client.ensure()).unwrap();
    for (version, name, weights) in [(1, "penstock", vec![1]), (2, "penstock, 95 to 5 %", vec![95, 5])] {
        runtime.block_on(client.publish(&snapshot(version, address, backend, &weights))).unwrap();
        measure(name, address);
    }
    runtime.block_on(client.shut_down()).unwrap();

    let address = free();
    peer("nginx", &["-p", ".", "-c", "nginx.conf"], &folder, "nginx.conf", &nginx(address, backend), address);
    let address = free();
    peer("haproxy", &["-f", "haproxy.cfg"], &folder, "haproxy.cfg", &haproxy(address, backend), address);
    let _ = std::fs::remove_dir_all(&folder);
}

fn snapshot(version: u64, address: SocketAddr, backend: SocketAddr, weights: &[u32]) -> GatewaySnapshot {
    let group = |weight: u32| BackendGroup { weight, backends: BTreeMap::from([("pod".to_owned(), backend)]) };
    let groups = weights.iter().enumerate().map(|(n, weight)| (format!("group-{n}"), group(*weight))).collect();
    let route = Route { listen: vec![address], protocol: Protocol::Http, groups };
    GatewaySnapshot { version, routes: BTreeMap::from([("bench".to_owned(), route)]) }
}

async fn backend() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|_| async { Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"hello\n")))) });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

fn measure(name: &str, address: SocketAddr) {
    let output =
        Command::new("wrk").args(["-t2", "-c", CONNECTIONS, "-d", SECONDS, "--latency", &format!("http://{address}/")]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let field = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map_or("?", str::trim).to_owned();
    println!("{name:<22} {:>12} {:>10} {:>10}", field("Requests/sec:"), field("50%"), field("99%"));
    if let Some(trouble) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        println!("{:<22} {}", "", trouble.trim());
    }
}

fn peer(program: &str, args: &[&str], folder: &Path, file: &str, config: &str, address: SocketAddr) {
    std::fs::write(folder.join(file), config).unwrap();
    let started = Command::new(program).args(args).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = started else {
        println!("{program:<22} is not installed (apt-get install {program})");
        return;
    };
    let began = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if began.elapsed() > Duration::from_secs(5) {
            println!("{program:<22} did not start");
            return end(&mut child);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    measure(program, address);
    end(&mut child);
}

fn end(child: &mut Child) {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    let _ = child.wait();
}

fn nginx(address: SocketAddr, backend: SocketAddr) -> String {
    format!(
        "daemon off; master_process on; worker_processes 2; pid nginx.pid; error_log /dev/null;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         upstream backend {{ server {backend}; keepalive 64; keepalive_requests 1000000000; }}\n\
         server {{ listen {address}; location / {{ proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n"
    )
}

fn haproxy(address: SocketAddr, backend: SocketAddr) -> String {
    format!(
        "global\n  nbthread 2\ndefaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n  option forwardfor\n\
         frontend in\n  bind {address}\n  default_backend out\nbackend out\n  http-reuse always\n  server one {backend}\n"
    )
}
