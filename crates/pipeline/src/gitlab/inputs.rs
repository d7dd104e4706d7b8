//! The header of a file: which inputs it takes, and what they are for whoever includes it.
//!
//! As GitLab has it (its `header/spec.rb`, `header/input.rb` and `lib/ci/inputs`): an input without a default must be given;
//! a value must be of the type, among the options and as the regex says, and so must the default; rules choose options and
//! a default by the values of inputs that stand above.

mod rules;
mod types;

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use self::rules::Rule;
use self::types::Kind;
pub(super) use self::types::of_json;
use super::re2;
use crate::pattern::last_line;
use crate::reader::{Fields, Problems, choice, join, scalar, shown, text};
use crate::yaml::{At, Key, Node, Value};

/// The most options of one input (GitLab's own bound).
const MAX_OPTIONS: usize = 50;
/// The most inputs of one file.
const MAX_INPUTS: usize = 500;
/// How large a compiled regex may become.
const MAX_COMPILED: usize = 1 << 20;
/// What a header may ask for of the component that it belongs to.
const OF_COMPONENT: &[&str] = &["name", "sha", "version", "reference"];

/// What a file's header says.
#[derive(Debug, Default)]
pub(super) struct Header {
    inputs: Vec<Input>,
    /// What blocks may ask for of the component.
    pub(super) component: Vec<&'static str>,
    /// Files that declare more inputs.
    pub(super) include: Option<Node>,
}

/// One input.
#[derive(Debug)]
struct Input {
    name: String,
    at: At,
    path: String,
    kind: Kind,
    /// Its default; `Some` of nothing is one too.
    default: Option<Node>,
    options: Option<Vec<Node>>,
    regex: Option<Regex>,
    rules: Option<Vec<Rule>>,
}

/// A value that is given for an input.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) value: Node,
}

/// The inputs that an entry of `include` gives.
pub(super) fn given(node: &Node, path: &str, problems: &mut Problems) -> Vec<Given> {
    let Value::Map(entries) = &node.value else {
        problems.add(node.at, path, format!("inputs are a mapping, not {}", node.kind()), "write `NAME: value` below it");
        return Vec::new();
    };
    entries.iter().map(|(key, value)| Given { name: key.text.clone(), at: key.at, value: value.clone() }).collect()
}

impl Header {
    /// Reads the document before the `---`.
    pub(super) fn read(node: &Node, problems: &mut Problems) -> Self {
        let mut header = Self::default();
        let Some(mut fields) = Fields::of(node, "", problems) else { return header };
        if let Some(node) = fields.get("spec")
            && let Some(mut spec) = Fields::of(node, "spec", problems)
        {
            if let Some(node) = spec.get("inputs") {
                header.declare(node, "spec.inputs", problems);
            }
            if let Some(node) = spec.get("component") {
                let known: Vec<(&str, &'static str)> = OF_COMPONENT.iter().map(|name| (*name, *name)).collect();
                match &node.value {
                    Value::Seq(items) => {
                        header.component = items.iter().filter_map(|item| choice(item, &known, "spec.component", problems)).collect();
                    }
                    _ => problems.add(node.at, "spec.component", format!("a list is expected here, not {}", node.kind()), "write `[name]`"),
                }
            }
            if let Some(node) = spec.get("description") {
                text(node, "spec.description", problems);
            }
            header.include = spec.get("include").cloned();
            spec.finish(&[], problems);
        }
        fields.finish(&[], problems);
        header
    }

    /// Adds the inputs that a mapping declares.
    pub(super) fn declare(&mut self, node: &Node, path: &str, problems: &mut Problems) {
        let Value::Map(entries) = &node.value else {
            problems.add(node.at, path, format!("a mapping is expected here, not {}", node.kind()), "write `NAME:` below it");
            return;
        };
        for (key, node) in entries {
            if let Some(first) = self.inputs.iter().find(|input| input.name == key.text) {
                let message =
                    format!("the input `{}` is declared twice; the first time is on {}", shown(&key.text), problems.line(first.at));
                problems.add(key.at, path, message, "keep one of the two");
            } else if self.inputs.len() == MAX_INPUTS {
                problems.add(key.at, path, format!("a file takes at most {MAX_INPUTS} inputs"), "use a list");
                return;
            } else {
                let input = Input::read(key, node, &join(path, &key.text), problems);
                self.inputs.push(input);
            }
        }
        rules::check(self.inputs.iter().map(|input| (input.name.as_str(), input.rules.as_deref().unwrap_or_default())), problems);
    }

    /// What the inputs are. Whatever is missing is told at `asked`, the place that includes the file, in words that name it.
    pub(super) fn values(
        &self,
        given: &[Given],
        (asked, path): (At, &str),
        file: &str,
        problems: &mut Problems,
    ) -> Option<BTreeMap<String, Node>> {
        let mut whole = true;
        for one in given.iter().filter(|one| !self.inputs.iter().any(|input| input.name == one.name)) {
            let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
            let help = if names.is_empty() { "remove it".to_owned() } else { format!("it takes: {}", shown(&names.join(", "))) };
            whole = false;
            problems.add(one.at, path, format!("{file} takes no input `{}`", shown(&one.name)), help);
        }
        let mut values: BTreeMap<String, Node> = BTreeMap::new();
        let stated: BTreeMap<&str, &Given> = given.iter().map(|one| (one.name.as_str(), one)).collect();
        for input in &self.inputs {
            // rules see what stands above, and what is given
            let seen = |name: &str| values.get(name).cloned().or_else(|| stated.get(name).map(|one| one.value.clone()));
            let rule = input.rules.as_deref().and_then(|rules| rules::matching(rules, &seen, problems));
            let one = stated.get(input.name.as_str()).filter(|one| !one.value.is_null());
            let value = match one {
                Some(one) => input.checked(&one.value, rule, (one.at, path), problems),
                None if input.is_required() => {
                    let message = format!("{file} needs a value for its input `{}`", shown(&input.name));
                    let help = format!("give one in `inputs`, or write a `default` on {}", problems.line(input.at));
                    problems.add(asked, path, message, help);
                    None
                }
                None => {
                    let default = rule.and_then(|rule| rule.default.as_ref()).or(input.default.as_ref());
                    let nothing = Node::made("", true, input.at);
                    input.kind.read(default.unwrap_or(&nothing)).ok()
                }
            };
            whole &= value.is_some();
            values.insert(input.name.clone(), value.unwrap_or_else(|| Node::made("", true, input.at)));
        }
        whole.then_some(values)
    }
}

impl Input {
    fn read(key: &Key, node: &Node, path: &str, problems: &mut Problems) -> Self {
        let (at, name, path) = (key.at, key.text.clone(), path.to_owned());
        let mut input = Self { name, at, path, kind: Kind::Text, default: None, options: None, regex: None, rules: None };
        if node.is_null() {
            return input;
        }
        let Some(mut fields) = Fields::of(node, &input.path.clone(), problems) else { return input };
        if let Some(kind) = fields.get("type").and_then(|node| choice(node, Kind::NAMES, &fields.path_of("type"), problems)) {
            input.kind = kind;
        }
        if let Some(node) = fields.get("description") {
            text(node, &fields.path_of("description"), problems);
        }
        input.default = fields.even_null("default").cloned();
        input.options = fields.get("options").and_then(|node| options(node, &fields.path_of("options"), problems));
        if let Some((pattern, at)) = fields.get("regex").and_then(|node| Some((text(node, &fields.path_of("regex"), problems)?, node.at))) {
            input.regex = compiled(&pattern)
                .map_err(|why| problems.add(at, &fields.path_of("regex"), why, "write it as RE2 reads it, without `/` around"))
                .ok();
            if input.kind != Kind::Text {
                problems.add(at, &fields.path_of("regex"), "a regex is for inputs of type string", "remove it");
            }
        }
        if let Some(node) = fields.get("rules") {
            input.rules = Some(rules::read(node, &fields.path_of("rules"), problems));
            for other in ["options", "default"] {
                if fields.even_null(other).is_some() {
                    problems.add(
                        fields.key_at(other),
                        &fields.path_of(other),
                        format!("`{other}` stands beside `rules`"),
                        "move it into a rule without `if`",
                    );
                }
            }
        }
        if input.options.is_some() && input.kind == Kind::Boolean {
            problems.add(fields.key_at("options"), &fields.path_of("options"), "a boolean has no options", "remove them");
        }
        fields.finish(&[], problems);
        if let Some(default) = input.default.clone() {
            let place = (default.at, join(&input.path, "default"));
            input.checked(&default, None, (place.0, &place.1), problems);
        }
        input
    }

