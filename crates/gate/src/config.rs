//! `penstock.yaml` of a config repository: environments, approvers, notifications. An unknown key is an error.

use std::collections::BTreeSet;

use penstock_model::{EnvironmentName, Timestamp, UserName, counted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Moment, Span};

/// The largest file that is read.
pub const MAX_CONFIG: usize = 1 << 20;
/// The most environments of one file.
const MAX_ENVIRONMENTS: usize = 64;

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It has the wrong form.
    #[error("{file}:{line}:{column}: {what}")]
    Form {
        /// The file.
        file: String,
        /// The line, from 1; 0 when it is not known.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong and what is expected.
        what: String,
    },
    /// Its parts do not fit together.
    #[error("{file}: {place}: {what}")]
    Meaning {
        /// The file.
        file: String,
        /// Where, such as `environments[1].after`.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryConfig {
    /// The format's version: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The environments, in the order of promotion.
    pub environments: Vec<Environment>,
    /// Who may approve.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub approvers: Vec<UserName>,
    /// Who hears of deliveries.
    #[serde(default)]
    pub notifications: Vec<Notification>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name.
    #[schemars(with = "String")]
    pub name: EnvironmentName,
    /// The environment that a release has to have passed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub after: Option<EnvironmentName>,
    /// The Application's file.
    pub application: String,
    /// The policy's files (Rego, package `penstock.gate`).
    pub gate: Vec<String>,
    /// What runs against the environment after a sync.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The approvals that a release needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<ApprovalRule>,
    /// When nothing is let in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<FreezeWindow>,
}

/// The approvals that a release needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// How many different people.
    #[schemars(range(min = 1, max = 10))]
    pub required: u8,
    /// How long an approval counts; `24h` when left out.
    #[serde(default = "Span::day")]
    pub expires: Span,
}

/// When nothing is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeWindow {
    /// From this moment on.
    pub from: Moment,
    /// Until before this one.
    pub to: Moment,
    /// Why; shown to whoever is kept waiting.
    pub reason: String,
}

impl FreezeWindow {
    /// True if the window holds now.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from.0 <= now && now < self.to.0
    }
}

/// What runs against an environment after a sync: a command, or a k6 script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name, which the next gate asks for.
    pub name: String,
    /// A command, run in the release's source commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<String>,
    /// Where the command leaves its `JUnit` report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junit: Option<String>,
    /// A k6 script in the release's source commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k6: Option<String>,
}

/// A check, as one of its two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind<'a> {
    /// A command.
    Command {
        /// The command.
        run: &'a [String],
        /// Its report.
        junit: Option<&'a str>,
    },
    /// A k6 script.
    K6 {
        /// The script.
        script: &'a str,
    },
}

impl Check {
    /// Which kind it is. A parsed file has no check that is neither or both.
    pub fn kind(&self) -> CheckKind<'_> {
        match &self.k6 {
            Some(script) => CheckKind::K6 { script },
            None => CheckKind::Command { run: &self.run, junit: self.junit.as_deref() },
        }
    }
}

/// Who hears of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Notification {
    /// A web hook in Slack's form.
    Slack(SlackTarget),
    /// An e-mail.
    Email(EmailTarget),
}

/// A web hook in Slack's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackTarget {
    /// The name of the secret that holds its address.
    pub url_secret: String,
}

/// An e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailTarget {
    /// To whom.
    pub to: Vec<String>,
}

impl DeliveryConfig {
    /// Reads the file. `file` is its name, for messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        if text.len() > MAX_CONFIG {
            let what = format!("the file has {} bytes and at most {MAX_CONFIG} are read", text.len());
            return Err(ConfigError::Form { file: file.to_owned(), line: 0, column: 0, what });
        }
        let config: Self = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            let what = error.without_snippet().to_string().lines().next().unwrap_or_default().to_owned();
            ConfigError::Form { file: file.to_owned(), line, column, what }
        })?;
        config.validate().map_err(|(place, what)| ConfigError::Meaning { file: file.to_owned(), place, what })?;
        Ok(config)
    }

    /// The environment of a name.
    pub fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == *name)
    }

    /// The file's JSON schema, for editors.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    fn validate(&self) -> Result<(), (String, String)> {
        let wrong = |place: &str, what: String| Err((place.to_owned(), what));
        if self.version != 1 {
            return wrong("version", format!("version {} is not known; this Penstock reads version 1", self.version));
        }
        if self.environments.is_empty() || self.environments.len() > MAX_ENVIRONMENTS {
            return wrong("environments", format!("1 to {MAX_ENVIRONMENTS} environments are expected, not {}", self.environments.len()));
        }
        let mut seen: BTreeSet<&EnvironmentName> = BTreeSet::new();
        for (n, environment) in self.environments.iter().enumerate() {
            let place = |key: &str| format!("environments[{n}].{key}");
            if let Some(after) = &environment.after
                && !seen.contains(after)
            {
                let what = format!("`{after}` is no environment above this one; environments stand in the order of promotion");
                return wrong(&place("after"), what);
            }
            if !seen.insert(&environment.name) {
                return wrong(&place("name"), format!("`{}` is there twice", environment.name));
            }
            environment.validate(&self.approvers).map_err(|(key, what)| (place(&key), what))?;
        }
        Ok(())
    }
}

