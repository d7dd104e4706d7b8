//! Plain data out of the tree of a document, as it is after Go's library and then JSON have had it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
};

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use bstr::ByteSlice as _;

use super::{
    ReadError, Rules,
    nodes::{Node, NodeKind},
    raw::{Raw, valid},
    resolve::{Meaning, long_float, resolve},
};
use crate::{
    budget::Budget,
    value::{Data, Str, Table},
};

/// Base64 as Go reads it: bits that are left over at the end may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What an objection takes beside its key.
const OBJECTION: usize = 64;

const BINARY: &[u8] = b"tag:yaml.org,2002:binary";
const MERGE: &[u8] = b"tag:yaml.org,2002:merge";

pub(super) struct Decoder<'n, 'a, 'b> {
    nodes: &'n [Node<'a>],
    rules: Rules,
    budget: &'b mut Budget,
    /// Nodes looked at, and how many of them by way of an alias.
    looked_at: u64,
    by_alias: u64,
    alias_depth: usize,
    /// How deep the walk is.
    entered: u32,
    /// Aliases that are being followed.
    following: HashSet<usize>,
    /// What strict reading objects to.
    objections: Vec<String>,
    /// Whether a key was read that JSON cannot have.
    bad_key: bool,
    /// Whether a number was read that JSON cannot have.
    infinite: bool,
    /// Whether what is read is kept; all that is wrong with it is found all the same.
    keeps: bool,
}

/// A mapping on its way: what JSON will have of it, and its keys as they are when they must not come twice.
#[derive(Default)]
struct Entries {
    table: Table,
    seen: HashSet<String>,
}

