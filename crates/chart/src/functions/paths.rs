//! Functions of paths. Those of the operating system (`osBase` …) are the same: templates are rendered as on Linux.

use crate::{
    function::{Fault, Function, Scope},
    functions::arguments::{Call, TEXT, function, spend, text},
    value::{Str, Value},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    function("base", &[TEXT], BASE),
    function("osBase", &[TEXT], BASE),
    function("dir", &[TEXT], DIR),
    function("osDir", &[TEXT], DIR),
    function("ext", &[TEXT], EXT),
    function("osExt", &[TEXT], EXT),
    function("clean", &[TEXT], CLEAN),
    function("osClean", &[TEXT], CLEAN),
    function("isAbs", &[TEXT], IS_ABS),
    function("osIsAbs", &[TEXT], IS_ABS),
];

const BASE: Call = |scope, arguments| of_path(scope, arguments, |path| base(path).into());
const DIR: Call = |scope, arguments| {
    of_path(scope, arguments, |path| {
        clean(path.rsplit(|byte| *byte == b'/').next().map_or(path, |name| path.get(..path.len() - name.len()).unwrap_or(path)))
    })
};
const EXT: Call = |scope, arguments| of_path(scope, arguments, |path| extension(path).into());
const CLEAN: Call = |scope, arguments| of_path(scope, arguments, clean);
const IS_ABS: Call = |_, arguments| Ok(Value::Bool(text(arguments, 0).starts_with(b"/")));

fn of_path(scope: &mut Scope<'_>, arguments: &[Value], part: fn(&[u8]) -> Str) -> Result<Value, Fault> {
    let path = text(arguments, 0);
    spend(scope, path.len(), path.len() + 1)?;
    Ok(Value::Str(part(path.as_bytes())))
}

/// `path.Base`.
fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = path.get(..end).unwrap_or(path);
    let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    match path.get(start..) {
        Some(name) if !name.is_empty() => name,
        _ => b"/",
    }
}

/// `path.Ext`.
fn extension(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'.' || *byte == b'/') {
        Some(at) if path.get(at) == Some(&b'.') => path.get(at..).unwrap_or(&[]),
        _ => b"",
    }
}

/// `path.Clean`: the shortest path that names the same.
fn clean(path: &[u8]) -> Str {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(name),
            },
            name => kept.push(name),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => Str::from([b"/", joined.as_slice()].concat()),
        (false, true) => Str::from("."),
        (false, false) => Str::from(joined),
    }
}