impl Environment {
    fn validate(&self, approvers: &[UserName]) -> Result<(), (String, String)> {
        check_path(&self.application).map_err(|what| ("application".to_owned(), what))?;
        if self.gate.is_empty() {
            return Err(("gate".to_owned(), "an environment without a policy lets nothing in; name at least one Rego file".to_owned()));
        }
        for (n, file) in self.gate.iter().enumerate() {
            check_path(file).map_err(|what| (format!("gate[{n}]"), what))?;
        }
        if let Some(rule) = &self.approvals {
            let people: BTreeSet<_> = approvers.iter().collect();
            if rule.required == 0 || usize::from(rule.required) > people.len() {
                let what = format!("`approvers` has {} for {}", counted(people.len(), "name"), counted(rule.required, "approval"));
                return Err(("approvals.required".to_owned(), what));
            }
        }
        for (n, window) in self.freeze.iter().enumerate() {
            if window.to <= window.from {
                return Err((format!("freeze[{n}]"), "the window ends before it begins".to_owned()));
            }
        }
        let mut names = BTreeSet::new();
        for (n, check) in self.checks.iter().enumerate() {
            let place = format!("checks[{n}]");
            if check.name.is_empty() || !names.insert(&check.name) {
                return Err((place, format!("a check needs a name of its own, and `{}` is empty or there twice", check.name)));
            }
            if check.run.is_empty() == check.k6.is_none() || (check.k6.is_some() && check.junit.is_some()) {
                return Err((place, "a check is either `run` (with `junit`, if it writes a report) or `k6`".to_owned()));
            }
            for path in check.k6.iter().chain(&check.junit) {
                check_path(path).map_err(|what| (place.clone(), what))?;
            }
        }
        Ok(())
    }
}

/// A path within the repository.
fn check_path(path: &str) -> Result<(), String> {
    let inside = !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if inside && !path.contains(['\\', '\0']) {
        Ok(())
    } else {
        Err(format!("`{path}` is not a path within the repository, such as `policies/staging.rego`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "version: 1
environments:
  - name: staging
    application: applications/staging.yaml
    gate: [policies/common.rego]
    checks:
      - {name: integration, run: [pytest], junit: junit.xml}
      - {name: load, k6: tests/k6/staging.js}
  - name: production
    after: staging
    application: applications/production.yaml
    gate: [policies/common.rego]
    approvals: {required: 1}
    freeze: [{from: 2026-12-24T00:00:00Z, to: 2026-12-27T00:00:00Z, reason: holidays}]
approvers: [grace]
notifications:
  - slack: {url_secret: slack-webhook}
  - email: {to: [team@example.org]}
";

    #[test]
    fn a_file_is_read_with_its_defaults() {
        let config = DeliveryConfig::parse("penstock.yaml", GOOD).unwrap();
        let production = config.environment(&"production".parse().unwrap()).unwrap();
        assert_eq!(production.approvals.as_ref().unwrap().expires.to_string(), "24h");
        assert!(matches!(config.environments[0].checks[1].kind(), CheckKind::K6 { script: "tests/k6/staging.js" }));
        assert!(production.freeze[0].holds(Timestamp::parse_rfc3339("2026-12-24T00:00:00Z").unwrap()));
        assert!(!production.freeze[0].holds(Timestamp::parse_rfc3339("2026-12-27T00:00:00Z").unwrap()));
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        assert!(GOOD.contains(from), "the file has `{from}`");
        let error = DeliveryConfig::parse("penstock.yaml", &GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_not_known_is_an_error_with_its_line() {
        check("    after: staging", "    after: staging\n    strategy: fast", "penstock.yaml:11:");
        check("url_secret", "url", "penstock.yaml:17:");
        check("required: 1", "required: 1, quorum: 2", "quorum");
        check("slack:", "teams:", "penstock.yaml:17:");
        check("24T00", "24", "penstock.yaml:14:");
        check("version: 1", "version: 1\nversion: 1", "penstock.yaml:2:");
    }

    #[test]
    fn parts_that_do_not_fit_together_are_named() {
        check("version: 1", "version: 2", "version: version 2 is not known");
        check("after: staging", "after: tests", "environments[1].after: `tests`");
        check("name: production", "name: staging", "environments[1].name: `staging` is there twice");
        check("required: 1", "required: 2", "environments[1].approvals.required: `approvers` has 1 name for 2 approvals");
        check("gate: [policies/common.rego]", "gate: []", "environments[0].gate");
        check("gate: [policies/common.rego]", "gate: [../x.rego]", "environments[0].gate[0]: `../x.rego`");
        check("k6: tests", "run: [x], k6: tests", "environments[0].checks[1]: a check is either");
        check("to: 2026-12-27", "to: 2026-12-23", "environments[1].freeze[0]");
    }

    #[test]
    fn the_schema_knows_the_keys() {
        let schema = DeliveryConfig::schema().to_string();
        for key in ["environments", "approvals", "url_secret", "additionalProperties\":false"] {
            assert!(schema.contains(key), "{key}");
        }
    }
}
