//! How matches follow one another, and what replaces them.

use super::search::Searcher;
use crate::{
    budget::{Budget, Exhausted},
    functions::runes::{self, Runes},
    value::Str,
};

/// A text that is searched. Where it is not UTF-8, each byte that begins no character is searched as U+FFFD, as Go reads it.
pub struct Subject {
    text: Str,
    /// The text as UTF-8 and, for each place in it where a character begins, the place in the text; none where they are the same.
    mended: Option<(String, Vec<usize>)>,
}

impl Subject {
    pub fn new(text: Str, budget: &mut Budget) -> Result<Self, Exhausted> {
        budget.scan(text.len())?;
        if str::from_utf8(text.as_bytes()).is_ok() {
            return Ok(Self { text, mended: None });
        }
        budget.make(text.len().saturating_mul(32))?;
        let (mut utf8, mut places, mut at) = (String::new(), Vec::new(), 0);
        for (rune, bytes) in Runes(text.as_bytes()) {
            places.resize(utf8.len() + rune.len_utf8(), at);
            utf8.push(rune);
            at += bytes.len();
        }
        places.push(at);
        Ok(Self { text, mended: Some((utf8, places)) })
    }

    /// The text as it is searched; places are places in this.
    pub fn searched(&self) -> &str {
        match &self.mended {
            Some((utf8, _)) => utf8,
            None => str::from_utf8(self.text.as_bytes()).unwrap_or(""),
        }
    }

    /// How long it is, as it is searched.
    pub fn len(&self) -> usize {
        self.searched().len()
    }

    /// A part of the text itself.
    pub fn part(&self, start: usize, end: usize) -> &[u8] {
        let place = |at: usize| match &self.mended {
            Some((_, places)) => places.get(at).copied().unwrap_or(self.text.len()),
            None => at,
        };
        self.text.as_bytes().get(place(start)..place(end)).unwrap_or(&[])
    }

    /// How many bytes the character at a place takes; none at the end.
    fn width(&self, at: usize) -> usize {
        self.searched().get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
    }
}

/// All matches, or so many where the count is not negative. An empty one directly after another counts as none.
pub fn all(expression: &mut Searcher, subject: &Subject, count: i64, budget: &mut Budget) -> Result<Vec<(usize, usize)>, Exhausted> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let (mut found, mut at, mut previous_end) = (Vec::new(), 0, None);
    while found.len() < most && at <= subject.len() {
        let Some((start, end)) = expression.find(subject, at, budget)? else { break };
        let is_repeated = end == at && Some(start) == previous_end;
        at = match (end == at, subject.width(at)) {
            (false, _) => end,
            (true, 0) => subject.len() + 1,
            (true, width) => at + width,
        };
        previous_end = Some(end);
        if !is_repeated {
            budget.make(size_of::<(usize, usize)>())?;
            found.push((start, end));
        }
    }
    Ok(found)
}

/// A part of a replacement.
enum Piece<'a> {
    Text(&'a [u8]),
    Group(usize),
    Named(&'a [u8]),
}

/// What stands for a match.
pub struct Replacement<'a>(Vec<Piece<'a>>);

impl<'a> Replacement<'a> {
    /// The text as it is.
    pub fn literal(text: &'a [u8]) -> Self {
        Self(vec![Piece::Text(text)])
    }

    /// A text in which `$1`, `$name` and `${name}` stand for groups, `$$` for a dollar.
    pub fn parse(mut text: &'a [u8]) -> Self {
        let mut pieces = Vec::new();
        while let Some(at) = text.iter().position(|byte| *byte == b'$') {
            pieces.push(Piece::Text(text.get(..at).unwrap_or(&[])));
            let dollar = text.get(at..=at).unwrap_or(&[]);
            text = text.get(at + 1..).unwrap_or(&[]);
            if text.first() == Some(&b'$') {
                pieces.push(Piece::Text(dollar));
                text = text.get(1..).unwrap_or(&[]);
            } else if let Some((name, rest)) = group_name(text) {
                pieces.push(number(name).map_or(Piece::Named(name), Piece::Group));
                text = rest;
            } else {
                pieces.push(Piece::Text(dollar));
            }
        }
        pieces.push(Piece::Text(text));
        Self(pieces)
    }

    fn has_groups(&self) -> bool {
        self.0.iter().any(|piece| !matches!(piece, Piece::Text(_)))
    }
}

/// The longest name of letters, digits and underscores, in braces or not.
fn group_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"{");
    let name = inner.unwrap_or(text);
    let belongs = |rune: char| runes::is_letter(rune) || runes::is_digit(rune) || rune == '_';
    let length = Runes(name).take_while(|(rune, _)| belongs(*rune)).map(|(_, bytes)| bytes.len()).sum();
    let (name, rest) = name.split_at_checked(length)?;
    let rest = if inner.is_some() { rest.strip_prefix(b"}")? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

fn number(name: &[u8]) -> Option<usize> {
    let is_number = name.iter().all(u8::is_ascii_digit) && (name.len() == 1 || !name.starts_with(b"0")) && name.len() <= 9;
    str::from_utf8(name).ok()?.parse().ok().filter(|_| is_number)
}

/// The text with every match replaced.
pub fn replaced(
    expression: &mut Searcher,
    subject: &Subject,
    replacement: &Replacement<'_>,
    budget: &mut Budget,
) -> Result<Vec<u8>, Exhausted> {
    let (mut out, mut last_end, mut at) = (Vec::new(), 0, 0);
    let add = |out: &mut Vec<u8>, text: &[u8], budget: &mut Budget| {
        budget.make(text.len())?;
        out.extend(text);
        Ok::<_, Exhausted>(())
    };
    let with_groups = replacement.has_groups();
    while at <= subject.len() {
        let found = if with_groups {
            expression.groups(subject, at, budget)?
        } else {
            expression.find(subject, at, budget)?.map(|whole| vec![Some(whole)])
        };
        let Some(groups) = found else { break };
        let (start, end) = groups.first().copied().flatten().unwrap_or((at, at));
        add(&mut out, subject.part(last_end, start), budget)?;
        if end > last_end || start == 0 {
            budget.step(replacement.0.len() as u64)?;
            for piece in &replacement.0 {
                let group = match piece {
                    Piece::Text(text) => {
                        add(&mut out, text, budget)?;
                        continue;
                    }
                    Piece::Group(group) => groups.get(*group).copied().flatten(),
                    Piece::Named(name) => expression.program().named(name).find_map(|group| groups.get(group).copied().flatten()),
                };
                if let Some((start, end)) = group {
                    add(&mut out, subject.part(start, end), budget)?;
                }
            }
        }
        last_end = end;
        at = match subject.width(at) {
            width if at + width > end => at + width,
            _ if at + 1 > end => at + 1,
            _ => end,
        };
    }
    add(&mut out, subject.part(last_end, subject.len()), budget)?;
    Ok(out)
}
