//! The context as a build sees it: without what `.dockerignore` hides.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use penstock_image::Ignore;
use penstock_model::Digest;
use penstock_model::digest::Hasher;

use crate::BuildError;
use crate::tree::{Found, Tree};

/// A `.dockerignore` or a Dockerfile is no larger.
pub const MAX_TEXT: u64 = 1024 * 1024;

/// The context.
pub struct Context {
    /// The files.
    pub tree: Tree,
    /// What is hidden.
    pub ignore: Ignore,
}

impl Context {
    /// Opens a directory; `NAME.dockerignore` beside the Dockerfile goes before `.dockerignore`.
    pub fn open(directory: &Path, dockerfile: &str) -> Result<Self, BuildError> {
        let tree = Tree::new(vec![directory.to_owned()]);
        let mut ignore = Ignore::default();
        for name in [format!("{dockerfile}.dockerignore"), ".dockerignore".to_owned()] {
            let text = tree.text(&name, MAX_TEXT).map_err(BuildError::io(format!("reading {name}")))?;
            if let Some(text) = text {
                ignore = Ignore::parse(&text)?;
                break;
            }
        }
        Ok(Self { tree, ignore })
    }

    /// True if a directory need not be looked into.
    pub fn is_closed(&self, found: &Found) -> bool {
        self.ignore.hides(&found.path) && !self.ignore.has_exceptions()
    }
}

/// The mode that a file of the context has in an image: Git knows only whether it may be run, and so do we, whatever the umask.
pub fn mode_of(found: &Found) -> u32 {
    if found.meta.file_type().is_symlink() {
        return 0o777;
    }
    if found.is_dir() || found.meta.permissions().mode() & 0o100 != 0 { 0o755 } else { 0o644 }
}

/// The digest of a file.
pub fn digest_of(path: &Path) -> io::Result<Digest> {
    struct Sink(Hasher);
    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sink = Sink(Hasher::new());
    io::copy(&mut io::BufReader::with_capacity(256 * 1024, File::open(path)?), &mut sink)?;
    Ok(sink.0.finish())
}

/// A symlink's target, for its key.
pub fn target_of(found: &Found) -> io::Result<String> {
    crate::tree::text(fs::read_link(&found.real)?.as_os_str())
}
