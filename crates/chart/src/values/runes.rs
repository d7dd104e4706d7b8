//! Text read letter by letter as Go reads it.

/// A text that is read letter by letter; a byte that is no UTF-8 is U+FFFD.
pub(super) struct Runes<'a> {
    rest: &'a [u8],
}

impl<'a> Runes<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn first(&self) -> Option<(char, usize)> {
        match bstr::decode_utf8(self.rest) {
            (_, 0) => None,
            (Some(letter), size) => Some((letter, size)),
            // one byte at a time, where Rust would take what could have become one letter together
            (None, _) => Some((char::REPLACEMENT_CHARACTER, 1)),
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.first().map(|(letter, _)| letter)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let (letter, size) = self.first()?;
        self.skip(size);
        Some(letter)
    }

    /// What comes before one of these letters, and that letter, which is taken too: none at the end. A backslash makes the next letter an ordinary one where there are escapes.
    pub(super) fn until(&mut self, stops: &[char], escapes: bool) -> (Vec<char>, Option<char>) {
        let mut text = Vec::new();
        while let Some(letter) = self.next() {
            if stops.contains(&letter) {
                return (text, Some(letter));
            }
            if escapes && letter == '\\' {
                match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => break,
                }
            } else {
                text.push(letter);
            }
        }
        (text, None)
    }
}

/// Whether a text is this lower-case ASCII word, in any case (Go's `strings.EqualFold`: the long s and the Kelvin sign are an s and a k).
pub(crate) fn fold(text: &str, word: &str) -> bool {
    let folded = text.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(word.chars())
}
