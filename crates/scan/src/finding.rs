//! One result of a scanner, in SARIF's terms, with a fingerprint that survives a shift of lines.

use std::collections::BTreeMap;

use penstock_model::Digest;
use penstock_model::evidence::Witness;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::judged::Sources;

/// The most findings of one report that are kept; the worst are kept first, all are counted.
pub const MAX_FINDINGS: usize = 20_000;
/// The most findings that a statement carries; SARIF has the others.
const MAX_STATED: usize = 1_000;
/// The longest text of a finding.
const MAX_TEXT: usize = 1_000;

/// SARIF's `level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A serious problem.
    Error,
    /// A problem.
    Warning,
    /// Worth knowing.
    Note,
    /// Nothing is judged.
    None,
}

/// How bad it is, where the tool or an advisory says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Nobody said.
    Unknown,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// Reads the words that tools use; anything else is unknown.
    pub fn read(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "CRITICAL" => Self::Critical,
            "HIGH" => Self::High,
            "MEDIUM" | "MODERATE" => Self::Medium,
            "LOW" => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// The level that goes with it. What nobody has weighed is an error until somebody has.
    pub fn level(self) -> Level {
        match self {
            Self::Critical | Self::High | Self::Unknown => Level::Error,
            Self::Medium => Level::Warning,
            Self::Low => Level::Note,
        }
    }
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The path within the tree.
    pub path: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// The package that an advisory is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRef {
    /// Its name.
    pub name: String,
    /// Its version in the image.
    pub version: String,
    /// Versions that repair it.
    pub fixed: Vec<String>,
}

/// One result of a scanner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule, as the tool names it.
    pub rule: String,
    /// SARIF's level.
    pub level: Level,
    /// How bad, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Names this finding across commits: tool, rule, path and what the line says, never where the line is.
    pub fingerprint: String,
    /// The package, for an advisory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageRef>,
    /// What to do, where the tool says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Other names of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A finding as a reader makes it, before it has a fingerprint.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub rule: String,
    pub level: Level,
    pub severity: Option<Severity>,
    pub message: String,
    pub location: Option<Location>,
    pub package: Option<PackageRef>,
    pub fix: Option<String>,
    pub aliases: Vec<String>,
    /// For a secret: its columns, from 1, both included. They are left out of the fingerprint, so that it says nothing of the secret.
    pub secret: Option<(u32, u32)>,
    /// Stands for the line where the line says nothing (a whole file that is not formatted).
    pub context: Option<String>,
}

impl Draft {
    pub fn new(rule: &str, level: Level, message: &str, location: Option<Location>) -> Self {
        let (rule, message) = (shorten(rule, 200), shorten(message, MAX_TEXT));
        Self { rule, level, severity: None, message, location, package: None, fix: None, aliases: vec![], secret: None, context: None }
    }

    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// How many findings of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Errors.
    pub error: usize,
    /// Warnings.
    pub warning: usize,
    /// Notes.
    pub note: usize,
    /// Not judged.
    pub none: usize,
    /// How many of them are not listed.
    pub left_out: usize,
}

/// The tool that looked, as it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerInfo {
    /// Its version.
    pub version: String,
    /// The digest of the program, or of the advisories.
    pub digest: Option<Digest>,
}

/// What a tool found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The tool's name.
    pub tool: &'static str,
    /// The findings: the worst first, then by place.
    pub findings: Vec<Finding>,
    /// How many.
    pub summary: Summary,
}

/// Drafts as they come: all are counted, and the worst are kept.
#[derive(Default)]
pub(crate) struct Drafts {
    kept: Vec<Draft>,
    summary: Summary,
}

impl Drafts {
    /// Takes in one more.
    pub fn push(&mut self, draft: Draft) {
        match draft.level {
            Level::Error => self.summary.error += 1,
            Level::Warning => self.summary.warning += 1,
            Level::Note => self.summary.note += 1,
            Level::None => self.summary.none += 1,
        }
        self.kept.push(draft);
        if self.kept.len() >= 2 * MAX_FINDINGS {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.kept.sort_by(|a, b| {
            let worst = |d: &Draft| (d.level, std::cmp::Reverse(d.severity));
            worst(a).cmp(&worst(b)).then_with(|| (&a.location, &a.rule, &a.message).cmp(&(&b.location, &b.rule, &b.message)))
        });
        self.summary.left_out += self.kept.len().saturating_sub(MAX_FINDINGS);
        self.kept.truncate(MAX_FINDINGS);
    }

    /// What a tool of that name found, when no source is at hand.
    pub fn report(self, tool: &'static str) -> Report {
        self.finish(tool, &crate::judged::NoSources)
    }

    fn finish(mut self, tool: &'static str, sources: &dyn Sources) -> Report {
        self.cut();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let findings = self.kept.into_iter().map(|draft| finish(tool, draft, sources, &mut seen)).collect();
        Report { tool, findings, summary: self.summary }
    }
}

impl Report {
    /// Gives drafts their fingerprints and order.
    pub(crate) fn new(tool: &'static str, drafts: Vec<Draft>, sources: &dyn Sources) -> Self {
        let mut all = Drafts::default();
        drafts.into_iter().for_each(|draft| all.push(draft));
        all.finish(tool, sources)
    }

