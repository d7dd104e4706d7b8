//! What each function is fed: `signatures.txt`, read.

/// Kinds of arguments and of results. A kind of text that a function can make something of has a name of its own.
pub type Kind = &'static str;

/// How often an argument comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    One,
    /// Once or not.
    Maybe,
    /// As often as one likes.
    Any,
}

/// How a call is written.
#[derive(Debug)]
pub enum Form {
    /// The name, then arguments of these kinds.
    Call(Vec<(Kind, Times)>),
    /// An expression with places for operands: text, the kind of the operand after it; the last has none.
    Written(Vec<(&'static str, Option<Kind>)>),
}

/// A way to call a function.
#[derive(Debug)]
pub struct Signature {
    /// The function.
    pub name: &'static str,
    /// How the call is written.
    pub form: Form,
    /// What comes of it.
    pub result: Kind,
    /// Whether it takes long.
    pub costly: bool,
}

/// Every signature.
pub fn all() -> Vec<Signature> {
    include_str!("signatures.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(read).collect()
}

fn read(line: &'static str) -> Signature {
    let (costly, line) = line.strip_prefix('~').map_or((false, line), |rest| (true, rest));
    let (call, result) = line.rsplit_once(" -> ").expect("a signature has a result");
    let (name, rest) = call.split_once(' ').unwrap_or((call, ""));
    let form = match rest.strip_prefix("= ") {
        Some(written) => Form::Written(places(written)),
        None => Form::Call(rest.split_whitespace().map(argument).collect()),
    };
    Signature { name, form, result, costly }
}

fn argument(word: &'static str) -> (Kind, Times) {
    if let Some(kind) = word.strip_suffix('*') {
        (kind, Times::Any)
    } else if let Some(kind) = word.strip_suffix('?') {
        (kind, Times::Maybe)
    } else {
        (word, Times::One)
    }
}

/// A place is a word in braces; the braces of a regular expression are not one.
fn places(written: &'static str) -> Vec<(&'static str, Option<Kind>)> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(open) = written[at..].find('{').map(|open| at + open) {
        let close = written[open..].find('}').map_or(written.len(), |close| open + close);
        let word = written.get(open + 1..close).unwrap_or("");
        at = close;
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            found.push((&written[start..open], Some(word)));
            start = close + 1;
        }
    }
    found.push((&written[start..], None));
    found
}
