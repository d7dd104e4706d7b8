//! `fixtures/secret/*.gpg` are private keys that `gpg` made; those whose names tell a cipher and a way to stretch a passphrase hold the
//! same key, sealed in that way. `*.prov` is what Helm 3.18.4 signed with them.

use super::{Keyring, Passphrase, Unsigned, armor, clearsign, packet, signature::Signature, verify};

const ARCHIVE: &[u8] = include_bytes!("fixtures/chart-0.1.0.tgz");
const NAME: &str = "chart-0.1.0.tgz";

macro_rules! secret {
    ($name:literal) => {
        include_bytes!(concat!("fixtures/secret/", $name)).as_slice()
    };
}

fn signed(keyring: &[u8], name: &str, passphrase: &str, created: u32) -> Result<String, Unsigned> {
    let keyring = Keyring::read(keyring).expect("a keyring");
    keyring.entity(name)?.unlock(Some(&Passphrase::new(passphrase)))?.sign(NAME, ARCHIVE, created)
}

/// When a provenance file was signed.
fn created(provenance: &[u8]) -> u32 {
    let message = clearsign::decode(provenance).expect("a message");
    let packet = packet::next(&mut packet::Bytes(&message.signature.bytes)).expect("packets").expect("one");
    Signature::read(&packet.body, 0).expect("a signature").created.expect("a time")
}

#[test]
fn what_rsa_signs_is_what_helm_signs() {
    for (keyring, name, theirs) in [
        (secret!("ada.gpg"), "ada@example.com", secret!("ada.prov")),
        (secret!("ada.asc"), "Ada Signer (charts) <ada@example.com>", secret!("ada.prov")),
        (secret!("bob.gpg"), "Bob", secret!("bob.prov")),
        (secret!("aes256-salted-sha256.gpg"), "Bob", secret!("bob.prov")),
        (secret!("aes192-simple-sha512.gpg"), "Bob", secret!("bob.prov")),
        (secret!("aes256-iterated-sha1.gpg"), "Bob", secret!("bob.prov")),
        (secret!("aes128-iterated-sha384.gpg"), "Bob", secret!("bob.prov")),
    ] {
        let ours = signed(keyring, name, "correct horse", created(theirs)).unwrap();
        assert_eq!(ours, String::from_utf8_lossy(theirs), "{name}");
    }
}

#[test]
fn what_is_signed_on_curves_is_verified() {
    for keyring in [secret!("p256.gpg"), secret!("p384.gpg"), secret!("p521.gpg")] {
        for created in 0..8 {
            let provenance = signed(keyring, "Curve", "battery", created).unwrap();
            let keyring = Keyring::read(keyring).unwrap();
            let verified = verify(NAME, ARCHIVE, provenance.as_bytes(), &keyring).unwrap();
            assert!(verified.signed_by[0].to_string().starts_with("Curve"), "{verified:?}");
        }
    }
}

#[test]
fn a_key_that_is_not_found_or_not_opened_is_refused_in_helm_s_words() {
    let curves = [secret!("p256.gpg"), secret!("p384.gpg")].concat();
    for (keyring, name, passphrase, expected) in [
        (secret!("ada.gpg"), "ada", "battery", "openpgp: invalid data: private key checksum failure"),
        (secret!("aes192-simple-sha512.gpg"), "Bob", "", "openpgp: invalid data: private key checksum failure"),
        (secret!("ada.gpg"), "bob", "", "private key not found"),
        (secret!("ada.gpg"), "", "", "private key not found"),
        (&curves, "Curve", "battery", "more than one key contain the id \"Curve\""),
        (include_bytes!("fixtures/rsa.gpg"), "example", "", "provided key is not a private key. Try providing a keyring with secret keys"),
    ] {
        assert_eq!(signed(keyring, name, passphrase, 0).unwrap_err().to_string(), expected, "{name}");
    }
    let whole = signed(&curves, "Curve 384 <p384@example.com>", "battery", 0);
    assert!(whole.is_ok(), "a name in full means its key alone");
}

#[test]
fn nothing_is_signed_that_nobody_would_believe() {
    let dsa = signed(secret!("dsa.gpg"), "Old", "battery", 0).unwrap_err().to_string();
    assert!(dsa.starts_with("DSA keys are only verified with"), "{dsa}");
    let ada = Keyring::read(secret!("ada.gpg")).unwrap();
    assert_eq!(ada.entity("ada").unwrap().unlock(None).unwrap_err(), Unsigned::Locked);
    let mut other = secret!("bob.gpg").to_vec();
    // the last byte of the private exponent
    let at = 3 + 6 + 2 + 256 + 2 + 3 + 1 + 2 + 255;
    other[at] ^= 2;
    let spoiled = signed(&other, "Bob", "", 0).unwrap_err();
    assert!(matches!(spoiled, Unsigned::Key(_)), "{spoiled:?}");
}

#[test]
fn neither_a_passphrase_nor_a_key_is_printed() {
    let passphrase = Passphrase::new("hunter2");
    assert_eq!(format!("{passphrase:?}"), "Passphrase(…)");
    let keyring = Keyring::read(secret!("bob.gpg")).unwrap();
    let entity = keyring.entity("Bob").unwrap();
    let shown = format!("{entity:?} {:?}", entity.unlock(None).unwrap());
    assert!(shown.contains("Some(Secret(…))") && !shown.contains("data"), "{shown}");
}

#[test]
fn an_armored_block_is_read_as_it_was_written() {
    for length in [0, 1, 47, 48, 49, 300] {
        let bytes: Vec<u8> = (0..length).map(|byte| u8::try_from(byte & 0xff).unwrap()).collect();
        let block = armor::decode(armor::encode("PGP SIGNATURE", &bytes).as_bytes(), |_| true).unwrap();
        assert!(block.is_whole && block.bytes == bytes, "{length}");
    }
}

#[test]
fn lines_that_look_like_the_end_of_a_message_do_not_end_it() {
    let message = clearsign::encode("-----BEGIN PGP SIGNATURE-----\n- a \n\n b\t\r\n");
    let whole = format!("{}{}", message.text, armor::encode("PGP SIGNATURE", b"x"));
    let read = clearsign::decode(whole.as_bytes()).unwrap();
    assert_eq!((read.signed, read.text), (message.signed, b"-----BEGIN PGP SIGNATURE-----\n- a\n\n b\n".to_vec()));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(32))]
    #[test]
    fn no_change_of_a_private_key_makes_it_panic_or_sign_wrongly(at in 0..1400_usize, byte: u8, cut in 200..1400_usize) {
        for whole in [secret!("bob.gpg"), secret!("p256.gpg"), secret!("aes192-simple-sha512.gpg")] {
            let mut bytes = whole.to_vec();
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(cut);
            let Ok(keyring) = Keyring::read(&bytes) else { continue };
            let Ok(entity) = keyring.entity("example.com") else { continue };
            for passphrase in ["battery", "correct horse"] {
                let signer = entity.unlock(Some(&Passphrase::new(passphrase)));
                if let Ok(provenance) = signer.and_then(|signer| signer.sign(NAME, ARCHIVE, 7)) {
                    proptest::prop_assert!(verify(NAME, ARCHIVE, provenance.as_bytes(), &keyring).is_ok());
                }
            }
        }
    }
}
