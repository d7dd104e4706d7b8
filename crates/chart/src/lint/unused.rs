//! Values that no template looks at. Helm has no such rule.

use super::{Directory, Message, Severity};
use crate::{
    load,
    origins::Layer,
    uses,
    value::{Str, Table},
    yaml,
};

/// Names the values of `values.yaml`, and those of a user's files and flags, that no template uses, in the order of their lines.
/// Nothing of a chart that does not load. What a flag sets is not shown: it may be a secret.
pub fn unused(directory: &Directory, layers: &[Layer]) -> Vec<Message> {
    let Ok(loaded) = load::files(directory.files.clone()) else { return Vec::new() };
    let Ok(found) = uses::uses(&loaded.chart) else { return Vec::new() };
    let look = |name: &str, text: Option<&Str>, values: &Table| -> Vec<Message> {
        let mut placed: Vec<(usize, String)> =
            uses::unused(&loaded.chart, values, &found).iter().map(|path| (line(text, path), dotted(path))).collect();
        placed.sort();
        let message = |(line, path): (usize, String)| Message {
            severity: Severity::Info,
            path: if text.is_some() { format!("{name}:{line}") } else { name.to_owned() },
            text: format!("no template uses the value {path}"),
        };
        placed.into_iter().map(message).collect()
    };
    let own = directory.values.iter().flat_map(|text| look("values.yaml", Some(text), &loaded.chart.values));
    let given = layers.iter().flat_map(|layer| {
        let flag = layer.from.split(' ').next().unwrap_or_default();
        look(if layer.text.is_some() { &layer.from } else { flag }, layer.text.as_ref(), &layer.values)
    });
    own.chain(given).collect()
}

fn line(text: Option<&Str>, path: &[Str]) -> usize {
    let keys: Vec<String> = path.iter().map(ToString::to_string).collect();
    text.and_then(|text| yaml::line_of(text, &keys.iter().map(String::as_str).collect::<Vec<_>>())).unwrap_or(1)
}

fn dotted(path: &[Str]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}
