//! References: `$id` names a schema, `$ref` stands for one; both are URLs, relative to the `$id` around them.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    Unfit,
    node::{Members, Node},
};
use crate::{budget::Budget, functions::network::url::Url};

/// The drafts that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    /// Whatever is in any of them.
    Hybrid,
}

/// The drafts' own schemas, as they are published.
const DRAFTS: [(Draft, &str, &[u8]); 3] = [
    (Draft::Four, "http://json-schema.org/draft-04/schema", include_bytes!("draft-04.json")),
    (Draft::Six, "http://json-schema.org/draft-06/schema", include_bytes!("draft-06.json")),
    (Draft::Seven, "http://json-schema.org/draft-07/schema", include_bytes!("draft-07.json")),
];

/// A schema that a reference can mean.
#[derive(Clone)]
pub(super) struct Document {
    pub node: Rc<Node>,
    pub draft: Option<Draft>,
}

/// Schemas by their absolute names. One that is being read is there without its schema.
#[derive(Default)]
pub(super) struct Pool {
    documents: BTreeMap<String, Option<Document>>,
}

impl Pool {
    /// Takes in a document, its references made absolute.
    pub(super) fn add(&mut self, node: &Rc<Node>, name: &str, budget: &mut Budget) -> Result<Document, Unfit> {
        let draft = draft_of(node)?;
        let base = parse(name)?;
        let node = self.absolute(node, &base, draft, budget)?;
        let document = Document { node, draft };
        self.documents.insert(name.to_owned(), Some(document.clone()));
        Ok(document)
    }

    fn absolute(&mut self, node: &Rc<Node>, base: &Url, draft: Option<Draft>, budget: &mut Budget) -> Result<Rc<Node>, Unfit> {
        budget.step(1)?;
        match node.as_ref() {
            Node::List(items) => {
                budget.enter()?;
                let items = items.iter().map(|item| self.absolute(item, base, draft, budget)).collect::<Result<_, Unfit>>();
                budget.leave();
                Ok(Rc::new(Node::List(items?)))
            }
            Node::Map(members) => {
                budget.enter()?;
                let made = self.absolute_members(members, base, draft, budget);
                budget.leave();
                Ok(made?.unwrap_or_else(|| node.clone()))
            }
            _ => Ok(node.clone()),
        }
    }

    /// None where the name is taken: such a schema stays as it is.
    fn absolute_members(
        &mut self,
        members: &Members,
        base: &Url,
        draft: Option<Draft>,
        budget: &mut Budget,
    ) -> Result<Option<Rc<Node>>, Unfit> {
        let key = if members.contains_key("id") { "id" } else { "$id" };
        let own = match members.get(key).and_then(|name| name.text()) {
            Some(name) => inherit(base, name, budget)?,
            None => None,
        };
        let mut name = None;
        if let Some(own) = &own {
            let text = shown(own);
            if self.documents.contains_key(&text) {
                return Ok(None);
            }
            self.documents.insert(text.clone(), None);
            name = Some(text);
        }
        let base = own.as_ref().unwrap_or(base);
        let mut made = Members::new();
        for (key, node) in members {
            budget.make(key.len() + 64)?;
            let node = match (key.as_str(), node.as_ref()) {
                ("$ref", Node::Text(text)) => {
                    inherit(base, text, budget)?.map_or_else(|| node.clone(), |reference| Rc::new(Node::Text(shown(&reference))))
                }
                // taken as they are written
                ("const" | "enum", _) => node.clone(),
                // names of properties, not keywords
                ("properties" | "dependencies" | "patternProperties", Node::Map(children)) => {
                    let mut made = Members::new();
                    for (key, child) in children {
                        made.insert(key.clone(), self.absolute(child, base, draft, budget)?);
                    }
                    Rc::new(Node::Map(made))
                }
                ("properties" | "dependencies" | "patternProperties", _) => node.clone(),
                _ => self.absolute(node, base, draft, budget)?,
            };
            made.insert(key.clone(), node);
        }
        let node = Rc::new(Node::Map(made));
        if let Some(name) = name {
            self.documents.insert(name, Some(Document { node: node.clone(), draft }));
        }
        Ok(Some(node))
    }

    /// What an absolute reference means.
    pub(super) fn get(&mut self, reference: &str, budget: &mut Budget) -> Result<Document, Unfit> {
        if let Some(Some(document)) = self.documents.get(reference) {
            return Ok(document.clone());
        }
        let mut url = parse(reference)?;
        let pointer = std::mem::take(&mut url.fragment);
        let base = shown(&url);
        if let Some(Some(document)) = self.documents.get(&base) {
            let document = Document { node: pointed(&document.node, &pointer)?, draft: document.draft };
            self.documents.insert(reference.to_owned(), Some(document.clone()));
            return Ok(document);
        }
        let is_file = url.scheme == b"file";
        let is_canonical = if is_file { url.path.starts_with(b"/") } else { !url.scheme.is_empty() && !url.host.is_empty() };
        if !is_canonical {
            return Err(Unfit::said(format!("Reference {reference} must be canonical")));
        }
        let Some((_, _, text)) = DRAFTS.iter().find(|(_, name, _)| *name == base) else {
            return Err(Unfit::said(format!(
                "the schema refers to {base}: files and other hosts are not read, put it into values.schema.json"
            )));
        };
        let node = Rc::new(Node::read(text, budget)?);
        let document = self.add(&node, &base, budget)?;
        Ok(Document { node: pointed(&document.node, &pointer)?, draft: document.draft })
    }
}

