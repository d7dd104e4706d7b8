//! Nothing that was changed after it was signed is believed.

use penstock_model::evidence::{Subject, Witness, predicate as types};
use penstock_model::{Digest, Timestamp};
use penstock_trust::predicate::Coverage;
use penstock_trust::{Bundle, Claim, Envelope, Expected, SigningKey, TrustedKeys, VerifyError, sign, verify};
use proptest::prelude::*;

fn key() -> SigningKey {
    SigningKey::generate([9; 32]).unwrap()
}

fn trusted() -> TrustedKeys {
    TrustedKeys::new([key().public().clone()]).unwrap()
}

fn subject() -> Subject {
    Subject::Commit("c".repeat(40).parse().unwrap())
}

fn claim() -> Claim {
    Claim::new(subject(), "pytest", Witness::Reported, Timestamp(1_764_000_000_123), &Coverage::new(81, 100)).unwrap()
}

fn bundle() -> Vec<u8> {
    sign(&key(), &claim()).unwrap().bundle
}

fn envelope() -> Envelope {
    serde_json::from_slice::<Bundle>(&bundle()).unwrap().dsse_envelope
}

fn verdict(envelope: &Envelope) -> Result<(), VerifyError> {
    verify(&serde_json::to_vec(envelope).unwrap(), &trusted(), &Expected::about(&subject())).map(|_| ())
}

#[test]
fn what_was_signed_is_read_back() {
    let bytes = bundle();
    let verified = verify(&bytes, &trusted(), &Expected::about(&subject()).saying(types::COVERAGE)).unwrap();
    let evidence = verified.to_evidence().unwrap();
    assert_eq!(evidence.envelope, Digest::of(&bytes));
    assert_eq!((evidence.subject, evidence.name.as_str(), evidence.witness), (subject(), "pytest", Witness::Reported));
    assert_eq!(evidence.at, Timestamp(1_764_000_000_123));
    assert_eq!(evidence.predicate["linesCovered"], 81);
    assert_eq!(evidence.key_id, key().public().id().as_str());
    assert_eq!(verdict(&envelope()), Ok(()), "the envelope alone is enough");
}

#[test]
fn signing_is_deterministic() {
    assert_eq!(bundle(), bundle());
}

#[test]
fn another_subject_predicate_payload_type_or_key_is_refused() {
    let other = Subject::Commit("d".repeat(40).parse().unwrap());
    let refused = verify(&bundle(), &trusted(), &Expected::about(&other)).unwrap_err();
    assert!(matches!(refused, VerifyError::Subject { .. }));
    let refused = verify(&bundle(), &trusted(), &Expected::about(&subject()).saying(types::VSA)).unwrap_err();
    assert!(matches!(refused, VerifyError::PredicateType { .. }));
    let stranger = SigningKey::generate([8; 32]).unwrap();
    let by_stranger = sign(&stranger, &claim()).unwrap().bundle;
    assert!(matches!(verify(&by_stranger, &trusted(), &Expected::default()), Err(VerifyError::NotTrusted(_))));
    // a stranger's signature under our key's name
    let mut posing: Envelope = serde_json::from_slice(&sign(&stranger, &claim()).unwrap().envelope).unwrap();
    posing.signatures[0].keyid = key().public().id().to_string();
    assert!(matches!(verdict(&posing), Err(VerifyError::NotTrusted(_))));
    // bytes that we did sign, but as something else
    let text = Envelope::sign(&key(), "text/plain", br#"{"_type":"https://in-toto.io/Statement/v1"}"#);
    assert!(matches!(verdict(&text), Err(VerifyError::PayloadType(_))));
    let relabelled = Envelope { payload_type: "application/vnd.in-toto+json".to_owned(), ..text };
    assert!(matches!(verdict(&relabelled), Err(VerifyError::NotTrusted(_))));
}

#[test]
fn a_payload_is_not_parsed_before_its_signature_holds() {
    let mut envelope = Envelope::sign(&key(), "application/vnd.in-toto+json", b"not json");
    assert!(matches!(verdict(&envelope), Err(VerifyError::NotAStatement(_))));
    envelope.signatures.clear();
    assert!(matches!(verdict(&envelope), Err(VerifyError::NotTrusted(_))));
}

#[test]
fn an_envelope_may_carry_a_strangers_signature_beside_ours() {
    let stranger = SigningKey::generate([8; 32]).unwrap();
    let mut both = envelope();
    let theirs: Envelope = serde_json::from_slice(&sign(&stranger, &claim()).unwrap().envelope).unwrap();
    both.signatures.insert(0, theirs.signatures[0].clone());
    assert_eq!(verdict(&both), Ok(()));
    both.signatures[1].keyid.clear();
    assert_eq!(verdict(&both), Ok(()), "without a name every trusted key is tried");
}

#[test]
fn a_statement_of_another_maker_is_no_evidence() {
    let mut statement = claim().statement();
    statement.subject[0].annotations.clear();
    let envelope = Envelope::sign(&key(), "application/vnd.in-toto+json", &serde_json::to_vec(&statement).unwrap());
    let verified = verify(&serde_json::to_vec(&envelope).unwrap(), &trusted(), &Expected::about(&subject())).unwrap();
    assert!(matches!(verified.to_evidence(), Err(VerifyError::Lacks(_))));
}

fn changed(text: &str, at: usize, to: u8) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let to = b' ' + to % 95;
    let before = std::mem::replace(&mut bytes[at], to);
    // the two alphabets of base64 spell the same bytes
    let same = matches!((before, to), (b'+', b'-') | (b'/', b'_'));
    (before != to && !same).then(|| String::from_utf8(bytes).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_changed_byte_of_payload_type_signature_or_key_is_refused(field in 0..4, at in 0_usize..100_000, to: u8) {
        let mut envelope = envelope();
        let target = match field {
            0 => &mut envelope.payload,
            1 => &mut envelope.payload_type,
            2 => &mut envelope.signatures[0].sig,
            _ => &mut envelope.signatures[0].keyid,
        };
        if let Some(text) = changed(target, at, to) {
            *target = text;
            prop_assert!(verdict(&envelope).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(verify(&bytes, &trusted(), &Expected::default()).is_err());
    }

    #[test]
    fn arbitrary_signed_payloads_never_panic(payload in "\\PC{0,200}") {
        let envelope = Envelope::sign(&key(), "application/vnd.in-toto+json", payload.as_bytes());
        prop_assert!(verdict(&envelope).is_err());
    }
}
