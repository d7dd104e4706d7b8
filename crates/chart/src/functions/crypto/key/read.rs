//! Private keys read from PEM: PKCS#8, and the older forms of RSA, DSA and of the curves. Refused with Go's texts.

use ::rsa::BoxedUint;

use super::{PrivateKey, RSA_SIGNED_BITS, RsaKey, numbers as rsa, oid};
use crate::{
    functions::crypto::{
        asn1::{BIT_STRING, CONTEXT, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, dotted, syntax},
        pem,
    },
    value::Str,
};

const USE_PKCS1: &str = "x509: failed to parse private key (use ParsePKCS1PrivateKey instead for this key format)";
const USE_PKCS8: &str = "x509: failed to parse private key (use ParsePKCS8PrivateKey instead for this key format)";
const USE_EC: &str = "x509: failed to parse private key (use ParseECPrivateKey instead for this key format)";

/// The key in the first block of a text.
pub(in super::super) fn read(text: &[u8]) -> Result<PrivateKey, Str> {
    let block = pem::decode(text).ok_or("no PEM data in input")?;
    let prefixed = |prefix: &'static str| move |error: String| Str::from(format!("{prefix}: {error}"));
    if block.kind == b"PRIVATE KEY" {
        return pkcs8(&block.bytes).map_err(prefixed("decoding PEM as PKCS#8"));
    }
    match block.kind.strip_suffix(b" PRIVATE KEY") {
        None => Err([b"no private key data in PEM block of type ", block.kind].concat().into()),
        Some(b"RSA") => pkcs1(&block.bytes).map_err(prefixed("parsing RSA private key from PEM")),
        Some(b"EC") => curve(None, &block.bytes).map_err(prefixed("parsing EC private key from PEM")),
        Some(b"DSA") => dsa(&block.bytes).map_err(prefixed("parsing DSA private key from PEM")),
        Some(_) => Err([b"invalid private key type ", block.kind].concat().into()),
    }
}

struct Pkcs8<'a> {
    algorithm: &'a [u8],
    parameters: &'a [u8],
    key: &'a [u8],
}

fn pkcs8_parts(der: &[u8]) -> Result<Pkcs8<'_>, String> {
    let mut parts = Reader::new(der).inside(SEQUENCE, "pkcs8")?;
    parts.int()?;
    let mut algorithm = parts.inside(SEQUENCE, "AlgorithmIdentifier")?;
    let name = algorithm.contents(OID, "ObjectIdentifier")?;
    let parameters = if algorithm.is_empty() { &[] } else { algorithm.any()? };
    Ok(Pkcs8 { algorithm: name, parameters, key: parts.contents(OCTET_STRING, "")? })
}

fn pkcs8(der: &[u8]) -> Result<PrivateKey, String> {
    let parts = pkcs8_parts(der).map_err(|error| match () {
        () if curve_parts(der).is_ok() => USE_EC.to_owned(),
        () if pkcs1_parts(der).is_ok() => USE_PKCS1.to_owned(),
        () => error,
    })?;
    match parts.algorithm {
        oid::RSA => pkcs1(parts.key).map_err(|error| format!("x509: failed to parse RSA private key embedded in PKCS#8: {error}")),
        oid::EC => {
            let name = Reader::new(parts.parameters).contents(OID, "ObjectIdentifier").ok();
            curve(name, parts.key).map_err(|error| format!("x509: failed to parse EC private key embedded in PKCS#8: {error}"))
        }
        oid::ED25519 => Ok(PrivateKey::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed("Ed25519", &parts)?))),
        oid::X25519 => seed("X25519", &parts).map(|_| PrivateKey::X25519),
        other => Err(format!("x509: PKCS#8 wrapping contained private key with unknown algorithm: {}", dotted(other))),
    }
}

/// The 32 bytes that a key on Curve25519 is made from.
fn seed(curve: &str, parts: &Pkcs8<'_>) -> Result<[u8; 32], String> {
    if !parts.parameters.is_empty() {
        return Err(format!("x509: invalid {curve} private key parameters"));
    }
    let seed = Reader::new(parts.key).contents(OCTET_STRING, "").map_err(|error| format!("x509: invalid {curve} private key: {error}"))?;
    seed.try_into().map_err(|_| match curve {
        "X25519" => "crypto/ecdh: invalid private key size".to_owned(),
        _ => format!("x509: invalid {curve} private key length: {}", seed.len()),
    })
}

struct Curve<'a> {
    version: i64,
    secret: &'a [u8],
    name: Option<&'a [u8]>,
}

fn curve_parts(der: &[u8]) -> Result<Curve<'_>, String> {
    let mut parts = Reader::new(der).inside(SEQUENCE, "ecPrivateKey")?;
    let version = parts.int()?;
    let secret = parts.contents(OCTET_STRING, "")?;
    let name = parts.explicit(CONTEXT, OID)?;
    parts.explicit(CONTEXT | 1, BIT_STRING)?;
    Ok(Curve { version, secret, name })
}

