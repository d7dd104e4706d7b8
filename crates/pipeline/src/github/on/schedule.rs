//! `on: schedule`: times as `crontab` writes them.

use crate::cron::Cron;
use crate::reader::{Fields, Problems, shown, text};
use crate::timetable::is_utc;
use crate::yaml::{At, Node, Value};

/// The shortest time between two runs, in minutes (GitHub's own).
const MIN_MINUTES: u32 = 5;

/// A time, and where it stands.
pub(super) struct Time {
    pub(super) cron: String,
    pub(super) at: At,
}

/// Reads the list of times.
pub(super) fn read(node: &Node, problems: &mut Problems) -> Vec<Time> {
    let path = "on.schedule";
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("times are a list, not {}", node.kind()), "write `- cron: '30 5 * * 1-5'`");
        return Vec::new();
    };
    if items.is_empty() {
        problems.add(node.at, path, "the list of times is empty", "write `- cron: '30 5 * * 1-5'`");
    }
    let mut times = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(mut fields) = Fields::of(item, &path, problems) else { continue };
        if let Some(node) = fields.get("timezone")
            && let Some(zone) = text(node, &fields.path_of("timezone"), problems)
        {
            let path = fields.path_of("timezone");
            if !is_zone(&zone) {
                problems.add(node.at, &path, format!("`{}` is no time zone", shown(&zone)), "write an IANA name: `Europe/Berlin`");
            } else if !is_utc(&zone) {
                let help = "write the time in UTC, and remove `timezone`";
                problems.warn(node.at, &path, "a server starts nothing at times of other zones than UTC", help);
            }
        }
        match fields.get("cron") {
            None => problems.add(item.at, &path, "the time has no `cron`", "write `cron: '30 5 * * 1-5'`"),
            Some(node) => times.extend(time(node, &fields.path_of("cron"), problems)),
        }
        fields.finish(&[], problems);
    }
    times
}

fn time(node: &Node, path: &str, problems: &mut Problems) -> Option<Time> {
    let cron = text(node, path, problems)?;
    match Cron::parse(&cron).map(|time| time.interval()) {
        Err(why) => {
            problems.add(node.at, path, format!("`{}` is no time: {why}", shown(&cron)), "as in `30 5 * * 1-5`");
            None
        }
        Ok(minutes) if minutes < MIN_MINUTES => {
            let message = format!("GitHub starts nothing more often than every {MIN_MINUTES} minutes");
            problems.add(node.at, path, message, format!("write `*/{MIN_MINUTES} * * * *`"));
            None
        }
        Ok(_) => Some(Time { cron, at: node.at }),
    }
}

fn is_zone(text: &str) -> bool {
    let sound = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    !text.is_empty() && text.len() <= 64 && text.chars().all(known) && text.split('/').all(sound)
}

/// Two times that mean the same whatever blanks are between their fields.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_crontab_writes_them() {
        for (cron, minutes) in [
            ("0 0 * * *", 60),
            ("30 5,17 * * *", 60),
            ("*/15 * * * *", 15),
            ("0-59/10 1-3 1,15 JAN-mar Mon-FRI", 10),
            ("5/20 * * * *", 20),
            ("0,58 * * * *", 2),
            ("* * * * *", 1),
            ("0 4 * * 0", 60),
        ] {
            assert_eq!(Cron::parse(cron).map(|time| time.interval()), Ok(minutes), "{cron}");
        }
        for (cron, why) in [
            ("0 0 * *", "it has 4 fields and not 5"),
            ("60 0 * * *", "`60` is not from 0 to 59"),
            ("0 0 0 * *", "`0` is not from 1 to 31"),
            ("0 0 * * 7", "`7` is not from 0 to 6"),
            ("0 0 * foo *", "`foo` is not from 1 to 12"),
            ("*/0 * * * *", "a step is a number from 1"),
            ("30-10 * * * *", "the range `30-10` runs backwards"),
            ("@daily", "it has 1 fields and not 5"),
            ("0,, * * * *", "`` is not from 0 to 59"),
        ] {
            assert_eq!(Cron::parse(cron).map(|time| time.interval()), Err(why.to_owned()), "{cron}");
        }
        assert!(is_same("0  0 * * *", " 0 0 * * * "));
    }
}
