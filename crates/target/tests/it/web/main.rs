//! The workload of the tests: a small web server without dependencies, compiled by the test itself into a static program.
//!
//! Each start tells `$REGISTRAR`, so that a test counts starts without asking Penstock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static SICK: AtomicBool = AtomicBool::new(false);

fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn main() {
    let word = std::env::args().nth(1).unwrap_or_default();
    if word == "check" {
        std::process::exit(i32::from(TcpStream::connect("127.0.0.1:8080").is_err()));
    }
    if let Ok(mut registrar) = TcpStream::connect(var("REGISTRAR")) {
        let _ = writeln!(registrar, "{}", var("POD"));
    }
    if word == "job" {
        println!("job done with {}", var("CODE"));
        std::process::exit(var("CODE").parse().unwrap_or(0));
    }
    println!("{} starts", var("POD"));
    let warm_up: u64 = var("WARM_UP").parse().unwrap_or(0);
    std::thread::sleep(Duration::from_millis(warm_up));
    let listener = TcpListener::bind("0.0.0.0:8080").expect("port 8080");
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
}

fn serve(stream: TcpStream) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
        }
        let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        let (status, body) = answer(path, query);
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

fn answer(path: &str, query: &str) -> (&'static str, String) {
    match path {
        "/readyz" if SICK.load(Ordering::Relaxed) => ("503 Sick", "sick".into()),
        "/sicken" => {
            SICK.store(true, Ordering::Relaxed);
            ("200 OK", String::new())
        }
        "/slow" => {
            std::thread::sleep(Duration::from_millis(query.parse().unwrap_or(0)));
            ("200 OK", var("VERSION"))
        }
        "/fail" => ("500 Broken", "told to fail".into()),
        "/exit" => std::process::exit(query.parse().unwrap_or(3)),
        "/file" => ("200 OK", std::fs::read_to_string(query).unwrap_or_else(|error| error.to_string())),
        "/write" => ("200 OK", std::fs::write(query, "x").map_or_else(|error| error.to_string(), |()| "written".into())),
        "/env" => ("200 OK", var(query)),
        "/fetch" => ("200 OK", fetch(query).unwrap_or_else(|| "no answer".into())),
        _ => ("200 OK", var("VERSION")),
    }
}

/// `host:port`, by name.
fn fetch(host: &str) -> Option<String> {
    let mut stream = TcpStream::connect(host).ok()?;
    write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let text = String::from_utf8_lossy(&all).into_owned();
    Some(text.split("\r\n\r\n").nth(1)?.to_owned())
}
