//! Nodes walked over data.

use super::{Found, Node, PathError, compare, parse::Slice, printed};
use crate::{
    budget::Budget,
    value::{Data, Str},
};

/// How deep loops may stand in one another.
const LOOPS: usize = 64;

/// Why a part of a path gave nothing, and what Kubernetes takes it to have found all the same: a filter that only asks whether something is there
/// looks at that alone.
struct Stopped<'d> {
    found: Vec<Found<'d>>,
    why: PathError,
}

type Walked<'d> = Result<Vec<Found<'d>>, Stopped<'d>>;

impl From<crate::budget::Exhausted> for Stopped<'_> {
    fn from(limit: crate::budget::Exhausted) -> Self {
        Self { found: Vec::new(), why: limit.into() }
    }
}

fn stopped<'d, T>(found: &[Found<'d>], why: impl Into<String>) -> Result<T, Stopped<'d>> {
    Err(Stopped { found: found.to_vec(), why: PathError::Unfit(why.into()) })
}

/// The nodes of a path, and which loops are open.
pub(super) struct Walk<'n, 'b> {
    nodes: &'n [Node],
    budget: &'b mut Budget,
    begun: usize,
    open: usize,
    ended: usize,
    last_end: Option<usize>,
}

impl<'n, 'b> Walk<'n, 'b> {
    pub(super) fn new(nodes: &'n [Node], budget: &'b mut Budget) -> Self {
        Self { nodes, budget, begun: 0, open: 0, ended: 0, last_end: None }
    }

    /// What each node from this one on finds, up to the end of the loop that it stands in.
    pub(super) fn results<'d>(&mut self, from: usize, data: Found<'d>) -> Result<Vec<Vec<Found<'d>>>, PathError> {
        let here = [data];
        let mut all = Vec::new();
        let mut at = from;
        while let Some(node) = self.nodes.get(at) {
            let found = self.walk(&here, node).map_err(|stopped| stopped.why)?;
            if self.ended > 0 && self.ended <= self.open {
                self.ended -= 1;
                self.last_end = Some(at);
                break;
            }
            if self.begun == 0 {
                all.push(found);
                at += 1;
                continue;
            }
            self.begun -= 1;
            self.open += 1;
            if self.open > LOOPS {
                return Err(PathError::Unfit(format!("loops stand more than {LOOPS} deep in one another")));
            }
            if found.is_empty() {
                // somebody has to find the loop's end
                self.results(at + 1, Found::Nothing)?;
            }
            for one in found {
                let one = if matches!(one, Found::Data(Data::Null)) { Found::Nothing } else { one };
                all.extend(self.results(at + 1, one)?);
            }
            self.open -= 1;
            at = self.last_end.filter(|end| *end > at).unwrap_or(at) + 1;
        }
        Ok(all)
    }

    fn list<'d>(&mut self, here: &[Found<'d>], nodes: &[Node]) -> Walked<'d> {
        let mut found = here.to_vec();
        for node in nodes {
            found = self.walk(&found, node)?;
        }
        Ok(found)
    }

    fn walk<'d>(&mut self, here: &[Found<'d>], node: &Node) -> Walked<'d> {
        self.budget.step(1 + here.len() as u64)?;
        self.budget.make(here.len().saturating_mul(size_of::<Found<'_>>()))?;
        match node {
            Node::List(nodes) => self.list(here, nodes),
            Node::Text(text) => Ok(vec![Found::Text(text.clone())]),
            Node::Field(name) => field(here, name),
            Node::Word(word) => self.word(here, word),
            Node::Slice(slice) => self.slice(here, *slice),
            Node::Filter { left, operator, right } => self.filter(here, left, operator, right),
            Node::Int(it) => Ok(here.iter().map(|_| Found::Int(*it)).collect()),
            Node::Float(it) => Ok(here.iter().map(|_| Found::Float(*it)).collect()),
            Node::Bool(it) => Ok(here.iter().map(|_| Found::Bool(*it)).collect()),
            Node::Wildcard => self.wildcard(here),
            Node::Recursive => self.recursive(here),
            Node::Union(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    match self.list(here, part) {
                        Ok(found) => all.extend(found),
                        Err(other) => return Err(Stopped { found: here.to_vec(), ..other }),
                    }
                }
                Ok(all)
            }
        }
    }

    fn word<'d>(&mut self, here: &[Found<'d>], word: &str) -> Walked<'d> {
        match word {
            "range" => {
                self.begun += 1;
                Ok(here.to_vec())
            }
            "end" if self.open > 0 => {
                self.ended += 1;
                Ok(Vec::new())
            }
            "end" => stopped(&[], "not in range, nothing to end"),
            other => stopped(here, format!("unrecognized identifier {other}")),
        }
    }

    fn slice<'d>(&mut self, here: &[Found<'d>], slice: Slice) -> Walked<'d> {
        let mut all = Vec::new();
        for one in here {
            let items = match one {
                Found::Data(Data::Null) => continue,
                Found::Data(Data::List(items)) => items,
                other => return stopped(here, format!("{} is not array or slice", type_name(other))),
            };
            let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let given = slice.start.unwrap_or(0);
            let start = if given < 0 { given.saturating_add(length) } else { given };
            let end = if slice.one { Some(given.saturating_add(1)) } else { slice.end };
            let end = match end {
                None => length,
                Some(end) if end < 0 || (end == 0 && slice.one) => end.saturating_add(length),
                Some(end) => end,
            };
            if start == end {
                // nothing is asked for, here or of what comes after
                return Ok(all);
            }
            for (place, is_out) in [(start, start >= length || start < 0), (end.saturating_sub(1), end > length || end < 0)] {
                if is_out {
                    return stopped(here, format!("array index out of bounds: index {place}, length {length}"));
                }
            }
            if start > end {
                return stopped(here, format!("starting index {start} is greater than ending index {end}"));
            }
            let step = slice.step.unwrap_or(1);
            let (Ok(start), Ok(end), Ok(step @ 1..)) = (usize::try_from(start), usize::try_from(end), usize::try_from(step)) else {
                return stopped(here, "step must be > 0");
            };
            self.budget.step(items.len() as u64)?;
            self.budget.make(end.saturating_sub(start).saturating_mul(size_of::<Found<'_>>()))?;
            all.extend(items.get(start..end).unwrap_or_default().iter().step_by(step).map(Found::Data));
        }
        Ok(all)
    }

    fn wildcard<'d>(&mut self, here: &[Found<'d>]) -> Walked<'d> {
        let mut all = Vec::new();
        for one in here {
            let inner = inside(one);
            self.budget.step(inner.len() as u64)?;
            self.budget.make(inner.len().saturating_mul(size_of::<Found<'_>>()))?;
            all.extend(inner);
        }
        Ok(all)
    }

    /// What holds something, the outermost first. One after the other on a list, so that no depth takes the thread's stack.
    fn recursive<'d>(&mut self, here: &[Found<'d>]) -> Walked<'d> {
        let mut all = Vec::new();
        let mut left: Vec<Found<'d>> = here.iter().rev().cloned().collect();
        while let Some(one) = left.pop() {
            let inner = inside(&one);
            self.budget.step(1 + inner.len() as u64)?;
            self.budget.make(inner.len().saturating_mul(2 * size_of::<Found<'_>>()))?;
            if !inner.is_empty() {
                all.push(one);
                left.extend(inner.into_iter().rev());
            }
        }
        Ok(all)
    }

    fn filter<'d>(&mut self, here: &[Found<'d>], left: &[Node], operator: &str, right: &[Node]) -> Walked<'d> {
        let mut all = Vec::new();
        for one in here {
            let Found::Data(Data::List(items)) = one else {
                let shown = match one {
                    Found::Data(Data::Null) => Str::from("<nil>"),
                    Found::Nothing => Str::from("<invalid reflect.Value>"),
                    other => printed(other, self.budget).map_err(|why| Stopped { found: Vec::new(), why })?,
                };
                return stopped(here, format!("{} is not array or slice and cannot be filtered", shown.lossy()));
            };
            for item in items {
                let item = [Found::Data(item)];
                let lefts = self.list(&item, left);
                if operator == "exists" {
                    let found = match lefts {
                        Err(Stopped { why: why @ PathError::Limit(_), found }) => return Err(Stopped { found, why }),
                        Ok(found) | Err(Stopped { found, .. }) => found,
                    };
                    all.extend(item.into_iter().filter(|_| !found.is_empty()));
                    continue;
                }
                let again = |other: Stopped<'d>| Stopped { found: here.to_vec(), ..other };
                let lefts = lefts.map_err(again)?;
                let [left] = lefts.as_slice() else {
                    if lefts.is_empty() {
                        continue;
                    }
                    return stopped(here, "can only compare one element at a time");
                };
                let rights = self.list(&item, right).map_err(again)?;
                let [right] = rights.as_slice() else {
                    if rights.is_empty() {
                        continue;
                    }
                    return stopped(here, "can only compare one element at a time");
                };
                match compare::holds(left, operator, right) {
                    Ok(holds) => all.extend(item.into_iter().filter(|_| holds)),
                    Err(why) => return stopped(&all, why),
                }
            }
        }
        Ok(all)
    }
}