/// The draft that a document names in `$schema`; none for one that is not known, or where it names none.
pub(super) fn draft_of(node: &Node) -> Result<Option<Draft>, Unfit> {
    let members = match node {
        Node::Bool(_) => return Ok(None),
        Node::Map(members) => members,
        _ => return Err(Unfit::said("schema is invalid")),
    };
    let Some(name) = members.get("$schema") else { return Ok(None) };
    let name = name.text().ok_or_else(|| Unfit::said("$schema must be of type string"))?;
    let name = shown(&parse(name)?);
    Ok(DRAFTS.iter().find(|(_, draft, _)| *draft == name).map(|(draft, _, _)| *draft))
}

/// A URL, or Go's words for why it is none.
pub(super) fn parse(text: &str) -> Result<Url, Unfit> {
    Url::parse(text.as_bytes()).map_err(|not| Unfit::said(not.to_string()))
}

fn shown(url: &Url) -> String {
    String::from_utf8_lossy(&url.shown()).into_owned()
}

/// How often a URL is copied until what it means is known, and how often it is read.
const COPIES: usize = 8;

/// A URL relative to another. It is as long as both together: a long name would be copied into each of many short references.
fn inherit(base: &Url, text: &str, budget: &mut Budget) -> Result<Option<Url>, Unfit> {
    let inherited = [&base.scheme, &base.opaque, &base.host, &base.path, &base.query].map(Vec::len);
    let length = inherited.iter().sum::<usize>().saturating_add(text.len()).saturating_mul(COPIES);
    budget.scan(length)?;
    budget.make(length)?;
    Ok(resolved(base, text))
}

/// As RFC 3986, section 5.2 has it and Go carries it out.
fn resolved(base: &Url, text: &str) -> Option<Url> {
    let mut url = Url::parse(text.as_bytes()).ok()?;
    let own_scheme = !url.scheme.is_empty();
    if !own_scheme {
        url.scheme.clone_from(&base.scheme);
    }
    if own_scheme || !url.host.is_empty() || url.user.is_some() {
        url.path = without_dots(&url.path);
    } else if url.opaque.is_empty() {
        let is_fragment = url.path.is_empty();
        if is_fragment && url.query.is_empty() {
            url.query.clone_from(&base.query);
        }
        if is_fragment && !base.opaque.is_empty() {
            url.opaque.clone_from(&base.opaque);
        } else {
            url.host.clone_from(&base.host);
            url.path = match url.path.first() {
                None => without_dots(&base.path),
                Some(b'/') => without_dots(&url.path),
                Some(_) => {
                    let folder = base.path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
                    without_dots(&[base.path.get(..folder).unwrap_or_default(), &url.path].concat())
                }
            };
        }
    }
    // what is written is read again
    Url::parse(&url.shown()).ok()
}

/// A path without `.` and `..`, from a slash on.
fn without_dots(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return Vec::new();
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut last: &[u8] = b"";
    for part in path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/') {
        last = part;
        match part {
            b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(part),
        }
    }
    let mut whole = [b"/", kept.join(&b'/').as_slice()].concat();
    if matches!(last, b"." | b"..") && whole.len() > 1 {
        whole.push(b'/');
    }
    whole
}

/// What a JSON pointer means (RFC 6901). A fragment that is none means the whole.
fn pointed(document: &Rc<Node>, pointer: &[u8]) -> Result<Rc<Node>, Unfit> {
    let pointer = String::from_utf8_lossy(pointer);
    let Some(tokens) = pointer.strip_prefix('/') else { return Ok(document.clone()) };
    let mut node = document;
    for token in tokens.split('/') {
        node = match node.as_ref() {
            Node::Map(members) => {
                let key = token.replace("~1", "/").replace("~0", "~");
                members.get(&key).ok_or_else(|| Unfit::said(format!("Object has no key '{key}'")))?
            }
            Node::List(items) => {
                let digits = token.strip_prefix(['+', '-']).unwrap_or(token);
                let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                let place = token.parse::<i64>().ok().filter(|_| is_number);
                let place = place.ok_or_else(|| Unfit::said(format!("Invalid array index '{token}'")))?;
                let item = usize::try_from(place).ok().and_then(|place| items.get(place));
                item.ok_or_else(|| Unfit::said(format!("Out of bound array[0,{}] index '{place}'", items.len())))?
            }
            _ => return Err(Unfit::said(format!("Invalid token reference '{token}'"))),
        };
    }
    Ok(node.clone())
}
