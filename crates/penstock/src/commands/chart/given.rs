//! The values that a user gives, by files and by flags, in Helm's order; and where each came from.

use std::collections::BTreeMap;
use std::path::Path;

use penstock_chart::{
    budget::{Budget, Limits},
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

/// One file or flag, and the values that it alone gives.
pub struct Layer {
    /// `values.yaml`, `--set image.tag=1`.
    pub from: String,
    /// The text of a file.
    pub text: Option<Str>,
    /// What it gives.
    pub values: Table,
}

/// The values of all files and flags. What is named by its address is fetched by way of `credentials`, whose login it is not shown.
pub async fn values(given: &Values, credentials: &Credentials) -> Result<Table, CliError> {
    let mut files = Vec::new();
    for path in &given.values {
        files.push(read(path, credentials).await?);
    }
    let given = Given {
        files,
        json: given.set_json.clone(),
        typed: given.set.clone(),
        text: given.set_string.clone(),
        file: given.set_file.clone(),
        literal: given.set_literal.clone(),
    };
    merged(&given, credentials).await
}

/// Each file and flag by itself, the one that wins last.
pub async fn layers(given: &Values, credentials: &Credentials) -> Result<Vec<Layer>, CliError> {
    let mut layers = Vec::new();
    for path in &given.values {
        let file = read(path, credentials).await?;
        let (from, text) = (file.name.clone(), Some(file.text.clone()));
        layers.push(Layer { from, text, values: merged(&Given { files: vec![file], ..Given::default() }, credentials).await? });
    }
    type One = fn(Vec<String>) -> Given;
    let kinds: [(&str, &Vec<String>, One); 5] = [
        ("--set-json", &given.set_json, |json| Given { json, ..Given::default() }),
        ("--set", &given.set, |typed| Given { typed, ..Given::default() }),
        ("--set-string", &given.set_string, |text| Given { text, ..Given::default() }),
        ("--set-file", &given.set_file, |file| Given { file, ..Given::default() }),
        ("--set-literal", &given.set_literal, |literal| Given { literal, ..Given::default() }),
    ];
    for (flag, arguments, one) in kinds {
        for argument in arguments {
            let values = merged(&one(vec![argument.clone()]), credentials).await?;
            layers.push(Layer { from: format!("{flag} {argument}"), text: None, values });
        }
    }
    Ok(layers)
}

async fn merged(given: &Given, credentials: &Credentials) -> Result<Table, CliError> {
    let fetched = fetched(&given.file, credentials).await?;
    let mut file = |named: &str| match fetched.get(named) {
        Some(text) => Ok(text.clone()),
        None => bytes(Path::new(named)).map(Str::from).map_err(|error| format!("reading {named}: {error}")),
    };
    let hint = "`penstock chart template --help` shows the forms of files and flags";
    given.merge(&mut file, &mut Budget::new(Limits::default())).map_err(|fault| CliError::other(fault.to_string(), hint, exit::USAGE))
}

/// What the addresses in arguments of `--set-file` lead to. Each argument is read for the files that it names, and what is wrong with
/// it is told where it is merged.
async fn fetched(arguments: &[String], credentials: &Credentials) -> Result<BTreeMap<String, Str>, CliError> {
    let mut named = Vec::new();
    for argument in arguments {
        let mut note = |file: &str| {
            named.push(file.to_owned());
            Ok(Str::default())
        };
        let _ = set(argument.as_bytes(), Taken::File(&mut note), &mut Table::new(), &mut Budget::new(Limits::default()));
    }
    let mut fetched = BTreeMap::new();
    for file in named {
        if is_address(&file)? && !fetched.contains_key(&file) {
            let found = fetch::file(&file, credentials).await?;
            fetched.insert(file, Str::from(found.bytes.to_vec()));
        }
    }
    Ok(fetched)
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
