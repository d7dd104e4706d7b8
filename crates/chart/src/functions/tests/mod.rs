//! What Go's Sprig answers, asked of Go: `cases.tsv` has a call a line, and after a tab what came of it, with its type.

mod hostile;
mod limits;
mod size;

use std::{fmt::Write as _, iter::Peekable, str::Chars};

use crate::{
    budget::{Budget, Limits},
    format::{plain, quoted, unquoted},
    function::{Fault, Random, Scope},
    value::{Kind, List, Map, Type, Value, types},
};

static VALUES: Type = Type { named: true, ..Type::of("chartutil.Values", Kind::Map, &types::ANY) };

struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// As much of the template language as the cases need: calls, parentheses and constants.
struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn call(&mut self, scope: &mut Scope<'_>) -> Result<Value, Fault> {
        let name = self.word();
        let mut arguments = Vec::new();
        while let Some(letter) = self.rest.peek().copied() {
            match letter {
                ')' => break,
                ' ' => {
                    self.rest.next();
                }
                _ => arguments.push(self.argument(scope)?),
            }
        }
        match name.as_str() {
            "named" => Ok(Value::Map(super::arguments::dict(&arguments, 0).with_type(&VALUES))),
            "bytes" => Ok(Value::Bytes(super::arguments::text(&arguments, 0))),
            "nilDict" => Ok(Value::Map(Map::nil(&types::MAP))),
            "nilList" => Ok(Value::List(List::nil(&types::LIST))),
            "sortedKeys" => Ok(arguments.remove(0)),
            name => {
                let function = super::all().find(|function| function.name == name).unwrap_or_else(|| panic!("no function {name}"));
                (function.call)(scope, &arguments)
            }
        }
    }

    fn word(&mut self) -> String {
        std::iter::from_fn(|| self.rest.next_if(|letter| !matches!(letter, ' ' | ')'))).collect()
    }

    fn argument(&mut self, scope: &mut Scope<'_>) -> Result<Value, Fault> {
        match self.rest.peek() {
            Some('(') => {
                self.rest.next();
                let value = self.call(scope);
                self.rest.next();
                value
            }
            Some('"') => {
                let mut text = String::new();
                let mut escaped = false;
                for letter in self.rest.by_ref() {
                    text.push(letter);
                    if text.len() > 1 && letter == '"' && !escaped {
                        break;
                    }
                    escaped = letter == '\\' && !escaped;
                }
                Ok(Value::str(unquoted(text.as_bytes()).unwrap()))
            }
            _ => Ok(match self.word().as_str() {
                "nil" => Value::Nil,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "2i" => Value::Complex(0.0, 2.0),
                number if number.contains(['.', 'e']) => Value::Float(number.parse().unwrap()),
                number => Value::int(number.parse().unwrap()),
            }),
        }
    }
}

fn dump(value: &Value, budget: &mut Budget) -> String {
    let Some(ty) = value.ty() else { return "nil".to_owned() };
    match value {
        Value::Str(text) => quoted(text.as_bytes()),
        Value::Bool(it) => it.to_string(),
        Value::List(list) if list.is_nil() => format!("{ty}(nil)"),
        Value::Map(map) if map.is_nil() => format!("{ty}(nil)"),
        Value::List(_) | Value::Bytes(_) => {
            let items = super::arguments::items(value).unwrap();
            let items: Vec<String> = items.iter().map(|item| dump(item, budget)).collect();
            format!("{ty}[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let mut entries: Vec<String> =
                map.entries().iter().map(|(key, value)| format!("{}: {}", quoted(key.as_bytes()), dump(value, budget))).collect();
            entries.sort();
            format!("{ty}{{{}}}", entries.join(", "))
        }
        Value::Complex(..) => ty.to_string(),
        number => format!("{ty}({})", plain(number, budget).unwrap()),
    }
}

fn answer(call: &str) -> String {
    let mut budget = Budget::new(Limits::default());
    let now = "2024-02-03T04:05:06[UTC]".parse().unwrap();
    let mut changed = Vec::new();
    let mut expressions = super::regex::Cache::default();
    let mut scope = Scope {
        budget: &mut budget,
        now: &now,
        random: &mut Zeros,
        lookup: None,
        hosts: None,
        lint: false,
        changed: &mut changed,
        expressions: &mut expressions,
    };
    match (Reader { rest: call.chars().peekable() }).call(&mut scope) {
        Ok(value) => dump(&value, scope.budget),
        Err(Fault::Said(text)) => format!("error {}", quoted(text.as_bytes())),
        Err(Fault::Limit(limit)) => format!("limit {limit}"),
    }
}

#[test]
fn every_function_answers_as_go_does() {
    let (mut wrong, mut count) = (String::new(), 0);
    for line in include_str!("cases.tsv").lines() {
        let (call, expected) = line.split_once('\t').unwrap();
        let seen = answer(call);
        if seen != expected {
            count += 1;
            let _ = writeln!(wrong, "{call}\n  Go:   {expected}\n  ours: {seen}");
        }
    }
    assert_eq!(count, 0, "{wrong}");
}

#[test]
fn every_function_takes_what_it_takes_in_go() {
    for line in include_str!("signatures.tsv").lines() {
        let (name, signature) = line.split_once('\t').unwrap();
        // those that are the engine's, or not yet there, are looked for elsewhere
        let Some(function) = super::all().find(|function| function.name == name) else { continue };
        let mut takes: Vec<String> = function.takes.iter().map(|ty| ty.name.to_owned()).collect();
        takes.extend(function.rest.map(|ty| format!("...{}", ty.name)));
        let ours = format!("func({})", takes.join(", "));
        assert!(signature.starts_with(&ours), "{name}: Go has {signature}, we {ours}");
    }
}