    /// Whether a value must be given.
    fn is_required(&self) -> bool {
        let by_rule = |rules: &Vec<Rule>| rules.iter().any(|rule| rule.default.is_some() || rule.condition.is_none());
        self.default.is_none() && !self.rules.as_ref().is_some_and(by_rule)
    }

    /// A value as the type has it, if it may be one.
    fn checked(&self, value: &Node, rule: Option<&Rule>, (at, path): (At, &str), problems: &mut Problems) -> Option<Node> {
        let name = shown(&self.name);
        let read = match self.kind.read(value) {
            Ok(read) => read,
            Err(kind) => {
                let message = format!("the input `{name}` is {}, and this is {kind}", self.kind.words());
                problems.add(at, path, message, "give a value of that type");
                return None;
            }
        };
        if let Some(options) = rule.and_then(|rule| rule.options.as_ref()).or(self.options.as_ref())
            && let Some(other) = types::outside(&read, options, self.kind)
        {
            let listed: Vec<&str> = options.iter().filter_map(Node::text).collect();
            let message = format!("`{}` is not among the options of the input `{name}`", shown(&other));
            problems.add(at, path, message, format!("use one of: {}", shown(&listed.join(", "))));
            return None;
        }
        if let (Some(regex), Some(text)) = (&self.regex, types::as_text(&read))
            && !regex.is_match(text)
        {
            let message = format!("`{}` is not what the regex of the input `{name}` asks for", shown(text));
            problems.add(at, path, message, format!("it must match {}", shown(regex.as_str())));
            return None;
        }
        Some(read)
    }
}

/// A regex as RE2 reads it.
fn compiled(pattern: &str) -> Result<Regex, String> {
    let unreadable = |why: String| format!("the regex `{}` cannot be read: {why}", shown(pattern));
    let body = re2::for_crate(pattern).map_err(unreadable)?;
    RegexBuilder::new(&body).size_limit(MAX_COMPILED).build().map_err(|error| unreadable(last_line(&error.to_string())))
}

fn options(node: &Node, path: &str, problems: &mut Problems) -> Option<Vec<Node>> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("options are a list, not {}", node.kind()), "start each with `- `");
        return None;
    };
    if items.len() > MAX_OPTIONS {
        problems.add(node.at, path, format!("an input has at most {MAX_OPTIONS} options"), "use a regex");
    }
    // each is text, a number, or true or false
    for item in items {
        scalar(item, path, problems);
    }
    Some(items.to_vec())
}