fn curve(name: Option<&[u8]>, der: &[u8]) -> Result<PrivateKey, String> {
    let parts = curve_parts(der).map_err(|error| match () {
        () if pkcs8_parts(der).is_ok() => USE_PKCS8.to_owned(),
        () if pkcs1_parts(der).is_ok() => USE_PKCS1.to_owned(),
        () => format!("x509: failed to parse EC private key: {error}"),
    })?;
    if parts.version != 1 {
        return Err(format!("x509: unknown EC private key version {}", parts.version));
    }
    let invalid = |secret: &[u8]| {
        let is_zero = secret.iter().all(|byte| *byte == 0);
        if is_zero { "ecdsa: private key is zero".to_owned() } else { "input overflows the modulus".to_owned() }
    };
    match name.or(parts.name) {
        Some(oid::P256) => {
            let secret = filled::<32>(parts.secret)?;
            Ok(PrivateKey::P256(p256::ecdsa::SigningKey::from_slice(&secret).map_err(|_| invalid(&secret))?))
        }
        Some(oid::P384) => {
            let secret = filled::<48>(parts.secret)?;
            Ok(PrivateKey::P384(p384::ecdsa::SigningKey::from_slice(&secret).map_err(|_| invalid(&secret))?))
        }
        Some(oid::P521) => {
            let secret = filled::<66>(parts.secret)?;
            Ok(PrivateKey::P521(p521::ecdsa::SigningKey::from_slice(&secret).map_err(|_| invalid(&secret))?))
        }
        _ => Err("x509: unknown elliptic curve".to_owned()),
    }
}

/// With as many zeros before it as it takes; some write none, others too many.
fn filled<const N: usize>(secret: &[u8]) -> Result<[u8; N], String> {
    let cut = secret.len().saturating_sub(N);
    let (zeros, digits) = secret.split_at_checked(cut).unwrap_or((&[], secret));
    if zeros.iter().any(|byte| *byte != 0) {
        return Err("x509: invalid private key length".to_owned());
    }
    let mut filled = [0; N];
    for (to, from) in filled.iter_mut().rev().zip(digits.iter().rev()) {
        *to = *from;
    }
    Ok(filled)
}

fn dsa(der: &[u8]) -> Result<PrivateKey, String> {
    let mut parts = Reader::new(der).inside(SEQUENCE, "DSAKeyFormat")?;
    parts.int()?;
    let mut number = || parts.big().map(|(_, bytes)| bytes.to_vec());
    Ok(PrivateKey::Dsa([number()?, number()?, number()?, number()?, number()?]))
}

struct Pkcs1<'a> {
    version: i64,
    exponent: i64,
    /// Modulus, private exponent, primes.
    needed: [(bool, &'a [u8]); 4],
    /// The primes' exponents and the coefficient, where they stand.
    spared: [Option<(bool, &'a [u8])>; 3],
    more_primes: bool,
}

fn pkcs1_parts(der: &[u8]) -> Result<Pkcs1<'_>, String> {
    let mut outer = Reader::new(der);
    let mut parts = outer.inside(SEQUENCE, "pkcs1PrivateKey")?;
    let version = parts.int()?;
    let modulus = parts.big()?;
    let exponent = parts.int()?;
    let needed = [modulus, parts.big()?, parts.big()?, parts.big()?];
    let mut spared = || if parts.is_next(INTEGER)? { parts.big().map(Some) } else { Ok(None) };
    let spared = [spared()?, spared()?, spared()?];
    let more_primes = parts.is_next(SEQUENCE)?;
    if !outer.is_empty() {
        return Err(syntax("trailing data"));
    }
    Ok(Pkcs1 { version, exponent, needed, spared, more_primes })
}

fn pkcs1(der: &[u8]) -> Result<PrivateKey, String> {
    let parts = pkcs1_parts(der).map_err(|error| match () {
        () if curve_parts(der).is_ok() => USE_EC.to_owned(),
        () if pkcs8_parts(der).is_ok() => USE_PKCS8.to_owned(),
        () => error,
    })?;
    if parts.version > 1 {
        return Err("x509: unsupported private key version".to_owned());
    }
    let is_positive = |(negative, bytes): &(bool, &[u8])| !negative && bytes.iter().any(|byte| *byte != 0);
    if !parts.needed.iter().all(is_positive) || !parts.spared.iter().flatten().all(is_positive) {
        return Err("x509: private key contains zero or negative value".to_owned());
    }
    if parts.more_primes {
        return Err("RSA keys of more than two primes are not supported".to_owned());
    }
    let exponent = match parts.exponent {
        ..2 => return Err("crypto/rsa: public exponent too small or negative".to_owned()),
        even if even % 2 == 0 => return Err("crypto/rsa: public exponent is even".to_owned()),
        large if large > i64::from(i32::MAX) => return Err("crypto/rsa: public exponent too large".to_owned()),
        exponent => exponent.unsigned_abs(),
    };
    let numbers = rsa::numbers(exponent, parts.needed.map(|(_, bytes)| bytes), parts.spared.map(|it| it.map(|(_, bytes)| bytes)))?;
    let [modulus, exponent, secret, first, second, ..] = numbers.each_ref().map(|bytes| BoxedUint::from_be_slice_vartime(bytes));
    let bits = modulus.bit_width_vartime() as usize;
    if !RSA_SIGNED_BITS.contains(&bits) {
        return Ok(PrivateKey::Rsa(Box::new(RsaKey { key: None, numbers })));
    }
    let key = ::rsa::PrivateKey::from_components(modulus, exponent, secret, vec![first, second]);
    let key = key.map_err(|error| format!("crypto/rsa: {error}"))?;
    Ok(PrivateKey::Rsa(Box::new(RsaKey { key: Some(key), numbers })))
}
