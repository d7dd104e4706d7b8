//! What `format` asks of texts. A format that is not known asks for nothing.

mod email;
mod time;

use super::Unfit;
use crate::{
    budget::Budget,
    functions::{
        network::{address, url::Url},
        regex::{self, Cache},
    },
};

const LONGEST_HOST: usize = 255;
const LONGEST_LABEL: usize = 63;
const KNOWN: [&str; 17] = [
    "date",
    "time",
    "date-time",
    "hostname",
    "email",
    "idn-email",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "uuid",
    "regex",
    "json-pointer",
    "relative-json-pointer",
];

/// Whether something is asked for.
pub(super) fn is_known(format: &str) -> bool {
    KNOWN.contains(&format)
}

/// Whether a text is of the format.
pub(super) fn fits(format: &str, text: &str, budget: &mut Budget) -> Result<bool, Unfit> {
    budget.scan(4 * text.len())?;
    Ok(match format {
        "date" => time::is_date(text),
        "time" => time::is_time(text),
        "date-time" => time::is_time(text) || time::is_date(text) || time::is_date_time(text),
        "hostname" => is_host(text),
        "email" | "idn-email" => email::is_address(text),
        "ipv4" => text.contains('.') && is_ip(text),
        "ipv6" => text.contains(':') && is_ip(text),
        "uri" | "iri" => url(text).is_some_and(|url| !url.scheme.is_empty()),
        "uri-reference" | "iri-reference" => url(text).is_some(),
        "uri-template" => url(text).is_some_and(|url| is_template(&url.path)),
        "uuid" => is_uuid(text),
        "regex" => text.is_empty() || regex::expression(text, &mut Cache::default(), budget)?.is_some(),
        "json-pointer" => is_pointer(text),
        "relative-json-pointer" => is_relative_pointer(text),
        _ => true,
    })
}

fn is_ip(text: &str) -> bool {
    // an address with a zone is none to Go's `net.ParseIP`
    !text.contains('%') && address::parse(text.as_bytes()).is_ok()
}

fn url(text: &str) -> Option<Url> {
    Url::parse(text.as_bytes()).ok().filter(|_| !text.contains('\\'))
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        let inner = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        bytes.len() <= LONGEST_LABEL && inner && ends(bytes.first()) && ends(bytes.last())
    };
    text.len() <= LONGEST_HOST && text.split('.').all(is_label)
}

/// Whether each `{` is closed.
fn is_template(path: &[u8]) -> bool {
    let mut is_open = false;
    for byte in path {
        match byte {
            b'{' => is_open = true,
            b'}' => is_open = false,
            _ => {}
        }
    }
    !is_open
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

fn is_pointer(text: &str) -> bool {
    let is_escaped = |part: &str| part.starts_with(['0', '1']);
    text.is_empty() || text.starts_with('/') && text.split('~').skip(1).all(is_escaped)
}

fn is_relative_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let Some((number, rest)) = text.split_at_checked(digits) else { return false };
    !number.is_empty() && (number == "0" || !number.starts_with('0')) && (rest == "#" || is_pointer(rest))
}