impl<'n, 'a, 'b> Decoder<'n, 'a, 'b> {
    pub(super) fn new(nodes: &'n [Node<'a>], rules: Rules, budget: &'b mut Budget) -> Self {
        Self {
            nodes,
            rules,
            budget,
            looked_at: 1,
            by_alias: 0,
            alias_depth: 0,
            entered: 0,
            following: HashSet::new(),
            objections: Vec::new(),
            bad_key: false,
            infinite: false,
            keeps: true,
        }
    }

    pub(super) fn document(mut self) -> Result<Data, ReadError> {
        let data = self.whole();
        // an error ends the walk where it is; the budget outlives it
        while self.entered > 0 {
            self.leave();
        }
        data
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.budget.enter()?;
        self.entered += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.entered -= 1;
        self.budget.leave();
    }

    fn whole(&mut self) -> Result<Data, ReadError> {
        let data = self.value(0)?;
        if !self.objections.is_empty() {
            return Err(ReadError::Said(format!("yaml: unmarshal errors:\n  {}", self.objections.join("\n  "))));
        }
        if self.bad_key {
            // it may be gone again, with what held it: of two equal keys the last stays
            (self.looked_at, self.by_alias) = (1, 0);
            if let Some(error) = self.raw(0)?.bad_key() {
                return Err(ReadError::Said(error));
            }
        }
        if self.infinite && self.rules.head {
            // the number may be in what was not kept
            return Decoder::new(self.nodes, Rules { head: false, ..self.rules }, self.budget).document();
        }
        // the same is true of this
        match Some(&data).filter(|_| self.infinite).and_then(Data::infinite) {
            Some(number) => Err(ReadError::Said(format!("json: unsupported value: {}", long_float(number)))),
            None => Ok(data),
        }
    }

    fn node(&self, node: usize) -> Result<&'n Node<'a>, ReadError> {
        self.nodes.get(node).ok_or_else(|| ReadError::said("unknown node"))
    }

    fn kind(&self, node: usize) -> Result<&'n NodeKind<'a>, ReadError> {
        Ok(&self.node(node)?.kind)
    }

    /// The node behind this one and all that is in it.
    fn next(&self, node: usize) -> Result<usize, ReadError> {
        Ok(self.node(node)?.next)
    }

    /// Counts a node, and refuses a document that is mostly made of aliases.
    fn look(&mut self) -> Result<(), ReadError> {
        self.budget.step(1)?;
        self.looked_at += 1;
        if self.alias_depth > 0 {
            self.by_alias += 1;
        }
        let allowed = match self.looked_at {
            0..=400_000 => 0.99,
            4_000_000.. => 0.10,
            count => 0.99 - 0.89 * ((count - 400_000) as f64 / 3_600_000.0),
        };
        if self.by_alias > 100 && self.looked_at > 1_000 && self.by_alias as f64 / self.looked_at as f64 > allowed {
            return Err(ReadError::said("document contains excessive aliasing"));
        }
        Ok(())
    }

    /// Does something with the node that an alias means.
    fn follow<T>(&mut self, alias: usize, with: impl FnOnce(&mut Self, usize) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let NodeKind::Alias(name, meant) = self.kind(alias)? else { return with(self, alias) };
        if !self.following.insert(alias) {
            return Err(ReadError::said(format!("anchor '{}' value contains itself", name.to_str_lossy())));
        }
        self.alias_depth += 1;
        self.enter()?;
        let done = with(self, *meant)?;
        self.leave();
        self.alias_depth -= 1;
        self.following.remove(&alias);
        Ok(done)
    }

    fn value(&mut self, node: usize) -> Result<Data, ReadError> {
        self.look()?;
        match self.kind(node)? {
            NodeKind::Alias(..) => self.follow(node, Self::value),
            NodeKind::Scalar { .. } => self.plain(node),
            NodeKind::Sequence(count) => self.sequence(node, *count),
            NodeKind::Mapping(_) => self.table(node),
        }
    }

    fn table(&mut self, node: usize) -> Result<Data, ReadError> {
        let mut entries = Entries::default();
        self.mapping(node, &mut entries)?;
        Ok(Data::Map(entries.table))
    }

    // a plain loop: what iterators put on the stack at each level is too much for a thousand
    fn sequence(&mut self, node: usize, count: usize) -> Result<Data, ReadError> {
        self.enter()?;
        self.budget.make(count * size_of::<Data>())?;
        let mut items = Vec::with_capacity(if self.keeps { count } else { 0 });
        let mut child = node + 1;
        for _ in 0..count {
            let item = self.value(child)?;
            if self.keeps {
                items.push(item);
            }
            child = self.next(child)?;
        }
        self.leave();
        Ok(Data::List(items))
    }

    fn plain(&mut self, node: usize) -> Result<Data, ReadError> {
        Ok(match self.scalar(node)? {
            Raw::Bool(it) => Data::Bool(it),
            Raw::Int(it) if self.rules.integers => Data::Int(it),
            Raw::Int(it) => Data::Float(it as f64),
            Raw::Uint(it) if self.rules.integers => Data::Text(it.to_string().into()),
            Raw::Uint(it) => Data::Float(it as f64),
            Raw::Float(it) => {
                self.infinite |= !it.is_finite();
                Data::Float(it)
            }
            Raw::Text(text) => {
                self.budget.make(text.len())?;
                if self.keeps { Data::Text(valid(&text)) } else { Data::Null }
            }
            Raw::Null | Raw::List(_) | Raw::Map(_) => Data::Null,
        })
    }

    fn scalar(&self, node: usize) -> Result<Raw<'n>, ReadError> {
        let NodeKind::Scalar { tag, value, implicit } = self.kind(node)? else { return Ok(Raw::Null) };
        if tag.is_empty() && !implicit {
            return Ok(Raw::Text(Cow::Borrowed(value)));
        }
        if tag.as_ref() == BINARY {
            let packed: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            let bytes = BASE64.decode(packed).map_err(|_| ReadError::said("!!binary value contains invalid base64 data"))?;
            return Ok(Raw::Text(bytes.into()));
        }
        Ok(match resolve(tag, value)? {
            Meaning::Null => Raw::Null,
            Meaning::Bool(it) => Raw::Bool(it),
            Meaning::Int(it) => Raw::Int(it),
            Meaning::Uint(it) => Raw::Uint(it),
            Meaning::Float(it) => Raw::Float(it),
            Meaning::Timestamp | Meaning::Text => Raw::Text(Cow::Borrowed(value)),
        })
    }

    fn mapping(&mut self, node: usize, into: &mut Entries) -> Result<(), ReadError> {
        let NodeKind::Mapping(count) = self.kind(node)? else { return Ok(()) };
        self.enter()?;
        let mut next = node + 1;
        for _ in 0..count / 2 {
            let (key, value) = (next, self.next(next)?);
            next = self.next(value)?;
            if self.is_merge(key)? {
                self.merge(value, &mut |decoder, node| decoder.mapping(node, into))?;
                continue;
            }
            let key = self.key(key)?;
            let kept = self.keeps;
            self.keeps = kept && !(self.rules.head && self.entered == 1 && !key.is_head());
            let data = self.value(value)?;
            self.add(into, key, value, data)?;
            self.keeps = kept;
        }
        self.leave();
        Ok(())
    }

    fn add(&mut self, into: &mut Entries, key: Raw<'n>, node: usize, data: Data) -> Result<(), ReadError> {
        if self.rules.strict && !into.seen.insert(key.identity()) {
            let line = self.nodes.get(node).map_or(0, |node| node.line + 1);
            let key = if matches!(key, Raw::Null) { "<nil>".to_owned() } else { key.to_string() };
            // here, joined with the others, and in the error
            self.budget.make(3 * (key.len() + OBJECTION))?;
            self.objections.push(format!("line {line}: key {key} already set in map"));
            return Ok(());
        }
        self.budget.make(size_of::<(Str, Data)>())?;
        if matches!(key, Raw::Null | Raw::Uint(_) | Raw::List(_) | Raw::Map(_)) {
            self.bad_key = true;
        } else if let Some(text) = Some(&key).filter(|_| self.keeps).and_then(Raw::text) {
            into.table.insert(text, data);
        }
        Ok(())
    }

    fn is_merge(&self, key: usize) -> Result<bool, ReadError> {
        Ok(match self.kind(key)? {
            NodeKind::Scalar { tag, value, implicit } => value.as_ref() == b"<<" && (*implicit || tag.as_ref() == MERGE),
            _ => false,
        })
    }

    /// Adds the entries of the mappings that a merge key names.
    fn merge(&mut self, node: usize, add: &mut dyn FnMut(&mut Self, usize) -> Result<(), ReadError>) -> Result<(), ReadError> {
        if let NodeKind::Sequence(count) = self.kind(node)? {
            self.budget.make(count * size_of::<usize>())?;
            // from the last, so that the first has the last word
            let mut places = Vec::new();
            let mut child = node + 1;
            for _ in 0..*count {
                places.push(child);
                child = self.next(child)?;
            }
            for child in places.into_iter().rev() {
                self.merge_one(child, add)?;
            }
            return Ok(());
        }
        self.merge_one(node, add)
    }

    fn merge_one(&mut self, node: usize, add: &mut dyn FnMut(&mut Self, usize) -> Result<(), ReadError>) -> Result<(), ReadError> {
        let meant = match self.kind(node)? {
            NodeKind::Alias(_, meant) => *meant,
            _ => node,
        };
        if !matches!(self.kind(meant)?, NodeKind::Mapping(_)) {
            return Err(ReadError::said("map merge requires map or sequence of maps as the value"));
        }
        self.look()?;
        if meant == node {
            return add(self, node);
        }
        self.follow(node, |decoder, meant| {
            decoder.look()?;
            add(decoder, meant)
        })
    }

    /// A key, which must be a scalar.
    fn key(&mut self, node: usize) -> Result<Raw<'n>, ReadError> {
        // a key in a key is a level of its own: it takes as much of the stack as one
        self.enter()?;
        let raw = self.raw(node)?;
        self.leave();
        if matches!(raw, Raw::List(_) | Raw::Map(_)) {
            return Err(ReadError::said(format!("invalid map key: {raw}")));
        }
        Ok(raw)
    }

    /// What stands at a node before JSON has had it; for keys, and for the texts of errors.
    fn raw(&mut self, node: usize) -> Result<Raw<'n>, ReadError> {
        self.look()?;
        match self.kind(node)? {
            NodeKind::Alias(..) => self.follow(node, Self::raw),
            NodeKind::Scalar { .. } => {
                let scalar = self.scalar(node)?;
                if let Raw::Text(text) = &scalar {
                    self.budget.make(text.len())?;
                }
                Ok(scalar)
            }
            NodeKind::Sequence(count) => self.raw_sequence(node, *count),
            NodeKind::Mapping(_) => self.raw_map(node),
        }
    }

    fn raw_sequence(&mut self, node: usize, count: usize) -> Result<Raw<'n>, ReadError> {
        self.enter()?;
        self.budget.make(count * size_of::<Raw<'_>>())?;
        let mut items = Vec::with_capacity(count);
        let mut child = node + 1;
        for _ in 0..count {
            items.push(self.raw(child)?);
            child = self.next(child)?;
        }
        self.leave();
        Ok(Raw::List(items))
    }

    fn raw_map(&mut self, node: usize) -> Result<Raw<'n>, ReadError> {
        let mut entries = BTreeMap::new();
        self.raw_mapping(node, &mut entries)?;
        Ok(Raw::Map(entries.into_values().collect()))
    }

    fn raw_mapping(&mut self, node: usize, into: &mut BTreeMap<String, (Raw<'n>, Raw<'n>)>) -> Result<(), ReadError> {
        let NodeKind::Mapping(count) = self.kind(node)? else { return Ok(()) };
        self.enter()?;
        let mut next = node + 1;
        for _ in 0..count / 2 {
            let (key, value) = (next, self.next(next)?);
            next = self.next(value)?;
            self.budget.make(size_of::<(String, Raw<'_>, Raw<'_>)>())?;
            if self.is_merge(key)? {
                self.merge(value, &mut |decoder, node| decoder.raw_mapping(node, into))?;
                continue;
            }
            let key = self.key(key)?;
            let value = self.raw(value)?;
            // read strictly, what came first stays
            let identity = key.identity();
            if !(self.rules.strict && into.contains_key(&identity)) {
                into.insert(identity, (key, value));
            }
        }
        self.leave();
        Ok(())
    }
}
