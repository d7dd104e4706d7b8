//! `$[[ inputs.NAME | function ]]`: what a file's header declares, filled in before anything else is read.
//!
//! As GitLab has it (its `interpolation/template.rb`, `block.rb`, `access.rb` and `functions`): in keys and texts, once and
//! not again in what was filled in; a value that is nothing but a block becomes what the input is, a number, a list; within a
//! text it becomes text. `$[[ matrix.NAME ]]` is left for later, and so is everything within a `!reference`.

mod access;
mod functions;

use std::collections::BTreeMap;

use self::access::access;
use crate::expand::Expanded;
use crate::reader::{Problems, shown};
use crate::yaml::{At, Budget, Key, Node, Value};

/// What every block begins with.
const OPEN: &str = "$[[";
/// The most blocks in one file (GitLab's own bound).
const MAX_BLOCKS: usize = 10_000;
/// The longest text with a block in it, in bytes (GitLab's own bound).
const MAX_TEXT: usize = 1 << 20;
/// The most functions in one block (GitLab's own bound).
const MAX_FUNCTIONS: usize = 3;

/// What blocks may ask for.
#[derive(Debug)]
pub(super) struct Values<'v> {
    /// The file's inputs.
    pub(super) inputs: BTreeMap<String, Node>,
    /// What is known of the component that the file is, as far as its header asks for it.
    pub(super) component: BTreeMap<&'static str, Node>,
    /// What `expand_vars` sees.
    pub(super) variables: &'v BTreeMap<String, Expanded>,
}

/// A block that cannot be filled in was told.
pub(super) struct Told;

/// A file's content with its blocks filled in.
pub(super) fn fill(node: &Node, values: &Values<'_>, budget: &mut Budget, problems: &mut Problems) -> Result<Node, Told> {
    Filler { values, budget, problems, blocks: 0 }.node(node, "")
}

struct Filler<'f, 'v> {
    values: &'f Values<'v>,
    budget: &'f mut Budget,
    problems: &'f mut Problems,
    blocks: usize,
}

impl Filler<'_, '_> {
    fn node(&mut self, node: &Node, path: &str) -> Result<Node, Told> {
        match &node.value {
            _ if node.reference => Ok(node.clone()),
            Value::Scalar { text, .. } if text.contains(OPEN) => self.scalar(node, text, path),
            Value::Scalar { .. } => Ok(node.clone()),
            Value::Seq(items) => {
                let items: Result<Vec<Node>, Told> = items.iter().map(|item| self.node(item, path)).collect();
                Ok(Node::seq(items?, node.at))
            }
            Value::Map(entries) => {
                let mut out: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
                let mut filled = false;
                for (key, node) in entries {
                    let inner = crate::reader::join(path, &key.text);
                    let key = if key.text.contains(OPEN) {
                        filled = true;
                        Key { text: self.key(key, &inner)?, at: key.at }
                    } else {
                        key.clone()
                    };
                    out.push((key, self.node(node, &inner)?));
                }
                if filled {
                    self.twice(&out, path)?;
                }
                Ok(Node::map(out, node.at))
            }
        }
    }

    /// Keys that became the same: the file says two things, and nobody can tell which counts.
    fn twice(&mut self, entries: &[(Key, Node)], path: &str) -> Result<(), Told> {
        let mut seen = std::collections::HashSet::new();
        for (key, _) in entries {
            if !seen.insert(key.text.as_str()) {
                let message = format!("`{}` is there twice once its inputs are filled in", shown(&key.text));
                self.problems.add(key.at, path, message, "give the input another value, or the key another name");
                return Err(Told);
            }
        }
        Ok(())
    }

    fn scalar(&mut self, node: &Node, text: &str, path: &str) -> Result<Node, Told> {
        if let Some(block) = block(text, 0).filter(|block| block.start == 0 && block.end == text.len()) {
            let value = self.value(&block, node.at, path)?;
            return self.take(value.weight(), node.at).map(|()| value.placed(node.at));
        }
        self.text(text, node, path).map(|text| Node::made(&text, false, node.at))
    }

    fn key(&mut self, key: &Key, path: &str) -> Result<String, Told> {
        let node = Node::made(&key.text, false, key.at);
        self.text(&key.text, &node, path)
    }

