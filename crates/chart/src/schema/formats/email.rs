//! Addresses of mail, as Go's `mail.ParseAddress` takes them (RFC 5322): `a@b`, `"a b"@c`, `Name <a@b>`.

use crate::functions::network::address;

/// How deep comments may stand in one another.
const MAX_COMMENTS: usize = 100;

/// Whether a text is one address.
pub(super) fn is_address(text: &str) -> bool {
    let mut rest = Rest(text);
    rest.address().is_some() && rest.comments().is_some() && rest.0.is_empty()
}

/// What is left of a text.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip_blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn letter(&mut self, letter: char) -> Option<()> {
        self.0 = self.0.strip_prefix(letter)?;
        Some(())
    }

    fn address(&mut self) -> Option<()> {
        self.skip_blanks();
        let mut plain = *self;
        if plain.spec().is_some() {
            *self = plain;
            self.skip_blanks();
            return if self.0.starts_with('(') { self.comment() } else { Some(()) };
        }
        if !self.0.starts_with('<') {
            self.phrase()?;
        }
        self.skip_blanks();
        if self.letter(':').is_some() {
            return self.group();
        }
        self.letter('<')?;
        self.spec()?;
        self.letter('>')
    }

    /// A group of one.
    fn group(&mut self) -> Option<()> {
        self.skip_blanks();
        self.address()?;
        self.comments()?;
        self.letter(';')?;
        self.comments()
    }

    /// `local@domain`
    fn spec(&mut self) -> Option<()> {
        self.skip_blanks();
        if self.0.starts_with('"') {
            self.quoted().filter(|length| *length > 0)?;
        } else {
            self.atom(false)?;
        }
        self.letter('@')?;
        self.skip_blanks();
        if self.0.starts_with('[') { self.literal() } else { self.atom(false) }
    }

    /// The words before an address in brackets.
    fn phrase(&mut self) -> Option<()> {
        let mut words = 0;
        loop {
            if words > 0 {
                self.comments()?;
            }
            self.skip_blanks();
            let word = match self.0.chars().next() {
                None => None,
                Some('"') => self.quoted().map(|_| ()),
                Some(_) => self.atom(true),
            };
            match word {
                Some(()) => words += 1,
                None => return (words > 0).then_some(()),
            }
        }
    }

    fn atom(&mut self, lenient: bool) -> Option<()> {
        let end = self.0.find(|letter| !is_visible(letter) || "()[];@\\,<>\":".contains(letter)).unwrap_or(self.0.len());
        let (atom, rest) = self.0.split_at_checked(end)?;
        let is_dotted = atom.starts_with('.') || atom.ends_with('.') || atom.contains("..");
        if atom.is_empty() || is_dotted && !lenient {
            return None;
        }
        self.0 = rest;
        Some(())
    }

    /// How long the text between the quotes is.
    fn quoted(&mut self) -> Option<usize> {
        let mut letters = self.0.char_indices().skip(1);
        let mut length = 0;
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = self.0.get(place + 1..)?;
                    return Some(length);
                }
                '\\' => {
                    let (_, escaped) = letters.next()?;
                    if !is_visible(escaped) && !matches!(escaped, ' ' | '\t') {
                        return None;
                    }
                }
                letter if is_visible(letter) || matches!(letter, ' ' | '\t') => {}
                _ => return None,
            }
            length += 1;
        }
        None
    }

    /// `[127.0.0.1]`
    fn literal(&mut self) -> Option<()> {
        let (address, rest) = self.0.strip_prefix('[')?.split_once(']')?;
        self.0 = rest;
        address::parse(address.as_bytes()).is_ok().then_some(())
    }

    /// Blanks and comments, if any.
    fn comments(&mut self) -> Option<()> {
        self.skip_blanks();
        while self.0.starts_with('(') {
            self.comment()?;
            self.skip_blanks();
        }
        Some(())
    }

    fn comment(&mut self) -> Option<()> {
        let mut depth = 0;
        let mut letters = self.0.char_indices();
        while let Some((place, letter)) = letters.next() {
            match letter {
                '\\' => drop(letters.next()?),
                '(' if depth == MAX_COMMENTS => return None,
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.0 = self.0.get(place + 1..)?;
                return Some(());
            }
        }
        None
    }
}

fn is_visible(letter: char) -> bool {
    letter.is_ascii_graphic() || !letter.is_ascii()
}
