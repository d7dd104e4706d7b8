//! The values that a user gives, by files and by flags, in Helm's order; and where each came from.

use std::io::Read as _;
use std::path::Path;

use penstock_chart::{
    budget::{Budget, Limits},
    value::{Str, Table},
    values::{Given, ValuesFile},
};
use penstock_cli::{CliError, args::chart::Values, exit};

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

/// The values of all files and flags.
pub fn values(given: &Values) -> Result<Table, CliError> {
    let files = given.values.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    merged(&Given {
        files,
        json: given.set_json.clone(),
        typed: given.set.clone(),
        text: given.set_string.clone(),
        file: given.set_file.clone(),
        literal: given.set_literal.clone(),
    })
}

/// Each file and flag by itself, the one that wins last.
pub fn layers(given: &Values) -> Result<Vec<Layer>, CliError> {
    let mut layers = Vec::new();
    for path in &given.values {
        let file = read(path)?;
        let (from, text) = (file.name.clone(), Some(file.text.clone()));
        layers.push(Layer { from, text, values: merged(&Given { files: vec![file], ..Given::default() })? });
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
            layers.push(Layer { from: format!("{flag} {argument}"), text: None, values: merged(&one(vec![argument.clone()]))? });
        }
    }
    Ok(layers)
}

fn merged(given: &Given) -> Result<Table, CliError> {
    let mut file = |path: &str| bytes(Path::new(path)).map(Str::from).map_err(|error| error.to_string());
    let hint = "`penstock chart template --help` shows the forms of files and flags";
    given.merge(&mut file, &mut Budget::new(Limits::default())).map_err(|fault| CliError::other(fault.to_string(), hint, exit::USAGE))
}

fn read(path: &Path) -> Result<ValuesFile, CliError> {
    if path.to_str().is_some_and(|path| path.starts_with("http://") || path.starts_with("https://")) {
        let message = format!("{} is an address: values are read from files and standard input alone", path.display());
        return Err(CliError::other(message, "fetch it first, and look at what you got: `curl -O …`", exit::USAGE));
    }
    let text = bytes(path).map_err(|source| CliError::Io { what: format!("reading {}", path.display()), source })?;
    Ok(ValuesFile { name: path.display().to_string(), text: text.into() })
}

fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut text)?
    } else {
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?
    };
    if read as u64 > LARGEST {
        return Err(std::io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    Ok(text)
}
