//! What others can verify, with OpenSSL as an oracle.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use penstock_model::Timestamp;
use penstock_model::evidence::{Subject, Witness};
use penstock_trust::predicate::{Outcome, TestResult};
use penstock_trust::{BUNDLE_MEDIA_TYPE, Claim, Envelope, PublicKey, SigningKey, pae, sign};
use serde_json::Value;

fn signed() -> (SigningKey, penstock_trust::Signed) {
    let key = SigningKey::generate([5; 32]).unwrap();
    let subject = Subject::Commit("e".repeat(40).parse().unwrap());
    let result = TestResult {
        result: Outcome::Passed,
        configuration: vec![],
        passed_tests: vec!["a".to_owned()],
        warned_tests: vec![],
        failed_tests: vec![],
        figures: std::collections::BTreeMap::new(),
    };
    let claim = Claim::new(subject, "self-test", Witness::Observed, Timestamp(0), &result).unwrap();
    let signed = sign(&key, &claim).unwrap();
    (key, signed)
}

#[test]
fn openssl_verifies_what_we_sign() {
    let (key, signed) = signed();
    let envelope: Envelope = serde_json::from_slice(&signed.envelope).unwrap();
    let payload = STANDARD.decode(&envelope.payload).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("key.pem"), key.public().to_pem().unwrap()).unwrap();
    std::fs::write(path("sig"), STANDARD.decode(&envelope.signatures[0].sig).unwrap()).unwrap();
    let verifies = |bytes: &[u8]| {
        std::fs::write(path("bytes"), bytes).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-verify"]).arg(path("key.pem")).arg("-signature").arg(path("sig")).arg(path("bytes"));
        openssl.output().expect("openssl is on every machine that builds this").status.success()
    };
    assert!(verifies(&pae(&envelope.payload_type, &payload)));
    assert!(!verifies(&payload), "the type is signed too");
}

#[test]
fn a_key_that_openssl_made_is_read() {
    let out = Command::new("openssl").args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]).output().unwrap();
    let key = SigningKey::from_pem(std::str::from_utf8(&out.stdout).unwrap()).unwrap();
    let again = PublicKey::from_pem(&key.public().to_pem().unwrap()).unwrap();
    assert!(again.verify_bytes(b"x", &key.sign_bytes(b"x")));
}

#[test]
fn the_bundle_has_the_form_that_sigstore_reads() {
    let (key, signed) = signed();
    let bundle: Value = serde_json::from_slice(&signed.bundle).unwrap();
    assert_eq!(bundle["mediaType"], BUNDLE_MEDIA_TYPE);
    assert_eq!(bundle["verificationMaterial"]["publicKey"]["hint"], key.public().hint());
    assert_eq!(bundle["dsseEnvelope"]["payloadType"], "application/vnd.in-toto+json");
    let statement: Value = serde_json::from_slice(&STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    assert_eq!(statement["subject"][0]["digest"]["gitCommit"], "e".repeat(40));
}
