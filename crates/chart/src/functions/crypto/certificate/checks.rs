//! What else has to be right in a certificate for Go to read it.

use num_bigint::BigUint;

use crate::{
    format,
    functions::{
        crypto::asn1::{BIT_STRING, INTEGER, OID, Reader, SEQUENCE},
        network::url::Url,
    },
};

const BOOLEAN: u8 = 1;
const UTF8_STRING: u8 = 12;
const NUMERIC_STRING: u8 = 18;
const PRINTABLE_STRING: u8 = 19;
const T61_STRING: u8 = 20;
const IA5_STRING: u8 = 22;
const BMP_STRING: u8 = 30;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];
const P224: &[u8] = &[0x2b, 0x81, 4, 0, 0x21];
/// The extensions of RFC 5280 begin so.
const STANDARD: &[u8] = &[0x55, 0x1d];

/// The bytes of a bit string.
pub(super) fn bits<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], String> {
    Ok(reader.contents(BIT_STRING, "")?.get(1..).unwrap_or_default())
}

/// A key of a kind that Go knows.
pub(super) fn public_key(mut algorithm: Reader<'_>, key: &[u8]) -> Result<(), String> {
    let name = algorithm.contents(OID, "")?;
    let parameters = if algorithm.is_empty() { &[][..] } else { algorithm.any()? };
    match name {
        RSA => rsa(parameters, key),
        EC => {
            let curve = Reader::new(parameters).contents(OID, "").map_err(|_| "x509: invalid ECDSA parameters")?;
            point(curve, key)
        }
        ED25519 if !parameters.is_empty() => Err("x509: Ed25519 key encoded with illegal parameters".to_owned()),
        ED25519 if key.len() != 32 => Err("x509: wrong Ed25519 public key size".to_owned()),
        _ => Ok(()),
    }
}

fn rsa(parameters: &[u8], key: &[u8]) -> Result<(), String> {
    if parameters != [5, 0] {
        return Err("x509: RSA key missing NULL parameters".to_owned());
    }
    let mut numbers = Reader::new(key).inside(SEQUENCE, "").map_err(|_| "x509: invalid RSA public key")?;
    let (is_negative, modulus) = numbers.big().map_err(|_| "x509: invalid RSA modulus")?;
    let exponent = numbers.int().map_err(|_| "x509: invalid RSA public exponent")?;
    if is_negative || BigUint::from_bytes_be(modulus) == BigUint::ZERO {
        return Err("x509: RSA modulus is not a positive number".to_owned());
    }
    if exponent <= 0 {
        return Err("x509: RSA public exponent is not a positive number".to_owned());
    }
    Ok(())
}

fn point(curve: &[u8], key: &[u8]) -> Result<(), String> {
    let (name, length) = match curve {
        P256 => ("P256", 65),
        P384 => ("P384", 97),
        P521 => ("P521", 133),
        P224 => return Ok(()),
        _ => return Err("x509: unsupported elliptic curve".to_owned()),
    };
    if key.first() != Some(&4) {
        return Err("ecdsa: invalid uncompressed public key".to_owned());
    }
    if key.len() != length {
        return Err(format!("invalid {name} point encoding"));
    }
    let is_on_curve = match curve {
        P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
        P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
        _ => p521::ecdsa::VerifyingKey::from_sec1_bytes(key).is_ok(),
    };
    if is_on_curve { Ok(()) } else { Err(format!("{name} point not on curve")) }
}

/// A text of a name.
pub(super) fn text(tag: u8, value: &[u8]) -> Result<(), String> {
    let is_printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte);
    let (is_valid, name) = match tag {
        T61_STRING => (true, ""),
        PRINTABLE_STRING => (value.iter().all(is_printable), "invalid PrintableString"),
        UTF8_STRING => (std::str::from_utf8(value).is_ok(), "invalid UTF-8 string"),
        BMP_STRING => (value.len().is_multiple_of(2), "invalid BMPString"),
        IA5_STRING => (value.is_ascii(), "invalid IA5String"),
        NUMERIC_STRING => (value.iter().all(|byte| byte.is_ascii_digit() || *byte == b' '), "invalid NumericString"),
        other => return Err(format!("unsupported string type: {other}")),
    };
    if is_valid { Ok(()) } else { Err(name.to_owned()) }
}

