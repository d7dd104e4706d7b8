//! Keys and certificates, looked at with OpenSSL. `shapes.txt` holds what it showed of helm's, what is random left out.
#![allow(clippy::disallowed_methods, reason = "tests start openssl")]

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use super::{answer, called, limited};
use crate::{
    budget::Limits,
    function::Fault,
    value::{Struct, Value},
};

fn openssl(arguments: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new("openssl");
    let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("openssl");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// What OpenSSL shows, without what differs from key to key and from day to day.
fn shape(arguments: &[&str], pem: &str) -> String {
    let (worked, shown) = openssl(arguments, pem);
    assert!(worked, "{shown}\n{pem}");
    let hex = regex::Regex::new(r"^\s*([0-9a-fA-F]{2}:)*[0-9a-fA-F]{2}:?$").unwrap();
    let inner_hex = regex::Regex::new(r"([0-9A-F]{2}:){15,}[0-9A-F]{2}").unwrap();
    let date = regex::Regex::new(r"(Not (Before|After)\s*:).*").unwrap();
    let mut lines: Vec<String> = Vec::new();
    for line in shown.lines().map(str::trim_end) {
        let line = if hex.is_match(line) { "HEX".to_owned() } else { line.to_owned() };
        if line != "HEX" || lines.last() != Some(&line) {
            lines.push(inner_hex.replace_all(&date.replace(&line, "$1"), "HEX").into_owned());
        }
    }
    lines.join("\n") + "\n"
}

fn texts(texts: &[&str]) -> Value {
    Value::list(texts.iter().map(|text| Value::str(*text)).collect())
}

fn field(certificate: &Value, name: &str) -> String {
    let Value::Struct(it) = certificate else { panic!("no certificate: {certificate:?}") };
    match it.field(name) {
        Some(Value::Str(text)) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

fn cert(name: &str, arguments: &[Value]) -> Value {
    called(name, arguments).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

fn key(kind: &str) -> Value {
    called("genPrivateKey", &[Value::str(kind)]).unwrap()
}

fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn certificates_and_keys_have_the_fields_that_helm_gives_them() {
    const X509: &[&str] = &["x509", "-noout", "-text", "-nameopt", "RFC2253,show_type"];
    const PKEY: &[&str] = &["pkey", "-noout", "-text"];
    let (int, str) = (Value::int, |text: &str| Value::str(text));
    let ca = cert("genCA", &[str("my-ca"), int(365)]);
    let same = cert("genCA", &[str("same"), int(365)]);
    let addresses = texts(&["10.0.0.1", "2001:db8::1", "::ffff:1.2.3.4"]);
    let made = [
        ("authority", X509, field(&ca, "Cert")),
        ("self-signed", X509, field(&cert("genSelfSignedCert", &[str("my.host"), addresses, texts(&["a.b", "*.c"]), int(10)]), "Cert")),
        ("signed", X509, field(&cert("genSignedCert", &[str("svc"), Value::Nil, texts(&["svc.ns"]), int(30), ca.clone()]), "Cert")),
        (
            "signed, named as its authority",
            X509,
            field(&cert("genSignedCert", &[str("same"), Value::Nil, Value::Nil, int(30), same]), "Cert"),
        ),
        ("without a name", X509, field(&cert("genSelfSignedCert", &[str(""), Value::Nil, texts(&["x"]), int(1)]), "Cert")),
        ("with letters beyond", X509, field(&cert("genCA", &[str("Ünï*"), int(1)]), "Cert")),
        ("far away", X509, field(&cert("genCA", &[str("a@b"), int(40000)]), "Cert")),
        ("ecdsa", X509, field(&cert("genCAWithKey", &[str("ec"), int(1), key("ecdsa")]), "Cert")),
        ("ed25519", X509, field(&cert("genCAWithKey", &[str("ed"), int(1), key("ed25519")]), "Cert")),
        ("key of an authority", PKEY, field(&ca, "Key")),
        ("key ecdsa", PKEY, text(&key("ecdsa"))),
        ("key ed25519", PKEY, text(&key("ed25519"))),
        ("key dsa", PKEY, text(&key("dsa"))),
    ];
    let mut seen = String::new();
    for (title, arguments, pem) in made {
        seen += &format!("== {title}\n{}", shape(arguments, &pem));
    }
    assert_eq!(seen, include_str!("shapes.txt"));
}

#[test]
fn a_signed_certificate_verifies_against_its_authority() {
    for kind in ["", "ecdsa", "ed25519"] {
        let own = if kind.is_empty() { Value::str(field(&cert("genCA", &[Value::str("x"), Value::int(1)]), "Key")) } else { key(kind) };
        let ca = cert("genCAWithKey", &[Value::str("authority"), Value::int(365), own]);
        let leaf = cert("genSignedCert", &[Value::str("leaf"), texts(&["10.0.0.1"]), texts(&["leaf.example"]), Value::int(30), ca.clone()]);
        let folder = tempfile(&field(&ca, "Cert"));
        let file = folder.to_string_lossy().into_owned();
        let (worked, shown) =
            openssl(&["verify", "-CAfile", &file, "-attime", "1795719600", "-verify_hostname", "leaf.example"], &field(&leaf, "Cert"));
        std::fs::remove_file(folder).unwrap();
        assert!(worked, "{kind}: {shown}");
        let (_, of_key) = openssl(&["pkey", "-pubout"], &field(&leaf, "Key"));
        let (_, of_cert) = openssl(&["x509", "-noout", "-pubkey"], &field(&leaf, "Cert"));
        assert_eq!(of_key, of_cert);
    }
}

/// A file of this test alone.
fn tempfile(text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("penstock-chart-{}-{:p}.pem", std::process::id(), text.as_ptr()));
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_certificate_is_valid_from_now_for_its_days() {
    let ca = cert("genCA", &[Value::str("x"), Value::int(2)]);
    let (_, dates) = openssl(&["x509", "-noout", "-startdate", "-enddate"], &field(&ca, "Cert"));
    assert_eq!(dates, "notBefore=Nov 26 19:00:00 2026 GMT\nnotAfter=Nov 28 19:00:00 2026 GMT\n");
}

#[test]
fn keys_that_openssl_wrote_are_read_and_written_as_go_writes_them() {
    for (arguments, kind) in [
        (&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..], "RSA PRIVATE KEY"),
        (&["genrsa", "-traditional", "3072"], "RSA PRIVATE KEY"),
        (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC PRIVATE KEY"),
        (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "EC PRIVATE KEY"),
        (&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "EC PRIVATE KEY"),
        (&["genpkey", "-algorithm", "ed25519"], "PRIVATE KEY"),
    ] {
        let (_, pem) = openssl(arguments, "");
        let pem = pem.get(pem.find("-----BEGIN").unwrap()..).unwrap();
        let made = cert("genSelfSignedCertWithKey", &[Value::str("x"), Value::Nil, Value::Nil, Value::int(1), Value::str(pem)]);
        assert!(field(&made, "Key").starts_with(&format!("-----BEGIN {kind}-----")), "{pem}");
        let (_, before) = openssl(&["pkey", "-pubout"], pem);
        let (_, after) = openssl(&["pkey", "-pubout"], &field(&made, "Key"));
        assert_eq!(before, after);
        let folder = tempfile(&field(&made, "Cert"));
        let file = folder.to_string_lossy().into_owned();
        let (worked, shown) = openssl(&["verify", "-CAfile", &file, "-attime", "1795719600"], &field(&made, "Cert"));
        std::fs::remove_file(folder).unwrap();
        assert!(worked, "{shown}\n{pem}");
        // what we wrote is what Go would: written again, it stays
        let again = cert("genCAWithKey", &[Value::str("x"), Value::int(1), Value::str(field(&made, "Key"))]);
        assert_eq!(field(&made, "Key"), field(&again, "Key"));
        let custom = cert("buildCustomCert", &[encoded(&field(&made, "Cert")), encoded(&field(&made, "Key"))]);
        assert_eq!((field(&custom, "Cert"), field(&custom, "Key")), (field(&made, "Cert"), field(&made, "Key")));
    }
}

fn encoded(text: &str) -> Value {
    use base64::Engine as _;
    Value::str(base64::engine::general_purpose::STANDARD.encode(text))
}

#[test]
fn keys_are_charged_before_they_are_made() {
    let few = Limits { steps: 30_000, ..Limits::default() };
    let ecdsa = key("ecdsa");
    for (name, arguments) in [
        ("genPrivateKey", vec![Value::str("rsa")]),
        ("genPrivateKey", vec![Value::str("dsa")]),
        ("genPrivateKey", vec![Value::str("ecdsa")]),
        ("genCA", vec![Value::str("x"), Value::int(1)]),
        ("genCAWithKey", vec![Value::str("x"), Value::int(1), ecdsa]),
    ] {
        assert!(matches!(limited(name, &arguments, 1, few), Err(Fault::Limit(_))), "{name}");
    }
}

#[test]
fn a_render_with_the_same_randomness_makes_the_same_certificate() {
    let made = |seed| {
        let Value::Struct(it) = limited("genCA", &[Value::str("x"), Value::int(1)], seed, Limits::default()).unwrap() else { panic!() };
        let texts = |it: &Struct| it.fields.iter().map(|field| text(&field.value)).collect::<Vec<_>>();
        texts(&it)
    };
    assert_eq!(made(7), made(7));
    assert_ne!(made(7), made(8));
}

#[test]
fn refusals_have_gos_words() {
    let (_, of_openssl) = openssl(&["genpkey", "-algorithm", "X25519"], "");
    let table = [
        ("genPrivateKey", vec![Value::str("odd")], "ok", "Unknown type odd"),
        (
            "genCAWithKey",
            vec![Value::str("x"), Value::int(1), key("dsa")],
            "error",
            "error creating certificate: x509: certificate private key does not implement crypto.Signer",
        ),
        (
            "genCAWithKey",
            vec![Value::str("x"), Value::int(1), Value::str(of_openssl)],
            "error",
            "error creating certificate: x509: certificate private key does not implement crypto.Signer",
        ),
        ("genCAWithKey", vec![Value::str("x"), Value::int(1), Value::str("x")], "error", "parsing private key: no PEM data in input"),
        ("genSelfSignedCert", vec![Value::str("x"), texts(&["a"]), Value::Nil, Value::int(1)], "error", "error parsing ip: a"),
    ];
    for (name, arguments, kind, expected) in table {
        let (seen, text) = answer(name, &arguments);
        assert_eq!((seen, String::from_utf8_lossy(&text).as_ref()), (kind, expected));
    }
}
