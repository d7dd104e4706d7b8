//! `table.tsv` holds what Sprig 3.3.0 answered, `NAME ARGUMENTS… ok|error ANSWER`, all texts in hexadecimal.

mod certificates;

use std::collections::BTreeMap;

use super::{FUNCTIONS, password::hashed_with};
use crate::{
    budget::{Budget, Limits},
    function::{Fault, Random, Scope},
    value::{Value, types},
};

/// A stream that starts anew the same way.
pub(super) struct Seeded(u64);

impl Random for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            // SplitMix64
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed ^ mixed >> 31).to_le_bytes()[0];
        }
    }
}

/// What a function answers within these limits.
pub(super) fn limited(name: &str, arguments: &[Value], seed: u64, limits: Limits) -> Result<Value, Fault> {
    let function = FUNCTIONS.iter().find(|function| function.name == name).expect("a function of that name");
    let now = "2026-11-26T20:00:00.5+01:00[Europe/Berlin]".parse().unwrap();
    let mut scope = Scope {
        budget: &mut Budget::new(limits),
        now: &now,
        random: &mut Seeded(seed),
        lookup: None,
        hosts: None,
        lint: false,
        changed: &mut Vec::new(),
        expressions: &mut crate::functions::regex::Cache::default(),
    };
    (function.call)(&mut scope, arguments)
}

pub(super) fn called(name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    limited(name, arguments, 1, Limits { steps: u64::MAX, ..Limits::default() })
}

/// The answer, or the error's text.
pub(super) fn answer(name: &str, arguments: &[Value]) -> (&'static str, Vec<u8>) {
    match called(name, arguments) {
        Ok(Value::Str(text)) => ("ok", text.as_bytes().to_vec()),
        Ok(Value::Int(number, _)) => ("ok", number.to_string().into_bytes()),
        Ok(other) => ("ok", format!("{other:?}").into_bytes()),
        Err(Fault::Said(text)) => ("error", text.as_bytes().to_vec()),
        Err(limit) => ("error", limit.to_string().into_bytes()),
    }
}

fn argument(name: &str, place: usize, text: &str) -> Value {
    let bytes = hex::decode(text).unwrap();
    match (name, place) {
        ("derivePassword", 0) => Value::Uint(String::from_utf8(bytes).unwrap().parse().unwrap(), &types::UINT32),
        ("randInt" | "randBytes", _) | ("genCAWithKey", 1) => Value::int(String::from_utf8(bytes).unwrap().parse().unwrap()),
        _ => Value::str(bytes),
    }
}

#[test]
fn what_is_not_random_is_what_sprig_gives() {
    let mut differences = Vec::new();
    // `tests/refusals.tsv` has the same form: keys and certificates with bytes changed
    for line in include_str!("table.tsv").lines().chain(include_str!("tests/refusals.tsv").lines()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, ref arguments @ .., kind, expected] = *cells else { panic!("not a line of the table: {line}") };
        let arguments: Vec<Value> = arguments.iter().enumerate().map(|(place, text)| argument(name, place, text)).collect();
        let seen = match (name, arguments.as_slice()) {
            ("bcryptOfHash", [Value::Str(password), Value::Bytes(salt) | Value::Str(salt)]) => {
                ("ok", hashed_with(password, salt.as_bytes().try_into().unwrap()).into_bytes())
            }
            _ => answer(name, &arguments),
        };
        if seen != (kind, hex::decode(expected).unwrap()) {
            differences.push(format!("{line}\n  {arguments:?}\n  seen {} {}", seen.0, String::from_utf8_lossy(&seen.1)));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

fn text(name: &str, arguments: &[Value]) -> String {
    String::from_utf8(answer(name, arguments).1).unwrap()
}

#[test]
fn random_texts_have_their_length_and_only_their_letters() {
    let cases: [(&str, fn(char) -> bool); 4] = [
        ("randAlpha", |letter| letter.is_ascii_alphabetic()),
        ("randAlphaNum", |letter| letter.is_ascii_alphanumeric()),
        ("randNumeric", |letter| letter.is_ascii_digit()),
        ("randAscii", |letter| (' '..='~').contains(&letter)),
    ];
    for (name, allowed) in cases {
        for length in [-1, 0, 1, 63, 64, 5000] {
            let random = text(name, &[Value::int(length)]);
            assert_eq!(i64::try_from(random.len()).unwrap(), length.max(0), "{name} {length}");
            assert!(random.chars().all(allowed), "{name}: {random}");
        }
    }
}

#[test]
fn every_letter_is_drawn_about_as_often() {
    let mut counts = BTreeMap::<char, u32>::new();
    text("randAlphaNum", &[Value::int(62_000)]).chars().for_each(|letter| *counts.entry(letter).or_default() += 1);
    assert_eq!(counts.len(), 62);
    assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
}

#[test]
fn a_random_number_is_at_least_the_first_and_below_the_second() {
    for seed in 0..200 {
        let drawn = limited("randInt", &[Value::int(-3), Value::int(4)], seed, Limits::default()).unwrap();
        assert!(matches!(drawn, Value::Int(-3..=3, _)), "{drawn:?}");
    }
}

#[test]
fn an_identifier_is_of_version_four() {
    let uuid = text("uuidv4", &[]);
    let shape: String = uuid.chars().map(|letter| if letter.is_ascii_hexdigit() { 'x' } else { letter }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert_eq!(&uuid[14..15], "4");
    assert!("89ab".contains(&uuid[19..20]), "{uuid}");
}

#[test]
fn a_password_file_line_holds_a_bcrypt_hash() {
    let line = text("htpasswd", &[Value::str("user"), Value::str("secret")]);
    let (user, hash) = line.split_once(':').unwrap();
    assert_eq!((user, hash.len(), &hash[..7]), ("user", 60, "$2a$10$"));
    assert_eq!(text("htpasswd", &[Value::str("us:er"), Value::str("secret")]), "invalid username: us:er");
}

#[test]
fn costly_calculations_meet_the_limit_before_they_begin() {
    let few = Limits { steps: 1000, memory: 1000, ..Limits::default() };
    let text = Value::str("x".repeat(100_000));
    for (name, arguments) in [
        ("bcrypt", vec![Value::str("x")]),
        ("htpasswd", vec![Value::str("x"), Value::str("x")]),
        ("derivePassword", vec![Value::Uint(1, &types::UINT32), Value::str("long"), Value::str("x"), Value::str("x"), Value::str("x")]),
        ("randAlpha", vec![Value::int(1 << 40)]),
        ("randBytes", vec![Value::int(1 << 40)]),
        ("sha256sum", vec![text.clone()]),
        ("encryptAES", vec![Value::str("x"), text.clone()]),
        ("decryptAES", vec![Value::str("x"), text]),
    ] {
        assert!(matches!(limited(name, &arguments, 1, few), Err(Fault::Limit(_))), "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn what_is_encrypted_decrypts_to_itself(password: Vec<u8>, text: Vec<u8>) {
        let encrypted = called("encryptAES", &[Value::str(password.clone()), Value::str(text.clone())]).unwrap();
        proptest::prop_assert_eq!(answer("decryptAES", &[Value::str(password), encrypted]), ("ok", text));
    }
}
