//! `coverage`: a share of the code, found in a job's output by a regex, as GitLab finds it.

use regex::RegexBuilder;

use crate::plan::PlannedJob;

/// The largest program that a regex may become.
const MAX_REGEX: usize = 1 << 20;
/// No share is larger, in hundredths of a percent.
const MAX_SHARE: u32 = 1_000_000;

/// A regex between slashes with its flags, for the crate that carries it out; otherwise why it is none.
pub(crate) fn regex(text: &str, for_crate: &dyn Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let inner = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (pattern, flags) = inner.ok_or("a regex between slashes is expected, as in `/Coverage: (\\d+)%/`")?;
    if flags.chars().any(|flag| !"ismU".contains(flag)) {
        return Err(format!("the flags `{flags}` are none of `i`, `s`, `m`, `U`"));
    }
    let pattern = for_crate(pattern)?;
    let whole = if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") };
    RegexBuilder::new(&whole).size_limit(MAX_REGEX).build().map_err(|_| "the regex cannot be read".to_owned())?;
    Ok(whole)
}

/// What a job's output says of its coverage, in hundredths of a percent: the first number in the last match of the last line that
/// has one; of a regex with groups the last group counts. `lines` are the output's, in order.
pub fn coverage<'l>(job: &PlannedJob, lines: impl IntoIterator<Item = &'l str>) -> Option<u32> {
    let regex = RegexBuilder::new(job.coverage.as_deref()?).size_limit(MAX_REGEX).build().ok()?;
    let mut last = None;
    for line in lines {
        let Some(found) = regex.captures_iter(line).last() else { continue };
        let group = found.iter().skip(usize::from(found.len() > 1)).last().flatten();
        last = group.and_then(|text| number(text.as_str())).or(last);
    }
    last
}

/// The first number of a text, in hundredths.
fn number(text: &str) -> Option<u32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = &text[start..start + digits(&text[start..])];
    let rest = &text[start + whole.len()..];
    let fraction = rest.strip_prefix('.').map_or("", |rest| &rest[..digits(rest)]);
    let hundredths: u32 = format!("{fraction:0<2}").get(..2)?.parse().ok()?;
    let share = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
    (share <= MAX_SHARE).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::gitlab_plan;

    #[track_caller]
    fn check(regex: &str, output: &str, expected: Option<u32>) {
        let plan = gitlab_plan(&format!("a:\n  script: [x]\n  coverage: '{regex}'\n"));
        assert_eq!(coverage(&plan.jobs[0], output.lines()), expected, "{regex}");
    }

    #[test]
    fn the_last_line_with_a_number_counts() {
        check(r"/Coverage: \d+\.\d+%/", "Coverage: 10.0%\nx\nCoverage: 87.5%\nend", Some(8750));
        check(r"/^TOTAL.+?(\d+%)$/", "TOTAL 10 2 80%\nTOTAL    520   12 97%\n", Some(9700));
        check(r"/(\d+)\/(\d+)/", "3/4 and 5/6", Some(600));
        check(r"/coverage: (none|\d+)/i", "Coverage: 66\nCoverage: none", Some(6600));
        check(r"/\d+/", "no number", None);
        check(r"/\d+/", "99999999999", None);
        check(r"/x \d+/", "x 99.999 y 1", Some(9900));
    }

    #[test]
    fn what_is_no_regex_is_none() {
        let as_is = |text: &str| Ok(text.to_owned());
        for wrong in ["50%", "/a", "/a/x", "/(/", r"/\p{Nope}/"] {
            assert!(regex(wrong, &as_is).is_err(), "{wrong}");
        }
        assert_eq!(regex("/a/i", &as_is).unwrap(), "(?i)a");
    }
}
