//! DER: what certificates and keys are written in. Read with the error texts of Go's `encoding/asn1`, since a template sees them.

/// Universal tags.
pub(super) const INTEGER: u8 = 2;
pub(super) const BIT_STRING: u8 = 3;
pub(super) const OCTET_STRING: u8 = 4;
pub(super) const OID: u8 = 6;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, `[1]`, `[3]` around something.
pub(super) const CONTEXT: u8 = 0xa0;

/// The largest length that Go's reader goes on from.
const MAX_LENGTH: usize = 1 << 23;

/// An element: a tag, a length, the contents.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut written = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(length) if length < 0x80 => written.push(length),
        _ => {
            let length = contents.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            written.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            written.extend(digits);
        }
    }
    written.extend_from_slice(contents);
    written
}

/// A sequence of elements that are already written.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// A number that is not negative, from its big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let digits = bytes.iter().position(|byte| *byte != 0).and_then(|first| bytes.get(first..)).unwrap_or(&[0]);
    let sign: &[u8] = if digits.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    element(INTEGER, &[sign, digits].concat())
}

/// Whole bytes as a bit string.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// An element's tag and length as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    class: u8,
    tag: u32,
    compound: bool,
    length: usize,
}

/// What is left of some elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Everything is left.
    pub(super) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.all.len()
    }

    /// The tag of the next element, if it has one of a single byte.
    pub(super) fn tag(&self) -> Option<u8> {
        self.all.get(self.at).copied()
    }

    /// The contents of the next element, which has to be of this tag; `ty` is what Go calls the type that it is read into.
    pub(super) fn contents(&mut self, tag: u8, ty: &str) -> Result<&'a [u8], String> {
        let contents = self.unchecked(tag, ty)?;
        match tag {
            OID => check_name(contents)?,
            BIT_STRING => check_bits(contents)?,
            _ => {}
        }
        Ok(contents)
    }

    fn unchecked(&mut self, tag: u8, ty: &str) -> Result<&'a [u8], String> {
        if self.is_empty() {
            return Err(syntax("sequence truncated"));
        }
        let (header, start) = self.header()?;
        let found = (header.class << 6 | u8::from(header.compound) << 5, header.tag);
        if found != (tag & 0xe0, u32::from(tag & 0x1f)) {
            return Err(structure(&mismatch(tag & 0x1f, header, ty, start)));
        }
        let end = start.checked_add(header.length).ok_or_else(|| syntax("data truncated"))?;
        let contents = self.all.get(start..end).ok_or_else(|| syntax("data truncated"))?;
        self.at = end;
        Ok(contents)
    }

    /// Whether an element of this tag is next; its tag and length have to be well-formed.
    pub(super) fn is_next(&self, tag: u8) -> Result<bool, String> {
        if self.is_empty() {
            return Ok(false);
        }
        let (header, _) = self.header()?;
        Ok((header.class << 6 | u8::from(header.compound) << 5, header.tag) == (tag & 0xe0, u32::from(tag & 0x1f)))
    }

    /// What stands in `[n]`, if that and the right thing in it are there; else nothing is read. As Go reads it: past the end of `[n]`.
    pub(super) fn explicit(&mut self, outer: u8, inner: u8) -> Result<Option<&'a [u8]>, String> {
        if !self.is_next(outer)? {
            return Ok(None);
        }
        let (header, start) = self.header()?;
        let mut tried = Self { all: self.all, at: start };
        if tried.is_empty() {
            return Err(structure("explicit tag has no child"));
        }
        if header.length == 0 {
            return Err(structure("zero length explicit tag was not an asn1.Flag"));
        }
        if !tried.is_next(inner)? {
            return Ok(None);
        }
        let contents = tried.contents(inner, "")?;
        *self = tried;
        Ok(Some(contents))
    }

    /// The next element whole, whatever it is.
    pub(super) fn any(&mut self) -> Result<&'a [u8], String> {
        let (header, start) = self.header()?;
        let end = start.checked_add(header.length).ok_or_else(|| syntax("data truncated"))?;
        let whole = self.all.get(self.at..end).ok_or_else(|| syntax("data truncated"))?;
        self.at = end;
        Ok(whole)
    }

    /// The next element's tag, of a single byte, and its contents.
    pub(super) fn tagged(&mut self) -> Result<(u8, &'a [u8]), String> {
        let tag = self.tag().ok_or_else(|| syntax("sequence truncated"))?;
        Ok((tag, self.unchecked(tag, "")?))
    }

    /// What the next element holds, as a reader.
    pub(super) fn inside(&mut self, tag: u8, ty: &str) -> Result<Self, String> {
        Ok(Self::new(self.contents(tag, ty)?))
    }

    /// Go's `int`.
    pub(super) fn int(&mut self) -> Result<i64, String> {
        let bytes = checked_integer(self.contents(INTEGER, "int")?)?;
        if bytes.len() > 8 {
            return Err(structure("integer too large"));
        }
        let sign = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
        Ok(bytes.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
    }

    /// Go's `*big.Int`: whether it is below zero, and its bytes.
    pub(super) fn big(&mut self) -> Result<(bool, &'a [u8]), String> {
        let bytes = checked_integer(self.contents(INTEGER, "")?)?;
        Ok((bytes.first().is_some_and(|byte| byte & 0x80 != 0), bytes))
    }

    fn header(&self) -> Result<(Header, usize), String> {
        let truncated = || syntax("truncated tag or length");
        let mut at = self.at;
        let mut next = || {
            let byte = self.all.get(at).copied();
            at += 1;
            byte
        };
        let first = next().ok_or_else(truncated)?;
        let mut tag = u32::from(first & 0x1f);
        if tag == 0x1f {
            tag = long_tag(&mut next)?;
        }
        let mut length = usize::from(next().ok_or_else(truncated)?);
        if length & 0x80 != 0 {
            let digits = length & 0x7f;
            if digits == 0 {
                return Err(syntax("indefinite length found (not DER)"));
            }
            length = 0;
            for _ in 0..digits {
                let digit = next().ok_or_else(truncated)?;
                if length >= MAX_LENGTH {
                    return Err(structure("length too large"));
                }
                length = length << 8 | usize::from(digit);
                if length == 0 {
                    return Err(structure("superfluous leading zeros in length"));
                }
            }
            if length < 0x80 {
                return Err(structure("non-minimal length"));
            }
        }
        Ok((Header { class: first >> 6, tag, compound: first & 0x20 != 0, length }, at))
    }
}

