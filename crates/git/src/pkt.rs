//! Git's own framing of lines: four hexadecimal digits say how long one is with them, `0000` ends a group (`gitprotocol-common`).

use std::io::{self, Read, Write};

/// The longest that Git writes.
const MAX: usize = 65_520;

/// Reads lines up to the end of a group; at most so many bytes in all.
pub(crate) fn group(from: &mut impl Read, limit: usize) -> io::Result<Vec<Vec<u8>>> {
    let odd = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (mut lines, mut size) = (Vec::new(), 0);
    loop {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = std::str::from_utf8(&length).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = match length.ok_or_else(|| odd("a line has no length"))? {
            0 => return Ok(lines),
            length @ 4..=MAX => length - 4,
            _ => return Err(odd("a line has a length that none has")),
        };
        size += length + 4;
        if size > limit {
            return Err(odd("it says too much"));
        }
        let mut line = vec![0; length];
        from.read_exact(&mut line)?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        lines.push(line);
    }
}

/// Writes a group of lines, each cut to what one holds.
pub(crate) fn write(to: &mut impl Write, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
    for line in lines {
        let line = &line[..line.floor_char_boundary(MAX - 4)];
        write!(to, "{:04x}{line}", line.len() + 4)?;
    }
    to.write_all(b"0000")?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut wire = Vec::new();
        write(&mut wire, ["ok refs/for/main".to_owned(), String::new()]).unwrap();
        assert_eq!(wire, b"0014ok refs/for/main00040000");
        assert_eq!(group(&mut &wire[..], 100).unwrap(), [b"ok refs/for/main".to_vec(), Vec::new()]);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for wire in ["", "00", "zzzz", "0003", "0010abc", "0001"] {
            assert!(group(&mut wire.as_bytes(), 100).is_err(), "{wire}");
        }
        assert!(group(&mut &b"0008abcd0008abcd0000"[..], 15).is_err(), "more than the limit");
    }
}
