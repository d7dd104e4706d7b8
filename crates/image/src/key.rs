//! The keys under which results of steps are kept: digests of all that the result depends on, and of nothing else.
//!
//! Times are no part of a layer, so they are no part of a key: the next commit finds what the last one made.

use penstock_model::Digest;
use penstock_model::canonical::canonical_digest;
use serde::Serialize;

use crate::stage::Run;

/// Grows when the bytes of layers change for the same input.
const FORMAT: u32 = 1;

/// What a layer is kept under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub Digest);

fn key(parts: impl Serialize) -> Key {
    // text, numbers and lists: always JSON
    Key(canonical_digest(&(FORMAT, parts)).unwrap_or_else(|_| Digest::of(b"")))
}

impl Key {
    /// Nothing.
    pub fn scratch() -> Self {
        key("scratch")
    }

    /// An image.
    pub fn image(manifest: Digest) -> Self {
        key(("image", manifest))
    }

    /// A command on top of this.
    #[must_use]
    pub fn run(self, run: &Run) -> Self {
        key(("run", self.0, (&run.args, &run.env, &run.user, &run.working_dir, run.network)))
    }

    /// A directory on top of this.
    #[must_use]
    pub fn workdir(self, path: &str) -> Self {
        key(("workdir", self.0, path))
    }

    /// Files on top of this; `content` names all of them with their places.
    #[must_use]
    pub fn copy(self, content: Digest, dest: &str, chown: Option<&str>, chmod: Option<u32>) -> Self {
        key(("copy", self.0, content, dest, chown, chmod))
    }
}
