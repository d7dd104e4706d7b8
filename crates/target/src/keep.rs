//! The target's own "etcd": one JSON file an object and a pod, each whole or absent, durable when a write returns.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use penstock_model::Digest;
use penstock_model::gateway::GatewaySnapshot;
use penstock_model::target::ObjectKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::address::Addresses;
use crate::core::build::Build;
use crate::settings::{AddressRange, LocalSettings};
use crate::state::{Object, Pod, Record, State};

/// Why the target's directory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// Files.
    #[error("the target's directory: {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} cannot be read ({why}): put the file back from a backup, or remove it to give that object up", path.display())]
    Broken {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeepError {
    let path = path.to_owned();
    move |source| KeepError::Io { what, path, source }
}

/// The directory. All calls block; they are short.
#[derive(Debug)]
pub struct Keep {
    dir: PathBuf,
}

/// Objects may hold secrets.
const PRIVATE_DIR: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

impl Keep {
    /// Opens the directory, making what is missing.
    pub fn open(dir: &Path) -> Result<Self, KeepError> {
        for part in ["objects", "pods", "volumes", "output"] {
            let path = dir.join(part);
            fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(&path).map_err(io("cannot make", &path))?;
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(PRIVATE_DIR)).map_err(io("cannot protect", dir))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Everything that is kept.
    pub fn load(&self, settings: &LocalSettings) -> Result<State, KeepError> {
        let range = |range: AddressRange| Addresses::new(range.first, range.last);
        let mut state = State::new(range(settings.pods), range(settings.services));
        for (path, record) in self.read_all::<Record>("objects")? {
            let object = Object::load(record).map_err(|error| KeepError::Broken { path, why: error.to_string() })?;
            if let Some(address) = object.record.address {
                state.service_addresses.found(address);
            }
            state.objects.insert(object.record.key.clone(), Arc::new(object));
        }
        for (_, pod) in self.read_all::<Pod>("pods")? {
            state.pod_addresses.found(pod.address);
            state.pods.insert(pod.name.clone(), Arc::new(pod));
        }
        state.epochs = self.read_one("epochs.json")?.unwrap_or_default();
        Ok(state)
    }

    /// Writes what was changed; durable when this returns.
    pub fn write(&self, state: &mut State) -> Result<(), KeepError> {
        if state.unwritten.is_empty() {
            return Ok(());
        }
        for key in &state.unwritten.objects {
            let path = self.dir.join("objects").join(object_file(key));
            match state.objects.get(key) {
                Some(object) => put(&path, &json(&object.record, &path)?)?,
                None => remove(&path)?,
            }
        }
        for name in &state.unwritten.pods {
            let path = self.dir.join("pods").join(format!("{name}.json"));
            match state.pods.get(name) {
                Some(pod) => put(&path, &json(&**pod, &path)?)?,
                None => remove(&path)?,
            }
        }
        if state.unwritten.epochs {
            let path = self.dir.join("epochs.json");
            put(&path, &json(&state.epochs, &path)?)?;
        }
        // the renames themselves
        for part in ["objects", "pods", "."] {
            let path = self.dir.join(part);
            File::open(&path).and_then(|dir| dir.sync_all()).map_err(io("cannot make durable", &path))?;
        }
        state.unwritten = crate::state::Unwritten::default();
        Ok(())
    }

    /// The snapshot that was last given to the gateway.
    pub fn snapshot(&self) -> Result<Option<GatewaySnapshot>, KeepError> {
        self.read_one("snapshot.json")
    }

    /// Keeps a snapshot before it is given to the gateway.
    pub fn keep_snapshot(&self, snapshot: &GatewaySnapshot) -> Result<(), KeepError> {
        let path = self.dir.join("snapshot.json");
        put(&path, &json(snapshot, &path)?)
    }

    /// Where a container's volumes lie.
    pub fn volumes(&self, container: &str) -> PathBuf {
        self.dir.join("volumes").join(container)
    }

    /// Writes a container's volumes, anew.
    pub fn write_volumes(&self, build: &Build) -> Result<(), KeepError> {
        let dir = self.volumes(&build.spec.id);
        self.remove_volumes(&build.spec.id)?;
        let open = |path: &Path| -> Result<(), KeepError> {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(path).map_err(io("cannot make", path))
        };
        for volume in &build.volumes {
            open(&dir.join(volume))?;
        }
        for file in &build.files {
            let path = dir.join(&file.path);
            if let Some(parent) = path.parent() {
                open(parent)?;
            }
            fs::write(&path, &file.bytes).map_err(io("cannot write", &path))?;
            // whatever the umask said
            fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).map_err(io("cannot set the mode of", &path))?;
        }
        Ok(())
    }

    /// Removes a container's volumes.
    pub fn remove_volumes(&self, container: &str) -> Result<(), KeepError> {
        let dir = self.volumes(container);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io("cannot remove", &dir)(error)),
            _ => Ok(()),
        }
    }

    /// Keeps the last output of an attempt that ended.
    pub fn keep_output(&self, pod: &str, output: &str) -> Result<(), KeepError> {
        let path = self.output_file(pod);
        fs::write(&path, output).map_err(io("cannot write", &path))
    }

    /// The last output of the attempt before, if there was one.
    pub fn output(&self, pod: &str) -> Option<String> {
        fs::read_to_string(self.output_file(pod)).ok()
    }

    /// Removes it.
    pub fn remove_output(&self, pod: &str) -> Result<(), KeepError> {
        remove(&self.output_file(pod))
    }

    fn output_file(&self, pod: &str) -> PathBuf {
        self.dir.join("output").join(format!("{pod}.log"))
    }

    fn read_one<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, KeepError> {
        let path = self.dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| KeepError::Broken { path, why: error.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("cannot read", &path)(error)),
        }
    }

    fn read_all<T: DeserializeOwned>(&self, part: &str) -> Result<Vec<(PathBuf, T)>, KeepError> {
        let dir = self.dir.join(part);
        let mut all = Vec::new();
        for entry in fs::read_dir(&dir).map_err(io("cannot list", &dir))? {
            let path = entry.map_err(io("cannot list", &dir))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                // a write that a crash cut off
                remove(&path)?;
                continue;
            }
            let bytes = fs::read(&path).map_err(io("cannot read", &path))?;
            let value = serde_json::from_slice(&bytes).map_err(|error| KeepError::Broken { path: path.clone(), why: error.to_string() })?;
            all.push((path, value));
        }
        Ok(all)
    }
}

/// A file name for an object: readable, and one for each, since names may be longer than file names.
fn object_file(key: &ObjectKey) -> String {
    let readable: String = format!("{}.{}.{}", key.kind, key.namespace, key.name).chars().take(120).collect();
    let digest = Digest::of(format!("{}\n{}\n{}\n{}", key.group, key.kind, key.namespace, key.name));
    format!("{readable}.{}.json", digest.short())
}

fn json(value: &impl Serialize, path: &Path) -> Result<Vec<u8>, KeepError> {
    serde_json::to_vec_pretty(value).map_err(|error| KeepError::Broken { path: path.to_owned(), why: error.to_string() })
}

/// Writes a file whole: beside its place, made durable, then renamed.
fn put(path: &Path, bytes: &[u8]) -> Result<(), KeepError> {
    let beside = path.with_extension("new");
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE_FILE).open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(io("cannot write", &beside))?;
    fs::rename(&beside, path).map_err(io("cannot put in place", path))
}

fn remove(path: &Path) -> Result<(), KeepError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io("cannot remove", path)(error)),
        _ => Ok(()),
    }
}
