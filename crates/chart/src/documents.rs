//! The documents of a rendered file, as Kubernetes' decoder takes them: YAML with `---` between them, or JSON one after the other.

use crate::{budget::Budget, json, value::Data, yaml};

/// Reads one document after the other.
pub(crate) struct Documents<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    /// Whether it could be JSON still.
    is_json: bool,
    count: usize,
}

impl<'a> Documents<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let begin = String::from_utf8_lossy(text);
        Self { text, rest: text, is_json: begin.trim_start().starts_with('{'), count: 0 }
    }

    /// What is taken out of the next document; none at the end. Its whole numbers are [`Data::Int`]. What cannot be taken out of JSON is tried as YAML.
    pub(crate) fn next<T>(&mut self, budget: &mut Budget, take: impl Fn(&Data) -> Result<T, String>) -> Result<Option<T>, String> {
        let mut first = None;
        if self.is_json {
            if self.rest.trim_ascii_start().is_empty() {
                return Ok(None);
            }
            match self.json(budget, &take) {
                // behind one document there may be YAML
                Err(why) if self.count <= 1 => first = Some(why),
                read => return read.map(Some),
            }
            self.is_json = false;
            let blanks = self.rest.iter().take_while(|byte| byte.is_ascii_whitespace() && **byte != b'\n').count();
            let behind = self.rest.get(blanks..).unwrap_or_default();
            self.rest = behind.strip_prefix(b"\n").unwrap_or(behind);
        }
        let read = self.yaml(budget, &take);
        if read.is_ok() {
            self.count += 1;
        }
        read.map_err(|why| first.unwrap_or(why))
    }

    fn json<T>(&mut self, budget: &mut Budget, take: &impl Fn(&Data) -> Result<T, String>) -> Result<T, String> {
        let (read, at) = json::read_front(self.rest, budget);
        let behind = self.rest.get(at..).unwrap_or_default();
        match read {
            Ok(document) => {
                let taken = take(&document)?;
                self.rest = behind;
                self.count += 1;
                Ok(taken)
            }
            Err(why) if behind.is_empty() || self.count > 1 => Err(why.to_string()),
            Err(why) => Err(format!("json: offset {}: {why}", self.text.len() - behind.len() + 1)),
        }
    }

    fn yaml<T>(&mut self, budget: &mut Budget, take: &impl Fn(&Data) -> Result<T, String>) -> Result<Option<T>, String> {
        let Some(text) = self.part()? else { return Ok(None) };
        let rules = yaml::Rules { integers: true, ..yaml::Rules::default() };
        let document = yaml::read_by(rules, &text, budget).map_err(|why| why.to_string())?;
        take(&document).map(Some).map_err(|why| format!("error unmarshaling JSON: while decoding JSON: {why}"))
    }

    /// What stands up to the next separator.
    fn part(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut part = Vec::new();
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| *byte == b'\n');
            let (line, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
            self.rest = rest;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(behind) = line.strip_prefix(b"---") {
                let behind = String::from_utf8_lossy(behind);
                let behind = behind.trim();
                if !behind.is_empty() && !behind.starts_with('#') {
                    return Err(format!("invalid Yaml document separator: {behind}"));
                }
                if !part.is_empty() {
                    return Ok(Some(part));
                }
            }
            part.extend_from_slice(line);
            part.push(b'\n');
        }
        Ok((!part.is_empty()).then_some(part))
    }
}
