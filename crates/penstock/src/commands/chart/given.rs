//! The values that a user gives, by files and by flags, in Helm's order; and where each came from.

use std::collections::BTreeMap;
use std::path::Path;

use penstock_chart::{
    budget::{Budget, Limits},
    origins::Layer,
    value::{Str, Table},
    values::{Given, Taken, ValuesFile, set},
};
use penstock_cli::{
    CliError,
    args::chart::{Credentials, Values},
    exit,
};

use super::{fetch, read_all};

/// The largest values file, and the largest file of `--set-file`.
const LARGEST: u64 = 64 << 20;

/// The values of all files and flags. What is named by its address is fetched by way of `credentials`, whose login it is not shown.
pub async fn values(given: &Values, credentials: &Credentials) -> Result<Table, CliError> {
    merged(&whole(given, credentials).await?, &named(&given.set_file, credentials).await?)
}

/// The same, and each file and flag by itself, the one that wins last. Each is read once: it may be standard input.
pub async fn layers(given: &Values, credentials: &Credentials) -> Result<(Table, Vec<Layer>), CliError> {
    let (all, named) = (whole(given, credentials).await?, named(&given.set_file, credentials).await?);
    let mut layers = Vec::new();
    for file in &all.files {
        let values = merged(&Given { files: vec![file.clone()], ..Given::default() }, &named)?;
        layers.push(Layer { from: file.name.clone(), text: Some(file.text.clone()), values });
    }
    type One = fn(Vec<String>) -> Given;
    let kinds: [(&str, &Vec<String>, One); 5] = [
        ("--set-json", &all.json, |json| Given { json, ..Given::default() }),
        ("--set", &all.typed, |typed| Given { typed, ..Given::default() }),
        ("--set-string", &all.text, |text| Given { text, ..Given::default() }),
        ("--set-file", &all.file, |file| Given { file, ..Given::default() }),
        ("--set-literal", &all.literal, |literal| Given { literal, ..Given::default() }),
    ];
    for (flag, arguments, one) in kinds {
        for argument in arguments {
            let values = merged(&one(vec![argument.clone()]), &named)?;
            layers.push(Layer { from: format!("{flag} {argument}"), text: None, values });
        }
    }
    Ok((merged(&all, &named)?, layers))
}

async fn whole(given: &Values, credentials: &Credentials) -> Result<Given, CliError> {
    let mut files = Vec::new();
    // as with Helm, an empty name is none
    for path in given.values.iter().filter(|path| !path.as_os_str().is_empty()) {
        files.push(read(path, credentials).await?);
    }
    Ok(Given {
        files,
        json: given.set_json.clone(),
        typed: given.set.clone(),
        text: given.set_string.clone(),
        file: given.set_file.clone(),
        literal: given.set_literal.clone(),
    })
}

/// What files hold, by their names; or why they could not be read.
type Named = BTreeMap<String, Result<Str, String>>;

fn merged(given: &Given, named: &Named) -> Result<Table, CliError> {
    let mut file = |name: &str| named.get(name).cloned().unwrap_or_else(|| Err(format!("reading {name}: it was not asked for")));
    let hint = "`penstock chart template --help` shows the forms of files and flags";
    given.merge(&mut file, &mut Budget::new(Limits::default())).map_err(|fault| CliError::other(fault.to_string(), hint, exit::USAGE))
}

/// The files that arguments of `--set-file` name. What is wrong with an argument is told where it is merged.
async fn named(arguments: &[String], credentials: &Credentials) -> Result<Named, CliError> {
    let mut names = Vec::new();
    for argument in arguments {
        let mut note = |file: &str| {
            names.push(file.to_owned());
            Ok(Str::default())
        };
        let _ = set(argument.as_bytes(), Taken::File(&mut note), &mut Table::new(), &mut Budget::new(Limits::default()));
    }
    let mut named = Named::new();
    for name in names {
        if named.contains_key(&name) {
            continue;
        }
        let found = if is_address(&name)? {
            Ok(fetch::file(&name, credentials).await?.bytes.to_vec().into())
        } else {
            bytes(Path::new(&name)).map(Str::from).map_err(|error| format!("reading {name}: {error}"))
        };
        named.insert(name, found);
    }
    Ok(named)
}

async fn read(path: &Path, credentials: &Credentials) -> Result<ValuesFile, CliError> {
    match path.to_str() {
        Some(named) if is_address(named)? => {
            let found = fetch::file(named, credentials).await?;
            Ok(ValuesFile { name: found.shown, text: found.bytes.to_vec().into() })
        }
        _ => {
            let text = bytes(path).map_err(|source| CliError::Io { what: format!("reading {}", path.display()), source })?;
            Ok(ValuesFile { name: path.display().to_string(), text: text.into() })
        }
    }
}

/// Whether a file is named by an address that it can be fetched from.
fn is_address(named: &str) -> Result<bool, CliError> {
    let Some((scheme, _)) = named.split_once("://") else { return Ok(false) };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => Ok(true),
        other if other.starts_with(|first: char| first.is_ascii_alphabetic()) && other.bytes().all(letter) => {
            let message = format!("values are not fetched by {other}://, but by https:// and http://");
            Err(CliError::other(message, "fetch the file yourself, and name it by its path", exit::USAGE))
        }
        _ => Ok(false),
    }
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    if path.as_os_str() == "-" { read_all(std::io::stdin(), LARGEST) } else { read_all(std::fs::File::open(path)?, LARGEST) }
}
