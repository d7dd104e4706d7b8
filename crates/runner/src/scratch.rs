//! What one attempt has besides its checkout: home, temporary directories, the files it is handed. Gone afterwards.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use penstock_model::Secret;
use penstock_model::job::RunnerSettings;

use crate::beneath::Dir;
use crate::files::{MAX_FILE, is_variable};
use crate::sandbox::{Bind, HANDED, HOME, Overlay, SandboxPlan};

/// The files by which a step speaks, and the variables that name them.
pub(crate) const STEP_FILES: &[&str] = &["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"];

/// The file that an attempt holds locked while it lives.
const ALIVE: &str = "alive";

/// The file that `GITHUB_EVENT_PATH` names.
const EVENT: &str = "event.json";

/// The directory of one attempt.
pub(crate) struct Scratch {
    dir: PathBuf,
    uid: u32,
    _alive: std::fs::File,
}

impl Scratch {
    /// Makes an empty one.
    pub(crate) fn make(dir: PathBuf, uid: u32) -> io::Result<Self> {
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let alive = std::fs::File::create(dir.join(ALIVE))?;
        alive.lock()?;
        let scratch = Self { dir, uid, _alive: alive };
        for (name, mode) in [("home", 0o700), ("tmp", 0o1777), ("var-tmp", 0o1777), ("out", 0o700)] {
            scratch.folder(name, mode)?;
        }
        for name in ["scripts", "files"] {
            std::fs::create_dir(scratch.dir.join(name))?;
            std::fs::set_permissions(scratch.dir.join(name), std::fs::Permissions::from_mode(0o755))?;
        }
        for (name, line) in [("passwd", format!("job:x:{uid}:{uid}::{HOME}:/bin/bash\n")), ("group", format!("job:x:{uid}:\n"))] {
            let mut text = std::fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
            text.push_str(&line);
            std::fs::write(scratch.dir.join(name), text)?;
            std::fs::set_permissions(scratch.dir.join(name), std::fs::Permissions::from_mode(0o644))?;
        }
        Ok(scratch)
    }

    /// Where something of it lies on the machine.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Makes a folder that belongs to the user.
    pub(crate) fn folder(&self, name: &str, mode: u32) -> io::Result<PathBuf> {
        let path = self.dir.join(name);
        std::fs::create_dir_all(&path)?;
        std::os::unix::fs::chown(&path, Some(self.uid), Some(self.uid))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok(path)
    }

    /// The machine's hosts file with more names; gives where it lies on the machine.
    pub(crate) fn hosts(&self, names: &BTreeMap<String, Ipv4Addr>) -> io::Result<PathBuf> {
        let mut text = std::fs::read_to_string("/etc/hosts")?;
        text.push('\n');
        for (name, address) in names {
            text.push_str(&format!("{address}\t{name}\n"));
        }
        let path = self.dir.join("hosts");
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        Ok(path)
    }

    /// Puts a script where the job finds it; gives its path inside.
    pub(crate) fn script(&self, name: &str, text: &str) -> io::Result<String> {
        let path = self.dir.join("scripts").join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400))?;
        std::os::unix::fs::chown(&path, Some(self.uid), Some(self.uid))?;
        Ok(format!("{HANDED}/scripts/{name}"))
    }

    /// Writes the files of variables, each for the job's user alone, who may change and remove them.
    pub(crate) fn variables(&self, files: &BTreeMap<String, Secret>) -> io::Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let folder = self.folder("files/variables", 0o700)?;
        for (name, text) in files {
            if !is_variable(name) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` cannot name a file")));
            }
            let path = folder.join(name);
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.expose().as_bytes())?;
            std::os::unix::fs::chown(&path, Some(self.uid), Some(self.uid))?;
        }
        Ok(())
    }

    /// Makes the files by which a step speaks; gives the variables that name them.
    pub(crate) fn step_files(&self, index: usize) -> io::Result<BTreeMap<String, String>> {
        let dir = Dir::open(&self.dir.join("files"))?;
        let mut env = BTreeMap::new();
        for name in STEP_FILES {
            let file = format!("{name}-{index}");
            dir.create(Path::new(&file), 0o600, self.uid)?;
            env.insert((*name).to_owned(), format!("{HANDED}/files/{file}"));
        }
        Ok(env)
    }

    /// What a step wrote into one of them.
    pub(crate) fn step_file(&self, name: &str, index: usize) -> io::Result<String> {
        let file = Dir::open(&self.dir.join("files"))?.read(Path::new(&format!("{name}-{index}")))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{name} is larger than 1 MiB")));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{name} is not UTF-8")))
    }

    /// Puts the event's file where the job finds it.
    pub(crate) fn event(&self, json: &str) -> io::Result<()> {
        let name = Path::new(EVENT);
        let mut file = Dir::open(&self.dir.join("scripts"))?.create(name, 0o444, self.uid)?;
        file.write_all(json.as_bytes())
    }

    /// Where the job finds it.
    pub(crate) fn event_path() -> String {
        format!("{HANDED}/scripts/{EVENT}")
    }

    /// What every sandbox of this attempt shows: the toolchains, the program, the scratch directories.
    pub(crate) fn plan(&self, settings: &RunnerSettings, network: bool) -> SandboxPlan {
        let mut binds: Vec<Bind> =
            settings.toolchains.iter().chain(&settings.path).filter(|path| path.exists()).map(|path| Bind::shown(path, path)).collect();
        binds.extend([
            Bind::shown(&settings.program, format!("{HANDED}/bin/penstock")),
            Bind::shown(self.path("passwd"), "/etc/passwd"),
            Bind::shown(self.path("group"), "/etc/group"),
            Bind::shown(self.path("scripts"), format!("{HANDED}/scripts")),
            Bind::writable(self.path("files"), format!("{HANDED}/files")),
            Bind::writable(self.path("home"), HOME),
            Bind::writable(self.path("tmp"), "/tmp"),
            Bind::writable(self.path("var-tmp"), "/var/tmp"),
        ]);
        SandboxPlan { hidden: settings.hidden.clone(), binds, overlays: Vec::<Overlay>::new(), uid: self.uid, network }
    }

    /// Removes everything.
    pub(crate) fn remove(&self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.dir)
    }
}

/// True if no attempt lives in a directory that [`Scratch::make`] made.
pub(crate) fn is_dead(dir: &Path) -> bool {
    match std::fs::File::open(dir.join(ALIVE)) {
        Ok(alive) => alive.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
