//! URLs, hosts, and what a cluster holds.

pub(crate) mod address;
pub(crate) mod url;

use std::collections::BTreeMap;

use crate::{
    function::{Fault, Function, Scope},
    functions::{
        arguments::{DICT, ENTRY, ITEM, NIL_DEREFERENCE, TEXT, dict, function, spend, text},
        math::below,
        reflection::kind_of,
    },
    value::{Data, Map, Str, Value},
};

/// The functions of this file.
pub const FUNCTIONS: &[Function] = &[
    function("urlParse", &[TEXT], url_parse),
    function("urlJoin", &[DICT], url_join),
    function("getHostByName", &[TEXT], host_by_name),
    function("lookup", &[TEXT, TEXT, TEXT, TEXT], lookup),
];

fn url_parse(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let text = text(arguments, 0);
    spend(scope, text.len(), 4 * text.len() + 8 * ENTRY)?;
    let url = url::Url::parse(text.as_bytes()).map_err(|error| Fault::said(format!("unable to parse url: {error}")))?;
    let hostname = url.hostname().to_vec();
    let userinfo = url.user.as_ref().map(url::User::shown).unwrap_or_default();
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::map(parts.into_iter().map(|(name, part)| (Str::from(name), Value::str(part))).collect()))
}

fn url_join(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let parts = dict(arguments, 0);
    let mut url = url::Url {
        scheme: part(&parts, "scheme")?,
        host: part(&parts, "host")?,
        path: part(&parts, "path")?,
        query: part(&parts, "query")?,
        opaque: part(&parts, "opaque")?,
        fragment: part(&parts, "fragment")?,
        ..url::Url::default()
    };
    let userinfo = part(&parts, "userinfo")?;
    let size = [&url.scheme, &url.host, &url.path, &url.query, &url.opaque, &url.fragment, &userinfo].iter().map(|part| part.len()).sum();
    spend(scope, size, size.saturating_mul(6))?;
    if !userinfo.is_empty() {
        let of_user = [b"proto://", userinfo.as_slice(), b"@host"].concat();
        let parsed = url::Url::parse(&of_user);
        url.user = parsed.map_err(|error| Fault::said(format!("unable to parse userinfo in dict: {error}")))?.user;
    }
    Ok(Value::str(url.shown()))
}

fn part(parts: &Map, name: &str) -> Result<Vec<u8>, Fault> {
    match parts.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Str(text)) => Ok(text.to_vec()),
        Some(Value::Nil) => Err(Fault::said(NIL_DEREFERENCE)),
        Some(other) => Err(Fault::said(format!("unable to parse {name} key, must be of type string, but {} found", kind_of(&other)))),
    }
}

/// One of the host's addresses. Where names are not to be looked up, an empty text.
fn host_by_name(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let Some(hosts) = scope.hosts else { return Ok(Value::str("")) };
    let addresses = hosts(&text(arguments, 0).lossy());
    if addresses.is_empty() {
        return Err(Fault::said("invalid argument to Intn"));
    }
    let at = usize::try_from(below(scope, addresses.len() as u64)).unwrap_or(0);
    Ok(Value::str(addresses.get(at).map_or("", String::as_str)))
}

/// What the cluster holds of that kind and name: an empty map where there is no cluster, or nothing.
fn lookup(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let nothing = || Value::map(BTreeMap::new());
    let Some(cluster) = scope.lookup.filter(|_| !scope.lint) else { return Ok(nothing()) };
    let [api_version, kind, namespace, name] = [0, 1, 2, 3].map(|at| text(arguments, at));
    spend(scope, 0, LOOKUP + api_version.len() + kind.len() + namespace.len() + name.len())?;
    let found = cluster.lookup(&api_version.lossy(), &kind.lossy(), &namespace.lossy(), &name.lossy()).map_err(Fault::said)?;
    let Some(data) = found else { return Ok(nothing()) };
    // a list may hold all that a cluster has, and is copied each time it is looked up
    let parts = parts(&data);
    scope.budget.step(parts as u64)?;
    scope.budget.make(parts.saturating_mul(ITEM))?;
    Ok(Value::from(&data))
}

/// What is noted of one thing that is looked for, its names apart.
const LOOKUP: usize = 256;

/// How many values there are in one, itself among them.
fn parts(data: &Data) -> usize {
    match data {
        Data::List(items) => items.iter().map(parts).sum::<usize>() + 1,
        Data::Map(table) => table.values().map(parts).sum::<usize>() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answers, function::Lookup};

    /// A cluster whose lists are long.
    struct Many;

    impl Lookup for Many {
        fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Option<Data>, String> {
            Ok(Some(Data::List(vec![Data::Null; 100_000])))
        }
    }

    #[test]
    fn what_is_looked_up_is_paid_for_each_time() {
        let looked_up = answers::scoped(|scope| {
            scope.lookup = Some(&Many);
            (0..1_000).find_map(|_| lookup(scope, &["v1", "Secret", "", ""].map(Value::str)).err())
        });
        assert!(matches!(looked_up, Some(Fault::Limit(_))), "{looked_up:?}");
    }
}
