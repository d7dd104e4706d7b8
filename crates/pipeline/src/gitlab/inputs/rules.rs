//! `rules` of an input: options and a default by the values of other inputs.
//!
//! The condition is that of jobs with `$[[ inputs.NAME ]]` in place of variables, and `true` and `false` beside texts.

use std::collections::BTreeMap;

use crate::expand::Expanded;
use crate::gitlab::condition::Condition;
use crate::reader::{Fields, Problems, shown, text};
use crate::yaml::{At, Node, Value};

/// The most rules of one input.
const MAX_RULES: usize = 50;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    at: At,
    path: String,
    pub(super) condition: Option<Asked>,
    pub(super) options: Option<Vec<Node>>,
    /// `Some` of nothing is one too.
    pub(super) default: Option<Node>,
}

/// A condition that asks for inputs.
#[derive(Debug)]
pub(super) struct Asked {
    condition: Condition,
    /// The inputs, in the order of the variables that stand for them.
    names: Vec<String>,
}

/// Reads the rules.
pub(super) fn read(node: &Node, path: &str, problems: &mut Problems) -> Vec<Rule> {
    let Value::Seq(items) = &node.value else {
        problems.add(node.at, path, format!("rules are a list, not {}", node.kind()), "start each rule with `- `");
        return Vec::new();
    };
    if items.len() > MAX_RULES {
        problems.add(node.at, path, format!("an input has at most {MAX_RULES} rules"), "use fewer");
    }
    let rules = items.iter().take(MAX_RULES).enumerate();
    rules.filter_map(|(place, node)| rule(node, &format!("{path}[{place}]"), problems)).collect()
}

fn rule(node: &Node, path: &str, problems: &mut Problems) -> Option<Rule> {
    let mut fields = Fields::of(node, path, problems)?;
    let given = fields.get("if");
    let condition = given.and_then(|node| asked(node, &fields.path_of("if"), problems));
    let options = fields.get("options").and_then(|node| super::options(node, &fields.path_of("options"), problems));
    let default = fields.even_null("default").cloned();
    fields.finish(&[], problems);
    if given.is_none() && options.is_none() {
        problems.add(node.at, path, "a rule without `if` needs `options`", "list what may be given");
    } else if given.is_some() && options.is_none() && default.is_none() {
        problems.add(node.at, path, "a rule needs `options` or a `default`", "give one of them");
    }
    Some(Rule { at: node.at, path: path.to_owned(), condition, options, default })
}

/// Blocks become variables, whose names cannot be those of others; `false` becomes the empty text that stands for it.
fn asked(node: &Node, path: &str, problems: &mut Problems) -> Option<Asked> {
    let given = text(node, path, problems)?;
    let (mut names, mut out, mut rest): (Vec<String>, String, &str) = (Vec::new(), String::new(), &given);
    while let Some(c) = rest.chars().next() {
        let taken = if let Some((name, len)) = input_of(rest) {
            let place = names.iter().position(|known| known == name).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            out.push_str(&format!("$I{place}"));
            len
        } else if matches!(c, '"' | '\'') {
            let len = rest[1..].find(c).map_or(rest.len(), |end| end + 2);
            out.push_str(&rest[..len]);
            len
        } else if let Some((word, truth)) = truth_of(rest, out.chars().last()) {
            out.push_str(truth);
            word.len()
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[taken..];
    }
    match Condition::read(&out) {
        Ok(condition) => Some(Asked { condition, names }),
        Err(invalid) => {
            let help = "as in `$[[ inputs.cloud ]] == 'aws' && $[[ inputs.spot ]] == true`";
            problems.add(node.at, path, format!("the condition cannot be read: {}", invalid.message), help);
            None
        }
    }
}

/// `$[[ inputs.NAME ]]` at the start of a text: the name, and how long the block is.
fn input_of(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("$[[")?;
    let end = inner.find("]]")?;
    let name = inner[..end].trim().strip_prefix("inputs.")?;
    Some((name, end + 5))
}

fn truth_of(text: &str, before: Option<char>) -> Option<(&'static str, &'static str)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    [("true", "\"true\""), ("false", "\"\"")].into_iter().find(|(name, _)| {
        text.strip_prefix(name).is_some_and(|rest| !rest.starts_with(word)) && !before.is_some_and(|c| word(c) || c == '$')
    })
}

/// Rules ask for inputs that there are, and not for each other in a circle.
pub(super) fn check<'r>(inputs: impl Iterator<Item = (&'r str, &'r [Rule])>, problems: &mut Problems) {
    let inputs: BTreeMap<&str, &[Rule]> = inputs.collect();
    for (name, rules) in &inputs {
        for rule in *rules {
            for asked in rule.condition.iter().flat_map(|asked| &asked.names) {
                if !inputs.contains_key(asked.as_str()) {
                    let message = format!("the rule asks for the input `{}`, which is not declared", shown(asked));
                    problems.add(rule.at, &rule.path, message, "look at its spelling");
                } else if reaches(&inputs, asked, name) {
                    let message =
                        format!("the rules of the inputs `{}` and `{}` ask for each other in a circle", shown(name), shown(asked));
                    problems.add(rule.at, &rule.path, message, "let one of them ask for nothing");
                }
            }
        }
    }
}

/// Whether the rules of an input ask, directly or not, for another.
fn reaches(inputs: &BTreeMap<&str, &[Rule]>, from: &str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], std::collections::BTreeSet::new());
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            let rules = inputs.get(name).copied().unwrap_or_default();
            open.extend(rules.iter().filter_map(|rule| rule.condition.as_ref()).flat_map(|asked| asked.names.iter().map(String::as_str)));
        }
    }
    false
}

/// The first rule that matches.
pub(super) fn matching<'r>(rules: &'r [Rule], value: &dyn Fn(&str) -> Option<Node>, problems: &mut Problems) -> Option<&'r Rule> {
    for rule in rules {
        let Some(asked) = &rule.condition else { return Some(rule) };
        let known = asked.names.iter().enumerate().filter_map(|(place, name)| Some((format!("I{place}"), expanded(&value(name)?)?)));
        let known: BTreeMap<String, Expanded> = known.collect();
        match asked.condition.holds(&known) {
            Ok(true) => return Some(rule),
            Ok(false) => {}
            Err(why) => problems.add(rule.at, &rule.path, format!("the condition cannot be decided: {why}"), "a pattern is written `/…/`"),
        }
    }
    None
}

/// A value as a condition sees it: `false` is the empty text, which does not hold alone.
fn expanded(value: &Node) -> Option<Expanded> {
    let text = match &value.value {
        Value::Scalar { .. } if value.bool() == Some(false) => String::new(),
        Value::Scalar { text, .. } if !value.is_null() => text.to_string(),
        _ => return None,
    };
    Some(Expanded { text, secret: false })
}
