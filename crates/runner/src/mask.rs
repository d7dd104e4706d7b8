//! Secrets taken out of a stream of bytes, wherever the pieces are cut.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use penstock_model::Secret;

/// What stands in a secret's place.
pub(crate) const MASK: &[u8] = b"[MASKED]";
/// Shorter secrets are masked as they are, but not in their encoded forms, which would match by chance.
const MIN_ENCODED: usize = 6;
/// Shorter lines of a secret with several lines (`}` or `--`) are not masked by themselves.
const MIN_LINE: usize = 4;

/// The texts that must not be seen, by their first byte and the longest first.
pub(crate) struct Patterns {
    by_first: Vec<Vec<Vec<u8>>>,
    begins: [bool; 256],
}

impl Patterns {
    /// Takes in each secret: as it is, line by line, and as base64, percent-encoded and JSON-escaped text has it.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Arc<Self> {
        let mut all = Vec::new();
        for secret in secrets {
            forms(secret, &mut all);
        }
        all.sort_by(|a: &Vec<u8>, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        let mut by_first = vec![Vec::new(); 256];
        let mut begins = [false; 256];
        for pattern in all {
            let first = usize::from(pattern[0]);
            begins[first] = true;
            by_first[first].push(pattern);
        }
        Arc::new(Self { by_first, begins })
    }
}

fn forms(secret: &str, all: &mut Vec<Vec<u8>>) {
    let mut add = |text: &[u8]| {
        if !text.trim_ascii().is_empty() {
            all.push(text.to_vec());
        }
    };
    let whole = secret.trim_end_matches(['\n', '\r']);
    add(whole.as_bytes());
    if whole.contains('\n') {
        for line in whole.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE) {
            add(line.as_bytes());
        }
    }
    for text in [whole, secret] {
        if text.len() < MIN_ENCODED {
            continue;
        }
        for shift in 0..3 {
            add(base64_inside(&STANDARD_NO_PAD, text, shift).as_bytes());
            add(base64_inside(&URL_SAFE_NO_PAD, text, shift).as_bytes());
        }
        add(percent_encoded(text, true).as_bytes());
        add(percent_encoded(text, false).as_bytes());
        if let Ok(json) = serde_json::to_string(text) {
            add(&json.as_bytes()[1..json.len() - 1]);
        }
    }
}

/// The characters of base64 that are the same whatever stands `shift` bytes before and anything after.
fn base64_inside(engine: &impl Engine, text: &str, shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(text.as_bytes());
    let encoded = engine.encode(&bytes);
    let from = (shift * 8).div_ceil(6);
    let to = bytes.len() * 8 / 6;
    encoded[from..to].to_owned()
}

fn percent_encoded(text: &str, upper: bool) -> String {
    let one = |byte: u8| match byte {
        _ if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') => char::from(byte).to_string(),
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    text.bytes().map(one).collect::<Vec<_>>().concat()
}

/// The most texts that a job may have masked besides its secrets.
const MAX_ADDED: usize = 2_000;
/// How long they may be, all together.
const MAX_ADDED_BYTES: usize = 4 << 20;

/// What a job's log must not show. It grows while the job runs.
pub(crate) struct Masks {
    known: Mutex<Known>,
}

struct Known {
    secrets: Vec<Secret>,
    added: (usize, usize),
    /// Of all of them; `None` after one was added.
    patterns: Option<Arc<Patterns>>,
}

impl Masks {
    /// With these from the beginning.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        Self { known: Mutex::new(Known { secrets: secrets.into_iter().collect(), added: (0, 0), patterns: None }) }
    }

    /// One more, from now on.
    pub(crate) fn add(&self, text: &str) -> Result<(), String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, bytes) = (known.added.0 + 1, known.added.1 + text.len());
        if count > MAX_ADDED || bytes > MAX_ADDED_BYTES {
            return Err(format!("a job may mask {MAX_ADDED} texts of {} MiB together", MAX_ADDED_BYTES >> 20));
        }
        known.added = (count, bytes);
        known.secrets.push(Secret::new(text));
        known.patterns = None;
        Ok(())
    }

    /// All of them as they are now.
    pub(crate) fn patterns(&self) -> Arc<Patterns> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { secrets, patterns, .. } = &mut *known;
        Arc::clone(patterns.get_or_insert_with(|| Patterns::new(secrets.iter().map(Secret::expose))))
    }
}