fn field<'d>(here: &[Found<'d>], name: &str) -> Walked<'d> {
    let entry = |one: &Found<'d>| match one {
        Found::Data(Data::Map(table)) => table.get(name.as_bytes()).map(Found::Data),
        _ => None,
    };
    let found: Vec<Found<'d>> = here.iter().filter_map(entry).collect();
    if found.is_empty() && !here.is_empty() {
        return stopped(&[], format!("{name} is not found"));
    }
    Ok(found)
}

/// What a list, a map or a text holds.
fn inside<'d>(one: &Found<'d>) -> Vec<Found<'d>> {
    match one {
        Found::Data(Data::Map(table)) => table.values().map(Found::Data).collect(),
        Found::Data(Data::List(items)) => items.iter().map(Found::Data).collect(),
        Found::Data(Data::Text(text)) => text.as_bytes().iter().map(|byte| Found::Byte(*byte)).collect(),
        Found::Text(text) => text.bytes().map(Found::Byte).collect(),
        _ => Vec::new(),
    }
}

fn type_name(found: &Found<'_>) -> &'static str {
    match found {
        Found::Data(Data::Map(_)) => "map[string]interface {}",
        Found::Data(Data::List(_)) => "[]interface {}",
        Found::Data(Data::Text(_)) | Found::Text(_) => "string",
        Found::Data(Data::Bool(_)) | Found::Bool(_) => "bool",
        Found::Data(Data::Float(_)) | Found::Float(_) => "float64",
        Found::Data(Data::Int(_)) => "int64",
        Found::Int(_) => "int",
        Found::Byte(_) => "uint8",
        Found::Data(Data::Null) | Found::Nothing => "nothing",
    }
}
