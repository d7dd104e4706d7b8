//! How numbers are printed: by verb, into their width.

use super::{
    integer::{self, letter},
    printer::{Printed, Printer},
    quote,
};
use crate::value::Value;

impl Printer<'_> {
    pub(super) fn float(&mut self, value: &Value, number: f64, verb: char) -> Printed {
        match verb {
            'v' => self.floating(number, 'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.floating(number, verb, None),
            'f' | 'e' | 'E' => self.floating(number, verb, Some(6)),
            'F' => self.floating(number, 'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    pub(super) fn complex(&mut self, value: &Value, re: f64, im: f64, verb: char) -> Printed {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        self.put("(")?;
        self.float(value, re, verb)?;
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(value, im, verb)?;
        self.flags.plus = plus;
        self.put("i)")
    }

    fn floating(&mut self, number: f64, form: char, precision: Option<usize>) -> Printed {
        let precision = self.flags.precision.or(precision);
        self.budget.make(precision.unwrap_or(0) + 24)?;
        let shown = super::float(number, form, precision);
        let (sign, mut digits) = match shown.strip_prefix(['-', '+']) {
            Some(digits) if shown.starts_with('-') => ('-', digits.to_owned()),
            Some(digits) => ('+', digits.to_owned()),
            None => ('+', shown),
        };
        let sign = if sign == '+' && self.flags.space && !self.flags.plus { ' ' } else { sign };
        if !number.is_finite() {
            let shown_sign = number.is_infinite() || self.flags.plus || self.flags.space;
            return self.pad_without_zeros(if shown_sign { format!("{sign}{digits}") } else { digits });
        }
        if self.flags.sharp && form != 'b' {
            digits = integer::with_point(&digits, form, precision);
        }
        if !self.flags.plus && sign == '+' {
            return self.pad(digits);
        }
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(digits.len() + 1));
        if self.flags.zero && !self.flags.minus && missing > 0 {
            // the sign stands before the zeros
            self.put(sign.to_string())?;
            self.fill(missing)?;
            return self.put(digits);
        }
        self.pad(format!("{sign}{digits}"))
    }

    pub(super) fn hexadecimal(&mut self, number: u64, sharp: bool) -> Printed {
        let before = std::mem::replace(&mut self.flags.sharp, sharp);
        let printed = self.digits(number, 16, false, 'v');
        self.flags.sharp = before;
        printed
    }

    pub(super) fn integer(&mut self, value: &Value, number: u64, signed: bool, verb: char) -> Printed {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hexadecimal(number, true),
            'v' | 'd' => self.digits(number, 10, signed, verb),
            'b' => self.digits(number, 2, signed, verb),
            'o' | 'O' => self.digits(number, 8, signed, verb),
            'x' | 'X' => self.digits(number, 16, signed, verb),
            'c' => self.pad(letter(number).to_string()),
            'q' => self.pad(quote::quoted_letter(letter(number), self.flags.plus)),
            'U' => self.pad_without_zeros(integer::code_point(number, self.flags)),
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, number: u64, radix: u32, signed: bool, verb: char) -> Printed {
        self.budget.make(self.flags.precision.unwrap_or(0).max(self.flags.width.unwrap_or(0)))?;
        let shown = integer::digits(number, radix, signed, verb, self.flags);
        self.pad_without_zeros(shown)
    }
}
