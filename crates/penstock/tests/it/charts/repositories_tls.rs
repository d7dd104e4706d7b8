//! Named repositories that speak to nobody who shows no certificate.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::fetched::answer;
use super::folder;
use super::repositories::{Home, packed};
use crate::house::directory;

/// Certificates, with their keys, in a folder.
struct Certificates(PathBuf);

impl Certificates {
    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A certificate that vouches for itself, or is vouched for by another.
    fn make(&self, name: &str, by: Option<&str>) {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
        command.args(["-subj", &format!("/CN={name}"), "-keyout", &self.file(&format!("{name}.key")), "-out", &self.file(name)]);
        if let Some(by) = by {
            command.args(["-CA", &self.file(by), "-CAkey", &self.file(&format!("{by}.key"))]);
            command.args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"]);
        }
        let output = command.output().expect("openssl, which setup/setup.sh installs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn read(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.0.join(name)).unwrap()
    }
}

/// Serves a folder to whoever shows a certificate that `authority` vouches for.
fn serve(folder: PathBuf, certificates: &Certificates) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut known = RootCertStore::empty();
    known.add(certificates.read("authority")).unwrap();
    let demanded = WebPkiClientVerifier::builder_with_provider(Arc::new(known), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_file(certificates.0.join("server.key")).unwrap();
    let config = config.with_client_cert_verifier(demanded).with_single_cert(vec![certificates.read("server")], key).unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            answer(&mut tls, &folder, None);
            tls.conn.send_close_notify();
            let _ = tls.conn.complete_io(&mut tls.sock);
        }
    });
    address
}

/// Such a repository, and the certificates: those of a client and of a stranger.
fn repository(below: &Path) -> (String, Certificates) {
    let certificates = Certificates(below.join("certificates"));
    std::fs::create_dir_all(&certificates.0).unwrap();
    for (name, by) in
        [("authority", None), ("server", Some("authority")), ("client", Some("authority")), ("others", None), ("stranger", Some("others"))]
    {
        certificates.make(name, by);
    }
    (serve(packed(below), &certificates), certificates)
}

/// Adds a repository with these files: who vouches for it, the certificate, and its key.
fn add(name: &str, address: &str, certificates: &Certificates, files: &[(&str, &str)], more: &[&str]) -> Vec<String> {
    let files = files.iter().flat_map(|(flag, file)| [(*flag).to_owned(), certificates.file(file)]);
    ["repo", "add", name, address].iter().chain(more).map(|one| (*one).to_owned()).chain(files).collect()
}

#[test]
fn a_named_repository_is_shown_the_certificate_that_was_named_with_it() {
    let dir = directory();
    let (address, certificates) = repository(dir.path());
    let (home, other) = (Home(dir.path().join("home")), Home(dir.path().join("other")));
    let whole = folder(dir.path(), "whole", &[]);
    let dependency = "dependencies:\n  - {name: part, version: ^1.0, repository: '@own'}\n";
    std::fs::write(whole.join("Chart.yaml"), format!("apiVersion: v2\nname: whole\nversion: 1.0.0\n{dependency}")).unwrap();
    let whole = whole.to_str().unwrap();
    let identity = [("--cert-file", "client"), ("--key-file", "client.key")];
    let vouched = [&[("--ca-file", "authority")][..], &identity].concat();
    for (files, more) in [(&vouched[..], &[][..]), (&identity[..], &["--force-update", "--insecure-skip-tls-verify"])] {
        let arguments = add("own", &address, &certificates, files, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        home.penstock(&arguments).fine();
        other.helm(&arguments).fine();
        assert_eq!(home.file(), other.file());
        assert!(home.file().contains("certFile: /"), "{}", home.file());
        for known in [&home, &other] {
            assert!(known.penstock(&["template", "rel", "own/part"]).fine().contains("of: 1.2.0"));
            // helm goes by what is said in the file for the index alone
            let flags = more.iter().copied().filter(|flag| *flag == "--insecure-skip-tls-verify");
            let template: Vec<&str> = ["template", "rel", "own/part"].into_iter().chain(flags).collect();
            assert!(known.helm(&template).fine().contains("of: 1.2.0"));
            known.penstock(&["repo", "update"]).fine();
            known.penstock(&["dependency", "update", whole]).fine();
        }
    }
}

#[test]
fn who_shows_no_certificate_or_a_stranger_s_is_not_let_in() {
    let dir = directory();
    let (address, certificates) = repository(dir.path());
    let home = Home(dir.path().join("home"));
    let identity = [("--cert-file", "client"), ("--key-file", "client.key")];
    let stranger = [("--ca-file", "authority"), ("--cert-file", "stranger"), ("--key-file", "stranger.key")];
    for (files, more) in
        [(&[("--ca-file", "authority")][..], &[][..]), (&stranger, &[]), (&identity, &[]), (&[], &["--insecure-skip-tls-verify"])]
    {
        let arguments = add("own", &address, &certificates, files, more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        for said in [home.penstock(&arguments), home.helm(&arguments)] {
            assert!(said.code != Some(0) && said.err.contains("is not a valid chart repository or cannot be reached"), "{said:?}");
        }
        assert_eq!(home.file(), "", "nothing was written");
    }
}

#[test]
fn a_named_repository_is_asked_with_its_own_files_and_no_others() {
    let dir = directory();
    let (address, certificates) = repository(dir.path());
    let home = Home(dir.path().join("home"));
    let files = [("--ca-file", "authority"), ("--cert-file", "client"), ("--key-file", "client.key")];
    let arguments = add("own", &address, &certificates, &files, &[]);
    home.penstock(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).fine();
    // of the files that the flags name nothing is read: not even that they are not there
    let (absent, template) = (certificates.file("absent"), ["template", "rel", "own/part"]);
    let flags = ["--ca-file", &absent, "--username", "ada", "--password-stdin"];
    assert!(home.penstock(&[&template[..], &flags].concat()).fine().contains("of: 1.2.0"));
    let half = home.file().lines().filter(|line| !line.contains("keyFile")).fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(home.0.join("HELM_CONFIG_HOME/repositories.yaml"), half).unwrap();
    let refused = home.penstock(&template);
    assert!(refused.code == Some(2) && refused.err.contains("has a certFile or a keyFile, and not both"), "{refused:?}");
}
