//! Addresses of hosts, as Go's `net/netip` reads them, for what it says of those that are none.

use crate::format::quoted;

/// What an address is of.
#[derive(Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

/// Which family's address a text is; else Go's words for why it is none.
pub fn parse(text: &[u8]) -> Result<Family, String> {
    let wrong = |why: &str, at: &[u8]| {
        let place = if at.is_empty() { String::new() } else { format!(" (at {})", quoted(at)) };
        format!("ParseAddr({}): {why}{place}", quoted(text))
    };
    let parsed = match text.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => four_fields(text).map(|()| Family::V4),
        Some(b':') => groups(text).map(|()| Family::V6),
        Some(_) => Err(("missing IPv6 address", &[][..])),
        None => Err(("unable to parse IP", &[][..])),
    };
    parsed.map_err(|(why, at)| wrong(why, at))
}

/// What is wrong, and what is left of the text there.
type Wrong<'a> = (&'static str, &'a [u8]);

fn four_fields(text: &[u8]) -> Result<(), Wrong<'_>> {
    let (mut value, mut digits, mut fields) = (0_u32, 0, 0);
    let mut after_point = true;
    for (at, byte) in text.iter().enumerate() {
        let left = text.get(at..).unwrap_or(&[]);
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(("IPv4 field has octet with leading zero", &[]));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                after_point = false;
                if value > 255 {
                    return Err(("IPv4 field has value >255", &[]));
                }
            }
            b'.' if after_point || left.len() == 1 => return Err(("IPv4 field must have at least one digit", left)),
            b'.' if fields == 3 => return Err(("IPv4 address too long", &[])),
            b'.' => {
                fields += 1;
                (value, digits, after_point) = (0, 0, true);
            }
            _ => return Err(("unexpected character", left)),
        }
    }
    if fields < 3 { Err(("IPv4 address too short", &[])) } else { Ok(()) }
}

fn groups(text: &[u8]) -> Result<(), Wrong<'_>> {
    let (mut left, zone) = text.split_at(text.iter().position(|byte| *byte == b'%').unwrap_or(text.len()));
    if zone.len() == 1 {
        return Err(("zone must be a non-empty string", &[]));
    }
    let mut ellipsis = false;
    if let Some(rest) = left.strip_prefix(b"::") {
        (left, ellipsis) = (rest, true);
        if left.is_empty() {
            return Ok(());
        }
    }
    let mut bytes = 0;
    while bytes < 16 {
        let digits = left.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        match (digits, left.get(digits)) {
            (5.., _) => return Err(("each group must have 4 or less digits", left)),
            (0, _) => return Err(("each colon-separated field must have at least one digit", left)),
            (_, Some(b'.')) if !ellipsis && bytes != 12 => {
                return Err(("embedded IPv4 address must replace the final 2 fields of the address", left));
            }
            (_, Some(b'.')) if bytes > 12 => {
                return Err(("too many hex fields to fit an embedded IPv4 at the end of the address", left));
            }
            (_, Some(b'.')) => {
                four_fields(left)?;
                left = &[];
                bytes += 4;
                break;
            }
            _ => {}
        }
        bytes += 2;
        left = left.get(digits..).unwrap_or(&[]);
        left = match left {
            [] => break,
            [b':'] => return Err(("colon must be followed by more characters", left)),
            [b':', rest @ ..] => rest,
            _ => return Err(("unexpected character, want colon", left)),
        };
        if let Some(rest) = left.strip_prefix(b":") {
            if ellipsis {
                return Err(("multiple :: in address", left));
            }
            (left, ellipsis) = (rest, true);
            if left.is_empty() {
                break;
            }
        }
    }
    match (left.is_empty(), bytes < 16, ellipsis) {
        (false, _, _) => Err(("trailing garbage after address", left)),
        (_, true, false) => Err(("address string too short", &[])),
        (_, false, true) => Err(("the :: must expand to at least one field of zeros", &[])),
        _ => Ok(()),
    }
}
