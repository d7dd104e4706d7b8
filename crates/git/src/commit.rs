//! Reading commits.

use penstock_model::git::{Commit, Signature};
use penstock_model::{CommitId, LocalTime, Timestamp};

/// Reads a commit object as git keeps it; `None` if it is not one.
pub(crate) fn parse(id: CommitId, raw: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(raw);
    let (headers, message) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
    let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
    for line in headers.lines() {
        // a line that starts with a space goes on with a header that is none of ours
        match line.split_once(' ') {
            Some(("tree", id)) => tree = Some(id.to_owned()),
            Some(("parent", id)) => parents.push(id.parse().ok()?),
            Some(("author", who)) => author = Some(person(who)),
            Some(("committer", who)) => committer = Some(person(who)),
            _ => {}
        }
    }
    let ((author, authored), (committer, committed)) = (author?, committer?);
    Some(Commit { id, tree: tree?, parents, author, authored, committer, committed, message: message.to_owned() })
}

/// `Name <email> seconds zone`; what is missing is empty, and a date that cannot be read is the beginning of time.
fn person(text: &str) -> (Signature, LocalTime) {
    let (name, rest) = text.split_once('<').unwrap_or((text, ""));
    let (email, date) = rest.rsplit_once('>').unwrap_or((rest, ""));
    (Signature { name: name.trim().to_owned(), email: email.trim().to_owned() }, moment(date))
}

/// `1700000000 +0100`: seconds, and how far from UTC the clock was.
pub(crate) fn moment(date: &str) -> LocalTime {
    let mut words = date.split_whitespace();
    let seconds: i64 = words.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    let east = words.next().and_then(|zone| zone.parse::<i16>().ok()).map_or(0, |zone| zone / 100 * 60 + zone % 100);
    LocalTime { at: Timestamp(seconds.saturating_mul(1000)), east }
}

/// Splits the output of `cat-file --batch`: type and content of each object that was asked for, `None` for one that is missing.
pub(crate) fn objects(mut output: &[u8]) -> Option<Vec<Option<(String, &[u8])>>> {
    let mut objects = Vec::new();
    while !output.is_empty() {
        let end = output.iter().position(|b| *b == b'\n')?;
        let header = std::str::from_utf8(&output[..end]).ok()?;
        output = &output[end + 1..];
        if header.ends_with(" missing") {
            objects.push(None);
            continue;
        }
        let mut words = header.split(' ').skip(1);
        let (kind, size) = (words.next()?, words.next()?.parse::<usize>().ok()?);
        objects.push(Some((kind.to_owned(), output.get(..size)?)));
        output = output.get(size + 1..)?;
    }
    Some(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_with_a_signature_and_odd_names_is_read() {
        let id: CommitId = "1".repeat(40).parse().unwrap();
        let raw = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent 2222222222222222222222222222222222222222\n\
                   author A <b> C <a@example.org> 1700000000 +0100\ncommitter  <> 1700000001 -0000\n\
                   gpgsig -----BEGIN-----\n author x <y> 1 +0000\n -----END-----\n\nsubject\n\nbody\n";
        let commit = parse(id, raw.as_bytes()).unwrap();
        assert_eq!((commit.author.name.as_str(), commit.author.email.as_str()), ("A", "b> C <a@example.org"));
        assert_eq!(commit.committer.name, "");
        assert_eq!((commit.authored.rfc3339().as_str(), commit.committed.east), ("2023-11-14T23:13:20+01:00", 0));
        assert_eq!(commit.committed.at, Timestamp(1_700_000_001_000));
        assert_eq!((commit.parents.len(), commit.message.as_str()), (1, "subject\n\nbody\n"));
    }

    #[test]
    fn a_date_is_read_with_its_zone_however_odd() {
        for (date, seconds, east) in
            [("1 +0530", 1, 330), ("1 -0930", 1, -570), ("1", 1, 0), ("", 0, 0), ("x y", 0, 0), ("-1 +99999999", -1, 0)]
        {
            assert_eq!(moment(date), LocalTime { at: Timestamp(seconds * 1000), east }, "{date}");
        }
    }

    #[test]
    fn what_is_not_a_commit_is_none() {
        let id: CommitId = "1".repeat(40).parse().unwrap();
        assert_eq!(parse(id, b"tree x\nauthor a"), None);
    }

    #[test]
    fn objects_are_split_by_their_sizes() {
        let seen = objects(b"11 blob 3\na\nb\n22 missing\n33 commit 0\n\n").unwrap();
        assert_eq!(seen, [Some(("blob".to_owned(), &b"a\nb"[..])), None, Some(("commit".to_owned(), &b""[..]))]);
        assert_eq!(objects(b"11 blob 9\nab\n"), None);
    }
}
