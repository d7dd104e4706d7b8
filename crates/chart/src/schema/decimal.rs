//! Exact decimal numbers: `0.3` is a multiple of `0.1`.

use std::cmp::Ordering;

use num_bigint::{BigUint, Sign};

/// Beyond this many digits before or after the point, a number is none, as in Go.
const MAX_EXPONENT: u64 = 1_000_000;

/// digits · 10^exponent, the digits without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// A number as JSON writes one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        if exponent.unsigned_abs() > MAX_EXPONENT {
            return None;
        }
        let exponent = exponent + i64::try_from(digits.len() - significant.len()).ok()?;
        let significant = significant.trim_start_matches('0');
        Some(match significant {
            "" => Self { negative: false, digits: String::new(), exponent: 0 },
            _ => Self { negative, digits: significant.to_owned(), exponent },
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it has nothing behind the point.
    pub(super) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether it is above 0.
    pub(super) fn is_positive(&self) -> bool {
        !self.negative && !self.is_zero()
    }

    /// How many digits stand before the point, less those that are missing behind it.
    fn magnitude(&self) -> i64 {
        self.exponent + i64::try_from(self.digits.len()).unwrap_or(i64::MAX / 2)
    }

    /// How many steps [`Decimal::is_multiple_of`] takes: it grows with the square of the digits, and some twenty times over.
    pub(super) fn multiple_steps(&self, other: &Self) -> u64 {
        let limbs = (self.digits.len() as u64).saturating_add(other.digits.len() as u64) / 19 + 1;
        limbs.saturating_mul(limbs).saturating_mul(3)
    }

    /// Whether it is so many times the other, which is above 0.
    pub(super) fn is_multiple_of(&self, other: &Self) -> bool {
        if self.is_zero() {
            return true;
        }
        let (Some(own), Some(by)) = (number(&self.digits), number(&other.digits)) else { return false };
        let shift = self.exponent - other.exponent;
        if shift >= 0 {
            let power = BigUint::from(10_u8).modpow(&BigUint::from(shift.unsigned_abs()), &by);
            return (own * power) % by == BigUint::ZERO;
        }
        // own digits end in no zero: with more places than the other has digits for, it is no multiple
        let places = shift.unsigned_abs();
        if places > self.digits.len() as u64 {
            return false;
        }
        let power = u32::try_from(places).map(|places| BigUint::from(10_u8).pow(places));
        power.is_ok_and(|power| own % (by * power) == BigUint::ZERO)
    }

    /// As Go shows a `big.Float`: with an exponent from a million on.
    pub(super) fn shown(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (first, rest) = self.digits.split_at_checked(1).unwrap_or(("0", ""));
        let exponent = if self.is_zero() { 0 } else { self.magnitude() - 1 };
        if !(-4..6).contains(&exponent) {
            let point = if rest.is_empty() { "" } else { "." };
            let (direction, size) = if exponent < 0 { ('-', -exponent) } else { ('+', exponent) };
            return format!("{sign}{first}{point}{rest}e{direction}{size:02}");
        }
        let places = usize::try_from(exponent + 1).unwrap_or(0);
        if exponent < 0 {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            return format!("{sign}0.{}{}", "0".repeat(zeros), self.digits);
        }
        match self.digits.split_at_checked(places) {
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
            None if self.is_zero() => "0".to_owned(),
            None => format!("{sign}{}{}", self.digits, "0".repeat(places - self.digits.len())),
        }
    }
}

fn number(digits: &str) -> Option<BigUint> {
    BigUint::parse_bytes(digits.as_bytes(), 10)
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |it: &Self| {
            if it.is_zero() {
                Sign::NoSign
            } else if it.negative {
                Sign::Minus
            } else {
                Sign::Plus
            }
        };
        let size = || {
            // of the same magnitude, digits compare from the first on, and one that ends before the other is smaller
            self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            Sign::NoSign => Ordering::Equal,
            Sign::Plus => size(),
            Sign::Minus => size().reverse(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponent_beyond_all_bounds_is_no_number() {
        for text in ["1e-9223372036854775808", "1.5e-9223372036854775808", "1e9223372036854775807", "0.1e9223372036854775808"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_multiple_of_a_long_number_is_paid_for() {
        let long = Decimal::parse(&"7".repeat(1_000_000)).unwrap();
        let short = Decimal::parse("0.5").unwrap();
        assert!(short.multiple_steps(&long) > 1_000_000_000);
        assert!(short.multiple_steps(&short) < 10);
    }
}