/// A tag in base 128.
fn long_tag(next: &mut impl FnMut() -> Option<u8>) -> Result<u32, String> {
    let tag = base128(next)?;
    if tag < 0x1f { Err(syntax("non-minimal tag")) } else { Ok(tag) }
}

/// A number of 31 bits in base 128.
fn base128(next: &mut impl FnMut() -> Option<u8>) -> Result<u32, String> {
    let mut number = 0_u64;
    for digit in 0.. {
        if digit == 5 {
            return Err(structure("base 128 integer too large"));
        }
        let Some(byte) = next() else { break };
        if digit == 0 && byte == 0x80 {
            return Err(syntax("integer is not minimally encoded"));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return i32::try_from(number).map(i32::cast_unsigned).map_err(|_| structure("base 128 integer too large"));
        }
    }
    Err(syntax("truncated base 128 integer"))
}

/// Of as few bytes as can be.
fn checked_integer(bytes: &[u8]) -> Result<&[u8], String> {
    match bytes {
        [] => Err(structure("empty integer")),
        [0, second, ..] if second & 0x80 == 0 => Err(structure("integer not minimally-encoded")),
        [0xff, second, ..] if second & 0x80 != 0 => Err(structure("integer not minimally-encoded")),
        _ => Ok(bytes),
    }
}

/// What Go says of an element with another tag than the one it looks for.
fn mismatch(tag: u8, found: Header, ty: &str, at: usize) -> String {
    let Header { class, tag: other, compound, length } = found;
    format!(
        "tags don't match ({tag} vs {{class:{class} tag:{other} length:{length} isCompound:{compound}}}) {{optional:false explicit:false \
         application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false}} {ty} @{at}"
    )
}

pub(super) fn syntax(text: &str) -> String {
    format!("asn1: syntax error: {text}")
}

pub(super) fn structure(text: &str) -> String {
    format!("asn1: structure error: {text}")
}

/// The numbers of an OID, each in as few bytes as can be.
fn check_name(contents: &[u8]) -> Result<(), String> {
    if contents.is_empty() {
        return Err(syntax("zero length OBJECT IDENTIFIER"));
    }
    let mut bytes = contents.iter().copied().peekable();
    while bytes.peek().is_some() {
        base128(&mut || bytes.next())?;
    }
    Ok(())
}

/// Bits that do not count are zeros.
fn check_bits(contents: &[u8]) -> Result<(), String> {
    let (Some(unused), Some(last)) = (contents.first().copied(), contents.last()) else { return Err(syntax("zero length BIT STRING")) };
    if unused > 7 || contents.len() == 1 && unused > 0 || last & ((1_u8 << unused) - 1) != 0 {
        return Err(syntax("invalid padding bits in BIT STRING"));
    }
    Ok(())
}

/// An OID as people write it.
pub(super) fn dotted(name: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number = 0_u128;
    for byte in name {
        number = number << 7 | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.extend([first, number - 40 * first]);
            } else {
                numbers.push(number);
            }
            number = 0;
        }
    }
    numbers.iter().map(u128::to_string).collect::<Vec<_>>().join(".")
}
