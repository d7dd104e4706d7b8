//! Case: of letters, of words, and the ways to write several words as one.

use crate::{
    function::{Fault, Scope},
    functions::{
        arguments::{spend, text},
        runes::{self, Runes},
    },
    value::Value,
};

pub fn upper(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    mapped(scope, arguments, runes::upper)
}

pub fn lower(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    mapped(scope, arguments, runes::lower)
}

/// Each letter that begins a word as a title's.
pub fn title(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let mut before = ' ';
    mapped(scope, arguments, |rune| {
        let begins = separates(before);
        before = rune;
        if begins { runes::title(rune) } else { rune }
    })
}

/// The first letter of each word between spaces in lower case.
pub fn untitle(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let mut begins = true;
    mapped(scope, arguments, |rune| {
        if runes::is_space(rune) {
            begins = true;
            rune
        } else if std::mem::take(&mut begins) {
            runes::lower(rune)
        } else {
            rune
        }
    })
}

/// Small letters become great ones, those that begin a word titles; all others small.
pub fn swapcase(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let mut after_space = true;
    mapped(scope, arguments, |rune| {
        if runes::is_upper(rune) || runes::is_title(rune) {
            after_space = false;
            runes::lower(rune)
        } else if runes::is_lower(rune) {
            if std::mem::take(&mut after_space) { runes::title(rune) } else { runes::upper(rune) }
        } else {
            after_space = runes::is_space(rune);
            rune
        }
    })
}

fn mapped(scope: &mut Scope<'_>, arguments: &[Value], map: impl FnMut(char) -> char) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 3 * text.len())?;
    Ok(Value::str(runes::encoded(runes::runes(text.as_bytes()).map(map))))
}

fn separates(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    !runes::is_letter(rune) && !runes::is_digit(rune) && runes::is_space(rune)
}

pub fn snakecase(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    lowered(scope, arguments, '_')
}

pub fn kebabcase(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    lowered(scope, arguments, '-')
}

/// Words joined, each with a great letter; what leads is kept. Runs of great letters keep only their first.
pub fn camelcase(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 3 * text.len())?;
    let mut out = String::new();
    let mut rest = runes::runes(text.as_bytes());
    let mut current = None;
    let mut in_capitals = false;
    for rune in rest.by_ref() {
        if connects(rune) {
            out.push(rune);
            current = Some(rune);
        } else {
            in_capitals = runes::is_upper(rune);
            current = Some(runes::upper(rune));
            break;
        }
    }
    // a text of connectors alone has its last one twice
    let Some(mut current) = current else { return Ok(Value::str("")) };
    for rune in rest {
        let before = std::mem::replace(&mut current, rune);
        if connects(rune) && connects(before) {
            out.push(before);
        } else if connects(before) {
            in_capitals = runes::is_upper(rune);
            current = runes::upper(rune);
        } else {
            if in_capitals {
                in_capitals = runes::is_upper(rune);
                current = if in_capitals { runes::lower(rune) } else { rune };
            }
            out.push(before);
        }
    }
    out.push(current);
    Ok(Value::str(out))
}

fn connects(rune: char) -> bool {
    rune == '-' || rune == '_' || runes::is_space(rune)
}

/// A letter of a script that has words: no Chinese character.
fn is_alphabetic(rune: char) -> bool {
    runes::is_letter(rune) && !matches!(rune, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}')
}

/// What a run of a text is, when words are looked for in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Nothing,
    Number,
    /// Great letters, or one and the small ones after it.
    Capital,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// A run, and the text that it takes.
type Word<'a> = (Run, &'a [u8]);

/// The next rune that is one, with the bytes before it that are none; the one before again where no more comes.
fn valid(text: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    for (rune, bytes) in Runes(text) {
        size += bytes.len();
        if rune != runes::BROKEN {
            return (rune, size);
        }
    }
    (before, size)
}

/// Where a run ends that goes on while `belongs` holds.
fn run_end(text: &[u8], mut at: usize, mut rune: char, belongs: impl Fn(char) -> bool) -> usize {
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (next, size) = valid(rest, rune);
        if !belongs(next) {
            break;
        }
        rune = next;
        at += size;
    }
    at
}

