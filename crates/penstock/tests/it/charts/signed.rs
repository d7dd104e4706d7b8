//! Charts packed and signed by Penstock, verified by the real helm and by Penstock.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Said, chart, folder, helm};
use crate::house::directory;

fn key(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chart/src/provenance/fixtures/secret");
    fixtures.join(name).display().to_string()
}

#[test]
fn a_chart_that_is_signed_is_verified_by_helm_and_by_penstock() {
    let dir = directory();
    let own = folder(dir.path(), "own", &[("values.yaml", "size: 1\n")]);
    let passphrase = dir.path().join("passphrase");
    for (name, who, secret) in [
        ("ada.gpg", "ada@example.com", "correct horse\n"),
        ("bob.gpg", "Bob", "not looked at"),
        ("p256.gpg", "Curve", "battery\r\nand more"),
        ("p521.gpg", "Curve", "battery"),
    ] {
        std::fs::write(&passphrase, secret).unwrap();
        let into = dir.path().join(name);
        let packed = chart(&[
            "package",
            own.to_str().unwrap(),
            "--sign",
            "--key",
            who,
            "--keyring",
            &key(name),
            "--passphrase-file",
            passphrase.to_str().unwrap(),
            "-d",
            into.to_str().unwrap(),
        ]);
        assert!(packed.fine().starts_with("Successfully packaged chart and saved it to: "), "{name}");
        let archive = into.join("own-1.0.0.tgz").display().to_string();
        let verify = ["verify", &archive, "--keyring", &key(name)];
        assert_eq!(chart(&verify).fine(), helm(&verify).fine(), "{name}");
        assert!(helm(&["template", "rel", &archive, "--verify", "--keyring", &key(name)]).code == Some(0), "{name}");
    }
}

#[test]
fn nothing_is_written_without_the_signature_that_was_asked_for() {
    let dir = directory();
    let own = folder(dir.path(), "own", &[]);
    let (own, into) = (own.to_str().unwrap(), dir.path().join("into"));
    let package = |more: &[&str]| chart(&[&["package", own, "-d", into.to_str().unwrap(), "--sign"], more].concat());
    let keyring = key("ada.gpg");
    let locked = package(&["--key", "ada", "--keyring", &keyring]);
    assert!(locked.code == Some(1) && locked.err.contains("--passphrase-file FILE"), "{locked:?}");
    let wrong = dir.path().join("wrong");
    std::fs::write(&wrong, "hunter2\n").unwrap();
    let wrong = package(&["--key", "ada", "--keyring", &keyring, "--passphrase-file", wrong.to_str().unwrap()]);
    assert!(wrong.code == Some(1) && wrong.err.contains("private key checksum failure") && !wrong.err.contains("hunter2"), "{wrong:?}");
    let nobody = package(&["--key", "carol", "--keyring", &keyring]);
    assert!(nobody.err.contains("private key not found") && nobody.err.contains("gpg --export-secret-keys"), "{nobody:?}");
    assert_eq!(package(&[]).code, Some(2), "--key is wanted");
    assert!(!into.exists(), "nothing was written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    command.args(["chart", "package", own, "-d", into.to_str().unwrap(), "--sign", "--key", "ada", "--keyring", &keyring]);
    let mut child =
        command.args(["--passphrase-file", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"correct horse\n").unwrap();
    Said::of(child.wait_with_output().unwrap()).fine();
    assert!(into.join("own-1.0.0.tgz.prov").is_file());
}
