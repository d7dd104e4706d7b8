//! Quoted texts of a path: Go's escapes, in double or single quotes.

/// The text in quotes; none where it is no quoted text.
pub(super) fn unquoted(quoted: &str) -> Option<String> {
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let inner = quoted.get(1..)?.strip_suffix(quote)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        if letter == quote {
            return None;
        }
        let read = if letter == '\\' { escape(&mut letters, quote)? } else { Read::Letter(letter) };
        match read {
            Read::Byte(byte) => bytes.push(byte),
            Read::Letter(letter) => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(crate::json::replace_invalid(&bytes))
}

enum Read {
    Byte(u8),
    Letter(char),
}

/// What stands for something else behind a `\`.
fn escape(letters: &mut std::str::Chars<'_>, quote: char) -> Option<Read> {
    let kind = letters.next()?;
    let mut digits = |count: usize, radix: u32, first: u32| {
        (0..count).try_fold(first, |sum, _| sum.checked_mul(radix)?.checked_add(letters.next()?.to_digit(radix)?))
    };
    Some(match kind {
        'a' => Read::Byte(7),
        'b' => Read::Byte(8),
        'f' => Read::Byte(12),
        'n' => Read::Byte(b'\n'),
        'r' => Read::Byte(b'\r'),
        't' => Read::Byte(b'\t'),
        'v' => Read::Byte(11),
        '\\' => Read::Byte(b'\\'),
        '\'' | '"' if kind == quote => Read::Letter(kind),
        'x' => Read::Byte(u8::try_from(digits(2, 16, 0)?).ok()?),
        'u' => Read::Letter(char::from_u32(digits(4, 16, 0)?)?),
        'U' => Read::Letter(char::from_u32(digits(8, 16, 0)?)?),
        '0'..='7' => Read::Byte(u8::try_from(digits(2, 8, kind.to_digit(8)?)?).ok()?),
        _ => return None,
    })
}
