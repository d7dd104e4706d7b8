//! Go's grammar of regular expressions (`regexp/syntax`, with Perl's extensions), and what an expression is in the grammar of the
//! `regex` crate.

mod class;
mod escape;
mod group;
mod part;

use part::{Part, Repeat};

use super::classes;
use crate::functions::runes;

/// How deep parts may stand in one another. Go allows 1000; this is what fits the stack of any thread.
pub const MAX_HEIGHT: u32 = 250;
/// How many instructions an expression may compile to in Go.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// How often a part may be repeated, those around it counted in.
const MAX_REPEAT: u32 = 1000;

/// Why an expression is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    code: &'static str,
    part: Vec<u8>,
}

impl SyntaxError {
    fn new(code: &'static str, part: &[u8]) -> Self {
        Self { code, part: part.to_vec() }
    }

    /// What is said of an expression that would take too much memory.
    pub fn too_large(expression: &[u8]) -> Self {
        Self::new("expression too large", expression)
    }

    /// Go's error text.
    pub fn shown(&self) -> Vec<u8> {
        [b"error parsing regexp: ", self.code.as_bytes(), b": `", &self.part, b"`"].concat()
    }
}

/// An expression in the grammar of the `regex` crate.
#[derive(Debug)]
pub struct Parsed {
    pub pattern: String,
    /// How many groups it has.
    pub groups: usize,
    /// The names of groups.
    pub names: Vec<(Vec<u8>, usize)>,
    /// How many states it compiles to, about.
    pub weight: u64,
}

/// The name by which a group is found again.
pub fn group_label(group: usize) -> String {
    format!("g{group}")
}

/// The flags that `(?imsU)` sets.
#[derive(Clone, Copy, Default)]
struct Flags(u8);

impl Flags {
    const FOLD: u8 = 1;
    const MULTI_LINE: u8 = 2;
    const DOT_ALL: u8 = 4;
    const UNGREEDY: u8 = 8;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    fn set(&mut self, flag: u8, on: bool) {
        self.0 = if on { self.0 | flag } else { self.0 & !flag };
    }
}

/// A group that is still open, or the whole.
struct Group {
    /// The flags to go back to when it closes.
    flags: Flags,
    /// Its number, where it is captured.
    number: Option<usize>,
    alternatives: Vec<Part>,
    items: Vec<Part>,
}

impl Group {
    fn new(flags: Flags, number: Option<usize>) -> Self {
        Self { flags, number, alternatives: Vec::new(), items: Vec::new() }
    }
}

struct Parser<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    flags: Flags,
    /// Those that are open, the innermost last; the whole is apart.
    open: Vec<Group>,
    top: Group,
    groups: usize,
    names: Vec<(Vec<u8>, usize)>,
}

/// The expression, or why it is none.
pub fn parse(expression: &[u8]) -> Result<Parsed, SyntaxError> {
    let flags = Flags::default();
    let top = Group::new(flags, None);
    let mut parser = Parser { whole: expression, rest: expression, flags, open: Vec::new(), top, groups: 0, names: Vec::new() };
    // what a repetition that follows another at once began with
    let mut last_repeat: Option<&[u8]> = None;
    while let Some(byte) = parser.rest.first() {
        let before = parser.rest;
        let repeat = match byte {
            b'*' => Some(Repeat::Star),
            b'+' => Some(Repeat::Plus),
            b'?' => Some(Repeat::Quest),
            b'{' => parser.counted(),
            _ => None,
        };
        match repeat {
            Some(repeat) => {
                parser.repeat(repeat, before, last_repeat)?;
                last_repeat = Some(before);
            }
            None => {
                parser.item(*byte)?;
                last_repeat = None;
            }
        }
    }
    if !parser.open.is_empty() {
        return Err(SyntaxError::new("missing closing )", expression));
    }
    let whole = part::alternated(parser.top.alternatives, parser.top.items);
    let whole = whole.checked(expression)?;
    Ok(Parsed { pattern: whole.pattern, groups: parser.groups, names: parser.names, weight: whole.weight })
}