    /// What a statement says: `{scanner, witness, paths, findings, summary, sarif}`. `paths` are the ones that were asked
    /// for, none for the whole tree, so that a gate can tell a look at everything from a look at a corner.
    pub fn predicate(&self, scanner: &ScannerInfo, witness: Witness, paths: &[String], sarif: Option<Digest>) -> Value {
        let stated: Vec<_> = self.findings.iter().take(MAX_STATED).collect();
        let mut summary = self.summary;
        summary.left_out += self.findings.len() - stated.len();
        let mut predicate = json!({
            "scanner": {"name": self.tool, "version": scanner.version},
            "witness": witness,
            "paths": paths,
            "findings": stated,
            "summary": summary,
        });
        if let Some(digest) = scanner.digest {
            predicate["scanner"]["digest"] = json!(digest);
        }
        if let Some(sarif) = sarif {
            predicate["sarif"] = json!(sarif);
        }
        predicate
    }
}

fn finish(tool: &str, draft: Draft, sources: &dyn Sources, seen: &mut BTreeMap<String, usize>) -> Finding {
    let path = draft.location.as_ref().map_or("", |location| location.path.as_str());
    let line = draft.location.as_ref().and_then(|location| location.line);
    let text = line.and_then(|line| sources.line(path, line));
    let context = match (&draft.context, text, draft.secret) {
        (Some(context), ..) => context.clone(),
        (None, Some(text), Some((from, to))) => squeeze(&without(&text, from, to)),
        (None, Some(text), None) => squeeze(&text),
        // a tool's message may name lines: those move
        (None, None, _) => draft.message.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect(),
    };
    let key = Digest::of(format!("1\0{tool}\0{}\0{path}\0{context}", draft.rule)).hex();
    let key = key[..32].to_owned();
    // the same line twice in one file: told apart by order, which a shift does not change
    let nth = seen.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
    Finding {
        fingerprint: format!("{key}:{nth}"),
        rule: draft.rule,
        level: draft.level,
        severity: draft.severity,
        message: draft.message,
        location: draft.location,
        package: draft.package,
        fix: draft.fix.map(|fix| shorten(&fix, MAX_TEXT)),
        aliases: draft.aliases,
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).take(2_000).collect()
}

/// A line without the columns of a secret. When they cannot be right, nothing of the line is taken.
fn without(text: &str, from: u32, to: u32) -> String {
    if from == 0 || to < from {
        return String::new();
    }
    let (from, to) = (from as usize, to as usize);
    text.chars().enumerate().filter(|(n, _)| n + 1 < from || n + 1 > to).map(|(_, c)| c).collect()
}

pub(crate) fn shorten(text: &str, most: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    let mut short: String = clean.take(most).collect();
    if short.len() < text.len() && short.chars().count() == most {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lines(Vec<&'static str>);
    impl Sources for Lines {
        fn line(&self, _: &str, line: u32) -> Option<String> {
            self.0.get(line as usize - 1).map(|line| (*line).to_owned())
        }
    }

    fn at(line: u32) -> Option<Location> {
        Some(Location { path: "a.py".to_owned(), line: Some(line), column: None })
    }

    fn prints(lines: &[&'static str], at_lines: &[u32], secret: Option<(u32, u32)>) -> Vec<String> {
        let drafts = at_lines.iter().map(|line| Draft { secret, ..Draft::new("r", Level::Error, &format!("line {line}"), at(*line)) });
        Report::new("t", drafts.collect(), &Lines(lines.to_vec())).findings.into_iter().map(|f| f.fingerprint).collect()
    }

    #[test]
    fn a_fingerprint_survives_shifted_and_reindented_lines() {
        let before = prints(&["x = 1", "y = 2"], &[1, 2], None);
        let after = prints(&["# new", "", "  x  = 1", "y = 2"], &[3, 4], None);
        assert_eq!(before, after);
        assert_ne!(before[0], before[1]);
        assert_ne!(prints(&["x = 2"], &[1], None), prints(&["x = 1"], &[1], None));
    }

    #[test]
    fn the_same_line_twice_is_two_findings() {
        let twice = prints(&["x = 1", "x = 1"], &[1, 2], None);
        assert!(twice[0].ends_with(":1") && twice[1].ends_with(":2"), "{twice:?}");
    }

    #[test]
    fn a_fingerprint_says_nothing_of_the_secret() {
        let one = prints(&["key = AAAA;"], &[1], Some((7, 10)));
        assert_eq!(one, prints(&["key = BBBB;"], &[1], Some((7, 10))));
        assert_ne!(one, prints(&["other = AAAA;"], &[1], Some((9, 12))));
    }

    #[test]
    fn all_findings_are_counted_and_the_worst_are_kept() {
        let mut drafts = vec![Draft::new("r", Level::Note, "m", None); MAX_FINDINGS];
        drafts.push(Draft::new("bad", Level::Error, "m", None));
        let report = Report::new("t", drafts, &crate::NoSources);
        assert_eq!((report.summary.error, report.summary.note, report.summary.left_out), (1, MAX_FINDINGS, 1));
        assert_eq!(report.findings[0].rule, "bad");
        let scanner = ScannerInfo { version: "1".to_owned(), digest: None };
        let predicate = report.predicate(&scanner, Witness::Observed, &[], None);
        assert_eq!(predicate["findings"].as_array().unwrap().len(), MAX_STATED);
        assert_eq!(predicate["summary"]["leftOut"], MAX_FINDINGS + 1 - MAX_STATED);
    }
}
