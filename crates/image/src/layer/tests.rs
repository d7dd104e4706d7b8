use std::io::Cursor;

use flate2::read::GzDecoder;

use super::*;

fn file(path: &str, size: usize) -> Entry {
    Entry { kind: Kind::File(size as u64), mode: 0o644, mtime: 1_700_000_000, ..Entry::directory(path) }
}

fn write(entries: &[(Entry, &[u8])]) -> (Vec<u8>, Finished) {
    let mut writer = LayerWriter::new(Vec::new());
    for (entry, content) in entries {
        writer.entry(entry, *content).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn the_bytes_never_change() {
    // a change here gives every image a new digest: raise the key's format with it
    let capability = BTreeMap::from([("security.capability".to_owned(), vec![1, 0, 0, 2])]);
    let entries = [
        (Entry::directory("bin"), &b""[..]),
        (Entry { mode: 0o755, xattrs: capability, ..file("bin/ping", 3) }, b"abc"),
        (Entry { kind: Kind::Symlink("ping".to_owned()), ..file("bin/ping6", 0) }, b""),
        (file("bin/å", 1), b"x"),
    ];
    let (_, finished) = write(&entries);
    insta::assert_snapshot!(format!("{} {} {}", finished.diff_id, finished.digest, finished.size), @"sha256:f68205a9973e7ddeae5708ea182f951dec3be414b2994d87f774a0235e8edcbe sha256:212f4343946c517c15fc6e7e03a18e8b31e4562503efcb935bc519f655d6b2b6 279");
}

#[test]
fn another_reader_sees_what_was_written() {
    let long = format!("{}/{}", "d".repeat(90), "f".repeat(60));
    let longer = format!("{}/{}", "d".repeat(90), "g".repeat(160));
    let entries = [
        (Entry::whiteout("a/gone"), &b""[..]),
        (Entry { kind: Kind::Symlink("t".repeat(120)), ..file("b", 0) }, b""),
        (Entry { kind: Kind::Link("b".to_owned()), uid: 3_000_000, ..file("c", 0) }, b""),
        (Entry::directory(&"d".repeat(90)), b""),
        (file(&long, 5), b"12345"),
        (Entry { xattrs: BTreeMap::from([("user.x".to_owned(), vec![0, 200, 61])]), ..file(&longer, 0) }, b""),
        (file("é", 1), b"e"),
    ];
    let (bytes, finished) = write(&entries);
    assert_eq!((Digest::of(&bytes), bytes.len() as u64), (finished.digest, finished.size));
    let mut plain = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
    assert_eq!(Digest::of(&plain), finished.diff_id);
    let mut archive = tar::Archive::new(Cursor::new(plain));
    let mut seen = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let xattrs: Vec<String> = entry
            .pax_extensions()
            .unwrap()
            .into_iter()
            .flatten()
            .map(|extension| extension.unwrap())
            .filter(|extension| extension.key().unwrap().starts_with("SCHILY"))
            .map(|extension| format!("{}={:?}", extension.key().unwrap(), extension.value_bytes()))
            .collect();
        assert_eq!(entry.header().mtime().unwrap(), u64::try_from(LAYER_TIME).unwrap());
        let path = entry.path().unwrap().display().to_string();
        let target = entry.link_name().unwrap().map_or(0, |target| target.as_os_str().len());
        seen.push((path.len(), path.chars().next().unwrap(), target, entry.header().uid().unwrap(), xattrs.join(",")));
    }
    let expected = [
        (10, 'a', 0, 0, ""),
        (1, 'b', 120, 0, ""),
        (1, 'c', 1, 3_000_000, ""),
        (91, 'd', 0, 0, ""),
        (151, 'd', 0, 0, ""),
        (251, 'd', 0, 0, "SCHILY.xattr.user.x=[0, 200, 61]"),
        (2, 'é', 0, 0, ""),
    ];
    let seen: Vec<_> = seen.iter().map(|(path, first, target, uid, xattrs)| (*path, *first, *target, *uid, xattrs.as_str())).collect();
    assert_eq!(seen, expected);
}

#[test]
fn entries_out_of_order_are_refused() {
    let mut writer = LayerWriter::new(Vec::new());
    writer.entry(&Entry::directory("a"), &b""[..]).unwrap();
    writer.entry(&Entry::directory("a/b"), &b""[..]).unwrap();
    writer.entry(&Entry::directory("a-b"), &b""[..]).unwrap();
    assert!(writer.entry(&Entry::directory("a/c"), &b""[..]).is_err());
}

#[test]
fn a_file_that_shrinks_is_noticed() {
    let mut writer = LayerWriter::new(Vec::new());
    assert!(writer.entry(&file("a", 5), &b"1234"[..]).is_err());
}
