//! Decimals of any length, in which Sprig adds, subtracts, multiplies and divides what it then gives as a `float64`: by the rules of
//! shopspring/decimal.

use num_bigint::{BigInt, Sign};

use crate::{
    function::{Fault, Scope},
    functions::{
        arguments::{any, rest},
        cast::to_float,
    },
    value::Value,
};

/// How many digits a quotient has after its point.
const DIVISION_PRECISION: i64 = 16;

/// `digits` times ten to the `exponent`.
#[derive(Clone)]
struct Decimal {
    digits: BigInt,
    exponent: i64,
}

pub fn add1f(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    combined(scope, &any(arguments, 0), &[Value::int(1)], |one, other| Ok(sum(one, other)))
}

pub fn addf(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    combined(scope, &Value::Float(0.0), arguments, |one, other| Ok(sum(one, other)))
}

pub fn subf(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    combined(scope, &any(arguments, 0), rest(arguments, 1), |one, other| {
        Ok(sum(one, &Decimal { digits: -&other.digits, exponent: other.exponent }))
    })
}

pub fn mulf(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    combined(scope, &any(arguments, 0), rest(arguments, 1), |one, other| {
        Ok(Decimal { digits: &one.digits * &other.digits, exponent: one.exponent + other.exponent })
    })
}

pub fn divf(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    combined(scope, &any(arguments, 0), rest(arguments, 1), quotient)
}

fn combined(
    scope: &mut Scope<'_>,
    first: &Value,
    others: &[Value],
    combine: fn(&Decimal, &Decimal) -> Result<Decimal, Fault>,
) -> Result<Value, Fault> {
    let mut result = Decimal::of(to_float(first))?;
    for other in others {
        let other = Decimal::of(to_float(other))?;
        // what an operation can make of both, in bytes: each may first be brought to the other's exponent
        let size = result.digits.bits() / 8 + result.exponent.abs_diff(other.exponent) / 2 + 64;
        scope.budget.step(size / 8)?;
        scope.budget.make(usize::try_from(size).unwrap_or(usize::MAX))?;
        result = combine(&result, &other)?;
    }
    // a number is written in decimal by repeated division
    let limbs = result.digits.bits() / 64 + 1;
    scope.budget.step(limbs.saturating_mul(limbs) / 8)?;
    Ok(Value::Float(result.nearest()))
}

impl Decimal {
    /// The shortest decimal that reads as this number.
    fn of(number: f64) -> Result<Self, Fault> {
        if !number.is_finite() {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(Fault::said(format!("Cannot create a Decimal from {name}")));
        }
        let shortest = crate::format::float(number, 'e', None);
        let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: BigInt = digits.replace('.', "").parse().unwrap_or_default();
        let exponent: i64 = exponent.parse().unwrap_or(0);
        Ok(Self { digits, exponent: exponent - i64::try_from(fraction).unwrap_or(0) })
    }

    /// Its digits at a lower exponent.
    fn at(&self, exponent: i64) -> BigInt {
        &self.digits * power_of_ten(self.exponent - exponent)
    }

    fn nearest(&self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }
}

fn power_of_ten(exponent: i64) -> BigInt {
    BigInt::from(10).pow(u32::try_from(exponent).unwrap_or(0))
}

fn sum(one: &Decimal, other: &Decimal) -> Decimal {
    let exponent = one.exponent.min(other.exponent);
    Decimal { digits: one.at(exponent) + other.at(exponent), exponent }
}

/// Rounded to the [`DIVISION_PRECISION`], a half away from zero.
fn quotient(one: &Decimal, other: &Decimal) -> Result<Decimal, Fault> {
    if other.digits.sign() == Sign::NoSign {
        return Err(Fault::said("decimal division by 0"));
    }
    let shift = one.exponent - other.exponent + DIVISION_PRECISION;
    let (dividend, divisor) = if shift < 0 {
        (one.digits.clone(), &other.digits * power_of_ten(-shift))
    } else {
        (&one.digits * power_of_ten(shift), other.digits.clone())
    };
    let (mut digits, left) = (&dividend / &divisor, &dividend % &divisor);
    if (left * 2_u8).magnitude() >= divisor.magnitude() {
        let one = BigInt::from(1);
        if dividend.sign() == divisor.sign() { digits += one } else { digits -= one }
    }
    Ok(Decimal { digits, exponent: -DIVISION_PRECISION })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::of(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn decimals_do_not_gather_the_errors_of_floats() {
        assert_eq!(sum(&number("0.1"), &number("0.2")).nearest().to_bits(), 0.3_f64.to_bits());
        assert_eq!(quotient(&number("2"), &number("3")).unwrap().nearest().to_bits(), 0.666_666_666_666_666_7_f64.to_bits());
        assert_eq!(quotient(&number("-1e-17"), &number("2")).unwrap().nearest().to_bits(), 0.0_f64.to_bits());
        assert!(quotient(&number("1"), &number("0")).is_err());
    }
}
