//! The head of a manifest: what Helm reads of one before it knows what to do with it.

use std::{collections::BTreeMap, fmt};

use crate::{
    json,
    value::{Data, Str, Table},
};

/// What a manifest says of itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
}

/// Which object it is; of the annotations their names.
impl fmt::Debug for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api_version, kind, name, annotations } = self;
        write!(formatter, "{api_version} {kind} {name:?} with {:?}", annotations.keys())
    }
}

const HEAD: &str = "Go value of type releaseutil.SimpleHead";
const METADATA: &str = "Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

/// Reads the head of a document. Where a part is of the wrong kind, the error is the text that Go's JSON decoder has for it.
pub(super) fn head(document: &Data) -> Result<Head, String> {
    let fields = match document {
        Data::Null => return Ok(Head::default()),
        Data::Map(fields) => fields,
        other => return Err(wrong(other, HEAD)),
    };
    let mut head = Head {
        api_version: text(member(fields, "apiVersion"), "Go struct field SimpleHead.apiVersion of type string")?,
        kind: text(member(fields, "kind"), "Go struct field SimpleHead.kind of type string")?,
        ..Head::default()
    };
    let metadata = match member(fields, "metadata") {
        None | Some(Data::Null) => return Ok(head),
        Some(Data::Map(metadata)) => metadata,
        Some(other) => return Err(wrong(other, METADATA)),
    };
    match member(metadata, "annotations") {
        None | Some(Data::Null) => {}
        Some(Data::Map(annotations)) => {
            for (name, value) in annotations {
                let value = text(Some(value), "Go struct field .metadata.annotations of type string")?;
                head.annotations.insert(name.lossy().into_owned(), value);
            }
        }
        Some(other) => return Err(wrong(other, "Go struct field .metadata.annotations of type map[string]string")),
    }
    head.name = text(member(metadata, "name"), "Go struct field .metadata.name of type string")?;
    Ok(head)
}

/// A member by name; Go's decoder takes any spelling of upper and lower case.
fn member<'a>(fields: &'a Table, name: &str) -> Option<&'a Data> {
    fields.get(name.as_bytes()).or_else(|| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value))
}

/// A scalar as text: where a text is wanted, a number or a truth becomes one.
fn text(value: Option<&Data>, place: &str) -> Result<String, String> {
    Ok(match value {
        None | Some(Data::Null) => String::new(),
        Some(Data::Text(text)) => text.lossy().into_owned(),
        Some(Data::Bool(it)) => it.to_string(),
        Some(Data::Int(it)) => it.to_string(),
        Some(Data::Float(it)) => crate::format::float(*it, 'g', None),
        Some(other) => return Err(wrong(other, place)),
    })
}

fn wrong(value: &Data, place: &str) -> String {
    let kind = json::kind(value);
    format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into {place}")
}

impl Head {
    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(String::as_str)
    }

    /// Whether it is a `v1` Secret: what `--hide-secret` hides.
    pub fn is_secret(&self) -> bool {
        self.kind == "Secret" && self.api_version == "v1"
    }
}

/// The documents of a file, each trimmed (Helm's `releaseutil.SplitManifests`).
pub fn documents(file: &[u8]) -> Vec<Str> {
    let file = go_trim(file);
    let mut documents = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < file.len() {
        match separator(file, at) {
            Some((from, to)) => {
                documents.push(&file[start..from]);
                start = to;
                // an empty match cannot be: three dashes are there
                at = to;
            }
            None => break,
        }
    }
    documents.push(&file[start..]);
    documents.into_iter().filter(|document| !document.is_empty()).map(|document| Str::new(go_trim(document))).collect()
}

/// The next `(?:^|\s*\n)---\s*` from `at`: where it begins and where it ends.
fn separator(file: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut from = at;
    loop {
        let dashes = from + bstr::ByteSlice::find(&file[from..], b"---")?;
        let end = dashes + 3 + file[dashes + 3..].iter().take_while(|byte| is_space(**byte)).count();
        if dashes == 0 {
            return Some((0, end));
        }
        if dashes > at && file[dashes - 1] == b'\n' {
            let blank = file[at..dashes].iter().rev().take_while(|byte| is_space(**byte)).count();
            return Some((dashes - blank, end));
        }
        from = dashes + 1;
    }
}

/// `\s` of Go's regular expressions.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// `strings.TrimSpace`.
pub(super) fn go_trim(text: &[u8]) -> &[u8] {
    bstr::ByteSlice::trim(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(file: &str) -> Vec<String> {
        documents(file.as_bytes()).iter().map(|document| document.lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_split_where_helm_splits_it() {
        assert_eq!(split("---\na: 1\n---\nb: 2\n"), ["a: 1", "b: 2"]);
        assert_eq!(split("a: 1\n\n  \n---   \nb: 2"), ["a: 1", "b: 2"]);
        assert_eq!(split("a: |\n  x---y\n  ---\nb: 2"), ["a: |\n  x---y\n  ---\nb: 2"]);
        // the second line of dashes has lost its newline to the first
        assert_eq!(split("---\n---\n---\na: 1"), ["---", "a: 1"]);
        assert_eq!(split("a: 1\n---b: 2"), ["a: 1", "b: 2"]);
        assert_eq!(split("a: 1\n----\nb: 2"), ["a: 1", "-\nb: 2"]);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split("a: 1\n--- # comment\nb: 2"), ["a: 1", "# comment\nb: 2"]);
    }
}
