//! What jobs call.

use std::path::PathBuf;

use clap::Args;

/// `build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The image's name within the project.
    #[arg(long)]
    pub image: String,
    /// The Dockerfile, below the context.
    #[arg(long, short, default_value = "Dockerfile")]
    pub file: String,
    /// The folder that is sent.
    #[arg(long, default_value = ".")]
    pub context: PathBuf,
    /// Build arguments, `NAME=value`.
    #[arg(long = "build-arg")]
    pub build_args: Vec<String>,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The tool: black, isort, pylint, yamllint, hadolint, gitleaks, bandit, trivy-config, trivy-secret or advisories.
    pub tool: String,
    /// The image that this run built, for `advisories`.
    #[arg(long)]
    pub image: Option<String>,
    /// Paths below the checkout; all unless given.
    pub paths: Vec<String>,
}

/// `test-image`.
#[derive(Debug, Args)]
pub struct TestImage {
    /// The image that this run built.
    pub image: String,
    /// The time limit: seconds, or with `s`, `m`.
    #[arg(long, default_value = "60s", value_parser = seconds)]
    pub timeout: u64,
    /// The container's arguments.
    #[arg(last = true)]
    pub args: Vec<String>,
}

fn seconds(text: &str) -> Result<u64, String> {
    let (number, factor) = match text.strip_suffix('m') {
        Some(number) => (number, 60),
        None => (text.strip_suffix('s').unwrap_or(text), 1),
    };
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is no time; write 60s or 2m"))?;
    number.checked_mul(factor).filter(|seconds| (1..=3600).contains(seconds)).ok_or_else(|| "1s to 60m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!((seconds("60s"), seconds("2m"), seconds("5")), (Ok(60), Ok(120), Ok(5)));
        for bad in ["", "s", "-1", "0", "61m", "99999999999999999999m"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
