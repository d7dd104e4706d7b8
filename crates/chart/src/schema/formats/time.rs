//! Dates and times, as leniently as Go's `time.Parse` takes them for the peer's layouts.

/// What is left of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn digit(&self, place: usize) -> Option<u32> {
        self.0.get(place).and_then(|byte| char::from(*byte).to_digit(10))
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let number = (0..digits).try_fold(0, |number, place| Some(number * 10 + self.digit(place)?))?;
        self.skip(digits);
        Some(number)
    }

    fn letter(&mut self, letter: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[letter])?;
        Some(())
    }
}

fn date(rest: &mut Rest<'_>) -> Option<()> {
    let year = rest.number(4)?;
    rest.letter(b'-')?;
    let month = rest.number(2)?;
    rest.letter(b'-')?;
    let day = rest.number(2)?;
    jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().map(|_| ())
}

/// An hour of one digit or two, and a fraction of a second that is not asked for.
fn time(rest: &mut Rest<'_>) -> Option<()> {
    let hour = if rest.digit(1).is_some() { rest.number(2)? } else { rest.number(1)? };
    rest.letter(b':')?;
    let minute = rest.number(2)?;
    rest.letter(b':')?;
    let second = rest.number(2)?;
    if matches!(rest.0.first(), Some(b'.' | b',')) && rest.digit(1).is_some() {
        let digits = rest.0.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
        rest.skip(1 + digits);
    }
    (hour < 24 && minute < 60 && second < 60).then_some(())
}

/// `Z`, or hours and minutes.
fn zone(rest: &mut Rest<'_>) -> Option<()> {
    if rest.letter(b'Z').is_some() {
        return Some(());
    }
    if !matches!(rest.0.first(), Some(b'+' | b'-')) {
        return None;
    }
    rest.skip(1);
    let hours = rest.number(2)?;
    rest.letter(b':')?;
    let minutes = rest.number(2)?;
    (hours <= 24 && minutes <= 60).then_some(())
}

fn whole(text: &str, read: impl FnOnce(&mut Rest<'_>) -> Option<()>) -> bool {
    let mut rest = Rest(text.as_bytes());
    read(&mut rest).is_some() && rest.0.is_empty()
}

/// `2006-01-02`
pub(super) fn is_date(text: &str) -> bool {
    whole(text, date)
}

/// `15:04:05`, with a zone or without.
pub(super) fn is_time(text: &str) -> bool {
    whole(text, time) || whole(text, |rest| time(rest).and_then(|()| zone(rest)))
}

/// RFC 3339
pub(super) fn is_date_time(text: &str) -> bool {
    whole(text, |rest| {
        date(rest)?;
        rest.letter(b'T')?;
        time(rest)?;
        zone(rest)
    })
}
