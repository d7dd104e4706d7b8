//! Tar archives as Go's archive/tar reads them: ustar, PAX, GNU's long names, star and the oldest form.
//!
//! Not the `tar` crate: what is refused, and in which words, is Go's. GNU's sparse files are refused, where Go reads them.

use std::io::{self, Read};

const BLOCK: usize = 512;
/// The longest name or set of PAX records.
const MAX_SPECIAL: u64 = 1 << 20;

/// What begins an entry.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) size: i64,
    pub(super) kind: u8,
    mode: i64,
}

impl Header {
    /// Whether it is a directory, by its kind or by its mode.
    pub(super) fn is_directory(&self) -> bool {
        self.kind == b'5' || self.mode & !0o7777 == 0o040_000
    }

    /// Whether its size says nothing: links, devices, directories, pipes.
    fn has_no_content(&self) -> bool {
        matches!(self.kind, b'1'..=b'6')
    }
}

fn invalid() -> io::Error {
    io::Error::other("archive/tar: invalid tar header")
}

/// Reads the entries of an archive one after the other.
pub(super) struct Archive<R> {
    reader: R,
    /// What is left of the entry before, and what fills its last block.
    left: u64,
    padding: u64,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, left: 0, padding: 0 }
    }

    /// The next entry; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Header>> {
        let mut records = Records::default();
        let mut long_name = None;
        loop {
            if !self.skip()? {
                return Ok(None);
            }
            let Some(mut header) = self.header()? else { return Ok(None) };
            self.begin(&header)?;
            match header.kind {
                b'x' => records = Records::read(&self.special()?)?,
                b'g' => {
                    Records::read(&self.special()?)?;
                    return Ok(Some(header));
                }
                b'L' => long_name = Some(until_nul(&self.special()?).to_vec()),
                b'K' => {
                    self.special()?;
                }
                _ => {
                    if let Some(path) = records.path {
                        header.name = path;
                    }
                    if let Some(size) = records.size {
                        header.size = size;
                    }
                    if let Some(name) = long_name.filter(|name| !name.is_empty()) {
                        header.name = name;
                    }
                    if header.kind == 0 {
                        header.kind = if header.name.ends_with(b"/") { b'5' } else { b'0' };
                    }
                    if header.kind == b'S' || records.is_sparse {
                        return Err(io::Error::other("archive/tar: sparse files are not supported here"));
                    }
                    self.begin(&header)?;
                    return Ok(Some(header));
                }
            }
        }
    }

    /// All of what the entry holds; `limit` bytes of it when it is longer.
    pub(super) fn content(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let wanted = self.left.min(limit);
        let read = (&mut self.reader).take(wanted).read_to_end(&mut content)? as u64;
        self.left -= read;
        if read < wanted {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"));
        }
        Ok(content)
    }

    fn begin(&mut self, header: &Header) -> io::Result<()> {
        let size = if header.has_no_content() { 0 } else { header.size };
        self.left = u64::try_from(size).map_err(|_| invalid())?;
        self.padding = self.left.wrapping_neg() % BLOCK as u64;
        Ok(())
    }

    /// Goes to the end of the entry. False where the archive ends in the bytes that fill its last block.
    fn skip(&mut self) -> io::Result<bool> {
        let left = std::mem::take(&mut self.left);
        if io::copy(&mut (&mut self.reader).take(left), &mut io::sink())? < left {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"));
        }
        let padding = std::mem::take(&mut self.padding);
        Ok(io::copy(&mut (&mut self.reader).take(padding), &mut io::sink())? == padding)
    }

    fn special(&mut self) -> io::Result<Vec<u8>> {
        if self.left > MAX_SPECIAL {
            return Err(io::Error::other("archive/tar: header field too long"));
        }
        self.content(MAX_SPECIAL)
    }

    /// The next block; none where there is not a byte more.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = Vec::with_capacity(BLOCK);
        let read = (&mut self.reader).take(BLOCK as u64).read_to_end(&mut block)?;
        if read == 0 {
            return Ok(None);
        }
        block.try_into().map(Some).map_err(|_| io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF"))
    }

    fn header(&mut self) -> io::Result<Option<Header>> {
        let Some(block) = self.block()? else { return Ok(None) };
        if block == [0; BLOCK] {
            return match self.block()? {
                Some(second) if second != [0; BLOCK] => Err(invalid()),
                _ => Ok(None),
            };
        }
        read_header(&block).map(Some)
    }
}

