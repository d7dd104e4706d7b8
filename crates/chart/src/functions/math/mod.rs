//! Arithmetic, and its number kinds: Sprig's whole numbers are `int64`, its others `float64`, counted with as decimals.

mod decimal;
mod series;

use crate::{
    format::{NumberError, parse_int},
    function::{Fault, Function, Scope},
    functions::{
        arguments::{ANY, INT, TEXT, any, function, int, rest, text, variadic},
        cast::{to_float, to_int},
    },
    value::{Value, types},
};

/// The functions of this file and those below it.
pub const FUNCTIONS: &[Function] = &[
    function("int", &[ANY], |_, arguments| Ok(Value::int(to_int(&any(arguments, 0))))),
    function("int64", &[ANY], |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0))))),
    function("float64", &[ANY], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0))))),
    function("atoi", &[TEXT], atoi),
    function("toDecimal", &[ANY], to_decimal),
    function("add1", &[ANY], |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0)).wrapping_add(1)))),
    variadic("add", &[], ANY, |_, arguments| Ok(Value::int64(numbers(arguments).fold(0, i64::wrapping_add)))),
    function("sub", &[ANY, ANY], |_, arguments| Ok(Value::int64(to_int(&any(arguments, 0)).wrapping_sub(to_int(&any(arguments, 1)))))),
    function("div", &[ANY, ANY], |_, arguments| divided(arguments, i64::wrapping_div)),
    function("mod", &[ANY, ANY], |_, arguments| divided(arguments, i64::wrapping_rem)),
    variadic("mul", &[ANY], ANY, |_, arguments| Ok(Value::int64(numbers(arguments).fold(1, i64::wrapping_mul)))),
    variadic("max", &[ANY], ANY, |_, arguments| Ok(Value::int64(numbers(arguments).max().unwrap_or(0)))),
    variadic("biggest", &[ANY], ANY, |_, arguments| Ok(Value::int64(numbers(arguments).max().unwrap_or(0)))),
    variadic("min", &[ANY], ANY, |_, arguments| Ok(Value::int64(numbers(arguments).min().unwrap_or(0)))),
    variadic("maxf", &[ANY], ANY, |_, arguments| Ok(Value::Float(furthest(arguments, f64::INFINITY, |one, other| one > other)))),
    variadic("minf", &[ANY], ANY, |_, arguments| Ok(Value::Float(furthest(arguments, f64::NEG_INFINITY, |one, other| one < other)))),
    function("ceil", &[ANY], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0)).ceil()))),
    function("floor", &[ANY], |_, arguments| Ok(Value::Float(to_float(&any(arguments, 0)).floor()))),
    variadic("round", &[ANY, INT], &types::FLOAT64, round),
    function("randInt", &[INT, INT], rand_int),
    function("until", &[INT], series::until),
    function("untilStep", &[INT, INT, INT], series::until_step),
    variadic("seq", &[], INT, series::seq),
    function("add1f", &[ANY], decimal::add1f),
    variadic("addf", &[], ANY, decimal::addf),
    variadic("subf", &[ANY], ANY, decimal::subf),
    variadic("mulf", &[ANY], ANY, decimal::mulf),
    variadic("divf", &[ANY], ANY, decimal::divf),
];

fn numbers(arguments: &[Value]) -> impl Iterator<Item = i64> {
    arguments.iter().map(to_int)
}

fn divided(arguments: &[Value], by: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match to_int(&any(arguments, 1)) {
        0 => Err(Fault::said("runtime error: integer divide by zero")),
        divisor => Ok(Value::int64(by(to_int(&any(arguments, 0)), divisor))),
    }
}

/// What is no number is 0, what is too great the greatest.
fn atoi(_: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    Ok(Value::int(match parse_int(text.as_bytes(), 10) {
        Ok(number) => number,
        Err(NumberError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(NumberError::Range) => i64::MAX,
        Err(NumberError::Syntax) => 0,
    }))
}

/// Reads what a value prints as in base 8.
fn to_decimal(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let shown = crate::format::plain(&any(arguments, 0), scope.budget)?;
    Ok(Value::int64(parse_int(shown.as_bytes(), 8).unwrap_or(0)))
}

/// `math.Max` and `math.Min`: the bound wins over what is no number, which wins over all others.
fn furthest(arguments: &[Value], bound: f64, is_further: fn(f64, f64) -> bool) -> f64 {
    let further = |one: f64, other: f64| {
        #[allow(clippy::float_cmp, reason = "infinity is itself")]
        if one == bound || other == bound {
            bound
        } else if one.is_nan() || other.is_nan() {
            f64::NAN
        } else if one == 0.0 && other == 0.0 {
            if one.is_sign_negative() == (bound > 0.0) { other } else { one }
        } else if is_further(one, other) {
            one
        } else {
            other
        }
    };
    rest(arguments, 1).iter().map(to_float).fold(to_float(&any(arguments, 0)), further)
}

/// Rounds to so many places; what stands behind them counts as a whole from `.5` on, or from the third argument on.
fn round(_: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let up_from = match arguments.get(2) {
        Some(Value::Float(up_from)) => *up_from,
        _ => 0.5,
    };
    let power = power_of_ten(int(arguments, 1) as f64);
    let digits = power * to_float(&any(arguments, 0));
    let whole = if digits.fract() >= up_from { digits.ceil() } else { digits.floor() };
    Ok(Value::Float(whole / power))
}

/// Go's `math.Pow(10, exponent)`, whose last bit is not always that of the true power.
fn power_of_ten(exponent: f64) -> f64 {
    if exponent == 0.0 {
        return 1.0;
    }
    let size = exponent.abs();
    if size > 5_000.0 {
        return if exponent > 0.0 { f64::INFINITY } else { 0.0 };
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number of at most 5000")]
    let mut bits = size as u32;
    // ten is 0.625 · 2⁴, and each factor is kept between a half and one
    let (mut factor, mut factor_power) = (0.625_f64, 4_i64);
    let (mut product, mut power) = (1.0_f64, 0_i64);
    while bits != 0 {
        if bits & 1 == 1 {
            product *= factor;
            power += factor_power;
        }
        factor *= factor;
        factor_power *= 2;
        if factor < 0.5 {
            factor += factor;
            factor_power -= 1;
        }
        bits >>= 1;
    }
    if exponent < 0.0 {
        (product, power) = (1.0 / product, -power);
    }
    scaled(product, power)
}

/// A number about one times a power of two, rounded once.
fn scaled(number: f64, power: i64) -> f64 {
    let two_to = |power: i64| f64::from_bits(u64::try_from(power + 1023).unwrap_or(0) << 52);
    match power {
        1_100.. => f64::INFINITY,
        ..-1_200 => 0.0,
        // the first half leaves a normal number, so that only the second can round
        _ => number * two_to(power / 2) * two_to(power - power / 2),
    }
}

fn rand_int(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let (from, to) = (int(arguments, 0), int(arguments, 1));
    let count = to.wrapping_sub(from);
    if count <= 0 {
        return Err(Fault::said("invalid argument to Intn"));
    }
    Ok(Value::int(from.wrapping_add_unsigned(below(scope, count.unsigned_abs()))))
}

/// A random number below this one.
pub fn below(scope: &mut Scope<'_>, count: u64) -> u64 {
    let mut bytes = [0; 16];
    scope.random.fill(&mut bytes);
    // of 128 bits, so that no number is likelier than another by more than nothing
    u64::try_from(u128::from_le_bytes(bytes) % u128::from(count.max(1))).unwrap_or(0)
}
