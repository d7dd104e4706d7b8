//! Secrets, sealed one file each.
//!
//! `project/name` holds `penstock-sealed-1`, a line end, a 24-byte nonce and the value under XChaCha20-Poly1305,
//! with `project/name` as associated data: a sealed value that is moved to another name does not open. The key
//! is 32 random bytes in a file of its own that only its owner may read.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use penstock_model::secret::{SecretError, SecretStore};
use penstock_model::{ProjectName, Secret};
use zeroize::Zeroizing;

/// The first bytes of a sealed file.
const MAGIC: &[u8] = b"penstock-sealed-1\n";
const NONCE: usize = 24;
/// The longest value.
const MAX_VALUE: usize = 64 * 1024;
/// The longest name.
const MAX_NAME: usize = 128;

/// Secrets in a directory, under a key in a file.
#[derive(Clone)]
pub struct SealedSecrets(Arc<Inner>);

struct Inner {
    root: PathBuf,
    cipher: XChaCha20Poly1305,
}

impl SealedSecrets {
    /// Opens a directory with the key in `key`; both are made if they are absent. A key that others may read is refused.
    pub fn open(root: &Path, key: &Path) -> Result<Self, SecretError> {
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(|e| failed(format!("making {}", root.display()), e))?;
        let bytes = read_key(key).map_err(|e| failed(format!("the key {}", key.display()), e))?;
        let cipher = XChaCha20Poly1305::new(&Key::from(*bytes));
        Ok(Self(Arc::new(Inner { root: root.to_owned(), cipher })))
    }
}

impl Inner {
    fn file(&self, project: &ProjectName, name: &str) -> Result<PathBuf, SecretError> {
        let fine =
            !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if fine {
            return Ok(self.root.join(project.as_str()).join(name));
        }
        let name = name.chars().take(40).collect();
        Err(SecretError::Invalid { name, why: "letters, digits, `_` and `-` are expected, at most 128" })
    }

    fn set(&self, project: &ProjectName, name: &str, value: &Secret) -> Result<(), SecretError> {
        let path = self.file(project, name)?;
        let value = value.expose().as_bytes();
        if value.is_empty() || value.len() > MAX_VALUE {
            return Err(SecretError::Invalid { name: name.to_owned(), why: "a value of 1 to 65536 bytes is expected" });
        }
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| failed("random bytes".to_owned(), io::Error::other(e)))?;
        let bound = associated(project, name);
        let payload = Payload { msg: value, aad: bound.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| SecretError::Invalid { name: name.to_owned(), why: "it cannot be sealed" })?;
        write_whole(&path, &[MAGIC, &nonce, &sealed]).map_err(|e| failed(format!("writing {}", path.display()), e))
    }

    fn get(&self, project: &ProjectName, name: &str) -> Result<Option<Secret>, SecretError> {
        let path = self.file(project, name)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(format!("reading {}", path.display()), e)),
        };
        let bound = associated(project, name);
        let open = || {
            let (nonce, sealed) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<NONCE>()?;
            let payload = Payload { msg: sealed, aad: bound.as_bytes() };
            let value = Zeroizing::new(self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?);
            std::str::from_utf8(&value).ok().map(Secret::new)
        };
        open().map(Some).ok_or_else(|| SecretError::Unreadable { project: project.clone(), name: name.to_owned() })
    }

    fn remove(&self, project: &ProjectName, name: &str) -> Result<(), SecretError> {
        let path = self.file(project, name)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed(format!("removing {}", path.display()), e)),
            _ => Ok(()),
        }
    }

    fn names(&self, project: &ProjectName) -> Result<Vec<String>, SecretError> {
        let directory = self.root.join(project.as_str());
        let reading = |e| failed(format!("reading {}", directory.display()), e);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(reading(e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            // what is half-written has a dot in its name
            names.extend(entry.map_err(reading)?.file_name().into_string().ok().filter(|name| self.file(project, name).is_ok()));
        }
        names.sort();
        Ok(names)
    }
}

#[async_trait]
impl SecretStore for SealedSecrets {
    async fn set(&self, project: &ProjectName, name: &str, value: &Secret) -> Result<(), SecretError> {
        self.0.set(project, name, value)
    }
    async fn get(&self, project: &ProjectName, name: &str) -> Result<Option<Secret>, SecretError> {
        self.0.get(project, name)
    }
    async fn remove(&self, project: &ProjectName, name: &str) -> Result<(), SecretError> {
        self.0.remove(project, name)
    }
    async fn names(&self, project: &ProjectName) -> Result<Vec<String>, SecretError> {
        self.0.names(project)
    }
}

/// What a sealed value is bound to.
fn associated(project: &ProjectName, name: &str) -> String {
    format!("{project}/{name}")
}

fn read_key(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    if !path.exists() {
        let mut fresh = Zeroizing::new([0; 32]);
        getrandom::fill(fresh.as_mut()).map_err(io::Error::other)?;
        write_whole(path, &[Zeroizing::new(hex::encode(fresh.as_ref())).as_bytes(), b"\n"])?;
    }
    let mode = fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        let why = format!("others may read it (mode {:o}): `chmod 600` it, and change the secrets if others could", mode & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let text = Zeroizing::new(fs::read_to_string(path)?);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim_end(), key.as_mut())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not 64 hexadecimal digits: restore it from a backup"))?;
    Ok(key)
}

/// Writes a file that only its owner may read: whole, or not at all, and on the disk.
fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut half = path.as_os_str().to_owned();
    half.push(format!(".{}-{}.half", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let written =
        parts.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        drop(fs::remove_file(&half));
    }
    written?;
    File::open(directory)?.sync_all()
}

fn failed(doing: String, source: io::Error) -> SecretError {
    SecretError::Io { what: format!("{doing}: {source}{}", crate::blobs::advice(source.kind())), source }
}
