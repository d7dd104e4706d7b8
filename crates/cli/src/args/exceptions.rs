//! What people let through on their own word.

use clap::Args;
use penstock_model::{EnvironmentName, ProjectName};

/// The longest span that is taken: 366 days.
const MAX_SPAN: u64 = 366 * 24 * 3600;

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The image in the own registry: by digest, or by a tag that is resolved to its digest at once.
    pub reference: String,
    /// Why it is let in; signed.
    #[arg(long)]
    pub reason: String,
    /// For how long, such as `90d`; for ever unless given. Nothing is started from it afterwards.
    #[arg(long, value_parser = span)]
    pub expires: Option<u64>,
    /// The project whose approvers may; the image's first part or the only project unless given.
    #[arg(long)]
    pub project: Option<ProjectName>,
}

/// `break-glass`.
#[derive(Debug, Args)]
pub struct BreakGlass {
    /// The release, or the beginning of its digest.
    pub release: String,
    /// The environment whose gate refuses.
    pub environment: EnvironmentName,
    /// Why; signed, and told to the team.
    #[arg(long, required_unless_present = "confirm")]
    pub reason: Option<String>,
    /// How long the gate stays open, such as `4h`, which it is unless given; `24h` at most. Of two wishes the shorter counts.
    #[arg(long, value_parser = span)]
    pub expires: Option<u64>,
    /// Only confirm what another approver asked.
    #[arg(long)]
    pub confirm: bool,
}

/// A span of time in seconds, as people write it.
fn span(text: &str) -> Result<u64, String> {
    let factor = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        _ => 0,
    };
    let digits = text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or_default();
    let number = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).and_then(|digits| digits.parse::<u64>().ok());
    let seconds = number.and_then(|number| number.checked_mul(factor)).filter(|seconds| (1..=MAX_SPAN).contains(seconds));
    seconds.ok_or_else(|| format!("`{text}` is no span of time; write 90s, 30m, 4h or 90d, at most 366d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_with_its_unit_and_nothing_else_is_one() {
        assert_eq!([span("90s"), span("30m"), span("4h"), span("90d")], [Ok(90), Ok(1800), Ok(14_400), Ok(7_776_000)]);
        for bad in ["", "h", "4", "0h", "-1h", "+4h", "1.5h", "367d", "99999999999999999999d", "4 h", "4é"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