fn read_header(block: &[u8; BLOCK]) -> io::Result<Header> {
    let field = |from: usize, length: usize| block.get(from..from + length).unwrap_or_default();
    let sum = octal(field(148, 8))?;
    let plain = |byte: u8| i64::from(byte);
    let signed = |byte: u8| i64::from(byte.cast_signed());
    let total = |each: fn(u8) -> i64| -> i64 {
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { each(*byte) }).sum()
    };
    if sum != total(plain) && sum != total(signed) {
        return Err(invalid());
    }
    let mut header = Header {
        name: until_nul(field(0, 100)).to_vec(),
        size: number(field(124, 12))?,
        kind: block.get(156).copied().unwrap_or_default(),
        mode: number(field(100, 8))?,
    };
    for (from, length) in [(108, 8), (116, 8), (136, 12)] {
        number(field(from, length))?;
    }
    let (magic, version, trailer) = (field(257, 6), field(263, 2), field(508, 4));
    let (is_ustar, is_gnu) = (magic == b"ustar\0", magic == b"ustar " && version == b" \0");
    if !is_ustar && !is_gnu {
        return Ok(header);
    }
    for from in [329, 337] {
        number(field(from, 8))?;
    }
    let prefix = if is_ustar && trailer == b"tar\0" {
        number(field(476, 12))?;
        number(field(488, 12))?;
        until_nul(field(345, 131))
    } else if is_ustar {
        until_nul(field(345, 155))
    } else {
        gnu_prefix(field(345, 12), field(357, 12), until_nul(field(345, 155)))
    };
    if !prefix.is_empty() {
        header.name = [prefix, b"/", &header.name].concat();
    }
    Ok(header)
}

/// Go once wrote a prefix where GNU has two times: it is one when those are none.
fn gnu_prefix<'a>(accessed: &[u8], changed: &[u8], prefix: &'a [u8]) -> &'a [u8] {
    let is_time = |field: &[u8]| field.first() == Some(&0) || number(field).is_ok();
    if (is_time(accessed) && is_time(changed)) || !prefix.is_ascii() { b"" } else { prefix }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number in octal digits, or in bytes when its first bit is set.
fn number(field: &[u8]) -> io::Result<i64> {
    let Some(&first) = field.first() else { return Ok(0) };
    if first & 0x80 == 0 {
        return octal(field);
    }
    let inverted = if first & 0x40 == 0 { 0 } else { 0xff };
    let mut value: u64 = 0;
    for (at, byte) in field.iter().enumerate() {
        let byte = byte ^ inverted;
        let byte = if at == 0 { byte & 0x7f } else { byte };
        if value >> 56 > 0 {
            return Err(invalid());
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).map_err(|_| invalid())?;
    Ok(if inverted == 0 { value } else { !value })
}

fn octal(field: &[u8]) -> io::Result<i64> {
    let is_filler = |byte: &u8| matches!(byte, b' ' | 0);
    let from = field.iter().position(|byte| !is_filler(byte)).unwrap_or(field.len());
    let to = field.iter().rposition(|byte| !is_filler(byte)).map_or(from, |last| last + 1);
    let digits = until_nul(field.get(from..to).unwrap_or_default());
    if digits.is_empty() {
        return Ok(0);
    }
    if !digits.iter().all(|digit| matches!(digit, b'0'..=b'7')) {
        return Err(invalid());
    }
    let digits = std::str::from_utf8(digits).map_err(|_| invalid())?;
    u64::from_str_radix(digits, 8).map(u64::cast_signed).map_err(|_| invalid())
}

/// What PAX says of the entry that follows.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    size: Option<i64>,
    is_sparse: bool,
}

impl Records {
    fn read(text: &[u8]) -> io::Result<Self> {
        let mut records = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (key, value, behind) = record(rest).ok_or_else(invalid)?;
            rest = behind;
            let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<i64>().ok()).ok_or_else(invalid);
            match key {
                _ if value.is_empty() => {}
                b"path" => records.path = Some(value.to_vec()),
                b"size" => records.size = Some(number()?),
                b"uid" | b"gid" => {
                    number()?;
                }
                b"GNU.sparse.map" | b"GNU.sparse.major" | b"GNU.sparse.offset" => records.is_sparse = true,
                _ => {}
            }
        }
        Ok(records)
    }
}

/// `LENGTH KEY=VALUE\n`, and what stands behind it.
fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = text.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(text.get(..space)?).ok()?.parse().ok()?;
    if length < 5 || length > text.len() || length <= space + 1 {
        return None;
    }
    let (record, rest) = (text.get(space + 1..length)?, text.get(length..)?);
    let record = record.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let has_nul = key.contains(&0) || (is_text && value.contains(&0));
    (!key.is_empty() && !has_nul).then_some((key, value, rest))
}
