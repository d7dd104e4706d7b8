//! `table.tsv` holds what Go's encoding/base64 and encoding/base32 answered to texts made at random, the texts in hexadecimal.

use super::{decode32, decode64, encode32};

fn answer<E: ToString>(result: Result<Vec<u8>, E>) -> (&'static str, Vec<u8>) {
    result.map_or_else(|error| ("error", error.to_string().into_bytes()), |bytes| ("ok", bytes))
}

#[test]
fn texts_are_decoded_and_refused_as_go_does() {
    let mut differences = Vec::new();
    for line in include_str!("table.tsv").lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [coding, text, kind, expected] = *cells else { panic!("not a line of the table: {line}") };
        let (text, expected) = (hex::decode(text).unwrap(), hex::decode(expected).unwrap());
        let seen = match coding {
            "64" => answer(decode64(&text)),
            "32" => answer(decode32(&text)),
            _ => ("ok", encode32(&text)),
        };
        if seen != (kind, expected) {
            differences.push(format!("{line}\n  seen {} {}", seen.0, hex::encode(seen.1)));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

proptest::proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(bytes: Vec<u8>) {
        proptest::prop_assert_eq!(decode32(&encode32(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn no_text_makes_decoding_panic(text: Vec<u8>) {
        let _ = (decode32(&text), decode64(&text));
    }
}
