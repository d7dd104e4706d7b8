//! Charts on their way: packed into archives, listed in the index of a repository, chosen and locked as the dependencies of others.
//!
//! Nothing is fetched here. [`resolve()`] says what a chart needs of where, [`Index`] reads what a repository says that it has.

mod index;
mod lock;
mod repositories;
mod resolve;
#[cfg(test)]
mod tests;
mod versions;

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use thiserror::Error;

pub use index::{Entry, Index, IndexError};
pub use lock::{Stale, check_lock, digest, lock_text};
pub use repositories::{NamedRepositories, NamedRepository};
pub use resolve::{Found, KnownRepository, Needed, ResolveError, Source, Unknown, choose, locked, name_repositories, resolve};

use crate::{
    budget::{Budget, Limits},
    chart::{Chart, Metadata},
    function::Fault,
    json,
    load::{clean, is_one_name},
    value::Data,
    yaml,
};

/// What is written into the header of every archive, and means something to whoever decodes it.
const HEADER: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// A chart as an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// What the file is called: `name-version.tgz`.
    pub file_name: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

/// Why a chart was not packed. Each text is Helm's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PackError {
    /// What it says of itself is wrong.
    #[error("chart validation: {0}")]
    Invalid(String),
    /// Its name would lead elsewhere.
    #[error("{} is not a valid chart name", crate::format::quoted(.0.as_bytes()))]
    Name(String),
    /// The schema of its values is no JSON.
    #[error("Invalid JSON in values.schema.json")]
    Schema,
    /// It is too much to write.
    #[error("{0}")]
    Unwritable(String),
}

/// Packs a chart. The same chart and time, in seconds from 1970, give the same bytes.
pub fn pack(chart: &Chart, modified: u64) -> Result<Packed, PackError> {
    let mut metadata = chart.metadata.clone();
    metadata.validate().map_err(PackError::Invalid)?;
    let unwritable = |error: io::Error| PackError::Unwritable(error.to_string());
    let zipped = GzBuilder::new().extra(HEADER).comment("Helm").operating_system(255).write(Vec::new(), Compression::default());
    let mut archive = Archive { tar: tar::Builder::new(zipped), modified };
    archive.add(chart, "")?;
    let bytes = archive.tar.into_inner().and_then(flate2::write::GzEncoder::finish).map_err(unwritable)?;
    Ok(Packed { file_name: format!("{}-{}.tgz", metadata.name, metadata.version), bytes })
}

/// `Chart.yaml` as Helm writes it: keys in order of their names, and without dependencies for a chart of API version v1.
pub fn chart_yaml(metadata: &Metadata) -> Result<String, Fault> {
    let mut metadata = metadata.clone();
    if metadata.api_version == "v1" {
        metadata.dependencies.clear();
    }
    written(&metadata)
}

/// A struct as Go writes it as YAML, by way of its JSON.
pub(crate) fn written(value: &impl serde::Serialize) -> Result<String, Fault> {
    let value = serde_json::to_value(value).map_err(|why| Fault::said(why.to_string()))?;
    let text = yaml::write_data(&json::data(&value), &mut Budget::new(Limits::default()))?;
    Ok(text.to_string())
}

struct Archive<W: Write> {
    tar: tar::Builder<W>,
    modified: u64,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, chart: &Chart, around: &str) -> Result<(), PackError> {
        let name = chart.name();
        if !is_one_name(name) {
            return Err(PackError::Name(name.to_owned()));
        }
        let base = format!("{around}{name}");
        let text = |written: Result<String, Fault>| written.map_err(|fault| PackError::Unwritable(fault.to_string()));
        self.file(&base, b"Chart.yaml", text(chart_yaml(&chart.metadata))?.as_bytes())?;
        if chart.metadata.api_version == "v2"
            && let Some(lock) = &chart.lock
        {
            self.file(&base, b"Chart.lock", text(lock_text(lock))?.as_bytes())?;
        }
        for values in chart.raw.iter().filter(|file| file.name == "values.yaml") {
            self.file(&base, b"values.yaml", &values.data)?;
        }
        if let Some(schema) = &chart.schema {
            json::read(schema).map_err(|_| PackError::Schema)?;
            self.file(&base, b"values.schema.json", schema)?;
        }
        for file in chart.templates.iter().chain(&chart.files) {
            self.file(&base, &file.name, &file.data)?;
        }
        for inside in &chart.dependencies {
            self.add(inside, &format!("{base}/charts/"))?;
        }
        Ok(())
    }

    fn file(&mut self, base: &str, name: &[u8], data: &[u8]) -> Result<(), PackError> {
        let path = clean(&[base.as_bytes(), b"/", name].concat());
        self.entry(&path, data).map_err(|error| PackError::Unwritable(error.to_string()))
    }

    fn entry(&mut self, path: &[u8], data: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.modified);
        header.set_size(data.len() as u64);
        header.set_entry_type(tar::EntryType::Regular);
        if !place(&mut header, path) {
            self.tar.append_pax_extensions([("path", path)])?;
        }
        header.set_cksum();
        self.tar.append(&header, data)
    }
}

/// Writes a path into a header, parted in two where it is long. False where it has no place there, and only its beginning is written.
fn place(header: &mut tar::Header, path: &[u8]) -> bool {
    const NAME: usize = 100;
    const PREFIX: usize = 155;
    let Some(ustar) = header.as_ustar_mut() else { return false };
    let whole = path.len() <= NAME;
    let slash = path.iter().take(PREFIX + 1).rposition(|byte| *byte == b'/');
    let parts = match slash {
        _ if whole => Some((&b""[..], path)),
        Some(at) => path.get(..at).zip(path.get(at + 1..)).filter(|(_, name)| !name.is_empty() && name.len() <= NAME),
        None => None,
    };
    let (prefix, name) = parts.unwrap_or((b"", path));
    for (field, byte) in ustar.name.iter_mut().zip(name) {
        *field = *byte;
    }
    for (field, byte) in ustar.prefix.iter_mut().zip(prefix) {
        *field = *byte;
    }
    parts.is_some() && path.is_ascii()
}

/// What Go's JSON makes of a struct: letters that mean something in HTML are escaped.
fn hashed_json(data: &Data) -> Result<String, Fault> {
    Ok(json::write_data(data, &mut Budget::new(Limits::default()))?.to_string())
}
