//! Problem matchers: expressions that find faults in what a step prints.

use penstock_model::job::AnnotationLevel;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

/// The most matchers of a job.
const MAX_MATCHERS: usize = 50;
/// The most expressions of a matcher.
const MAX_PATTERNS: usize = 20;
/// The largest expression, once it is ready to use.
const MAX_REGEX: usize = 1 << 20;

/// The file that `::add-matcher::` names.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "problemMatcher", default)]
    matchers: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    owner: String,
    severity: Option<String>,
    from_path: Option<String>,
    pattern: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pattern {
    regexp: String,
    file: Option<usize>,
    line: Option<usize>,
    column: Option<usize>,
    severity: Option<usize>,
    code: Option<usize>,
    message: Option<usize>,
    from_path: Option<usize>,
    #[serde(default, rename = "loop")]
    again: bool,
}

/// What a matcher found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) file: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) from_path: Option<String>,
}

impl Match {
    /// `error` unless it says otherwise; `None` for what GitHub does not know, which is passed over.
    pub(crate) fn level(&self) -> Option<AnnotationLevel> {
        match self.severity.as_deref().unwrap_or_default().to_lowercase().as_str() {
            "" | "error" => Some(AnnotationLevel::Error),
            "warning" => Some(AnnotationLevel::Warning),
            "notice" => Some(AnnotationLevel::Notice),
            _ => None,
        }
    }
}

struct Matcher {
    owner: String,
    severity: Option<String>,
    from_path: Option<String>,
    patterns: Vec<(Regex, Pattern)>,
    /// What the expressions but the last have found so far.
    so_far: Vec<Option<Match>>,
}

/// The matchers of a job.
#[derive(Default)]
pub(crate) struct Matchers(Vec<Matcher>);

impl Matchers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in a file; its matchers take the place of those of the same owners.
    pub(crate) fn add(&mut self, json: &[u8]) -> Result<(), String> {
        let mut added = Vec::new();
        for written in owners_file(json)?.matchers {
            added.push(matcher(written)?);
        }
        for matcher in added {
            self.0.retain(|other| !other.owner.eq_ignore_ascii_case(&matcher.owner));
            self.0.push(matcher);
        }
        if self.0.len() > MAX_MATCHERS {
            self.0.truncate(MAX_MATCHERS);
            return Err(format!("a job has at most {MAX_MATCHERS} problem matchers"));
        }
        Ok(())
    }

    /// Forgets an owner's.
    pub(crate) fn remove(&mut self, owner: &str) {
        self.0.retain(|matcher| !matcher.owner.eq_ignore_ascii_case(owner));
    }

    /// The owners that a file names.
    pub(crate) fn owners(json: &[u8]) -> Result<Vec<String>, String> {
        Ok(owners_file(json)?.matchers.into_iter().map(|written| written.owner).collect())
    }

    /// What the first matcher that is complete with this line found. The others begin anew.
    pub(crate) fn line(&mut self, line: &str) -> Option<Match> {
        let line = without_colours(line);
        let found = self.0.iter_mut().enumerate().find_map(|(index, matcher)| Some((index, matcher.line(&line)?)));
        let (index, found) = found?;
        for (other, matcher) in self.0.iter_mut().enumerate() {
            if other != index {
                matcher.so_far.fill(None);
            }
        }
        Some(found)
    }
}

fn owners_file(json: &[u8]) -> Result<File, String> {
    serde_json::from_slice(json).map_err(|error| format!("it is no file of problem matchers: {error}"))
}

fn matcher(written: Written) -> Result<Matcher, String> {
    let owner = written.owner;
    let of = |why: String| format!("the problem matcher `{owner}` is refused: {why}");
    if owner.is_empty() || written.pattern.is_empty() || written.pattern.len() > MAX_PATTERNS {
        return Err(of(format!("it has an owner and 1 to {MAX_PATTERNS} patterns")));
    }
    if !written.pattern.iter().any(|pattern| pattern.message.is_some()) {
        return Err(of("no pattern has a `message`".to_owned()));
    }
    let mut patterns = Vec::new();
    for pattern in written.pattern {
        let regex = RegexBuilder::new(&pattern.regexp)
            .size_limit(MAX_REGEX)
            .build()
            .map_err(|error| of(format!("`{}` cannot be used here: {error}", pattern.regexp)))?;
        patterns.push((regex, pattern));
    }
    let so_far = vec![None; patterns.len() - 1];
    Ok(Matcher { owner, severity: written.severity, from_path: written.from_path, patterns, so_far })
}

