//! Floats as Go's `strconv.FormatFloat` writes them.

/// More digits than any `f64` has: what is asked for beyond them is zeros.
const EXACT: usize = 1_100;

/// How a float is written (`strconv.FormatFloat`): `form` is one of `b`, `e`, `E`, `f`, `g`, `G`, `x`, `X`; no `precision` is the
/// fewest digits that read back as the same number.
pub fn float(number: f64, form: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    let mut out = if number.is_sign_negative() { "-".to_owned() } else { String::new() };
    let number = number.abs();
    match form {
        'b' => binary(&mut out, number),
        'x' | 'X' => hexadecimal(&mut out, number, form, precision),
        'e' | 'E' => {
            let digits = Digits::of(number, precision.map(|precision| precision + 1));
            let precision = precision.unwrap_or(digits.text.len().saturating_sub(1));
            digits.with_exponent(&mut out, precision, form);
        }
        'f' => match precision {
            Some(precision) => {
                out.push_str(&format!("{number:.*}", precision.min(EXACT)));
                zeros(&mut out, precision.saturating_sub(EXACT));
            }
            None => {
                let digits = Digits::of(number, None);
                let precision = usize::try_from(digits.len() - digits.point).unwrap_or(0);
                digits.plain(&mut out, precision);
            }
        },
        'g' | 'G' => general(&mut out, number, form, precision),
        _ => return format!("%{form}"),
    }
    out
}

/// `%g`: whichever of the other two is shorter to read.
fn general(out: &mut String, number: f64, form: char, precision: Option<usize>) {
    let digits = Digits::of(number, precision.map(|precision| precision.max(1)));
    let many = digits.text.len();
    let mut wanted = precision.map_or(many, |precision| precision.max(1));
    let limit = match precision {
        // a number of the fewest digits is taken to be long from a million on
        None => 6,
        Some(_) if wanted > many && digits.len() >= digits.point => digits.len(),
        Some(_) => i64::try_from(wanted).unwrap_or(i64::MAX),
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= limit {
        wanted = wanted.min(many);
        let form = if form == 'g' { 'e' } else { 'E' };
        digits.with_exponent(out, wanted.saturating_sub(1), form);
        return;
    }
    if i64::try_from(wanted).is_ok_and(|wanted| wanted > digits.point) {
        wanted = many;
    }
    let after = i64::try_from(wanted).map_or(0, |wanted| wanted - digits.point);
    digits.plain(out, usize::try_from(after).unwrap_or(0));
}

/// A finite number in the fewest digits that read back as the same, as `d.ddde±d`. Where two such are equally near Go takes the even
/// one, and Rust the greater.
pub(crate) fn shortest(number: f64) -> String {
    let text = format!("{number:e}");
    let digits = text.find('e').unwrap_or(0);
    // two can only be equally near where the digits are as fine as the number itself
    if digits >= 16 {
        let places = text.trim_start_matches('-').find('e').unwrap_or(0).saturating_sub(2);
        let even = format!("{number:.places$e}");
        if even.parse() == Ok(number) {
            return even;
        }
    }
    text
}

/// The decimal digits of a number: `0.TEXT * 10^point`, without zeros behind.
struct Digits {
    text: Vec<u8>,
    point: i64,
}

impl Digits {
    /// The fewest digits that read back as the same, or so many of the exact ones.
    fn of(number: f64, count: Option<usize>) -> Self {
        let shown = match count {
            None => shortest(number),
            Some(count) => format!("{number:.*e}", count.saturating_sub(1).min(EXACT)),
        };
        let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
        let mut text: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while text.last() == Some(&b'0') {
            text.pop();
        }
        let point = if text.is_empty() { 0 } else { exponent.parse::<i64>().unwrap_or(0) + 1 };
        Self { text, point }
    }

    fn len(&self) -> i64 {
        i64::try_from(self.text.len()).unwrap_or(i64::MAX)
    }

    fn at(&self, place: i64) -> char {
        usize::try_from(place).ok().and_then(|place| self.text.get(place)).map_or('0', |digit| char::from(*digit))
    }

    /// `d.ddde±dd`
    fn with_exponent(&self, out: &mut String, precision: usize, form: char) {
        out.push(self.at(0));
        if precision > 0 {
            out.push('.');
            let have = self.text.get(1..).unwrap_or_default();
            let have = have.get(..precision).unwrap_or(have);
            out.extend(have.iter().map(|digit| char::from(*digit)));
            zeros(out, precision - have.len());
        }
        let exponent = if self.text.is_empty() { 0 } else { self.point - 1 };
        out.push(form);
        out.push(if exponent < 0 { '-' } else { '+' });
        out.push_str(&format!("{:02}", exponent.unsigned_abs()));
    }

    /// `ddd.ddd`
    fn plain(&self, out: &mut String, precision: usize) {
        if self.point > 0 {
            out.extend((0..self.point).map(|place| self.at(place)));
        } else {
            out.push('0');
        }
        if precision > 0 {
            out.push('.');
            let end = self.point + i64::try_from(precision.min(EXACT)).unwrap_or(0);
            out.extend((self.point..end).map(|place| self.at(place)));
            zeros(out, precision.saturating_sub(EXACT));
        }
    }
}

fn zeros(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n('0', count));
}

/// The 53 bits of a number and the power of two that the last of them stands for.
fn bits(number: f64) -> (u64, i64) {
    let raw = number.to_bits();
    let (mantissa, exponent) = (raw & ((1 << 52) - 1), (raw >> 52 & 0x7ff).cast_signed());
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exponent - 1075) }
}

/// `ddddp±ddd`
fn binary(out: &mut String, number: f64) {
    let (mantissa, exponent) = bits(number);
    out.push_str(&format!("{mantissa}p{exponent:+}"));
}

/// `0x1.hhhp±dd`
fn hexadecimal(out: &mut String, number: f64, form: char, precision: Option<usize>) {
    let (mantissa, exponent) = bits(number);
    let shift = if mantissa == 0 { 0 } else { mantissa.leading_zeros() - 3 };
    // the first bit at 60, so that a hexadecimal digit follows every four
    let mut mantissa = mantissa << shift;
    let mut exponent = if mantissa == 0 { 0 } else { exponent + 60 - i64::from(shift) };
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let drop = 60 - 4 * u32::try_from(precision).unwrap_or(0);
        let (whole, rest, half) = (mantissa >> drop, mantissa & ((1 << drop) - 1), 1_u64 << (drop - 1));
        mantissa = (whole + u64::from(rest > half || rest == half && whole & 1 == 1)) << drop;
        if mantissa & 1 << 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) => fraction.get(..precision.min(15)).unwrap_or_default().to_owned(),
    };
    let mut shown = format!("0x{}", mantissa >> 60 & 1);
    if !fraction.is_empty() {
        shown.push('.');
        shown.push_str(&fraction);
        zeros(&mut shown, precision.map_or(0, |precision| precision.saturating_sub(15)));
    }
    shown.push_str(&format!("p{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs()));
    out.push_str(&if form == 'X' { shown.to_ascii_uppercase() } else { shown });
}
