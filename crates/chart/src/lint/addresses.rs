//! Addresses of mail and pages, as govalidator takes them.

use std::sync::LazyLock;

use regex::Regex;

use crate::load::{address, whole_address};

/// Letters beyond ASCII that an address of mail may have.
const BEYOND: &str = r"\x{00A0}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFEF}";

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let letter = format!("a-zA-Z{BEYOND}");
    let atom = format!(r"[{letter}0-9!#$%&'*+\-/=?^_`{{|}}~]+");
    let blank = r"(?:(?:[ \t]*\r\n)?[ \t]+)?";
    let text = format!(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\x21\x23-\x5b\x5d-\x7e{BEYOND}]|\([\x01-\x09\x0b-\x7f{BEYOND}]");
    // a quote in front of every letter: so it is there
    let local = format!(r#"(?:{atom}(?:\.{atom})*|(?:"{blank}(?:{text}))*{blank}")"#);
    let part = format!(r"(?:[{letter}0-9](?:[{letter}0-9\-._~]*[{letter}0-9])?\.)+");
    let last = format!(r"[{letter}](?:[{letter}0-9\-_~]*[{letter}])?");
    Regex::new(&format!(r"^{local}@{part}{last}\.?$")).ok()
});

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let user = r"[^\t\n\f\r ]+(?::[^\t\n\f\r ]*)?@";
    let four = r"(?:[1-9][0-9]?|1[0-9]{2}|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])(?:\.(?:[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])){2}\.(?:[0-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
    let octet = "(?:25[0-5]|(?:2[0-4]|1?[0-9])?[0-9])";
    let hex = "[0-9a-fA-F]{1,4}";
    let six = [
        format!("(?:{hex}:){{7}}{hex}"),
        format!("(?:{hex}:){{1,7}}:"),
        format!("(?:{hex}:){{1,6}}:{hex}"),
        format!("(?:{hex}:){{1,5}}(?::{hex}){{1,2}}"),
        format!("(?:{hex}:){{1,4}}(?::{hex}){{1,3}}"),
        format!("(?:{hex}:){{1,3}}(?::{hex}){{1,4}}"),
        format!("(?:{hex}:){{1,2}}(?::{hex}){{1,5}}"),
        format!("{hex}:(?::{hex}){{1,6}}"),
        format!(":(?:(?::{hex}){{1,7}}|:)"),
        "fe80:(?::[0-9a-fA-F]{0,4}){0,4}%[0-9a-zA-Z]+".to_owned(),
        format!(r"::(?:ffff(?::0{{1,4}})?:)?(?:{octet}\.){{3}}{octet}"),
        format!(r"(?:{hex}:){{1,4}}:(?:{octet}\.){{3}}{octet}"),
    ]
    .join("|");
    let host = r"[a-zA-Z0-9](?:[a-zA-Z0-9_\-]+)?[a-zA-Z0-9](?:[\-.][a-zA-Z0-9]+)*";
    let outer = r"(?:(?:www\.)|(?:[a-zA-Z0-9]+(?:[\-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+))?";
    let letter = r"a-zA-Z\x{00a1}-\x{ffff}";
    let name = format!(r"(?:(?:{host})|(?:{outer}))?(?:(?:[{letter}0-9]+-?-?)*[{letter}0-9]+)(?:\.[{letter}]+)?");
    Regex::new(&format!(
        r"^(?:(?:ftp|tcp|udp|wss?|https?)://)?(?:{user})?(?:{four}|\[(?:{six})\]|{name})\.?(?::[0-9]{{1,5}})?(?:[/?#][^\t\n\f\r ]*)?$"
    ))
    .ok()
});

/// Whether it is an address of mail.
pub(super) fn is_email(text: &str) -> bool {
    EMAIL.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Whether it is an address of a page, with or without a scheme.
pub(super) fn is_url(text: &str) -> bool {
    const LONGEST: usize = 2083;
    if text.len() <= 3 || text.chars().count() >= LONGEST || text.starts_with('.') {
        return false;
    }
    // a host with a port but without a scheme
    let read = if text.contains(':') && !text.contains("://") { address(&format!("http://{text}")) } else { address(text) };
    let is_path = |path: &str| !path.is_empty() && !path.contains('.');
    let is_right = read.is_some_and(|it| !it.host.starts_with('.') && (!it.host.is_empty() || !is_path(&it.path)));
    is_right && URL.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Whether it has a scheme, and is an address.
pub(super) fn is_address(text: &str) -> bool {
    whole_address(text).is_some_and(|it| !it.scheme.is_empty())
}
