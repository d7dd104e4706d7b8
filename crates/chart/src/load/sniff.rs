//! Whether bytes are an archive at all, and what they look like when they are not.

use super::LoadError;

/// What must be looked at.
const LOOKED_AT: usize = 512;

/// Refuses a file that is no gzipped archive, as Helm does before it opens one: a values file where a chart was meant, most often.
pub fn check_archive(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(b"\x1f\x8b\x08") {
        return Ok(());
    }
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        return Err(LoadError::said(format!("file '{name}' seems to be a YAML file, but expected a gzipped archive")));
    }
    // a shorter file counts as filled up with zeroes
    let mut looked_at = bytes.get(..LOOKED_AT).unwrap_or(bytes).to_vec();
    looked_at.resize(LOOKED_AT, 0);
    let kind = content_type(&looked_at);
    Err(LoadError::said(format!("file '{name}' does not appear to be a gzipped archive; got '{kind}'")))
}

/// What begins like this is that (the sniffing table of Go's net/http, the kinds that could be met here).
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff", "text/plain; charset=utf-16be"),
    (b"\xff\xfe", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf", "text/plain; charset=utf-8"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\0\0\x02\0", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\0", "application/ogg"),
    (b"MThd\0\0\0\x06", "audio/midi"),
    (b"\0\x01\0\0", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07\0", "application/x-rar-compressed"),
    (b"Rar!\x1a\x07\x01\0", "application/x-rar-compressed"),
    (b"\0asm", "application/wasm"),
];

/// What makes a text a page, behind white space and in any case, when a space or `>` follows.
const TAGS: &[&[u8]] = &[
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

fn content_type(bytes: &[u8]) -> &'static str {
    let text = bytes.trim_ascii_start();
    for tag in TAGS {
        let fits = text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
        if fits && matches!(text.get(tag.len()), Some(b' ' | b'>')) {
            return "text/html; charset=utf-8";
        }
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return kind;
    }
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if text.iter().any(is_binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}
