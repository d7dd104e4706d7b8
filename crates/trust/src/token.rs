//! Identity tokens: JSON Web Tokens by which a job proves to others which job it is, and the keys by which they verify that.
//!
//! Signed with ES256 (RFC 7518): the curve is the one of everything else here, a signature is 64 bytes, and Vault, `OpenBao`,
//! Sigstore, AWS, Google and Kubernetes verify it. The key is one of its own: what signs statements signs nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock_model::Secret;
use serde_json::{Map, Value, json};

use crate::key::{KeyError, MAX_TRUSTED_KEYS, PublicKey, SigningKey};

/// What signs identity tokens, and the keys that did so before.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    key: SigningKey,
    former: Vec<PublicKey>,
}

impl TokenIssuer {
    /// The algorithm of its signatures.
    pub const ALGORITHM: &str = "ES256";

    /// One that signs with a key; tokens of `former` ones are still to be verified.
    ///
    /// # Errors
    /// Too many keys.
    pub fn new(key: SigningKey, former: impl IntoIterator<Item = PublicKey>) -> Result<Self, KeyError> {
        let former: Vec<PublicKey> = former.into_iter().filter(|former| former != key.public()).take(MAX_TRUSTED_KEYS).collect();
        if former.len() == MAX_TRUSTED_KEYS { Err(KeyError::TooMany) } else { Ok(Self { key, former }) }
    }

    /// A token that says so.
    pub fn sign(&self, claims: &Map<String, Value>) -> Secret {
        let header = json!({ "alg": Self::ALGORITHM, "kid": self.key.public().id().as_str(), "typ": "JWT" });
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", part(header.to_string()), part(Value::Object(claims.clone()).to_string()));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign_fixed(signed.as_bytes()));
        Secret::new(format!("{signed}.{signature}"))
    }

    /// The keys by which its tokens are verified, as a JSON Web Key Set (RFC 7517).
    pub fn keys(&self) -> Value {
        let keys = std::iter::once(self.key.public()).chain(&self.former).map(|key| {
            let (x, y) = key.coordinates();
            json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": Self::ALGORITHM, "kid": key.id().as_str(),
                "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
            })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier as _;

    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::generate([byte; 32]).unwrap()
    }

    fn claims() -> Map<String, Value> {
        Map::from_iter([("sub".to_owned(), json!("project_path:oran:ref_type:branch:ref:main")), ("exp".to_owned(), json!(1))])
    }

    #[test]
    fn a_token_is_verified_by_the_published_key_that_it_names_and_by_no_other() {
        let issuer = TokenIssuer::new(key(7), [key(8).public().clone(), key(7).public().clone()]).unwrap();
        let token = issuer.sign(&claims());
        let (signed, signature) = token.expose().rsplit_once('.').unwrap();
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let parts: Vec<Value> = signed.split('.').map(|part| serde_json::from_slice(&decoded(part)).unwrap()).collect();
        assert_eq!((&parts[0]["alg"], &parts[1]), (&json!("ES256"), &Value::Object(claims())));
        let keys = issuer.keys();
        let keys = keys["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2, "its own once, and the former one");
        let verifies: Vec<bool> = keys
            .iter()
            .map(|key| {
                let point = |name: &str| decoded(key[name].as_str().unwrap());
                let point = [vec![4], point("x"), point("y")].concat();
                let verifying = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
                let signature = p256::ecdsa::Signature::from_slice(&decoded(signature)).unwrap();
                assert_eq!(verifying.verify(signed.as_bytes(), &signature).is_ok(), key["kid"] == parts[0]["kid"]);
                key["kid"] == parts[0]["kid"]
            })
            .collect();
        assert_eq!(verifies, [true, false]);
    }

    #[test]
    fn an_issuer_does_not_print_its_key() {
        let issuer = TokenIssuer::new(key(7), []).unwrap();
        assert!(!format!("{issuer:?} {:?}", issuer.sign(&claims())).contains("eyJ"));
    }
}
