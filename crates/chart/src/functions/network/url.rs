//! URLs as Go's `net/url` reads and writes them.

use std::fmt;

use super::address;
use crate::{format::quoted, value::Str};

/// A URL, its parts decoded where Go decodes them.
#[derive(Default)]
pub struct Url {
    pub scheme: Vec<u8>,
    pub opaque: Vec<u8>,
    pub user: Option<User>,
    pub host: Vec<u8>,
    pub path: Vec<u8>,
    pub query: Vec<u8>,
    pub fragment: Vec<u8>,
}

/// Who a URL is for.
pub struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Neither who it is for nor its query, in which tokens stand.
impl fmt::Debug for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [scheme, host, path] = [&self.scheme, &self.host, &self.path].map(|part| String::from_utf8_lossy(part));
        write!(formatter, "{scheme}://{host}{path}")
    }
}

/// Why a text is no URL, in Go's words.
#[derive(Debug)]
pub struct NotAUrl {
    text: Str,
    why: String,
}

impl fmt::Display for NotAUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "parse {}: {}", quoted(self.text.as_bytes()), self.why)
    }
}

/// A part of a URL, which has its own set of characters that stand for themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

impl Part {
    fn escapes(self, byte: u8) -> bool {
        match byte {
            byte if byte.is_ascii_alphanumeric() => return false,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'[' | b']' | b'<' | b'>' | b'"'
                if matches!(self, Self::Host | Self::Zone) =>
            {
                return false;
            }
            _ => {}
        }
        match byte {
            b'-' | b'_' | b'.' | b'~' => false,
            b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match self {
                Self::Path => byte == b'?',
                Self::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
                Self::Fragment => false,
                Self::Host | Self::Zone => true,
            },
            b'!' | b'(' | b')' | b'*' => self != Self::Fragment,
            _ => true,
        }
    }

    fn escape(self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for byte in text {
            if self.escapes(*byte) {
                out.extend(format!("%{byte:02X}").bytes());
            } else {
                out.push(*byte);
            }
        }
        out
    }

    fn unescape(self, text: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = Vec::with_capacity(text.len());
        let mut left = text;
        while let Some((byte, rest)) = left.split_first() {
            if *byte != b'%' {
                if matches!(self, Self::Host | Self::Zone) && byte.is_ascii() && self.escapes(*byte) {
                    return Err(format!("invalid character {} in host name", quoted(&[*byte])));
                }
                out.push(*byte);
                left = rest;
                continue;
            }
            let invalid = || format!("invalid URL escape {}", quoted(left.get(..3).unwrap_or(left)));
            let digit = |at: usize| rest.get(at).and_then(|digit| char::from(*digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(invalid()) };
            let value = u8::try_from(high << 4 | low).unwrap_or(0);
            let is_percent = rest.starts_with(b"25");
            let is_allowed = match self {
                // only what is beyond ASCII may be escaped in a host
                Self::Host => is_percent || high >= 8,
                Self::Zone => is_percent || value == b' ' || !Self::Host.escapes(value),
                _ => true,
            };
            if !is_allowed {
                return Err(invalid());
            }
            out.push(value);
            left = rest.get(2..).unwrap_or(&[]);
        }
        Ok(out)
    }
}

/// What stands before and after the first such byte.
fn cut(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|other| *other == byte) {
        Some(at) => (text.get(..at).unwrap_or(text), text.get(at + 1..)),
        None => (text, None),
    }
}

impl User {
    /// It as it stands in a URL.
    pub fn shown(&self) -> Vec<u8> {
        let mut out = Part::User.escape(&self.name);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(Part::User.escape(password));
        }
        out
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !text.iter().all(is_valid) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = cut(text, b':');
        let name = Part::User.unescape(name)?;
        Ok(Self { name, password: password.map(|password| Part::User.unescape(password)).transpose()? })
    }
}

impl Url {
    /// The URL that a text is.
    pub fn parse(text: &[u8]) -> Result<Self, NotAUrl> {
        let (before, fragment) = cut(text, b'#');
        let mut url = Self::parse_unfragmented(before).map_err(|why| NotAUrl { text: before.into(), why })?;
        if let Some(fragment) = fragment {
            url.fragment = Part::Fragment.unescape(fragment).map_err(|why| NotAUrl { text: text.into(), why })?;
        }
        Ok(url)
    }

