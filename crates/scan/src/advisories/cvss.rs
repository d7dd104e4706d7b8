//! CVSS v3 base scores, as the specification (3.1, section 7.1) computes them.

use std::collections::HashMap;

use crate::finding::Severity;

/// The severity of a vector; `None` if it is no CVSS 3 vector with all base metrics.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score is between 0 and 10")]
pub(super) fn severity(vector: &str) -> Option<Severity> {
    // tenths, so that 6.9 and 7.0 are told apart without doubt
    Some(match (base_score(vector)? * 10.0).round() as u32 {
        90.. => Severity::Critical,
        70..90 => Severity::High,
        40..70 => Severity::Medium,
        _ => Severity::Low,
    })
}

fn base_score(vector: &str) -> Option<f64> {
    let metrics = vector.strip_prefix("CVSS:3.1/").or_else(|| vector.strip_prefix("CVSS:3.0/"))?;
    let metrics: HashMap<&str, &str> = metrics.split('/').take(40).filter_map(|metric| metric.split_once(':')).collect();
    let of = |metric: &str, values: &[(&str, f64)]| {
        let value = *metrics.get(metric)?;
        values.iter().find(|(name, _)| *name == value).map(|(_, weight)| *weight)
    };
    let changed = of("S", &[("U", 0.0), ("C", 1.0)])? > 0.5;
    let impact = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let lost = 1.0 - (1.0 - of("C", &impact)?) * (1.0 - of("I", &impact)?) * (1.0 - of("A", &impact)?);
    let privileges = if changed { [("N", 0.85), ("L", 0.68), ("H", 0.5)] } else { [("N", 0.85), ("L", 0.62), ("H", 0.27)] };
    let exploitability = 8.22
        * of("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * of("AC", &[("L", 0.77), ("H", 0.44)])?
        * of("PR", &privileges)?
        * of("UI", &[("N", 0.85), ("R", 0.62)])?;
    let impact = if changed { 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02).powi(15) } else { 6.42 * lost };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let sum = if changed { 1.08 * (impact + exploitability) } else { impact + exploitability };
    Some(round_up(sum.min(10.0)))
}

/// Appendix A of the specification: up to one decimal, without the noise of floating point.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a score is between 0 and 10")]
fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round() as u64;
    if whole.is_multiple_of(10_000) { whole as f64 / 100_000.0 } else { (whole / 10_000 + 1) as f64 / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_the_published_ones() {
        // from the specification's examples document and the National Vulnerability Database
        for (vector, score) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0), // CVE-2021-44228
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),  // CVE-2014-0160
            ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),  // CVE-2013-0375
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),  // CVE-2014-3566
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),  // CVE-2013-1937
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ] {
            assert!((base_score(vector).unwrap() - score).abs() < 1e-9, "{vector} is {score}, not {:?}", base_score(vector));
        }
        assert_eq!(severity("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"), Some(Severity::Critical));
        for bad in ["", "CVSS:4.0/AV:N", "CVSS:3.1/AV:N/AC:L", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"] {
            assert_eq!(severity(bad), None, "{bad}");
        }
    }
}
