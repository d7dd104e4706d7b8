//! `options` of a workflow's container: flags of `docker create`. Those that mean something here are carried out, every other is
//! refused.

use std::time::Duration;

use penstock_model::job::EnvValue;
use penstock_model::service::HealthCheck;

/// What `options` may say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) user: Option<String>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) env: Vec<(String, EnvValue)>,
    pub(crate) aliases: Vec<String>,
    pub(crate) memory: Option<u64>,
    pub(crate) cpu_millis: Option<u32>,
    pub(crate) health: Option<HealthCheck>,
    /// `--no-healthcheck`.
    pub(crate) no_health: bool,
}

/// Docker's own: thirty seconds between looks, thirty for one, three failures.
const USUAL: Duration = Duration::from_secs(30);
/// Flags without a value that ask for what is so anyway.
const FINE: &[&str] = &["--rm", "--init", "--detach", "-d", "--interactive", "-i", "--tty", "-t"];
/// Flags with a value that ask for nothing that would be seen here.
const FINE_WITH_VALUE: &[&str] = &["--name", "--hostname", "-h", "--restart", "--label", "-l", "--pull", "--log-driver", "--log-opt"];

/// What is wrong with `options`.
pub(crate) fn check_options(text: &str) -> Result<(), String> {
    read(text).map(drop)
}

/// Reads `options`.
pub(crate) fn read(text: &str) -> Result<Options, String> {
    let mut out = Options::default();
    let mut health = HealthCheck { command: Vec::new(), interval: USUAL, timeout: USUAL, retries: 3, start_period: Duration::ZERO };
    let mut words = words(text)?.into_iter();
    while let Some(word) = words.next() {
        let (flag, own) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
            _ => (word, None),
        };
        if FINE.contains(&&*flag) && own.as_deref().is_none_or(|value| value == "true") {
            continue;
        }
        if flag == "--no-healthcheck" {
            out.no_health = true;
            continue;
        }
        let mut value = || own.clone().or_else(|| words.next()).ok_or_else(|| format!("`{flag}` in `options` needs a value"));
        match &*flag {
            "--health-cmd" => health.command = ["/bin/sh".to_owned(), "-c".to_owned(), value()?].to_vec(),
            "--health-interval" => health.interval = duration(&flag, &value()?)?,
            "--health-timeout" => health.timeout = duration(&flag, &value()?)?,
            "--health-start-period" => health.start_period = duration(&flag, &value()?)?,
            "--health-retries" => health.retries = number(&flag, &value()?)?,
            "--user" | "-u" => out.user = Some(value()?),
            "--entrypoint" => out.entrypoint = Some(vec![value()?].into_iter().filter(|program| !program.is_empty()).collect()),
            "--env" | "-e" => {
                let pair = value()?;
                let (name, value) =
                    pair.split_once('=').ok_or_else(|| format!("`{flag} {pair}` in `options` gives no value: write `NAME=value`"))?;
                out.env.push((name.to_owned(), EnvValue::Plain(value.to_owned())));
            }
            "--network-alias" => out.aliases.push(value()?),
            "--memory" | "-m" => out.memory = Some(bytes(&flag, &value()?)?),
            "--cpus" => out.cpu_millis = Some(millis(&flag, &value()?)?),
            fine if FINE_WITH_VALUE.contains(&fine) => drop(value()?),
            _ => return Err(format!("`{}` in `options` is not carried out: remove it", crate::reader::shown(&flag))),
        }
    }
    if !health.command.is_empty() && !out.no_health {
        out.health = Some(health);
    }
    Ok(out)
}

fn number(flag: &str, value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| format!("`{flag}` in `options` is a whole number, not `{value}`"))
}

/// As Go reads durations: `1m30s`, `500ms`.
fn duration(flag: &str, value: &str) -> Result<Duration, String> {
    let wrong = || format!("`{flag}` in `options` is a duration such as `10s` or `1m30s`, not `{}`", crate::reader::shown(value));
    let (mut total, mut rest) = (Duration::ZERO, value);
    if rest == "0" {
        return Ok(total);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        let letters = &rest[digits..];
        let end = letters.find(|c: char| c.is_ascii_digit()).unwrap_or(letters.len());
        let unit = match &letters[..end] {
            "h" => Duration::from_hours(1),
            "m" => Duration::from_mins(1),
            "s" => Duration::from_secs(1),
            "ms" => Duration::from_millis(1),
            _ => return Err(wrong()),
        };
        total = unit.checked_mul(count).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &letters[end..];
    }
    if total.is_zero() { Err(wrong()) } else { Ok(total) }
}

/// `512m`, `2g`, `1073741824`.
fn bytes(flag: &str, value: &str) -> Result<u64, String> {
    let lower = value.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, unit) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1 << 10),
        Some(b'm') => (&lower[..lower.len() - 1], 1 << 20),
        Some(b'g') => (&lower[..lower.len() - 1], 1 << 30),
        _ => (lower, 1),
    };
    let count = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    count
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{flag}` in `options` is a size such as `512m`, not `{}`", crate::reader::shown(value)))
}

/// `1`, `0.5`.
fn millis(flag: &str, value: &str) -> Result<u32, String> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let fraction = format!("{fraction:0<3}");
    let parts = (whole.parse::<u32>().ok(), fraction.get(..3).and_then(|text| text.parse::<u32>().ok()));
    let millis = if let (Some(whole), Some(fraction)) = parts {
        whole.checked_mul(1000).and_then(|millis| millis.checked_add(fraction))
    } else {
        None
    };
    millis
        .filter(|millis| *millis > 0)
        .ok_or_else(|| format!("`{flag}` in `options` is a number such as `0.5`, not `{}`", crate::reader::shown(value)))
}

/// A command line as words: quotes of both kinds, a backslash before any character.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote, mut letters) = (Vec::new(), None::<String>, None, text.chars());
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("`options` has a quote that is not closed".to_owned()) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn flags_are_read_as_people_write_them() {
        let options = read(
            "--health-cmd \"pg_isready -U 'it'\" --health-interval=10s\n  --health-timeout 1m30s --health-retries 5 --name db -u 1001:1 --cpus 0.5 -m 2g -e A=b=c --entrypoint ''",
        )
        .unwrap();
        let health = options.health.unwrap();
        assert_eq!(health.command, ["/bin/sh", "-c", "pg_isready -U 'it'"]);
        assert_eq!((health.interval.as_secs(), health.timeout.as_secs(), health.retries), (10, 90, 5));
        assert_eq!((options.user.as_deref(), options.cpu_millis, options.memory), (Some("1001:1"), Some(500), Some(2 << 30)));
        assert_eq!((options.env, options.entrypoint), (vec![("A".to_owned(), EnvValue::Plain("b=c".to_owned()))], Some(Vec::new())));
    }

    #[test]
    fn what_is_not_carried_out_or_cannot_be_read_is_refused() {
        for (text, part) in [
            ("--privileged", "`--privileged` in `options` is not carried out"),
            ("--gpus all", "`--gpus`"),
            ("-v /var/run/docker.sock:/s", "`-v`"),
            ("--health-interval ten", "is a duration"),
            ("--health-retries", "needs a value"),
            ("--cpus 0", "a number such as"),
            ("--memory 1t", "is a size"),
            ("--env A", "gives no value"),
            ("--health-cmd \"x", "not closed"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(--health-interval|--cpus|-m|--env|['\"\\\\= 0-9a-z.é]){0,20}") {
            let _ = read(&text);
        }
    }
}