    fn parse_unfragmented(text: &[u8]) -> Result<Self, String> {
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        if text == b"*" {
            return Ok(Self { path: text.to_vec(), ..Self::default() });
        }
        let (scheme, rest) = scheme_of(text)?;
        let mut url = Self { scheme: scheme.to_ascii_lowercase(), ..Self::default() };
        let (mut rest, query) = cut(rest, b'?');
        url.query = query.unwrap_or(&[]).to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///")) {
            let after = rest.get(2..).unwrap_or(&[]);
            let (authority, path) = after.split_at(after.iter().position(|byte| *byte == b'/').unwrap_or(after.len()));
            rest = path;
            url.parse_authority(authority)?;
        }
        url.path = Part::Path.unescape(rest)?;
        Ok(url)
    }

    fn parse_authority(&mut self, authority: &[u8]) -> Result<(), String> {
        let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
            self.host = parse_host(authority)?;
            return Ok(());
        };
        let (user, host) = authority.split_at(at);
        self.host = parse_host(host.get(1..).unwrap_or(&[]))?;
        self.user = Some(User::parse(user)?);
        Ok(())
    }

    /// The host without its port and without brackets.
    pub fn hostname(&self) -> &[u8] {
        let host = match self.host.iter().rposition(|byte| *byte == b':').map(|colon| self.host.split_at(colon)) {
            Some((host, port)) if is_port(port) => host,
            _ => &self.host,
        };
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
    }

    /// The URL as a text.
    pub fn shown(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.show_place(&mut out);
        } else {
            out.extend(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(Part::Fragment.escape(&self.fragment));
        }
        out
    }

    fn show_place(&self, out: &mut Vec<u8>) {
        if !self.host.is_empty() || self.user.is_some() || !self.scheme.is_empty() && !self.path.is_empty() {
            out.extend(b"//");
            if let Some(user) = &self.user {
                out.extend(user.shown());
                out.push(b'@');
            }
            out.extend(Part::Host.escape(&self.host));
        }
        let path = if self.path == b"*" { self.path.clone() } else { Part::Path.escape(&self.path) };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        // else its first segment would pass for a scheme
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend(b"./");
        }
        out.extend(path);
    }
}

fn scheme_of(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((text.get(..at).unwrap_or(&[]), text.get(at + 1..).unwrap_or(&[]))),
            _ => break,
        }
    }
    Ok((&[], text))
}

/// Nothing, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

fn parse_host(host: &[u8]) -> Result<Vec<u8>, String> {
    let wrong_port = |port: &[u8]| format!("invalid port {} after host", quoted(port));
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {
            let Some(end) = host.iter().rposition(|byte| *byte == b']') else { return Err("missing ']' in host".to_owned()) };
            let (literal, port) = (host.get(1..end).unwrap_or(&[]), host.get(end + 1..).unwrap_or(&[]));
            if !is_port(port) {
                return Err(wrong_port(port));
            }
            let literal = parse_literal(literal)?;
            return Ok([b"[", literal.as_slice(), b"]", port].concat());
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    // a database's URL may name several hosts, each with its port
    let colon = host.iter().rposition(|byte| *byte == b':');
    if let Some(port) = colon.and_then(|colon| host.get(colon..))
        && !is_port(port)
    {
        return Err(wrong_port(port));
    }
    Part::Host.unescape(host)
}

/// An address of IPv6 between brackets, its zone after `%25`.
fn parse_literal(text: &[u8]) -> Result<Vec<u8>, String> {
    let literal = match bstr::ByteSlice::find(text, b"%25").map(|zone| text.split_at(zone)) {
        Some((host, zone)) => [Part::Host.unescape(host)?, Part::Zone.unescape(zone)?].concat(),
        None => Part::Host.unescape(text)?,
    };
    match address::parse(&literal) {
        Err(why) => Err(format!("invalid host: {why}")),
        Ok(address::Family::V4) => Err("invalid IP-literal".to_owned()),
        Ok(address::Family::V6) => Ok(literal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_of_an_address_has_no_secret_in_it() {
        let url = Url::parse(b"https://ada:hunter2@h/charts?token=hunter2#hunter2").unwrap();
        assert_eq!((url.user.is_some(), format!("{url:?}")), (true, "https://h/charts".to_owned()));
    }
}
