//! `fmt.Sprintf`: the directives of a format.

use super::{
    printer::{Flags, Printer},
    unicode,
};
use crate::{
    budget::{Budget, Exhausted},
    value::{Str, Value},
};

/// The largest width and precision that Go takes.
const LARGEST: i64 = 1_000_000;

/// `fmt.Sprintf`.
pub fn sprintf(format: &[u8], arguments: &[Value], budget: &mut Budget) -> Result<Str, Exhausted> {
    budget.scan(format.len())?;
    let mut it = Directives { format, at: 0, arguments, argument: 0, reordered: false, good: true };
    let mut printer = Printer::new(Vec::with_capacity(format.len()), budget);
    while it.at < format.len() {
        it.next(&mut printer)?;
    }
    if !it.reordered && it.argument < arguments.len() {
        printer.flags = Flags::default();
        printer.put("%!(EXTRA ")?;
        for (place, argument) in arguments.iter().enumerate().skip(it.argument) {
            if place > it.argument {
                printer.put(", ")?;
            }
            match argument.ty() {
                None => printer.put("<nil>")?,
                Some(ty) => {
                    printer.put(ty.name)?;
                    printer.put("=")?;
                    printer.argument(argument, 'v')?;
                }
            }
        }
        printer.put(")")?;
    }
    Ok(Str::from(printer.out))
}

struct Directives<'a> {
    format: &'a [u8],
    at: usize,
    arguments: &'a [Value],
    /// Which argument is next.
    argument: usize,
    /// Whether an argument was taken by number: then Go does not tell which are left.
    reordered: bool,
    /// Whether the number in brackets, if any, was one of an argument.
    good: bool,
}

impl Directives<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// The text up to the next directive, and that directive.
    fn next(&mut self, printer: &mut Printer<'_>) -> Result<(), Exhausted> {
        self.good = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let plain = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.put(rest.get(..plain).unwrap_or_default())?;
        self.at += plain;
        if self.peek().is_none() {
            return Ok(());
        }
        self.at += 1;
        printer.flags = Flags::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => printer.flags.sharp = true,
                b'0' => printer.flags.zero = true,
                b'+' => printer.flags.plus = true,
                b'-' => printer.flags.minus = true,
                b' ' => printer.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        self.measures(printer)?;
        let (verb, width) = unicode::first(self.format.get(self.at..).unwrap_or_default());
        if width == 0 {
            return printer.put("%!(NOVERB)");
        }
        self.at += width;
        self.verb(printer, verb.unwrap_or('\u{fffd}'))
    }

    /// Width and precision, and the numbers in brackets before each.
    fn measures(&mut self, printer: &mut Printer<'_>) -> Result<(), Exhausted> {
        let mut after_index = self.bracket();
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.measure();
            if width.is_none() {
                printer.put("%!(BADWIDTH)")?;
            }
            if width.is_some_and(|width| width < 0) {
                printer.flags.minus = true;
                printer.flags.zero = false;
            }
            printer.flags.width = width.and_then(|width| usize::try_from(width.unsigned_abs()).ok());
            after_index = false;
        } else {
            printer.flags.width = self.number(self.format.len());
            if after_index && printer.flags.width.is_some() {
                self.good = false;
            }
        }
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            if after_index {
                self.good = false;
            }
            after_index = self.bracket();
            if self.peek() == Some(b'*') {
                self.at += 1;
                printer.flags.precision = self.measure().and_then(|precision| usize::try_from(precision).ok());
                if printer.flags.precision.is_none() {
                    printer.put("%!(BADPREC)")?;
                }
                after_index = false;
            } else {
                printer.flags.precision = Some(self.number(self.format.len()).unwrap_or(0));
            }
        }
        if !after_index {
            self.bracket();
        }
        Ok(())
    }

    fn verb(&mut self, printer: &mut Printer<'_>, verb: char) -> Result<(), Exhausted> {
        if verb == '%' {
            return printer.put("%");
        }
        if !self.good {
            return printer.put(format!("%!{verb}(BADINDEX)"));
        }
        let Some(argument) = self.arguments.get(self.argument) else {
            return printer.put(format!("%!{verb}(MISSING)"));
        };
        self.argument += 1;
        if matches!(verb, 'v' | 'w') {
            printer.flags.sharp_v = std::mem::take(&mut printer.flags.sharp);
            printer.flags.plus_v = std::mem::take(&mut printer.flags.plus);
        }
        printer.argument(argument, verb)
    }

    /// A number of the format that stands before this end; one that is too large takes all up to the end with it.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(|byte| byte.is_ascii_digit() && self.at < end) {
            let before = number.unwrap_or(0_i64);
            if before > LARGEST {
                self.at = end;
                return None;
            }
            number = Some(before * 10 + i64::from(digit - b'0'));
            self.at += 1;
        }
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// The argument that `*` takes.
    fn measure(&mut self) -> Option<i64> {
        let argument = self.arguments.get(self.argument)?;
        self.argument += 1;
        let number = match argument {
            Value::Int(number, _) => *number,
            Value::Uint(number, _) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (-LARGEST..=LARGEST).contains(&number).then_some(number)
    }

    /// `[n]`: the argument to take next. Whether there was a number in brackets.
    fn bracket(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let Some(close) = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3) else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let end = self.at + close;
        self.at += 1;
        let number = self.number(end);
        let whole = number.filter(|_| self.at == end);
        self.at = end + 1;
        match whole {
            Some(number) if (1..=self.arguments.len()).contains(&number) => {
                self.argument = number - 1;
                true
            }
            _ => {
                self.good = false;
                whole.is_some()
            }
        }
    }
}
