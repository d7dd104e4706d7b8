//! What jobs call.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use penstock_api::{BuildQuery, CheckRequest, Reader, TestImageRequest, WorkDone, WorkLine};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::args::{Build, Check, TestImage};
use crate::context::Context;
use crate::terminal::plain;
use crate::{CliError, exit};

/// Pieces of the context that wait to be sent.
const WAITING: usize = 16;
/// The size of a piece.
const PIECE: usize = 64 * 1024;

pub(super) async fn build(context: &Context, args: Build) -> Result<u8, CliError> {
    let mut build_args = BTreeMap::new();
    for pair in &args.build_args {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| CliError::other(format!("`{pair}` is no build argument"), "write NAME=value", exit::USAGE))?;
        build_args.insert(name.to_owned(), value.to_owned());
    }
    let query = BuildQuery { image: args.image, file: args.file, args: serde_json::to_string(&build_args).unwrap_or_default() };
    let (pieces, receiver) = mpsc::channel(WAITING);
    let folder = args.context.clone();
    let packing = tokio::task::spawn_blocking(move || pack(&folder, &pieces));
    let answer = context.client()?.upload_stream("/job/build", &query, ReceiverStream::new(receiver)).await;
    if let Ok(Err(source)) = packing.await {
        return Err(CliError::Io { what: format!("the context {}", args.context.display()), source });
    }
    finish(context, answer?).await
}

pub(super) async fn check(context: &Context, args: Check) -> Result<u8, CliError> {
    let request = CheckRequest { tool: args.tool, image: args.image, paths: args.paths };
    let answer = context.client()?.post_stream("/job/check", &request).await?;
    finish(context, answer).await
}

pub(super) async fn test_image(context: &Context, args: TestImage) -> Result<u8, CliError> {
    let request = TestImageRequest { image: args.image, args: args.args, timeout_seconds: args.timeout };
    let answer = context.client()?.post_stream("/job/test-image", &request).await?;
    finish(context, answer).await
}

/// Prints progress as it comes and the outcome last.
async fn finish(context: &Context, mut answer: Reader<WorkLine>) -> Result<u8, CliError> {
    let mut done: Option<WorkDone> = None;
    while let Some(line) = answer.next().await? {
        match line {
            WorkLine::Log(line) => {
                let text = plain(&line.text);
                if line.ends { eprintln!("{text}") } else { eprint!("{text}") }
            }
            WorkLine::Done(end) => done = Some(end),
        }
    }
    let Some(done) = done else {
        return Err(CliError::other("the server ended the answer too early", "its log says why; the job may be retried", exit::FAILED));
    };
    if let Some(error) = &done.error {
        return Err(CliError::other(plain(error), "", u8::try_from(done.exit_code).unwrap_or(exit::FAILED).max(1)));
    }
    context.show(&done, |done| {
        for line in done.output.lines() {
            println!("{}", plain(line));
        }
    });
    Ok(u8::try_from(done.exit_code).unwrap_or(exit::NOT_GOOD))
}

/// Writes the context as a tar stream: sorted, without what `.dockerignore` may not see anyway (`.git`).
fn pack(folder: &Path, pieces: &mpsc::Sender<std::io::Result<Bytes>>) -> std::io::Result<()> {
    let writer = std::io::BufWriter::with_capacity(PIECE, Pieces(pieces));
    let mut archive = tar::Builder::new(writer);
    archive.follow_symlinks(false);
    let ignored = ignored_tops(folder);
    add(&mut archive, folder, Path::new(""), &ignored)?;
    archive.into_inner()?.flush()
}

/// Folders at the top that `.dockerignore` names plainly: they are not even sent. The server reads the file in full.
fn ignored_tops(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(".dockerignore")).unwrap_or_default();
    let negated = text.lines().any(|line| line.trim_start().starts_with('!'));
    let plain = |line: &str| !line.is_empty() && !line.contains(['*', '?', '[', '\\', '#', '!']);
    let mut tops: Vec<String> =
        text.lines().map(|line| line.trim().trim_matches('/').to_owned()).filter(|line| plain(line) && !line.contains('/')).collect();
    if negated {
        tops.clear();
    }
    tops.push(".git".to_owned());
    tops
}

fn add<W: Write>(archive: &mut tar::Builder<W>, root: &Path, below: &Path, ignored: &[String]) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(root.join(below))?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if below.as_os_str().is_empty() && ignored.iter().any(|top| name == top.as_str()) {
            continue;
        }
        let path = below.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            archive.append_dir(&path, entry.path())?;
            add(archive, root, &path, ignored)?;
        } else if kind.is_file() || kind.is_symlink() {
            archive.append_path_with_name(entry.path(), &path)?;
        }
    }
    Ok(())
}

/// Sends what is written, waiting while the other side is slow.
struct Pieces<'a>(&'a mpsc::Sender<std::io::Result<Bytes>>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.0.blocking_send(Ok(Bytes::copy_from_slice(piece))).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(piece.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
