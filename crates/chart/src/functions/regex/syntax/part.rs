//! Parts of an expression, written in the grammar of the `regex` crate.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{MAX_HEIGHT, MAX_SIZE, SyntaxError, classes::finished};

/// A part, and what the limits ask of it.
pub struct Part {
    pub pattern: String,
    /// Whether a repetition after the pattern is one of the whole part.
    is_atom: bool,
    /// How many parts deep it is.
    height: u32,
    /// How many instructions Go makes of it.
    size: u64,
    /// How many states the `regex` crate makes of it, about.
    pub weight: u64,
    /// How often what is in it is repeated, at most, by counted repetitions in one another.
    pub repeats: u32,
}

/// A repetition.
#[derive(Clone, Copy)]
pub enum Repeat {
    Star,
    Plus,
    Quest,
    /// So often at least, and at most where there is a most.
    Counted(u32, Option<u32>),
}

impl Repeat {
    /// Whether Go asks if it is repeated too often.
    pub fn is_multiple(self) -> bool {
        matches!(self, Self::Counted(2.., _) | Self::Counted(_, Some(2..)))
    }
}

impl Part {
    /// What matches one character, or a place.
    pub fn atom(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), is_atom: true, height: 1, size: 1, weight: 1, repeats: 0 }
    }

    /// A character by its number. Half characters (U+D800 …) can be written, but no text has them.
    pub fn literal(code: u32, fold: bool) -> Self {
        let Some(letter) = char::from_u32(code) else { return Self::class(&ClassUnicode::empty()) };
        if fold {
            let class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
            return Self::class(&finished(class, true, false));
        }
        Self::atom(&regex_syntax::escape(letter.encode_utf8(&mut [0; 4])))
    }

    /// A class of characters.
    pub fn class(class: &ClassUnicode) -> Self {
        let ranges = class.ranges();
        if ranges.is_empty() {
            return Self::atom("[a&&b]");
        }
        let mut pattern = String::from("[");
        for range in ranges {
            let (first, last) = (u32::from(range.start()), u32::from(range.end()));
            pattern.push_str(&format!(r"\x{{{first:x}}}-\x{{{last:x}}}"));
        }
        pattern.push(']');
        Self { weight: ranges.len() as u64, ..Self::atom(&pattern) }
    }

    /// A group; captured where it has a label.
    pub fn grouped(self, label: Option<&str>) -> Self {
        let (height, size) = if label.is_some() { (self.height + 1, self.size + 2) } else { (self.height, self.size) };
        let pattern = match label {
            Some(label) => format!("(?P<{label}>{})", self.pattern),
            None => format!("(?:{})", self.pattern),
        };
        Self { pattern, is_atom: true, height, size, weight: self.weight + 2, repeats: self.repeats }
    }

    /// The part repeated.
    pub fn repeated(self, repeat: Repeat, greedy: bool) -> Self {
        let operator = match repeat {
            Repeat::Star => "*".to_owned(),
            Repeat::Plus => "+".to_owned(),
            Repeat::Quest => "?".to_owned(),
            Repeat::Counted(least, Some(most)) => format!("{{{least},{most}}}"),
            Repeat::Counted(least, None) => format!("{{{least},}}"),
        };
        let size = match repeat {
            Repeat::Star | Repeat::Counted(0, None) => self.size + 2,
            Repeat::Plus | Repeat::Quest => self.size + 1,
            Repeat::Counted(least, None) => u64::from(least).saturating_mul(self.size) + 1,
            Repeat::Counted(least, Some(most)) => u64::from(most).saturating_mul(self.size) + u64::from(most - least.min(most)),
        };
        let times = match repeat {
            Repeat::Counted(least, most) => u64::from(most.unwrap_or(least)).max(1),
            _ => 1,
        };
        let repeats = match repeat {
            Repeat::Counted(_, Some(0)) => 0,
            Repeat::Counted(least, most) => match most.unwrap_or(least) {
                0 => self.repeats,
                count => count.saturating_mul(self.repeats.max(1)),
            },
            _ => self.repeats,
        };
        let weight = times.saturating_mul(self.weight + 1);
        let atom = if self.is_atom { self.pattern } else { format!("(?:{})", self.pattern) };
        let lazy = if greedy { "" } else { "?" };
        Self { pattern: format!("{atom}{operator}{lazy}"), is_atom: false, height: self.height + 1, size: size.max(1), weight, repeats }
    }

    /// The part, where it is within the limits.
    pub fn checked(self, expression: &[u8]) -> Result<Self, SyntaxError> {
        if self.height > MAX_HEIGHT {
            return Err(SyntaxError::new("expression nests too deeply", expression));
        }
        if self.size > MAX_SIZE {
            return Err(SyntaxError::too_large(expression));
        }
        Ok(self)
    }
}

/// Parts one after the other.
pub fn concatenated(parts: Vec<Part>) -> Part {
    combined(parts, "")
}

/// Alternatives, the last of them still in parts.
pub fn alternated(mut alternatives: Vec<Part>, items: Vec<Part>) -> Part {
    alternatives.push(concatenated(items));
    let more = alternatives.len() as u64 - 1;
    let mut all = combined(alternatives, "|");
    all.size = all.size.saturating_add(more);
    all
}

fn combined(mut parts: Vec<Part>, between: &str) -> Part {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let pattern = parts.iter().map(|part| part.pattern.as_str()).collect::<Vec<_>>().join(between);
    Part {
        pattern,
        is_atom: false,
        height: 1 + parts.iter().map(|part| part.height).max().unwrap_or(0),
        size: parts.iter().fold(0_u64, |size, part| size.saturating_add(part.size)).max(1),
        weight: parts.iter().fold(1_u64, |weight, part| weight.saturating_add(part.weight)),
        repeats: parts.iter().map(|part| part.repeats).max().unwrap_or(0),
    }
}
