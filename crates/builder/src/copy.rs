//! `COPY` and `ADD`: which files, where to, with which owner and mode.

use std::io;

use penstock_image::glob::Pattern;
use penstock_image::layer::{Entry, Kind, LAYER_TIME};
use penstock_image::place::destination;
use penstock_image::stage::{Copy, CopyFrom};
use penstock_model::Digest;
use penstock_model::digest::Hasher;

use crate::context::{Context, digest_of, mode_of, target_of};
use crate::diff::directory_entry;
use crate::output::{Entries, key};
use crate::owner;
use crate::tree::{Found, Tree, entry_of};

/// A source that fits, with everything in it.
#[derive(Debug)]
pub struct Match {
    /// The source itself.
    source: Found,
    /// If it is a directory: what is in it, with paths below it.
    content: Vec<(String, Found)>,
}

/// Why a copy cannot be made: what, and what to do.
pub type Trouble = (String, String);

fn io_trouble(error: &io::Error) -> Trouble {
    (error.to_string(), String::new())
}

/// Finds what a copy takes. For the context, what is hidden is left out.
pub fn select(copy: &Copy, tree: &Tree, context: Option<&Context>) -> Result<Vec<Match>, Trouble> {
    let mut matches = Vec::new();
    for source in &copy.sources {
        let found = candidates(source, tree, context).map_err(|error| io_trouble(&error))?;
        let before = matches.len();
        for found in found {
            if copy.add {
                refuse_archive(&found)?;
            }
            let content = if found.is_dir() { content_of(&found, tree, context).map_err(|error| io_trouble(&error))? } else { Vec::new() };
            // a directory that is hidden as a whole is not there
            let hidden = context.is_some_and(|context| !found.path.is_empty() && context.ignore.hides(&found.path));
            if !hidden || !content.is_empty() {
                matches.push(Match { source: found, content });
            }
        }
        if matches.len() == before {
            let place = match &copy.from {
                CopyFrom::Context => "the context".to_owned(),
                CopyFrom::Stage(number) => format!("stage {number}"),
                CopyFrom::Image(image) => format!("the image {image}"),
            };
            let hint = if context.is_some() { "is it spelled right, or hidden by .dockerignore?" } else { "is it spelled right?" };
            return Err((format!("`{source}` is not in {place}"), hint.to_owned()));
        }
    }
    if matches.len() > 1 && !copy.dest.ends_with('/') {
        return Err((format!("several files into `{}`", copy.dest), "end the destination with `/`".to_owned()));
    }
    Ok(matches)
}

fn candidates(source: &str, tree: &Tree, context: Option<&Context>) -> io::Result<Vec<Found>> {
    if !Pattern::is_wild(source) {
        return Ok(tree.at(&tree.resolve(source, true)?)?.into_iter().collect());
    }
    let pattern = Pattern::new(source).map_err(io::Error::other)?;
    let fixed: Vec<&str> = source.split('/').take_while(|part| !Pattern::is_wild(part)).collect();
    let depth = source.split('/').count();
    let mut found = Vec::new();
    let mut enter = |directory: &Found| {
        let goes_on = source.contains("**") || directory.path.split('/').count() < depth;
        goes_on && context.is_none_or(|context| !context.is_closed(directory))
    };
    tree.walk(&fixed.join("/"), &mut enter, &mut |candidate| {
        let hidden = context.is_some_and(|context| context.ignore.hides(&candidate.path));
        if pattern.matches(&candidate.path) && !hidden {
            found.push(candidate);
        }
        Ok(())
    })?;
    Ok(found)
}

fn content_of(directory: &Found, tree: &Tree, context: Option<&Context>) -> io::Result<Vec<(String, Found)>> {
    let mut content = Vec::new();
    let above = if directory.path.is_empty() { 0 } else { directory.path.len() + 1 };
    tree.walk(&directory.path, &mut |inside| context.is_none_or(|context| !context.is_closed(inside)), &mut |found| {
        // a hidden directory appears with what is seen in it, as a parent
        if context.is_none_or(|context| !context.ignore.hides(&found.path)) {
            content.push((found.path[above..].to_owned(), found));
        }
        Ok(())
    })?;
    Ok(content)
}

