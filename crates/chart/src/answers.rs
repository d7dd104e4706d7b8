//! Tables of what real Go answered, for tests: a line is an operation, its input and the answer, with tabs between them.
//!
//! `\n`, `\t`, `\r`, `\\` and `\xHH` stand for the bytes that they do in Go, and an answer that begins with `ERR ` is the text of an error.

use crate::{
    budget::{Budget, Limits},
    function::{Fault, Random, Scope},
    functions,
    value::{Str, Value},
};

/// Asks ours for each line and shows every line that is answered in another way.
#[track_caller]
pub(crate) fn check(table: &str, ask: impl Fn(&str, &[u8]) -> Vec<u8>) {
    let mut wrong = String::new();
    for line in table.lines() {
        let mut parts = line.split('\t');
        let (Some(operation), Some(input), Some(answer)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("no line of a table: {line}");
        };
        let (input, answer) = (bytes(input), bytes(answer));
        let ours = ask(operation, &input);
        if ours != answer {
            wrong += &format!("{operation} {}\n  Go:   {}\n  ours: {}\n", shown(&input), shown(&answer), shown(&ours));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn shown(bytes: &[u8]) -> String {
    format!("{:?}", bstr::BStr::new(bytes))
}

/// The bytes that a part of a line stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, left) = match rest {
            [b'\\', b'n', after @ ..] => (b'\n', after),
            [b'\\', b't', after @ ..] => (b'\t', after),
            [b'\\', b'r', after @ ..] => (b'\r', after),
            [b'\\', b'x', high, low, after @ ..] => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap();
                (u8::try_from(digit(high) * 16 + digit(low)).unwrap(), after)
            }
            [b'\\', other, after @ ..] => (*other, after),
            _ => (*first, after),
        };
        out.push(byte);
        rest = left;
    }
    out
}

/// What was given, or the text of the error.
pub(crate) fn told(answer: Result<Str, impl std::fmt::Display>) -> Vec<u8> {
    match answer {
        Ok(text) => text.as_bytes().to_vec(),
        Err(error) => format!("ERR {error}").into_bytes(),
    }
}

struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// Calls something with a scope of the sixth of May 2024, 07:08:09.123456789 UTC.
pub(crate) fn scoped<T>(call: impl FnOnce(&mut Scope<'_>) -> T) -> T {
    let now = "2024-05-06T07:08:09.123456789[UTC]".parse().unwrap();
    call(&mut Scope {
        budget: &mut Budget::new(Limits::default()),
        now: &now,
        random: &mut Zeros,
        lookup: None,
        hosts: None,
        lint: false,
        changed: &mut Vec::new(),
        expressions: &mut functions::regex::Cache::default(),
    })
}

/// Calls a function by its name.
pub(crate) fn call(name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let function = functions::all().find(|function| function.name == name).unwrap_or_else(|| panic!("no function {name}"));
    scoped(|scope| (function.call)(scope, arguments))
}

/// Calls a method by its name.
pub(crate) fn method(value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Fault> {
    let method = value.ty().and_then(|ty| ty.method(name.as_bytes())).unwrap_or_else(|| panic!("no method {name}"));
    scoped(|scope| (method.call)(scope, value, arguments))
}