impl<'a> Parser<'a> {
    /// What was read since.
    fn read_since(&self, before: &'a [u8]) -> &'a [u8] {
        before.get(..before.len() - self.rest.len()).unwrap_or(before)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or(&[]);
    }

    /// The next rune, which must be one. At the end U+FFFD, and nothing is read.
    fn rune(&mut self) -> Result<char, SyntaxError> {
        let Some((rune, length)) = runes::first(self.rest) else { return Ok(runes::BROKEN) };
        if rune == runes::BROKEN && length == 1 {
            return Err(SyntaxError::new("invalid UTF-8", self.rest));
        }
        self.skip(length);
        Ok(rune)
    }

    fn group(&mut self) -> &mut Group {
        self.open.last_mut().unwrap_or(&mut self.top)
    }

    fn push(&mut self, part: Part) -> Result<(), SyntaxError> {
        let part = part.checked(self.whole)?;
        self.group().items.push(part);
        Ok(())
    }

    fn literal(&mut self, code: u32) -> Result<(), SyntaxError> {
        let fold = self.flags.has(Flags::FOLD);
        self.push(Part::literal(code, fold))
    }

    /// What begins with this byte and is no repetition.
    fn item(&mut self, byte: u8) -> Result<(), SyntaxError> {
        match byte {
            b'(' => self.open_group()?,
            b')' => self.close_group()?,
            b'|' => {
                self.skip(1);
                let group = self.group();
                let items = std::mem::take(&mut group.items);
                group.alternatives.push(part::concatenated(items));
            }
            b'^' | b'$' | b'.' => {
                self.skip(1);
                let (multi_line, dot_all) = (self.flags.has(Flags::MULTI_LINE), self.flags.has(Flags::DOT_ALL));
                self.push(Part::atom(match (byte, multi_line, dot_all) {
                    (b'^', false, _) => r"\A",
                    (b'^', true, _) => "(?m:^)",
                    (b'$', false, _) => r"\z",
                    (b'$', true, _) => "(?m:$)",
                    (_, _, true) => "(?s:.)",
                    (_, _, false) => r"[^\n]",
                }))?;
            }
            b'[' => self.class()?,
            b'\\' => self.escape()?,
            _ => {
                let rune = self.rune()?;
                self.literal(u32::from(rune))?;
            }
        }
        Ok(())
    }

    /// Repeats the last item.
    fn repeat(&mut self, repeat: Repeat, before: &'a [u8], last: Option<&'a [u8]>) -> Result<(), SyntaxError> {
        if !matches!(repeat, Repeat::Counted(..)) {
            self.skip(1);
        }
        if let Repeat::Counted(least, most) = repeat
            && (least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least))
        {
            return Err(SyntaxError::new("invalid repeat count", self.read_since(before)));
        }
        let mut greedy = !self.flags.has(Flags::UNGREEDY);
        if self.rest.first() == Some(&b'?') {
            self.skip(1);
            greedy = !greedy;
        }
        if let Some(last) = last {
            return Err(SyntaxError::new("invalid nested repetition operator", self.read_since(last)));
        }
        let read = self.read_since(before);
        let Some(item) = self.group().items.pop() else {
            return Err(SyntaxError::new("missing argument to repetition operator", read));
        };
        let repeated = item.repeated(repeat, greedy);
        if repeated.repeats > MAX_REPEAT && repeat.is_multiple() {
            return Err(SyntaxError::new("invalid repeat count", read));
        }
        self.push(repeated)
    }

    /// `{2}`, `{2,}` and `{2,3}`; what looks otherwise is a brace, and nothing is read.
    fn counted(&mut self) -> Option<Repeat> {
        let rest = self.rest.get(1..)?;
        let (least, rest) = count(rest)?;
        let (most, rest) = match rest {
            [b',', b'}', ..] => (None, rest.get(1..)?),
            [b',', ..] => {
                let (most, rest) = count(rest.get(1..)?)?;
                (Some(most), rest)
            }
            _ => (Some(least), rest),
        };
        self.rest = rest.strip_prefix(b"}")?;
        Some(Repeat::Counted(least, most))
    }
}

/// A number without leading zeros; more than a hundred million is too much to tell apart.
fn count(text: &[u8]) -> Option<(u32, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    if digits.is_empty() || digits.len() > 1 && digits.starts_with(b"0") {
        return None;
    }
    Some((str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX), rest))
}
