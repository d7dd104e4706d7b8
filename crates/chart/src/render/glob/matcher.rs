//! What matches a part of a pattern: whether a text is it, and where in a text it begins and which lengths it can have there.

use bstr::ByteSlice as _;

use super::Stop;
use crate::functions::runes::{BROKEN, Runes, first};

/// What matches. Where another matcher asks for a length, those in letters are in letters, and those of [`Matcher::index`] in bytes.
#[derive(Clone)]
pub(super) enum Matcher {
    Nothing,
    Text(String),
    One,
    Name,
    Anything,
    Listed {
        not: bool,
        letters: Vec<char>,
    },
    Between {
        not: bool,
        low: char,
        high: char,
    },
    Either(Vec<Matcher>),
    /// So many letters at least, or at most.
    AtLeast(usize),
    AtMost(usize),
    /// A text is in it, or is not.
    Has {
        text: String,
        not: bool,
    },
    Every(Vec<Matcher>),
    BeginsWith(String),
    EndsWith(String),
    /// The beginning and the end may share letters.
    BeginsAndEnds(String, String),
    /// A name, and a text that ends it.
    NameThen(String),
    ThenName(String),
    /// Parts that each have a length.
    Row {
        length: usize,
        parts: Vec<Matcher>,
    },
    Tree(Box<Tree>),
}

/// One that is looked for, and what stands left and right of it.
#[derive(Clone)]
pub(super) struct Tree {
    pub value: Matcher,
    pub left: Option<Matcher>,
    pub right: Option<Matcher>,
    length: Option<usize>,
    /// How much at each side is left alone while it is looked for.
    left_length: usize,
    right_length: usize,
}

/// Where one begins, and at which lengths it can end there.
type Places = Option<(usize, Vec<usize>)>;

pub(super) fn spend(steps: &mut u64, count: u64) -> Result<(), Stop> {
    *steps = steps.checked_sub(count).ok_or(Stop::Steps)?;
    Ok(())
}

/// Each letter and where it begins.
fn letters(text: &[u8]) -> impl Iterator<Item = (usize, char)> {
    let next = |at: &mut usize, (letter, bytes): (char, &[u8])| {
        let here = *at;
        *at += bytes.len();
        Some((here, letter))
    };
    Runes(text).scan(0, next)
}

/// Each place where a letter begins, from an offset on, and the end.
fn places(text: &[u8], offset: usize) -> Vec<usize> {
    letters(text).map(|(at, _)| offset + at).chain([offset + text.len()]).collect()
}

/// Where each letter ends, as long as one that is broken is written.
fn ends(text: &[u8], offset: usize) -> Vec<usize> {
    letters(text).map(|(at, letter)| offset + at + letter.len_utf8()).collect()
}

