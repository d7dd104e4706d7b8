//! `fixtures/answers.tsv` holds what `helm verify` 3.18.4 said of provenance files that `gpg` signed: `FILE KEYRING ANSWER`.

use super::{Keyring, Refusal, verify};

const ARCHIVE: &[u8] = include_bytes!("fixtures/chart-0.1.0.tgz");
const NAME: &str = "chart-0.1.0.tgz";

macro_rules! fixtures {
    ($($name:literal),*) => { &[$(($name, include_bytes!(concat!("fixtures/", $name)))),*] };
}

const FILES: &[(&str, &[u8])] = fixtures![
    "all.gpg",
    "brain.gpg",
    "brain.prov",
    "crc.prov",
    "dsa.gpg",
    "dsa.prov",
    "ed.gpg",
    "ed.prov",
    "nist.gpg",
    "nist.prov",
    "nist384.gpg",
    "nist384.prov",
    "nist521.gpg",
    "nist521.prov",
    "none.prov",
    "other.prov",
    "revoked.gpg",
    "revoked.prov",
    "rsa.gpg",
    "rsa.prov",
    "single.prov",
    "spoiled.prov",
    "sub.asc",
    "sub.gpg",
    "sub.prov",
    "trunc.prov",
    "wrong.prov"
];

fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no fixture {name}")).1
}

/// As `helm verify` prints it, lines apart by `|`.
fn answer(provenance: &str, keyring: &str) -> String {
    let verified = Keyring::read(file(keyring)).and_then(|keyring| verify(NAME, ARCHIVE, file(provenance), &keyring));
    match verified {
        Ok(it) => {
            let signed_by: String =
                it.signed_by.iter().flat_map(|name| ["Signed by: ".to_owned(), name.to_string(), "|".to_owned()]).collect();
            format!("{signed_by}Using Key With Fingerprint: {}|Chart Hash Verified: {}|", it.fingerprint, it.file_hash)
        }
        Err(refusal) => format!("{refusal}|"),
    }
}

#[test]
fn provenance_is_believed_and_refused_as_helm_does() {
    for line in include_str!("fixtures/answers.tsv").lines() {
        let [provenance, keyring, expected] = *line.split('\t').collect::<Vec<_>>() else { panic!("not a line of the table: {line}") };
        let seen = answer(&format!("{provenance}.prov"), &format!("{keyring}.gpg"));
        assert_eq!(seen, expected, "{provenance} with {keyring}");
    }
}

#[test]
fn an_armored_keyring_is_as_good_as_a_binary_one() {
    assert_eq!(answer("sub.prov", "sub.asc"), answer("sub.prov", "sub.gpg"));
    let mut spoiled = file("sub.asc").to_vec();
    let at = spoiled.len() / 2;
    spoiled[at] = if spoiled[at] == b'A' { b'B' } else { b'A' };
    assert!(matches!(Keyring::read(&spoiled), Err(Refusal::Keyring(_))));
}

#[test]
fn another_archive_is_refused() {
    let keyring = Keyring::read(file("rsa.gpg")).unwrap();
    assert!(matches!(verify(NAME, b"another", file("rsa.prov"), &keyring), Err(Refusal::Digest { .. })));
}

proptest::proptest! {
    // each reads several keys
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]
    #[test]
    fn no_change_of_a_keyring_or_a_message_makes_it_panic_or_be_believed(at in 0..4000_usize, byte: u8, cut in 0..5000_usize) {
        for name in ["all.gpg", "sub.gpg", "revoked.gpg"] {
            let mut bytes = file(name).to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut.max(1));
            if let Ok(keyring) = Keyring::read(&bytes) {
                proptest::prop_assert!(verify(NAME, ARCHIVE, file("spoiled.prov"), &keyring).is_err());
            }
        }
        let mut message = file("rsa.prov").to_vec();
        if let Some(place) = message.get_mut(at) {
            *place = byte;
        }
        message.truncate(cut);
        let keyring = Keyring::read(file("rsa.gpg")).unwrap();
        let _ = verify(NAME, ARCHIVE, &message, &keyring);
    }
}