/// A time of so many digits for the year, in UTC: an hour less than 24, and a day that there is.
pub(super) fn is_time(text: &[u8], year: usize) -> bool {
    let Some(digits) = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit)) else { return false };
    // without seconds too, where the year has two digits
    if digits.len() != year + 10 && (digits.len() != year + 8 || year != 2) {
        return false;
    }
    let number = |from: usize, count: usize| {
        digits.get(from..from + count).map_or(0, |digits| digits.iter().fold(0_i16, |number, digit| number * 10 + i16::from(digit - b'0')))
    };
    let century = if year == 2 { if number(0, 2) < 69 { 2000 } else { 1900 } } else { 0 };
    let part = |place: usize| i8::try_from(number(year + 2 * place, 2)).unwrap_or(-1);
    let date = jiff::civil::Date::new(century + number(0, year), part(0), part(1));
    date.is_ok() && part(2) < 24 && part(3) < 60 && part(4) < 60
}

/// An extension that Go looks into.
pub(super) fn extension(name: &[u8], is_critical: bool, value: &[u8]) -> Result<(), String> {
    let Some([number]) = name.strip_prefix(STANDARD) else { return Ok(()) };
    let mut reader = Reader::new(value);
    match number {
        14 if is_critical => Err("x509: subject key identifier incorrectly marked critical".to_owned()),
        15 => bits(&mut reader).map(|_| ()).map_err(|_| "x509: invalid key usage".to_owned()),
        17 => alternative_names(reader),
        19 => basic_constraints(reader).map_err(|_| "x509: invalid basic constraints".to_owned()),
        35 if is_critical => Err("x509: authority key identifier incorrectly marked critical".to_owned()),
        35 => {
            let invalid = |_| "x509: invalid authority key identifier".to_owned();
            let mut parts = reader.inside(SEQUENCE, "").map_err(invalid)?;
            if parts.tag() == Some(0x80) { parts.contents(0x80, "").map(|_| ()).map_err(invalid) } else { Ok(()) }
        }
        37 => {
            let invalid = |_| "x509: invalid extended key usages".to_owned();
            let mut usages = reader.inside(SEQUENCE, "").map_err(invalid)?;
            while !usages.is_empty() {
                usages.contents(OID, "").map_err(invalid)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn basic_constraints(mut reader: Reader<'_>) -> Result<(), String> {
    let mut parts = reader.inside(SEQUENCE, "")?;
    if parts.tag() == Some(BOOLEAN) && !matches!(parts.contents(BOOLEAN, "")?, [0 | 0xff]) {
        return Err("no truth".to_owned());
    }
    if parts.tag() == Some(INTEGER) && parts.int()? < 0 {
        return Err("a negative length".to_owned());
    }
    Ok(())
}

fn alternative_names(mut reader: Reader<'_>) -> Result<(), String> {
    let mut names = reader.inside(SEQUENCE, "").map_err(|_| "x509: invalid subject alternative names")?;
    while !names.is_empty() {
        let (tag, name) = names.tagged().map_err(|_| "x509: invalid subject alternative name")?;
        match tag {
            0x81 if !name.is_ascii() => return Err("x509: SAN rfc822Name is malformed".to_owned()),
            0x82 if !name.is_ascii() => return Err("x509: SAN dNSName is malformed".to_owned()),
            0x86 if !name.is_ascii() => return Err("x509: SAN uniformResourceIdentifier is malformed".to_owned()),
            0x86 => {
                let cannot = |why| format!("x509: cannot parse URI {}: {why}", format::quoted(name));
                Url::parse(name).map_err(cannot)?;
            }
            0x87 if !matches!(name.len(), 4 | 16) => return Err(format!("x509: cannot parse IP address of length {}", name.len())),
            _ => {}
        }
    }
    Ok(())
}
