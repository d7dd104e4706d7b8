//! Bytes as they travel: hexadecimal in JSON.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as hexadecimal digits.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    /// Only the length: they may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl From<&[u8]> for Octets {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(|error| D::Error::custom(format!("not hexadecimal: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_travel_as_hexadecimal_and_are_never_printed() {
        let octets = Octets(vec![0, 171]);
        assert_eq!(serde_json::to_string(&octets).unwrap(), r#""00ab""#);
        assert_eq!(serde_json::from_str::<Octets>(r#""00AB""#).unwrap(), octets);
        assert!(serde_json::from_str::<Octets>(r#""0""#).is_err());
        assert_eq!(format!("{octets:?}"), "2 bytes");
    }
}
