//! Charts over TLS: who vouches for a server, and that nothing is followed out of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::serve::Listener;
use penstock_registry::charts::{ChartFetcher, FetchError, Repository, Settings};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::fake::{app, ok, to};

/// A certificate of a server on this machine that vouches for itself, and its key.
fn certificate(at: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (at.join("certificate.pem"), at.join("key.pem"));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
    command.arg("-keyout").arg(&key).arg("-out").arg(&certificate);
    let output = command.output().expect("openssl, which setup/setup.sh installs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (certificate, key)
}

struct Tls(TcpListener, TlsAcceptor);

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = self.0.accept().await.unwrap();
            // a client that does not trust the certificate goes away
            if let Ok(stream) = self.1.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_vouched_for_and_nothing_is_followed_out_of_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(directory.path());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(&certificate).unwrap().map(Result::unwrap).collect();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(&key).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (app, _) = app(|request| match request.uri().path() {
        "/down.tgz" => to("http://localhost/app.tgz"),
        _ => ok("archive"),
    });
    let tls = Tls(listener, TlsAcceptor::from(Arc::new(config)));
    tokio::spawn(async move { axum::serve(tls, app).await.unwrap() });

    let repository = Repository::new(&format!("https://{address}")).unwrap();
    let stranger = ChartFetcher::new(Settings::default()).unwrap();
    let error = stranger.archive(&repository, "app.tgz").await.unwrap_err();
    assert!(matches!(&error, FetchError::Unreachable { why, .. } if why.contains("certificate")), "{error}");
    let trusting = ChartFetcher::new(Settings { ca_file: Some(certificate.clone()), ..Settings::default() }).unwrap();
    assert_eq!(trusting.archive(&repository, "app.tgz").await.unwrap(), "archive");
    let careless = ChartFetcher::new(Settings { insecure_skip_tls_verify: true, ..Settings::default() }).unwrap();
    assert_eq!(careless.archive(&repository, "app.tgz").await.unwrap(), "archive");
    let error = trusting.archive(&repository, "down.tgz").await.unwrap_err().to_string();
    assert!(error.ends_with("it sends on to localhost without TLS, where anybody could answer"), "{error}");
    let both = Some((certificate.clone(), key));
    assert!(ChartFetcher::new(Settings { identity_files: both, ..Settings::default() }).is_ok());
}

#[tokio::test]
async fn a_server_without_tls_is_told_as_such() {
    let fake = crate::fake::fake(|_| ok("archive")).await;
    let fetcher = ChartFetcher::new(Settings::default()).unwrap();
    let repository = Repository::new(&format!("https://{}", fake.address)).unwrap();
    let error = fetcher.archive(&repository, "app.tgz").await.unwrap_err();
    assert!(matches!(&error, FetchError::NoTls { .. }), "{error}");
}

#[test]
fn files_that_vouch_for_nobody_are_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    let absent = directory.path().join("absent.pem");
    for settings in [
        Settings { ca_file: Some(empty.clone()), ..Settings::default() },
        Settings { ca_file: Some(absent.clone()), ..Settings::default() },
        Settings { identity_files: Some((empty, absent)), ..Settings::default() },
    ] {
        let error = ChartFetcher::new(settings).unwrap_err();
        assert!(matches!(&error, FetchError::File { .. }), "{error}");
    }
}