/// Masks one stream. It holds back only bytes that may still become a secret: less than the longest pattern.
pub(crate) struct Masker {
    patterns: Arc<Patterns>,
    held: Vec<u8>,
}

impl Masker {
    /// A stream that has not begun.
    pub(crate) fn new(patterns: Arc<Patterns>) -> Self {
        Self { patterns, held: Vec::new() }
    }

    /// Masks these from now on.
    pub(crate) fn know(&mut self, patterns: Arc<Patterns>) {
        self.patterns = patterns;
    }

    /// Takes in the next bytes and gives out what is decided.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.held.is_empty() {
            let used = self.decide(bytes, false, out);
            self.held.extend_from_slice(&bytes[used..]);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let used = self.decide(&held, false, out);
            held.drain(..used);
            self.held = held;
        }
    }

    /// The stream ends: what was held back is decided now.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        self.decide(&held, true, out);
    }

    /// Masks the longest pattern at each place, from the left; stops where the bytes that are still to come decide.
    fn decide(&self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let plain = bytes[at..].iter().position(|byte| self.patterns.begins[usize::from(*byte)]).unwrap_or(bytes.len() - at);
            out.extend_from_slice(&bytes[at..at + plain]);
            at += plain;
            let rest = &bytes[at..];
            let Some(first) = rest.first() else { break };
            let mut matched = None;
            for pattern in &self.patterns.by_first[usize::from(*first)] {
                if rest.starts_with(pattern) {
                    matched = Some(pattern.len());
                    break;
                }
                if !last && pattern.starts_with(rest) {
                    return at;
                }
            }
            if let Some(length) = matched {
                out.extend_from_slice(MASK);
                at += length;
            } else {
                out.push(*first);
                at += 1;
            }
        }
        at
    }
}

/// A whole text, masked.
pub(crate) fn mask(patterns: &Arc<Patterns>, text: &str) -> String {
    let (mut masker, mut out) = (Masker::new(Arc::clone(patterns)), Vec::new());
    masker.feed(text.as_bytes(), &mut out);
    masker.finish(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(secrets: &[&str], pieces: &[&[u8]]) -> String {
        let (mut masker, mut out) = (Masker::new(Patterns::new(secrets.iter().copied())), Vec::new());
        for piece in pieces {
            masker.feed(piece, &mut out);
        }
        masker.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn a_secret_is_masked_across_the_border_of_two_pieces() {
        assert_eq!(masked(&["hunter2"], &[b"the word is hun", b"ter", b"2!"]), "the word is [MASKED]!");
    }

    #[test]
    fn the_longest_secret_wins_and_a_false_start_is_given_back() {
        assert_eq!(masked(&["abc", "abcdef"], &[b"abcd", b"ef abcde"]), "[MASKED] [MASKED]de");
    }

    #[test]
    fn what_cannot_become_a_secret_is_not_held_back() {
        let (mut masker, mut out) = (Masker::new(Patterns::new(["hunter2"])), Vec::new());
        masker.feed(b"Continue? [y/n] ", &mut out);
        assert_eq!(out, b"Continue? [y/n] ");
    }

    #[test]
    fn encoded_forms_are_masked_wherever_they_start() {
        let secret = "s3cr3t/pass word+1";
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "z", "zz"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
                let seen = masked(&[secret], &[text.as_bytes()]);
                assert!(seen.contains("[MASKED]") && seen.len() < text.len(), "{before:?} {after:?}: {seen}");
            }
        }
        assert_eq!(masked(&[secret], &[b"?q=s3cr3t%2Fpass%20word%2B1&b"]), "?q=[MASKED]&b");
    }

    #[test]
    fn each_line_of_a_key_is_masked() {
        assert_eq!(masked(&["-----BEGIN\nMIIEvQ\n-----END\n"], &[b"x MIIEvQ y\n"]), "x [MASKED] y\n");
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        assert_eq!(masked(&["", " ", "\n"], &[b"a b\n"]), "a b\n");
    }

    proptest! {
        #[test]
        fn the_cuts_make_no_difference(text in "[ab1 ]{0,60}", secrets in proptest::collection::vec("[ab1]{1,5}", 0..4), cuts in proptest::collection::vec(0usize..61, 0..8)) {
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
            let whole = masked(&secrets, &[text.as_bytes()]);
            prop_assert_eq!(&masked(&secrets, &pieces), &whole);
            for secret in &secrets {
                prop_assert!(!whole.contains(secret), "{} in {}", secret, whole);
            }
        }
    }
}