/// `ADD` of an archive would have to unpack it.
fn refuse_archive(found: &Found) -> Result<(), Trouble> {
    use std::io::Read;
    if !found.meta.is_file() {
        return Ok(());
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(&found.real).and_then(|file| file.take(300).read_to_end(&mut start));
    read.map_err(|error| io_trouble(&error))?;
    let packed = [&b"\x1f\x8b"[..], b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"].iter().any(|magic| start.starts_with(magic));
    if packed || start.get(257..262) == Some(b"ustar") {
        return Err((
            format!("ADD of the archive `{}` is not carried out", found.path),
            "COPY it and unpack it in a RUN, or COPY what is in it".to_owned(),
        ));
    }
    Ok(())
}

/// A digest of everything that a copy from the context takes.
pub fn content_digest(matches: &[Match]) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut add = |path: &str, found: &Found| -> io::Result<()> {
        let what = if found.is_dir() {
            "d".to_owned()
        } else if found.meta.is_file() {
            format!("f {}", digest_of(&found.real)?)
        } else {
            format!("l {}", target_of(found)?)
        };
        // a JSON string has no line end in it
        hasher.update(format!("{:o} {what} {}\n", mode_of(found), serde_json::Value::from(path)).as_bytes());
        Ok(())
    };
    for one in matches {
        add(&format!("/{}", one.source.path.rsplit('/').next().unwrap_or_default()), &one.source)?;
        for (path, found) in &one.content {
            add(path, found)?;
        }
    }
    Ok(hasher.finish())
}

/// The entries of the layer: what is copied, and the directories above it as the stage has them.
pub fn entries(copy: &Copy, matches: &[Match], stage: &Tree, from_context: bool) -> Result<Entries, Trouble> {
    let io = |error: io::Error| io_trouble(&error);
    let owner = copy.chown.as_deref().map(|written| owner::resolve(stage, written)).transpose().map_err(|what| (what, String::new()))?;
    let dest_is_directory = stage.at(&stage.resolve(&copy.dest, true).map_err(io)?).map_err(io)?.is_some_and(|found| found.is_dir());
    let mut entries = Entries::default();
    let mut put = |found: &Found, place: &str| -> Result<(), Trouble> {
        // a directory goes into the one that a symlink of the stage names; anything else replaces the symlink
        let place = stage.resolve(place, found.is_dir()).map_err(io)?;
        let Some(mut entry) = entry_of(found, &place).map_err(io)? else {
            return Err((format!("`{}` is no file, directory or symlink", found.path), "leave it out".to_owned()));
        };
        if entry.kind == Kind::Directory && stage.at(&place).map_err(io)?.is_some_and(|there| there.is_dir()) {
            // what is there stays as it is
            entries.put(directory_entry(stage, &place).map_err(io)?, None);
            return Ok(());
        }
        if from_context {
            // what a checkout leaves to chance says nothing about the content
            entry = Entry { mode: mode_of(found), uid: 0, gid: 0, mtime: LAYER_TIME, xattrs: std::collections::BTreeMap::new(), ..entry };
        }
        if let Some((uid, gid)) = owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        if let (Some(mode), false) = (copy.chmod, matches!(entry.kind, Kind::Symlink(_))) {
            entry.mode = mode;
        }
        entries.put(entry, Some(found.real.clone()));
        Ok(())
    };
    for one in matches {
        let place = destination(&copy.dest, &one.source.path, one.source.is_dir(), dest_is_directory);
        if one.source.is_dir() {
            for (path, found) in &one.content {
                put(found, &format!("{place}/{path}"))?;
            }
        } else {
            put(&one.source, &place)?;
        }
    }
    // an empty directory copied is a directory all the same
    if matches.iter().all(|one| one.source.is_dir() && one.content.is_empty()) {
        put_directory(&mut entries, stage, &copy.dest, owner).map_err(io)?;
    }
    add_parents(&mut entries, stage, owner).map_err(io)?;
    Ok(entries)
}

fn put_directory(entries: &mut Entries, stage: &Tree, path: &str, owner: Option<(u32, u32)>) -> io::Result<()> {
    let path = stage.resolve(path, true)?;
    if path.is_empty() {
        return Ok(());
    }
    let mut entry = directory_entry(stage, &path)?;
    if let (Some((uid, gid)), None) = (owner, stage.at(&path)?) {
        (entry.uid, entry.gid) = (uid, gid);
    }
    entries.put(entry, None);
    Ok(())
}

/// Every directory above an entry, so that a layer unpacked by itself has it with the right owner and mode.
pub fn add_parents(entries: &mut Entries, stage: &Tree, owner: Option<(u32, u32)>) -> io::Result<()> {
    let paths: Vec<Vec<String>> = entries.0.keys().cloned().collect();
    for parts in paths {
        for length in (1..parts.len()).rev() {
            let path = parts[..length].join("/");
            if entries.0.contains_key(&key(&path)) {
                break;
            }
            put_directory(entries, stage, &path, owner)?;
        }
    }
    Ok(())
}
