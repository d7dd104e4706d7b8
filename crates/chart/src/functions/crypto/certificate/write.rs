//! A certificate written as Go's `crypto/x509` writes it: the same fields and extensions in the same order.

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use super::{Template, read::Certificate};
use crate::{
    format,
    function::Scope,
    functions::crypto::{
        asn1::{CONTEXT, OCTET_STRING, OID, SEQUENCE, SET, bits, element, integer, sequence, structure},
        key::PrivateKey,
        random::draw,
    },
};

const UTF8_STRING: u8 = 12;
const PRINTABLE_STRING: u8 = 19;
const UTC_TIME: u8 = 23;
const GENERALIZED_TIME: u8 = 24;
const BOOLEAN_TRUE: &[u8] = &[1, 1, 0xff];
/// `[0]`, `[2]` and `[7]`, each holding bytes.
const CONTEXT_BYTES: u8 = 0x80;
const DNS_NAME: u8 = CONTEXT_BYTES | 2;
const IP_ADDRESS: u8 = CONTEXT_BYTES | 7;

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const SUBJECT_KEY: &[u8] = &[0x55, 0x1d, 14];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const AUTHORITY_KEY: &[u8] = &[0x55, 0x1d, 35];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const SERVER: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
/// Digital signature and key encipherment; of an authority, signing of certificates too.
const USAGE: &[u8] = &[3, 2, 5, 0b1010_0000];
const AUTHORITY_USAGE: &[u8] = &[3, 2, 2, 0b1010_0100];

const DAY_NANOSECONDS: i64 = 24 * 3600 * 1_000_000_000;

/// The certificate of `key`, in DER, signed by the issuer's key or, without one, by its own.
pub(super) fn create(
    scope: &mut Scope<'_>,
    template: &Template<'_>,
    key: &PrivateKey,
    issuer: Option<(&Certificate, &PrivateKey)>,
) -> Result<Vec<u8>, String> {
    let signer = issuer.map_or(key, |(_, key)| key);
    let no_signer = || "x509: certificate private key does not implement crypto.Signer".to_owned();
    // first drawn, last looked at
    let serial: [u8; 16] = draw(scope.random);
    let algorithm = signer.signing_algorithm().ok_or_else(no_signer)?;
    let public = key.public().ok_or_else(|| "x509: unsupported public key type".to_owned())?;
    let subject = name(template.name)?;
    let issuer_name = issuer.map_or(subject.as_slice(), |(issuer, _)| issuer.subject.as_slice());
    let is_foreign = issuer_name != subject.as_slice();
    let authority_key = issuer.and_then(|(issuer, _)| issuer.key_id.as_deref()).filter(|id| is_foreign && !id.is_empty());
    if let Some((issuer, issuer_key)) = issuer
        && let (Some(stated), Some(own)) = (&issuer.public, issuer_key.public())
        && *stated != sequence(&[&own.algorithm, &bits(&own.bytes)])
    {
        return Err("x509: provided PrivateKey doesn't match parent's PublicKey".to_owned());
    }
    // RFC 7093, section 2, method 1; the Go before 1.25 takes SHA-1
    let subject_key = template.is_authority.then(|| Sha256::digest(&public.bytes).get(..20).map(<[u8]>::to_vec)).flatten();
    let extensions = extensions(template, template.name.is_empty(), subject_key.as_deref(), authority_key)?;
    let now = scope.now.timestamp();
    let validity = sequence(&[&time(now.as_nanosecond())?, &time(end(now, template.days))?]);
    let body = sequence(&[
        &element(CONTEXT, &integer(&[2])),
        &integer(&serial),
        &algorithm,
        issuer_name,
        &validity,
        &subject,
        &sequence(&[&public.algorithm, &bits(&public.bytes)]),
        &element(CONTEXT | 3, &element(SEQUENCE, &extensions)),
    ]);
    let signature = signer.sign(&body)?;
    Ok(sequence(&[&body, &algorithm, &bits(&signature)]))
}

/// A name of a common name alone; an empty one has no parts.
fn name(common: &[u8]) -> Result<Vec<u8>, String> {
    if common.is_empty() {
        return Ok(sequence(&[]));
    }
    let is_printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte);
    let tag = if common.iter().all(is_printable) { PRINTABLE_STRING } else { UTF8_STRING };
    if std::str::from_utf8(common).is_err() {
        return Err("asn1: string not valid UTF-8".to_owned());
    }
    let attribute = sequence(&[&element(OID, COMMON_NAME), &element(tag, common)]);
    Ok(sequence(&[&element(SET, &attribute)]))
}

/// So many days later; Go's nanoseconds are 64 bits and go round.
fn end(from: Timestamp, days: i64) -> i128 {
    from.as_nanosecond() + i128::from(DAY_NANOSECONDS.wrapping_mul(days))
}

/// A time in whole seconds: two digits for the year where that is clear.
fn time(nanoseconds: i128) -> Result<Vec<u8>, String> {
    let beyond = || structure("cannot represent time as GeneralizedTime");
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).map_err(|_| beyond())?;
    let time = Timestamp::from_second(seconds).map_err(|_| beyond())?.to_zoned_datetime(TimeZone::UTC);
    match time.year() {
        1950..2050 => Ok(element(UTC_TIME, time.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())),
        0..=9999 => Ok(element(GENERALIZED_TIME, time.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())),
        _ => Err(beyond()),
    }
}

fn extensions(
    template: &Template<'_>,
    is_nameless: bool,
    subject_key: Option<&[u8]>,
    authority_key: Option<&[u8]>,
) -> Result<Vec<u8>, String> {
    let extension = |id, is_critical: bool, value: &[u8]| {
        sequence(&[&element(OID, id), if is_critical { BOOLEAN_TRUE } else { &[] }, &element(OCTET_STRING, value)])
    };
    let mut all = extension(KEY_USAGE, true, if template.is_authority { AUTHORITY_USAGE } else { USAGE });
    all.extend(extension(EXTENDED_KEY_USAGE, false, &sequence(&[&element(OID, SERVER), &element(OID, CLIENT)])));
    let constraints = sequence(&[if template.is_authority { BOOLEAN_TRUE } else { &[] }]);
    all.extend(extension(BASIC_CONSTRAINTS, true, &constraints));
    if let Some(id) = subject_key {
        all.extend(extension(SUBJECT_KEY, false, &element(OCTET_STRING, id)));
    }
    if let Some(id) = authority_key {
        all.extend(extension(AUTHORITY_KEY, false, &sequence(&[&element(CONTEXT_BYTES, id)])));
    }
    if !template.hosts.is_empty() || !template.addresses.is_empty() {
        all.extend(extension(ALTERNATIVE_NAMES, is_nameless, &alternative_names(template)?));
    }
    Ok(all)
}

fn alternative_names(template: &Template<'_>) -> Result<Vec<u8>, String> {
    let mut names = Vec::new();
    for host in &template.hosts {
        if !host.is_ascii() {
            return Err(format!("x509: {} cannot be encoded as an IA5String", format::quoted(host)));
        }
        names.extend(element(DNS_NAME, host));
    }
    for address in &template.addresses {
        names.extend(match address.to_canonical() {
            std::net::IpAddr::V4(address) => element(IP_ADDRESS, &address.octets()),
            std::net::IpAddr::V6(address) => element(IP_ADDRESS, &address.octets()),
        });
    }
    Ok(sequence(&[&names]))
}