fn next_word(text: &[u8]) -> (Word<'_>, &[u8]) {
    let (rune, size) = valid(text, runes::BROKEN);
    let small = |rune| is_alphabetic(rune) && !runes::is_upper(rune);
    let (run, end) = if rune == runes::BROKEN {
        (Run::Nothing, size)
    } else if connects(rune) {
        (Run::Connector, run_end(text, size, rune, connects))
    } else if runes::is_punctuation(rune) {
        (Run::Punctuation, run_end(text, size, rune, runes::is_punctuation))
    } else if runes::is_upper(rune) {
        (Run::Capital, capital_end(text, size, rune))
    } else if is_alphabetic(rune) {
        (Run::Letters, run_end(text, size, rune, small))
    } else if runes::is_number(rune) {
        (Run::Number, run_end(text, size, rune, runes::is_number))
    } else {
        let other = |rune| !connects(rune) && !is_alphabetic(rune) && !runes::is_number(rune) && !runes::is_punctuation(rune);
        (Run::Other, run_end(text, size, rune, other))
    };
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    ((run, word), rest)
}

/// `HTTPStatus` is `HTTP` and `Status`: the last great letter of a run belongs to the small ones after it.
fn capital_end(text: &[u8], at: usize, rune: char) -> usize {
    let rest = text.get(at..).unwrap_or(&[]);
    if rest.is_empty() {
        return at;
    }
    let (second, size) = valid(rest, rune);
    if !runes::is_upper(second) {
        return if is_alphabetic(second) {
            run_end(text, at + size, second, |rune| is_alphabetic(rune) && !runes::is_upper(rune))
        } else {
            at
        };
    }
    let (mut end, mut last, mut rune) = (at + size, size, second);
    while let Some(rest) = text.get(end..).filter(|rest| !rest.is_empty()) {
        let (next, size) = valid(rest, rune);
        rune = next;
        if !runes::is_upper(next) {
            return if is_alphabetic(next) { end - last } else { end };
        }
        last = size;
        end += size;
    }
    end
}

/// The text as it is taken apart into words.
struct Words<'a> {
    out: Vec<u8>,
    connector: char,
    run: Run,
    word: &'a [u8],
    rest: &'a [u8],
}

impl Words<'_> {
    fn advance(&mut self) {
        ((self.run, self.word), self.rest) = next_word(self.rest);
    }

    fn connect(&mut self) {
        let mut buffer = [0; 4];
        self.out.extend(self.connector.encode_utf8(&mut buffer).as_bytes());
    }

    fn connect_unless(&mut self, runs: &[Run]) {
        if !runs.contains(&self.run) {
            self.connect();
        }
    }

    fn put(&mut self, (run, word): Word<'_>) {
        if run != Run::Capital && run != Run::Connector {
            self.out.extend(word);
            return;
        }
        for rune in runes::runes(word) {
            let rune = match rune {
                rune if connects(rune) => self.connector,
                rune if runes::is_upper(rune) => runes::lower(rune),
                rune => rune,
            };
            let mut buffer = [0; 4];
            self.out.extend(rune.encode_utf8(&mut buffer).as_bytes());
        }
    }

    /// A number takes the letters and numbers after it with it.
    fn put_tail(&mut self) {
        while matches!(self.run, Run::Letters | Run::Number) {
            self.put((self.run, self.word));
            self.advance();
        }
        self.connect_unless(&[Run::Nothing, Run::Punctuation, Run::Connector]);
    }

    /// What follows a word: a number belongs to it (`Bld4Floor` is `bld4_floor`) unless small letters follow that (`http_2xx`).
    fn put_after_word(&mut self) {
        if self.run != Run::Number {
            return self.connect_unless(&[Run::Connector, Run::Punctuation]);
        }
        if self.rest.is_empty() {
            return;
        }
        let number = (Run::Number, self.word);
        self.advance();
        if self.run == Run::Letters {
            self.connect();
            self.put(number);
            self.put_tail();
        } else {
            self.put(number);
            self.connect_unless(&[Run::Connector, Run::Punctuation]);
        }
    }
}

fn lowered(scope: &mut Scope<'_>, arguments: &[Value], connector: char) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, 4 * text.len(), 4 * text.len())?;
    let mut words = Words { out: Vec::new(), connector, run: Run::Nothing, word: &[], rest: text.as_bytes() };
    words.advance();
    while !words.rest.is_empty() {
        let before = (words.run, words.word);
        if before.0 != Run::Connector {
            words.put(before);
        }
        words.advance();
        match before.0 {
            Run::Number => words.put_tail(),
            Run::Connector => words.put(before),
            Run::Punctuation => {}
            _ => words.put_after_word(),
        }
    }
    words.put((words.run, words.word));
    Ok(Value::str(words.out))
}
