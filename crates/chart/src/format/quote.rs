//! Go's quoting (`strconv.Quote`, `strconv.Unquote`).

use super::unicode;

/// `strconv.Quote`: `%q` of a text.
pub fn quoted(text: &[u8]) -> String {
    quote_with(text, '"', false)
}

/// `strconv.QuoteToASCII`: `%+q` of a text.
pub fn quoted_ascii(text: &[u8]) -> String {
    quote_with(text, '"', true)
}

/// `strconv.QuoteRune`, or `strconv.QuoteRuneToASCII`: `%q` of a number.
pub fn quoted_letter(letter: char, ascii: bool) -> String {
    let mut out = String::from('\'');
    escape(&mut out, letter, '\'', ascii);
    out.push('\'');
    out
}

/// `strconv.CanBackquote`: whether the text could stand between backquotes as it is.
pub fn can_backquote(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let (letter, width) = unicode::first(text);
        match letter {
            None | Some('\u{feff}' | '`' | '\u{7f}') => return false,
            Some(letter) if letter < ' ' && letter != '\t' => return false,
            Some(_) => text = text.get(width..).unwrap_or_default(),
        }
    }
    true
}

fn quote_with(mut text: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    loop {
        let plain = text.iter().take_while(|byte| (b' '..=b'~').contains(*byte) && !matches!(**byte, b'"' | b'\'' | b'\\')).count();
        let (itself, rest) = text.split_at(plain);
        out.extend(itself.iter().map(|byte| char::from(*byte)));
        text = rest;
        let Some(&byte) = text.first() else { break };
        let (letter, width) = unicode::first(text);
        match letter {
            Some(letter) => escape(&mut out, letter, quote, ascii),
            None => hex(&mut out, 'x', u32::from(byte), 2),
        }
        text = text.get(width..).unwrap_or_default();
    }
    out.push(quote);
    out
}

fn escape(out: &mut String, letter: char, quote: char, ascii: bool) {
    if letter == quote || letter == '\\' {
        out.push('\\');
        out.push(letter);
        return;
    }
    if unicode::is_print(letter) && (!ascii || letter.is_ascii()) {
        out.push(letter);
        return;
    }
    match letter {
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        '\0'..=' ' | '\u{7f}' => hex(out, 'x', u32::from(letter), 2),
        '\u{0}'..='\u{ffff}' => hex(out, 'u', u32::from(letter), 4),
        _ => hex(out, 'U', u32::from(letter), 8),
    }
}

fn hex(out: &mut String, kind: char, number: u32, digits: usize) {
    out.push('\\');
    out.push(kind);
    out.push_str(&format!("{number:0digits$x}"));
}

/// `strconv.Unquote` of a text in double quotes, backquotes or single quotes; nothing where Go says `invalid syntax`.
pub fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = text.split_first()?;
    let (&last, inner) = rest.split_last()?;
    if last != quote {
        return None;
    }
    match quote {
        b'`' => (!inner.contains(&b'`')).then(|| inner.iter().copied().filter(|byte| *byte != b'\r').collect()),
        b'"' => unescaped(inner, b'"'),
        b'\'' => {
            let Letter { code, bytes, rest } = letter(inner, b'\'')?;
            (inner.first() != Some(&b'\n') && rest.is_empty()).then(|| encoded(code, bytes))
        }
        _ => None,
    }
}

/// What stands between two such quotes, its escapes read; nothing where Go says `invalid syntax`.
pub(crate) fn unescaped(mut inner: &[u8], quote: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(inner.len());
    loop {
        // what stands for itself, at once
        let plain = inner.iter().take_while(|byte| (b' '..=b'~').contains(*byte) && **byte != quote && **byte != b'\\').count();
        let (itself, rest) = inner.split_at(plain);
        out.extend_from_slice(itself);
        inner = rest;
        let Some(&byte) = inner.first() else { return Some(out) };
        if byte == b'\n' || byte == quote {
            return None;
        }
        let Letter { code, bytes, rest } = letter(inner, quote)?;
        out.extend(encoded(code, bytes));
        inner = rest;
    }
}

/// What `strconv.UnquoteChar` finds at the beginning of a text.
pub struct Letter<'a> {
    /// The letter's number; for `\x` and octal escapes a byte.
    pub code: u32,
    /// Whether it is one byte rather than a letter in UTF-8.
    pub bytes: bool,
    /// What follows.
    pub rest: &'a [u8],
}

/// `strconv.UnquoteChar`: a letter or an escape; nothing where Go says `invalid syntax`.
pub fn letter(text: &[u8], quote: u8) -> Option<Letter<'_>> {
    let &head = text.first()?;
    if head == quote && matches!(quote, b'\'' | b'"') {
        return None;
    }
    if head != b'\\' {
        let (found, width) = unicode::first(text);
        return Some(Letter { code: u32::from(found.unwrap_or('\u{fffd}')), bytes: head < 0x80, rest: text.get(width..)? });
    }
    let &kind = text.get(1)?;
    let rest = text.get(2..)?;
    let plain = |code: u8| Some(Letter { code: u32::from(code), bytes: true, rest });
    match kind {
        b'a' => plain(7),
        b'b' => plain(8),
        b'f' => plain(12),
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'v' => plain(11),
        b'\\' => plain(b'\\'),
        b'\'' | b'"' => (kind == quote).then_some(()).and_then(|()| plain(kind)),
        b'x' => digits(rest, 16, 2).map(|(code, rest)| Letter { code, bytes: true, rest }),
        b'u' | b'U' => {
            let (code, rest) = digits(rest, 16, if kind == b'u' { 4 } else { 8 })?;
            char::from_u32(code)?;
            Some(Letter { code, bytes: false, rest })
        }
        b'0'..=b'7' => {
            let (code, rest) = digits(text.get(1..)?, 8, 3)?;
            (code <= 255).then_some(Letter { code, bytes: true, rest })
        }
        _ => None,
    }
}

fn digits(text: &[u8], radix: u32, count: usize) -> Option<(u32, &[u8])> {
    let (head, rest) = text.split_at_checked(count)?;
    // eight hexadecimal digits may pass what a letter can be: `char::from_u32` refuses them afterwards
    let code = head.iter().try_fold(0_u32, |code, byte| Some(code.wrapping_mul(radix) | char::from(*byte).to_digit(radix)?))?;
    Some((code, rest))
}

fn encoded(code: u32, bytes: bool) -> Vec<u8> {
    match u8::try_from(code) {
        Ok(byte) if bytes => vec![byte],
        _ => char::from_u32(code).unwrap_or('\u{fffd}').to_string().into_bytes(),
    }
}
