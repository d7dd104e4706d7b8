//! A certificate read, as far as signing with it needs, and refused with the texts of Go's `crypto/x509`.

use super::checks;
use crate::functions::crypto::asn1::{CONTEXT, OCTET_STRING, OID, Reader, SEQUENCE, SET, dotted};

const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 14];
const BOOLEAN: u8 = 1;
const UTC_TIME: u8 = 23;
const GENERALIZED_TIME: u8 = 24;
/// RSA, DSA, the curves, X25519, Ed25519: Go knows these keys, and compares them.
const KNOWN: [&[u8]; 5] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
    &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1],
    &[0x2b, 0x65, 0x6e],
    &[0x2b, 0x65, 0x70],
];

/// What is needed of an issuer.
#[derive(Debug)]
pub(super) struct Certificate {
    /// Its name, as it was written.
    pub subject: Vec<u8>,
    /// Its key as it was written; none when Go knows no such keys.
    pub public: Option<Vec<u8>>,
    /// The name of its key.
    pub key_id: Option<Vec<u8>>,
}

/// Reads a certificate in DER.
pub(super) fn certificate(der: &[u8]) -> Result<Certificate, String> {
    let mut outer = Reader::new(der);
    let all = outer.inside(SEQUENCE, "").map_err(|_| "x509: malformed certificate")?;
    let trailing = !outer.is_empty();
    let mut all = all;
    let body = all.inside(SEQUENCE, "").map_err(|_| "x509: malformed tbs certificate")?;
    let read = body_parts(body, &mut all)?;
    checks::bits(&mut all).map_err(|_| "x509: malformed signature")?;
    if trailing { Err("x509: trailing data".to_owned()) } else { Ok(read) }
}

/// `all` stands at the algorithm after the body.
fn body_parts(mut body: Reader<'_>, all: &mut Reader<'_>) -> Result<Certificate, String> {
    let version = version(&mut body)?;
    let (is_negative, _) = body.big().map_err(|_| "x509: malformed serial number")?;
    if is_negative {
        return Err("x509: negative serial number".to_owned());
    }
    let inner = body.contents(SEQUENCE, "").map_err(|_| "x509: malformed signature algorithm identifier")?;
    let algorithm = all.contents(SEQUENCE, "").map_err(|_| "x509: malformed algorithm identifier")?;
    if inner != algorithm {
        return Err("x509: inner and outer signature algorithm identifiers don't match".to_owned());
    }
    algorithm_name(Reader::new(algorithm))?;
    check_name(body.any().map_err(|_| "x509: malformed issuer")?, "x509: malformed issuer")?;
    let mut validity = body.inside(SEQUENCE, "").map_err(|_| "x509: malformed validity")?;
    check_time(&mut validity)?;
    check_time(&mut validity)?;
    let subject = body.any().map_err(|_| "x509: malformed issuer")?;
    check_name(subject, "x509: malformed issuer")?;
    let public = body.any().map_err(|_| "x509: malformed spki")?;
    let mut parts = Reader::new(public).inside(SEQUENCE, "").map_err(|_| "x509: malformed spki")?;
    let key_algorithm = parts.inside(SEQUENCE, "").map_err(|_| "x509: malformed public key algorithm identifier")?;
    let parameters = key_algorithm;
    let key_algorithm = algorithm_name(key_algorithm)?;
    let key = checks::bits(&mut parts).map_err(|_| "x509: malformed subjectPublicKey")?;
    checks::public_key(parameters, key)?;
    let public = KNOWN.contains(&key_algorithm).then(|| public.to_vec());
    let key_id = if version == 2 { extensions(&mut body)? } else { None };
    Ok(Certificate { subject: subject.to_vec(), public, key_id })
}

/// From 0, which stands for the first.
fn version(body: &mut Reader<'_>) -> Result<i64, String> {
    let malformed = |_| "x509: malformed version".to_owned();
    if body.tag() != Some(CONTEXT) {
        return Ok(0);
    }
    let version = body.inside(CONTEXT, "").map_err(malformed)?.int().map_err(malformed)?;
    match version {
        ..0 => Err(malformed(String::new())),
        0..=2 => Ok(version),
        _ => Err("x509: invalid version".to_owned()),
    }
}

