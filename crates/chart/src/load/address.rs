//! Addresses as Go's `net/url` reads them, as far as it is asked whether they are such.

use std::net::Ipv6Addr;

/// An address that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    /// Before the first colon; empty without one.
    pub(crate) scheme: String,
    /// The host and its port.
    pub(crate) host: String,
    /// The path, escapes and all; empty where something stands behind the scheme without a slash.
    pub(crate) path: String,
}

/// Reads an address as `url.Parse` does.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    are_escapes_whole(fragment).then_some(())?;
    read(text, false)
}

/// Reads an address that stands for itself, as `url.ParseRequestURI` does: a path from the root, or something with a scheme.
pub(crate) fn whole_address(text: &str) -> Option<Address> {
    if text.is_empty() { None } else { read(text, true) }
}

fn read(text: &str, is_whole: bool) -> Option<Address> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return None;
    }
    let (scheme, rest) = scheme(text)?;
    let mut address = Address { scheme: scheme.to_ascii_lowercase(), ..Address::default() };
    let mut rest = rest.split('?').next().unwrap_or_default();
    if text == "*" {
        return Some(Address { path: text.to_owned(), ..address });
    }
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Some(address);
        }
        if is_whole || rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return None;
        }
    }
    let may_have_host = !scheme.is_empty() || (!is_whole && !rest.starts_with("///"));
    if may_have_host && let Some(behind) = rest.strip_prefix("//") {
        let (authority, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
        rest = path;
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        (is_host(host) && is_user(user)).then_some(())?;
        host.clone_into(&mut address.host);
    }
    are_escapes_whole(rest).then_some(())?;
    rest.clone_into(&mut address.path);
    Some(address)
}

/// The scheme, and what stands behind its colon; nothing for a colon alone.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .enumerate()
        .find(|(at, byte)| !(byte.is_ascii_alphabetic() || (*at > 0 && (byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')))));
    match end {
        Some((0, b':')) => None,
        Some((at, b':')) => text.split_at_checked(at).and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix(':')?))),
        _ => Some(("", text)),
    }
}

fn is_user(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    text.bytes().all(is_letter) && are_escapes_whole(text)
}

fn is_host(host: &str) -> bool {
    if let Some(open) = host.rfind('[') {
        let Some((inside, port)) = host.strip_prefix('[').and_then(|host| host.rsplit_once(']')) else { return false };
        let number = inside.split("%25").next().unwrap_or_default();
        return open == 0 && is_port(port) && number.parse::<Ipv6Addr>().is_ok();
    }
    let port = host.rfind(':').and_then(|colon| host.get(colon..)).unwrap_or_default();
    is_port(port) && is_plain(host)
}

fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a host has only letters that one may have; of those that are escaped, only the ones beyond ASCII and `%` itself.
fn is_plain(host: &str) -> bool {
    let is_letter = |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    let is_escape =
        |part: &str| part.starts_with(['8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'A', 'B', 'C', 'D', 'E', 'F']) || part.starts_with("25");
    host.bytes().all(is_letter) && are_escapes_whole(host) && host.split('%').skip(1).all(is_escape)
}

fn are_escapes_whole(text: &str) -> bool {
    let mut parts = text.split('%').skip(1);
    parts.all(|part| part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}