    /// A text with its blocks as text.
    fn text(&mut self, text: &str, node: &Node, path: &str) -> Result<String, Told> {
        if text.len() > MAX_TEXT {
            return self.tell(node.at, path, format!("a text with inputs has more than {} MiB", MAX_TEXT >> 20), "move it into a file");
        }
        let (mut out, mut from) = (String::new(), 0);
        while let Some(block) = block(text, from) {
            let at = super::rules::place_in(node, text[..block.start].chars().count());
            let value = self.value(&block, at, path)?;
            let Some(value) = written(&value) else {
                let message = format!("`{}` is a list with mappings, which cannot become part of a text", shown(block.whole));
                return self.tell(at, path, message, "let it be the whole value, or name one of its items, as in `inputs.NAME[0].key`");
            };
            self.take(value.len() + block.start - from, at)?;
            out.push_str(&text[from..block.start]);
            out.push_str(&value);
            from = block.end;
        }
        out.push_str(&text[from..]);
        Ok(out)
    }

    fn value(&mut self, block: &Block<'_>, at: At, path: &str) -> Result<Node, Told> {
        self.blocks += 1;
        if self.blocks > MAX_BLOCKS {
            return self.tell(at, path, format!("the file has more than {MAX_BLOCKS} interpolation blocks"), "use variables instead");
        }
        match evaluated(block, self.values) {
            Ok(value) => Ok(value),
            Err(message) => self.tell(at, path, message, "write `$[[ inputs.NAME ]]`, with up to three functions after `|`"),
        }
    }

    fn take(&mut self, weight: usize, at: At) -> Result<(), Told> {
        self.budget.take(weight, at).map_err(|problem| {
            self.problems.malformed(problem);
            Told
        })
    }

    fn tell<T>(&mut self, at: At, path: &str, message: String, help: &str) -> Result<T, Told> {
        self.problems.add(at, path, message, help);
        Err(Told)
    }
}

/// A block within a text.
struct Block<'t> {
    start: usize,
    end: usize,
    whole: &'t str,
    inner: &'t str,
}

/// The first block from a place on: `$[[`, at least two characters on one line, `]]`.
fn block(text: &str, from: usize) -> Option<Block<'_>> {
    let mut from = from;
    loop {
        let start = from + text.get(from..)?.find(OPEN)?;
        let rest = &text[start + OPEN.len()..];
        let data = rest.trim_start();
        let begins = start + OPEN.len() + rest.len() - data.len();
        let line = data.split('\n').next().unwrap_or_default();
        // what closes it may come after blanks, also on the next line
        let mut search = 0;
        while let Some(close) = data[search..].find("]]").map(|place| search + place) {
            let inner = data[..close].trim_end();
            if inner.len() > line.len() {
                break;
            }
            if inner.chars().nth(1).is_some() {
                let end = begins + close + 2;
                return Some(Block { start, end, whole: &text[start..end], inner });
            }
            search = close + 1;
        }
        from = start + OPEN.len();
    }
}

/// What a block stands for.
fn evaluated(block: &Block<'_>, values: &Values<'_>) -> Result<Node, String> {
    let mut parts = block.inner.split('|').map(str::trim);
    let name = parts.next().unwrap_or_default();
    if name.split('.').next() == Some("matrix") {
        return Ok(Node::made(block.whole, false, At::default()));
    }
    let mut value = access(name, values)?;
    let functions: Vec<&str> = parts.collect();
    if functions.len() > MAX_FUNCTIONS {
        return Err(format!("`{}` has more than {MAX_FUNCTIONS} functions", shown(block.whole)));
    }
    for function in functions {
        value = functions::applied(function, &value, values.variables)?;
    }
    Ok(value)
}

/// A value as part of a text, as Ruby writes it; `None` for what has mappings in it.
fn written(value: &Node) -> Option<String> {
    match &value.value {
        Value::Scalar { .. } if value.is_null() => Some(String::new()),
        Value::Scalar { text, .. } => Some(text.to_string()),
        Value::Seq(items) => {
            let items: Option<Vec<String>> = items.iter().map(inspected).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Map(_) => None,
    }
}

/// An item of a list within a text: texts stand in quotes.
fn inspected(value: &Node) -> Option<String> {
    match &value.value {
        Value::Scalar { .. } if value.is_null() => Some("nil".to_owned()),
        Value::Scalar { text, .. } if is_text(value) => {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
            Some(format!("\"{escaped}\""))
        }
        _ => written(value),
    }
}

/// Whether a value is a text and not a number, `true`, `false` or nothing.
fn is_text(value: &Node) -> bool {
    matches!(value.value, Value::Scalar { .. }) && !value.is_null() && value.bool().is_none() && value.number().is_none()
}

#[cfg(test)]
mod tests;
