//! The values that a user gives, by files and by flags, in Helm's order; and where each came from.

use std::io::Read as _;
use std::path::Path;

use penstock_chart::{
    budget::{Budget, Limits},
    value::{Data, Str, Table},
    values::{Taken, set},
    yaml,
};
use penstock_cli::{CliError, args::chart::Values, exit};

/// The largest values file, and the largest file of `--set-file`.
const LARGEST: u64 = 64 << 20;

/// One file or flag, and the values that it alone gives.
pub struct Layer {
    /// `-f values.yaml`, `--set image.tag=1`.
    pub from: String,
    /// The text of a file.
    pub text: Option<Vec<u8>>,
    /// What it gives.
    pub values: Table,
}

/// The values of all files and flags.
pub fn values(given: &Values) -> Result<Table, CliError> {
    let mut budget = Budget::new(Limits::default());
    let mut all = Table::new();
    for path in &given.values {
        let text = read(path)?;
        over(&mut all, table(path, &text)?);
    }
    for (flag, argument) in flags(given) {
        apply(flag, argument, &mut all, &mut budget)?;
    }
    Ok(all)
}

/// Lays a file's values over those of the files before: mappings are merged, anything else is replaced, `null` too.
fn over(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(key.as_bytes()), value) {
            (Some(Data::Map(below)), Data::Map(above)) => over(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Each file and flag by itself, the one that wins last.
pub fn layers(given: &Values) -> Result<Vec<Layer>, CliError> {
    let mut budget = Budget::new(Limits::default());
    let mut layers = Vec::new();
    for path in &given.values {
        let text = read(path)?;
        layers.push(Layer { from: path.display().to_string(), values: table(path, &text)?, text: Some(text) });
    }
    for (flag, argument) in flags(given) {
        let mut values = Table::new();
        apply(flag, argument, &mut values, &mut budget)?;
        layers.push(Layer { from: format!("{} {argument}", flag.name()), text: None, values });
    }
    Ok(layers)
}

#[derive(Clone, Copy)]
enum Flag {
    Json,
    Typed,
    Text,
    File,
    Literal,
}

impl Flag {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "--set-json",
            Self::Typed => "--set",
            Self::Text => "--set-string",
            Self::File => "--set-file",
            Self::Literal => "--set-literal",
        }
    }
}

/// Helm takes its flags by kind, whatever their order on the command line.
fn flags(given: &Values) -> impl Iterator<Item = (Flag, &str)> {
    let kinds = [
        (Flag::Json, &given.set_json),
        (Flag::Typed, &given.set),
        (Flag::Text, &given.set_string),
        (Flag::File, &given.set_file),
        (Flag::Literal, &given.set_literal),
    ];
    kinds.into_iter().flat_map(|(flag, arguments)| arguments.iter().map(move |argument| (flag, argument.as_str())))
}

fn apply(flag: Flag, argument: &str, values: &mut Table, budget: &mut Budget) -> Result<(), CliError> {
    let mut file = |path: &str| bytes(Path::new(path)).map(Str::from).map_err(|error| error.to_string());
    let refused = |why: String| {
        let hint = format!("`penstock chart template --help` shows the form of {}", flag.name());
        CliError::other(format!("failed parsing {} data: {why}", flag.name()), hint, exit::USAGE)
    };
    let taken = match flag {
        Flag::Json => Taken::Json,
        Flag::Typed => Taken::Typed,
        Flag::Text => Taken::Text,
        Flag::File => Taken::File(&mut file),
        Flag::Literal => Taken::Literal,
    };
    set(argument.as_bytes(), taken, values, budget).map_err(|fault| refused(fault.to_string()))
}

fn table(path: &Path, text: &[u8]) -> Result<Table, CliError> {
    yaml::read_table(text).map_err(|error| {
        CliError::other(format!("failed to parse {}: {error}", path.display()), "a values file is a YAML mapping", exit::USAGE)
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    if path.to_str().is_some_and(|path| path.starts_with("http://") || path.starts_with("https://")) {
        let message = format!("{} is an address: values are read from files and standard input alone", path.display());
        return Err(CliError::other(message, "fetch it first, and look at what you got: `curl -O …`", exit::USAGE));
    }
    bytes(path).map_err(|source| CliError::Io { what: format!("reading {}", path.display()), source })
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
