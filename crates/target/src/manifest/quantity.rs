//! Kubernetes' quantities: `100m`, `0.5`, `64Mi`.

use serde::{Deserialize, Deserializer};

use crate::refuse::{Read, Refusal};

/// A quantity as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity(pub String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a quantity such as `100m` or `64Mi`")]
        enum Form {
            Text(String),
            Whole(u64),
            Decimal(f64),
        }
        Ok(Self(match Form::deserialize(from)? {
            Form::Text(text) => text,
            Form::Whole(number) => number.to_string(),
            Form::Decimal(number) => number.to_string(),
        }))
    }
}

/// Suffix → factor as a power: (base, exponent). Milli is handled apart.
const SUFFIXES: [(&str, u128); 12] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
];

impl Quantity {
    /// In thousandths, rounded up.
    fn thousandths(&self) -> Option<u128> {
        let text = self.0.trim();
        if let Some(number) = text.strip_suffix('m') {
            return decimal(number, 1);
        }
        let (number, factor) =
            SUFFIXES.iter().find_map(|(suffix, factor)| text.strip_suffix(suffix).map(|number| (number, *factor))).unwrap_or((text, 1));
        decimal(number, factor.checked_mul(1000)?)
    }

    /// As CPU, in thousandths of a core.
    pub fn millis(&self, path: &str) -> Read<u32> {
        let millis = self.thousandths().and_then(|t| u32::try_from(t).ok()).filter(|m| *m > 0);
        millis.ok_or_else(|| self.bad(path, "cores such as `500m` or `2`"))
    }

    /// As bytes.
    pub fn bytes(&self, path: &str) -> Read<u64> {
        let bytes = self.thousandths().and_then(|t| u64::try_from(t.div_ceil(1000)).ok()).filter(|b| *b > 0);
        bytes.ok_or_else(|| self.bad(path, "bytes such as `64Mi`"))
    }

    fn bad(&self, path: &str, expected: &str) -> Refusal {
        Refusal::new(format!("the value `{}` of `{path}`", self.0), format!("{expected} is expected"))
    }
}

/// `number * factor`, rounded up, for a plain decimal number of bounded length.
fn decimal(number: &str, factor: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let scale = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let mantissa: u128 = format!("{whole}{fraction}").parse().ok()?;
    Some(mantissa.checked_mul(factor)?.div_ceil(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_reads_them() {
        for (text, millis) in [("100m", 100), ("1", 1000), ("0.5", 500), ("1.5", 1500), ("0.0001", 1)] {
            assert_eq!(Quantity(text.into()).millis("cpu").unwrap(), millis, "{text}");
        }
        for (text, bytes) in [("64Mi", 64 << 20), ("1k", 1000), ("1.5Gi", 3 << 29), ("128974848", 128_974_848), ("1m", 1)] {
            assert_eq!(Quantity(text.into()).bytes("memory").unwrap(), bytes, "{text}");
        }
        for bad in ["", "-1", "1e3", "Mi", "1Xi", "0", "99999999999999999Ei", "."] {
            assert!(Quantity(bad.into()).bytes("memory").is_err(), "{bad}");
        }
    }
}
