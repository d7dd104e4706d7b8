//! The files of a chart's archive, a gzipped tar.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::{
    LoadError,
    path::clean,
    tar::{Archive, Header},
    trimmed,
};
use crate::{chart::File, format::quoted, value::Str};

/// The most bytes of all files of an archive.
pub const MAX_CHART: u64 = 100 << 20;
/// The most bytes of one file, in an archive or a directory.
pub const MAX_FILE: u64 = 5 << 20;
/// The most files of a chart and all the archives inside it. Helm has no such limit.
pub const MAX_FILES: usize = 100_000;
/// The most bytes of a chart and all the archives inside it. Helm has no such limit: in it archives may hold archives that hold archives.
pub const MAX_TOTAL: u64 = 4 * MAX_CHART;

/// What may still be unpacked.
#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { files: MAX_FILES, bytes: MAX_TOTAL }
    }
}

impl Allowance {
    fn file(&mut self) -> Result<(), LoadError> {
        self.files = self.files.checked_sub(1).ok_or(LoadError::Files)?;
        Ok(())
    }
}

/// Reads within what may be unpacked, of headers and padding too.
struct Metered<'a, R> {
    reader: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(*self.left).unwrap_or(usize::MAX));
        if wanted == 0 && !buffer.is_empty() {
            return Err(io::Error::other(LoadError::Total));
        }
        let read = self.reader.read(buffer.get_mut(..wanted).unwrap_or_default())?;
        *self.left -= read as u64;
        Ok(read)
    }
}

/// Reads the files of an archive, as `helm pull --untar` would write them: by their paths inside the chart.
pub fn unpack(archive: &[u8]) -> Result<Vec<File>, LoadError> {
    unpack_within(archive, &mut Allowance::default())
}

pub(super) fn unpack_within(bytes: &[u8], allowance: &mut Allowance) -> Result<Vec<File>, LoadError> {
    if bytes.is_empty() {
        return Err(LoadError::said("EOF"));
    }
    let mut total = allowance.bytes;
    let mut archive = Archive::new(Metered { reader: MultiGzDecoder::new(bytes), left: &mut total });
    let mut files = Vec::new();
    let mut left = MAX_CHART;
    while let Some(header) = archive.next().map_err(unreadable)? {
        allowance.file()?;
        if header.is_directory() || matches!(header.kind, b'g' | b'x') {
            continue;
        }
        let name = name_inside(&header)?;
        let shown = quoted(&header.name);
        let size = u64::try_from(header.size).unwrap_or_default();
        let too_large = || LoadError::said(format!("decompressed chart is larger than the maximum file size {MAX_CHART}"));
        if size > left {
            return Err(too_large());
        }
        if size > MAX_FILE {
            return Err(LoadError::said(format!("decompressed chart file {shown} is larger than the maximum file size {MAX_FILE}")));
        }
        let data = archive.content(left).map_err(unreadable)?;
        left -= data.len() as u64;
        // a link says a size and holds nothing
        if (data.len() as u64) < size || left == 0 {
            return Err(too_large());
        }
        files.push(File { name: Str::from(name), data: Str::new(trimmed(&data)) });
    }
    drop(archive);
    allowance.bytes = total;
    if files.is_empty() {
        return Err(LoadError::said("no files in chart archive"));
    }
    Ok(files)
}

fn unreadable(error: io::Error) -> LoadError {
    if let Some(LoadError::Total) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return LoadError::Total;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => LoadError::said("unexpected EOF"),
        // what flate2 says of a header and of a sum that are wrong
        io::ErrorKind::InvalidInput if error.to_string() == "invalid gzip header" => LoadError::said("gzip: invalid header"),
        io::ErrorKind::InvalidInput if error.to_string().contains("checksum") => LoadError::said("gzip: invalid checksum"),
        io::ErrorKind::InvalidInput if error.to_string().contains("deflate") => LoadError::said("flate: corrupt input"),
        _ => LoadError::said(error.to_string()),
    }
}

/// The path of an entry inside its chart: what stands behind the first part of its name. Refuses what could lead elsewhere.
fn name_inside(header: &Header) -> Result<Vec<u8>, LoadError> {
    let name = &header.name;
    let delimiter = if name.contains(&b'\\') { b'\\' } else { b'/' };
    let mut parts = name.splitn(2, |byte| *byte == delimiter);
    let (base, inside) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let inside: Vec<u8> = inside.iter().map(|byte| if *byte == delimiter { b'/' } else { *byte }).collect();
    if inside.starts_with(b"/") {
        return Err(LoadError::said("chart illegally contains absolute paths"));
    }
    let inside = clean(&inside);
    if inside == b"." {
        let name = quoted(name);
        return Err(LoadError::said(format!("chart illegally contains content outside the base directory: {name}")));
    }
    if inside.starts_with(b"..") {
        return Err(LoadError::said("chart illegally references parent directory"));
    }
    if matches!(inside.as_slice(), [drive, b':', b'/', ..] if drive.is_ascii_alphabetic()) {
        return Err(LoadError::said("chart contains illegally named files"));
    }
    if base == b"Chart.yaml" {
        return Err(LoadError::said("chart yaml not in base directory"));
    }
    Ok(inside)
}