impl Matcher {
    /// How many letters it has, where that is known.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Nothing => Some(0),
            Self::Text(text) => Some(text.chars().count()),
            Self::One | Self::Listed { .. } | Self::Between { .. } => Some(1),
            Self::Row { length, .. } => Some(*length),
            Self::Tree(tree) => tree.length,
            Self::Either(choices) => {
                // those of no length are forgotten that stand before the first that has one
                let mut known = choices.iter().map(Self::length).skip_while(Option::is_none);
                let length = known.next()??;
                known.all(|other| other == Some(length)).then_some(length)
            }
            _ => None,
        }
    }

    /// Whether one letter is it; no letter is what Go reads at the end of a text.
    fn takes(&self, letter: char) -> bool {
        match self {
            Self::One => letter != '/',
            Self::Listed { not, letters } => letters.contains(&letter) != *not,
            Self::Between { not, low, high } => (*low..=*high).contains(&letter) != *not,
            _ => false,
        }
    }

    /// Whether a text is it.
    pub(super) fn matches(&self, text: &[u8], steps: &mut u64) -> Result<bool, Stop> {
        spend(steps, 1 + text.len() as u64 / 16)?;
        let is_name = |text: &[u8]| !text.contains(&b'/');
        Ok(match self {
            Self::Nothing => text.is_empty(),
            Self::Text(own) => own.as_bytes() == text,
            Self::One | Self::Listed { .. } | Self::Between { .. } => {
                let (letter, width) = first(text).unwrap_or((BROKEN, 0));
                text.len() <= width && self.takes(letter)
            }
            Self::Name => is_name(text),
            Self::Anything => true,
            Self::AtLeast(least) => Runes(text).count() >= *least,
            Self::AtMost(most) => Runes(text).count() <= *most,
            Self::Has { text: own, not } => text.contains_str(own) != *not,
            Self::BeginsWith(begin) => text.starts_with(begin.as_bytes()),
            Self::EndsWith(end) => text.ends_with(end.as_bytes()),
            Self::BeginsAndEnds(begin, end) => text.starts_with(begin.as_bytes()) && text.ends_with(end.as_bytes()),
            Self::NameThen(end) => text.strip_suffix(end.as_bytes()).is_some_and(is_name),
            Self::ThenName(begin) => text.strip_prefix(begin.as_bytes()).is_some_and(is_name),
            Self::Either(choices) => {
                for choice in choices {
                    if choice.matches(text, steps)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Every(parts) => {
                for part in parts {
                    if !part.matches(text, steps)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Row { length, parts } => Runes(text).count() == *length && row_begins(parts, text, steps)?,
            Self::Tree(tree) => tree.matches(text, steps)?,
        })
    }

    /// Where it is first found.
    fn index(&self, text: &[u8], steps: &mut u64) -> Result<Places, Stop> {
        spend(steps, 1 + text.len() as u64 / 4)?;
        let name = |text: &'_ [u8]| text.find_byte(b'/').unwrap_or(text.len());
        Ok(match self {
            Self::Nothing => Some((0, vec![0])),
            Self::Text(own) => text.find(own).map(|at| (at, vec![own.len()])),
            Self::One | Self::Listed { .. } | Self::Between { .. } => {
                letters(text).find(|(_, letter)| self.takes(*letter)).map(|(at, letter)| (at, vec![letter.len_utf8()]))
            }
            Self::Name => Some((0, places(&text[..name(text)], 0))),
            Self::Anything => Some((0, places(text, 0))),
            Self::AtLeast(least) => {
                let lengths: Vec<usize> = ends(text, 0).into_iter().skip(least.saturating_sub(1)).collect();
                (text.len() >= *least && !lengths.is_empty()).then_some((0, lengths))
            }
            Self::AtMost(most) => Some((0, std::iter::once(0).chain(ends(text, 0).into_iter().take(*most)).collect())),
            Self::Has { text: own, not: true } => Some((0, places(&text[..text.find(own).unwrap_or(text.len())], 0))),
            Self::Has { text: own, not: false } => text.find(own).map(|at| (0, places(&text[at + own.len()..], at + own.len()))),
            Self::BeginsWith(begin) => text.find(begin).map(|at| (at, then(begin.len(), &text[at + begin.len()..]))),
            Self::ThenName(begin) => text.find(begin).map(|at| {
                let rest = &text[at + begin.len()..];
                (at, then(begin.len(), &rest[..name(rest)]))
            }),
            Self::EndsWith(end) => text.find(end).map(|at| (0, vec![at + end.len()])),
            Self::NameThen(end) => text.find(end).map(|at| {
                let from = text[..at].rfind_byte(b'/').map_or(0, |slash| slash + 1);
                (from, vec![at + end.len() - from])
            }),
            Self::BeginsAndEnds(begin, end) => text.find(begin).and_then(|at| {
                let mut lengths = Vec::new();
                let mut rest = &text[at..];
                while let Some(found) = rest.rfind(end) {
                    lengths.push(found + end.len());
                    rest = &rest[..found];
                }
                lengths.reverse();
                (!lengths.is_empty()).then_some((at, lengths))
            }),
            Self::Either(choices) => first_of(choices, text, steps)?,
            Self::Every(parts) => common_to(parts, text, steps)?,
            Self::Row { length, parts } => {
                for at in places(text, 0) {
                    let rest = &text[at..];
                    if rest.is_empty() || rest.len() < *length {
                        break;
                    }
                    if row_begins(parts, rest, steps)? {
                        // letters, where bytes are meant
                        return Ok(Some((at, vec![*length])));
                    }
                }
                None
            }
            // it is never found in another
            Self::Tree(_) => None,
        })
    }
}

/// The length of a beginning, and each with letters behind it.
fn then(begin: usize, rest: &[u8]) -> Vec<usize> {
    std::iter::once(begin).chain(ends(rest, begin)).collect()
}

/// Whether parts of known lengths stand at the beginning of a text.
fn row_begins(parts: &[Matcher], text: &[u8], steps: &mut u64) -> Result<bool, Stop> {
    let mut rest = text;
    for part in parts {
        let length = part.length().unwrap_or(0);
        let (mut count, mut last, mut at) = (0, 0, 0);
        for (_, bytes) in Runes(rest) {
            (count, last, at) = (count + 1, at, at + bytes.len());
            if count == length {
                break;
            }
        }
        spend(steps, 1 + at as u64 / 16)?;
        if count < length {
            return Ok(false);
        }
        // of the last letter its first byte is taken alone
        let Some((own, after)) = rest.split_at_checked(last + 1) else {
            let (end, there) = (text.len() - rest.len() + last + 1, text.len());
            return Err(Stop::Panic(format!("runtime error: slice bounds out of range [:{end}] with length {there}")));
        };
        if !part.matches(own, steps)? {
            return Ok(false);
        }
        rest = after;
    }
    Ok(true)
}

/// Where the first of several is found, with the lengths of all that are found there.
fn first_of(choices: &[Matcher], text: &[u8], steps: &mut u64) -> Result<Places, Stop> {
    let mut best: Places = None;
    for choice in choices {
        let Some((at, lengths)) = choice.index(text, steps)? else { continue };
        match &mut best {
            Some((found, _)) if *found < at => {}
            Some((found, all)) if *found == at => {
                all.extend(lengths);
                all.sort_unstable();
                all.dedup();
            }
            _ => best = Some((at, lengths)),
        }
    }
    Ok(best)
}

/// Where several are found at once, with the lengths that they have in common.
fn common_to(parts: &[Matcher], text: &[u8], steps: &mut u64) -> Result<Places, Stop> {
    let (mut index, mut offset) = (0, 0);
    let (mut common, mut rest): (Vec<usize>, _) = (Vec::new(), text);
    for (place, part) in parts.iter().enumerate() {
        let Some((at, lengths)) = part.index(rest, steps)? else { return Ok(None) };
        if place == 0 {
            common = lengths;
        } else {
            spend(steps, (common.len() * lengths.len()) as u64 / 16)?;
            let moved = |length: usize| (length + index).checked_sub(at + offset);
            common = common.into_iter().filter_map(moved).filter(|length| lengths.contains(length)).collect();
            if common.is_empty() {
                return Ok(None);
            }
        }
        index = at + offset;
        rest = text.get(index..).unwrap_or(&[]);
        offset += at;
    }
    Ok(Some((index, common)))
}

impl Tree {
    pub(super) fn new(value: Matcher, left: Option<Matcher>, right: Option<Matcher>) -> Self {
        let side = |side: &Option<Matcher>| side.as_ref().map_or(Some(0), Matcher::length);
        let (left_length, right_length) = (side(&left), side(&right));
        let length = value.length().and_then(|length| Some(length + left_length? + right_length?));
        Self { value, left, right, length, left_length: left_length.unwrap_or(0), right_length: right_length.unwrap_or(0) }
    }

    fn matches(&self, text: &[u8], steps: &mut u64) -> Result<bool, Stop> {
        if self.length.is_some_and(|length| length > text.len()) {
            return Ok(false);
        }
        let is = |side: &Option<Matcher>, text: &[u8], steps: &mut u64| match side {
            Some(matcher) => matcher.matches(text, steps),
            None => Ok(text.is_empty()),
        };
        let limit = text.len().saturating_sub(self.right_length);
        let mut offset = self.left_length;
        while offset < limit {
            let Some((at, lengths)) = self.value.index(&text[offset..limit], steps)? else { return Ok(false) };
            let at = offset + at;
            if is(&self.left, &text[..at], steps)? {
                for length in lengths.iter().rev() {
                    if is(&self.right, text.get(at + length..).unwrap_or(&[]), steps)? {
                        return Ok(true);
                    }
                }
            }
            offset = at + first(&text[at..]).map_or(0, |(_, width)| width);
            if at == text.len() {
                break;
            }
        }
        Ok(false)
    }
}