impl Matcher {
    /// As GitHub's runner does it: the last expression is asked first, so that a line counts once.
    fn line(&mut self, line: &str) -> Option<Match> {
        let last = self.patterns.len() - 1;
        for index in (0..self.patterns.len()).rev() {
            let running = if index == 0 { None } else { self.so_far[index - 1].clone() };
            if index > 0 && running.is_none() {
                continue;
            }
            let (regex, pattern) = &self.patterns[index];
            let groups = regex.captures(line);
            match (groups, index == last) {
                (Some(groups), true) => {
                    let found = self.complete(taken(running.as_ref(), pattern, &groups));
                    let again = pattern.again;
                    self.so_far.fill(None);
                    if again && index > 0 {
                        self.so_far[index - 1] = running;
                    }
                    return Some(found);
                }
                (Some(groups), false) => self.so_far[index] = Some(taken(running.as_ref(), pattern, &groups)),
                (None, true) if index > 0 => self.so_far[index - 1] = None,
                (None, true) => {}
                (None, false) => self.so_far[index] = None,
            }
        }
        None
    }

    fn complete(&self, mut found: Match) -> Match {
        let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        if !given(&found.severity) {
            found.severity.clone_from(&self.severity);
        }
        if !given(&found.from_path) {
            found.from_path.clone_from(&self.from_path);
        }
        found
    }
}

fn taken(running: Option<&Match>, pattern: &Pattern, groups: &regex::Captures<'_>) -> Match {
    let get = |of: fn(&Match) -> &Option<String>, index: Option<usize>| {
        running.and_then(|running| of(running).clone()).or_else(|| {
            let index = index.filter(|index| *index < groups.len())?;
            Some(groups.get(index).map_or_else(String::new, |group| group.as_str().to_owned()))
        })
    };
    Match {
        file: get(|found| &found.file, pattern.file),
        line: get(|found| &found.line, pattern.line),
        column: get(|found| &found.column, pattern.column),
        severity: get(|found| &found.severity, pattern.severity),
        code: get(|found| &found.code, pattern.code),
        message: get(|found| &found.message, pattern.message),
        from_path: get(|found| &found.from_path, pattern.from_path),
    }
}

/// A line without `ESC [ … m`.
fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(code.len());
        rest = match code[end..].strip_prefix(['m', 'K']) {
            Some(rest) => rest,
            None => &code[end..],
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str, lines: &[&str]) -> Vec<String> {
        let mut matchers = Matchers::default();
        matchers.add(json.as_bytes()).unwrap();
        let one = |found: Match| {
            let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {} {} {}",
                text(found.file.clone()),
                text(found.line.clone()),
                text(found.severity.clone()),
                text(found.code.clone()),
                text(found.message)
            )
        };
        lines.iter().filter_map(|line| matchers.line(line)).map(one).collect()
    }

    #[test]
    fn a_line_with_a_fault_is_found_without_its_colours() {
        let json = r#"{"problemMatcher": [{"owner": "x", "severity": "warning", "pattern": [{"regexp": "^(.+):(\\d+): (.+)$", "file": 1, "line": 2, "message": 3}]}]}"#;
        assert_eq!(found(json, &["no", "\u{1b}[31ma.c:3:\u{1b}[0m bad"]), ["a.c 3 warning - bad"]);
    }

    #[test]
    fn faults_below_their_files_name_are_found_as_long_as_they_follow() {
        let json = r#"{"problemMatcher": [{"owner": "eslint", "pattern": [
            {"regexp": "^(\\S+\\.js)$", "file": 1},
            {"regexp": "^\\s+(\\d+):\\d+\\s+(error|warning)\\s+(.*)\\s\\s+(\\S+)$", "line": 1, "severity": 2, "message": 3, "code": 4, "loop": true}]}]}"#;
        let lines =
            ["a.js", "  1:2  error  one  r1", "  3:4  warning  two  r2", "", "  5:6  error  lost  r3", "b.js", "  7:8  error  three  r4"];
        assert_eq!(found(json, &lines), ["a.js 1 error r1 one", "a.js 3 warning r2 two", "b.js 7 error r4 three"]);
    }

    #[test]
    fn a_matcher_that_cannot_work_is_refused_and_says_why() {
        let mut matchers = Matchers::default();
        let refused = |matchers: &mut Matchers, json: &str| matchers.add(json.as_bytes()).unwrap_err();
        assert!(refused(&mut matchers, "{").contains("no file of problem matchers"));
        let look = r#"{"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "(?=a)b", "message": 0}]}]}"#;
        assert!(refused(&mut matchers, look).contains("`x` is refused: `(?=a)b` cannot be used here"));
        assert!(
            refused(&mut matchers, r#"{"problemMatcher": [{"owner": "x", "pattern": [{"regexp": "b"}]}]}"#)
                .contains("no pattern has a `message`")
        );
        assert!(matchers.is_empty());
    }
}
