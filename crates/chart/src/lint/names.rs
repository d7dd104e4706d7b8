//! Names of objects, by the rules of their kinds.

use crate::format::quoted;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const OLD_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Refuses a name that no object of this kind may have.
pub(super) fn check(kind: &str, name: &str) -> Result<(), String> {
    let problems = match kind.to_lowercase().as_str() {
        "service" => problems(name, 63, is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase()), OLD_LABEL),
        "namespace" if !is_label(name) && is_subdomain(name) => problems(name, 63, false, "must not contain dots"),
        "namespace" => problems(name, 63, is_label(name), LABEL),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => segment(name),
        _ => problems(name, 253, is_subdomain(name), SUBDOMAIN),
    };
    let shown = quoted(name.as_bytes());
    let each: Vec<String> = problems.iter().map(|it| format!("metadata.name: Invalid value: {shown}: {it}")).collect();
    let all = match each.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(format!("object name does not conform to Kubernetes naming requirements: {shown}: {all}"))
}

fn problems(name: &str, longest: usize, is_right: bool, form: &str) -> Vec<String> {
    let mut found = Vec::new();
    if name.len() > longest {
        found.push(format!("must be no more than {longest} characters"));
    }
    if !is_right {
        found.push(form.to_owned());
    }
    found
}

fn is_label(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    is_end(bytes.first())
        && is_end(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_label)
}

/// A name that becomes a part of a path, and may be anything else.
fn segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ['/', '%'].into_iter().filter(|letter| name.contains(*letter)).map(|letter| format!("may not contain '{letter}'")).collect()
}
