//! What is questionable about a chart: Helm's own lint, rule by rule, in its words.

mod addresses;
mod chartfile;
mod dependencies;
mod deprecations;
mod names;
mod templates;
#[cfg(test)]
mod tests;
mod unused;
mod values;

use std::fmt;

pub use unused::unused;

use crate::{
    chart::File,
    render::{KubeVersion, Surroundings},
    value::{Str, Table},
};

/// How bad it is. In order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// It may not work.
    Warning,
    /// It will not work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        })
    }
}

/// What a rule has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// Of which file, from the top of the chart; of dependencies, the chart's directory.
    pub path: String,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[{}] {}: {}", self.severity, self.path, self.text)
    }
}

/// The directory of a chart as it was read.
#[derive(Clone, Default)]
pub struct Directory {
    /// Its whole path, to be shown.
    pub path: String,
    /// Its files without those that are ignored, in the order of the walk.
    pub files: Vec<File>,
    /// `Chart.yaml`, ignored or not.
    pub chart_yaml: Str,
    /// `values.yaml`, ignored or not.
    pub values: Option<Str>,
    /// `values.schema.json`, ignored or not.
    pub schema: Option<Str>,
    /// Whether `templates` is a file.
    pub templates_is_file: bool,
}

/// Which files there are, not what they hold.
impl fmt::Debug for Directory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Directory").field("path", &self.path).field("files", &self.files).finish_non_exhaustive()
    }
}

impl Directory {
    /// The directory with these files, none of which was ignored.
    pub fn of(path: &str, files: Vec<File>) -> Self {
        let file = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.data.clone());
        Self {
            path: path.to_owned(),
            chart_yaml: file("Chart.yaml").unwrap_or_default(),
            values: file("values.yaml"),
            schema: file("values.schema.json"),
            templates_is_file: file("templates").is_some(),
            files,
        }
    }
}

/// What a chart is linted for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The values that are given for it.
    pub values: Table,
    /// The namespace that templates see.
    pub namespace: String,
    /// The version of Kubernetes that templates see, and whose deprecations count.
    pub kube_version: Option<KubeVersion>,
    /// Whether values are not held against the schema when templates are rendered.
    pub skip_schema: bool,
}

/// Lints a chart. Deprecations without a version are those of the Kubernetes that Helm 3.18.4 knows.
pub fn lint(directory: &Directory, options: &Options, around: &mut Surroundings<'_>) -> Vec<Message> {
    let mut linter = Linter { messages: Vec::new() };
    chartfile::check(&mut linter, &directory.chart_yaml);
    values::check(&mut linter, directory, options, &mut around.budget());
    templates::check(&mut linter, directory, options, around);
    dependencies::check(&mut linter, directory);
    linter.messages
}

/// Collects what the rules find.
struct Linter {
    messages: Vec<Message>,
}

impl Linter {
    /// Takes up a rule's outcome; whether it found nothing.
    fn rule<T, E: ToString>(&mut self, severity: Severity, path: &str, outcome: Result<T, E>) -> Option<T> {
        match outcome {
            Ok(found) => Some(found),
            Err(text) => {
                self.messages.push(Message { severity, path: path.to_owned(), text: text.to_string() });
                None
            }
        }
    }
}
