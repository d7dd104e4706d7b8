//! Values that no template looks at. Helm has no such rule.

use super::{Directory, Message, Severity};
use crate::{load, uses, value::Str, yaml};

/// Names the values of `values.yaml` that no template uses, in the order of their lines. Nothing of a chart that does not load.
pub fn unused(directory: &Directory) -> Vec<Message> {
    let (Ok(loaded), Some(text)) = (load::files(directory.files.clone()), &directory.values) else { return Vec::new() };
    let Ok(found) = uses::uses(&loaded.chart) else { return Vec::new() };
    let mut lines: Vec<(usize, String)> = uses::unused(&loaded.chart, &found).iter().map(|path| placed(text, path)).collect();
    lines.sort();
    let message = |(line, path): (usize, String)| Message {
        severity: Severity::Info,
        path: format!("values.yaml:{line}"),
        text: format!("no template uses the value {path}"),
    };
    lines.into_iter().map(message).collect()
}

fn placed(text: &Str, path: &[Str]) -> (usize, String) {
    let keys: Vec<String> = path.iter().map(ToString::to_string).collect();
    let line = yaml::line_of(text, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    (line.unwrap_or(1), keys.join("."))
}