fn algorithm_name(mut algorithm: Reader<'_>) -> Result<&[u8], String> {
    let name = algorithm.contents(OID, "").map_err(|_| "x509: malformed OID")?;
    if !algorithm.is_empty() {
        algorithm.any().map_err(|_| "x509: malformed parameters")?;
    }
    Ok(name)
}

fn check_name(name: &[u8], malformed: &str) -> Result<(), String> {
    let mut sets = Reader::new(name).inside(SEQUENCE, "").map_err(|_| malformed)?;
    while !sets.is_empty() {
        let mut set = sets.inside(SET, "").map_err(|_| "x509: invalid RDNSequence")?;
        while !set.is_empty() {
            let mut attribute = set.inside(SEQUENCE, "").map_err(|_| "x509: invalid RDNSequence: invalid attribute")?;
            attribute.contents(OID, "").map_err(|_| "x509: invalid RDNSequence: invalid attribute type")?;
            let (tag, value) = attribute.tagged().map_err(|_| "x509: invalid RDNSequence: invalid attribute value")?;
            checks::text(tag, value).map_err(|error| format!("x509: invalid RDNSequence: invalid attribute value: {error}"))?;
        }
    }
    Ok(())
}

fn check_time(validity: &mut Reader<'_>) -> Result<(), String> {
    match validity.tag() {
        Some(UTC_TIME) => {
            let text = validity.contents(UTC_TIME, "").ok().filter(|text| checks::is_time(text, 2));
            text.map(|_| ()).ok_or_else(|| "x509: malformed UTCTime".to_owned())
        }
        Some(GENERALIZED_TIME) => {
            let text = validity.contents(GENERALIZED_TIME, "").ok().filter(|text| checks::is_time(text, 4));
            text.map(|_| ()).ok_or_else(|| "x509: malformed GeneralizedTime".to_owned())
        }
        _ => Err("x509: unsupported time format".to_owned()),
    }
}

/// The name of the key that the extensions give.
fn extensions(body: &mut Reader<'_>) -> Result<Option<Vec<u8>>, String> {
    for (tag, malformed) in [(0x81, "x509: malformed issuerUniqueID"), (0x82, "x509: malformed subjectUniqueID")] {
        if body.tag() == Some(tag) {
            body.any().map_err(|_| malformed)?;
        }
    }
    if body.tag() != Some(CONTEXT | 3) {
        return Ok(None);
    }
    let malformed = |_| "x509: malformed extensions".to_owned();
    let mut all = body.inside(CONTEXT | 3, "").map_err(malformed)?.inside(SEQUENCE, "").map_err(malformed)?;
    let (mut key_id, mut seen, mut read) = (None, std::collections::BTreeSet::new(), Vec::new());
    while !all.is_empty() {
        let mut extension = all.inside(SEQUENCE, "").map_err(|_| "x509: malformed extension")?;
        let name = extension.contents(OID, "").map_err(|_| "x509: malformed extension OID field")?;
        let is_critical = match extension.tag() {
            Some(BOOLEAN) => extension.contents(BOOLEAN, "").map_err(|_| "x509: malformed extension critical field")? != [0],
            _ => false,
        };
        let value = extension.contents(OCTET_STRING, "").map_err(|_| "x509: malformed extension value field")?;
        if !seen.insert(name) {
            return Err(format!("x509: certificate contains duplicate extension with OID \"{}\"", dotted(name)));
        }
        read.push((name, is_critical, value));
    }
    for (name, is_critical, value) in read {
        checks::extension(name, is_critical, value)?;
        if name == SUBJECT_KEY {
            let id = Reader::new(value).contents(OCTET_STRING, "").map_err(|_| "x509: invalid subject key identifier")?;
            key_id = Some(id.to_vec());
        }
    }
    Ok(key_id)
}
