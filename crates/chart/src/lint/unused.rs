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
    let Ok(found) = uses::uses(&loaded.chart, layers) else { return Vec::new() };
    let look = |name: &str, text: Option<&Str>, values: &Table| -> Vec<Message> {
        let paths = uses::unused(&loaded.chart, values, &found);
        let lines = match text {
            Some(text) => yaml::lines_of(text, paths.iter().map(Vec::as_slice)),
            None => vec![None; paths.len()],
        };
        let mut placed: Vec<(usize, String)> =
            lines.into_iter().zip(&paths).map(|(line, path)| (line.unwrap_or(1), uses::dotted(path))).collect();
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
