//! NIST's published vectors (see `vectors/README.md`), then a round trip with fresh keys.

use ml_dsa::{B32, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa65, SigningKey};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768::{Ciphertext, DecapsulationKey};
use sdr_runtime::Checks;
use serde::Deserialize;

use crate::octets::Octets;
use crate::{dsa, kem};

const KEM_KEY_GEN: &str = include_str!("../vectors/ML-KEM-keyGen-FIPS203.json");
const KEM_ENCAP_DECAP: &str = include_str!("../vectors/ML-KEM-encapDecap-FIPS203.json");
const DSA_KEY_GEN: &str = include_str!("../vectors/ML-DSA-keyGen-FIPS204.json");
const DSA_SIG_GEN: &str = include_str!("../vectors/ML-DSA-sigGen-FIPS204.json");
const DSA_SIG_VER: &str = include_str!("../vectors/ML-DSA-sigVer-FIPS204.json");

/// One file of vectors; a field that a kind of test does not have is empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    mode: String,
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(default)]
    function: String,
    #[serde(default)]
    dk: Octets,
    #[serde(default)]
    pk: Octets,
    tests: Vec<Vector>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vector {
    tc_id: u32,
    reason: String,
    test_passed: bool,
    d: Octets,
    z: Octets,
    ek: Octets,
    dk: Octets,
    m: Octets,
    c: Octets,
    k: Octets,
    seed: Octets,
    pk: Octets,
    sk: Octets,
    rnd: Octets,
    message: Octets,
    signature: Octets,
}

pub async fn run(checks: &mut Checks) {
    for (algorithm, text) in [
        ("ML-KEM-768", KEM_KEY_GEN),
        ("ML-KEM-768", KEM_ENCAP_DECAP),
        ("ML-DSA-65", DSA_KEY_GEN),
        ("ML-DSA-65", DSA_SIG_GEN),
        ("ML-DSA-65", DSA_SIG_VER),
    ] {
        let Some(file) = checks.note(&format!("{algorithm}: vectors are readable"), serde_json::from_str(text)) else {
            continue;
        };
        let file: File = file;
        for group in &file.test_groups {
            for vector in &group.tests {
                let name = [algorithm, &file.mode, &group.function, &format!("tcId {}", vector.tc_id), &vector.reason];
                let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
                checks.note(&name, check(algorithm, &file.mode, group, vector));
            }
        }
    }
    round_trip(checks);
}

fn check(algorithm: &str, mode: &str, group: &Group, vector: &Vector) -> Result<(), String> {
    match (algorithm, mode, group.function.as_str()) {
        ("ML-KEM-768", "keyGen", _) => kem_key_gen(vector),
        ("ML-KEM-768", _, "encapsulation") => kem_encapsulation(vector),
        ("ML-KEM-768", _, "decapsulation") => kem_decapsulation(group, vector),
        ("ML-DSA-65", "keyGen", _) => dsa_key_gen(vector),
        ("ML-DSA-65", "sigGen", _) => dsa_sig_gen(vector),
        ("ML-DSA-65", "sigVer", _) => dsa_sig_ver(group, vector),
        _ => Err(format!("no check for {mode} {}", group.function)),
    }
}

fn same(what: &str, seen: &[u8], published: &Octets) -> Result<(), String> {
    if seen == published.0 { Ok(()) } else { Err(format!("{what} is not the published one")) }
}

fn array<'a, A: TryFrom<&'a [u8]>>(what: &str, octets: &'a Octets) -> Result<A, String> {
    A::try_from(&octets.0).map_err(|_| format!("{what} has {} bytes", octets.0.len()))
}

#[allow(deprecated, reason = "the vectors are in the expanded form")]
fn kem_key_gen(vector: &Vector) -> Result<(), String> {
    use ml_kem::ExpandedKeyEncoding;

    let seed = [vector.d.0.as_slice(), vector.z.0.as_slice()].concat();
    let key = DecapsulationKey::from_seed(array("a seed", &Octets(seed))?);
    same("ek", &key.encapsulation_key().to_bytes(), &vector.ek)?;
    same("dk", &key.to_expanded_bytes(), &vector.dk)
}

fn kem_encapsulation(vector: &Vector) -> Result<(), String> {
    let key = kem::encapsulation_key(&vector.ek.0).map_err(|error| error.to_string())?;
    let (ciphertext, secret) = key.encapsulate_deterministic(&array("m", &vector.m)?);
    same("c", &ciphertext, &vector.c)?;
    same("k", &secret, &vector.k)
}

#[allow(deprecated, reason = "the vectors are in the expanded form")]
fn kem_decapsulation(group: &Group, vector: &Vector) -> Result<(), String> {
    let key = DecapsulationKey::from_expanded(&array("dk", &group.dk)?).map_err(|_| "dk is not a key".to_owned())?;
    let ciphertext: Ciphertext = array("c", &vector.c)?;
    same("k", &key.decapsulate(&ciphertext), &vector.k)
}

#[allow(deprecated, reason = "the vectors are in the expanded form")]
fn dsa_key_gen(vector: &Vector) -> Result<(), String> {
    let key = SigningKey::<MlDsa65>::from_seed(&array("a seed", &vector.seed)?);
    same("pk", &key.expanded_key().verifying_key().encode(), &vector.pk)?;
    same("sk", &key.expanded_key().to_expanded(), &vector.sk)
}

#[allow(deprecated, reason = "the vectors are in the expanded form")]
fn dsa_sig_gen(vector: &Vector) -> Result<(), String> {
    let encoded: ExpandedSigningKeyBytes<MlDsa65> = array("sk", &vector.sk)?;
    let key = ExpandedSigningKey::<MlDsa65>::from_expanded(&encoded);
    // The deterministic variant is the one with zeros for randomness: FIPS 204, algorithm 2.
    let randomness: B32 = if vector.rnd.0.is_empty() { B32::default() } else { array("rnd", &vector.rnd)? };
    same("the signature", &key.sign_internal(&[&vector.message.0], &randomness).encode(), &vector.signature)
}

fn dsa_sig_ver(group: &Group, vector: &Vector) -> Result<(), String> {
    let key = dsa::verifying_key(&group.pk.0).map_err(|error| error.to_string())?;
    let signature = ml_dsa::Signature::<MlDsa65>::try_from(vector.signature.0.as_slice());
    let valid = signature.is_ok_and(|signature| key.verify_internal(&vector.message.0, &signature));
    if valid == vector.test_passed { Ok(()) } else { Err(format!("valid is {valid}")) }
}

fn round_trip(checks: &mut Checks) {
    let (public, seed) = kem::generate();
    let secrets =
        kem::encapsulate(&public).and_then(|(ciphertext, secret)| Ok((kem::decapsulate(&seed, &ciphertext)?, secret)));
    checks.equal("ML-KEM-768 round trip", &secrets.map(|(seen, sent)| seen == sent), &Ok(true));
    let (public, seed) = dsa::generate();
    let valid = dsa::sign(&seed, b"message", b"").and_then(|signed| dsa::verify(&public, b"message", b"", &signed));
    checks.equal("ML-DSA-65 round trip", &valid, &Ok(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_self_test_passes() {
        let mut checks = Checks::default();
        run(&mut checks).await;
        checks.finish().unwrap();
    }

    #[test]
    fn a_vector_that_was_changed_is_noticed() {
        let file: File = serde_json::from_str(&DSA_KEY_GEN.replacen("\"pk\": \"", "\"pk\": \"00", 1)).unwrap();
        assert!(dsa_key_gen(&file.test_groups[0].tests[0]).is_err());
    }
}
