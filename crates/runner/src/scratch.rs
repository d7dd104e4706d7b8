//! What one attempt has besides its checkout: home, temporary directories, the files it is handed. Gone afterwards.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use penstock_model::Secret;
use penstock_model::job::RunnerSettings;
use tokio::task::JoinHandle;

use crate::beneath::Dir;
use crate::files::{MAX_FILE, is_variable};
use crate::runner::{blocking, io as failed, whole};
use crate::sandbox::{Bind, HANDED, HOME, Overlay, SandboxPlan};

/// The folder beside those of attempts where they go in the end.
pub(crate) const ASIDE: &str = "gone";

/// The file that `GITHUB_EVENT_PATH` names.
const EVENT: &str = "event.json";

/// The directory of one attempt, which holds it locked while it lives. What is made anew for each job is kept to little: a file
/// made and removed again costs more than most steps.
pub(crate) struct Scratch {
    dir: PathBuf,
    uid: u32,
    /// The machine's users and groups, with the job's own.
    accounts: [PathBuf; 2],
    /// Sandboxes that show it, until they are gone.
    users: Mutex<Vec<JoinHandle<()>>>,
    _alive: std::fs::File,
}

impl Scratch {
    /// Makes an empty one, by its name below a runner's directory.
    pub(crate) fn make(runner: &Path, name: &str, uid: u32) -> io::Result<Self> {
        let dir = runner.join("scratch").join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let alive = std::fs::File::open(&dir)?;
        alive.lock()?;
        let passwd = account(runner, &dir, "passwd", uid, &format!("job:x:{uid}:{uid}::{HOME}:/bin/bash\n"))?;
        let group = account(runner, &dir, "group", uid, &format!("job:x:{uid}:\n"))?;
        let scratch = Self { dir, uid, accounts: [passwd, group], users: Mutex::default(), _alive: alive };
        for (name, mode) in [("home", 0o700), ("tmp", 0o1777), ("var-tmp", 0o1777)] {
            scratch.folder(name, mode)?;
        }
        for name in ["scripts", "files"] {
            std::fs::create_dir(scratch.dir.join(name))?;
            std::fs::set_permissions(scratch.dir.join(name), std::fs::Permissions::from_mode(0o755))?;
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

    /// The directory of the files in which the job may write.
    pub(crate) fn files(&self) -> io::Result<Dir> {
        Dir::open(&self.dir.join("files"))
    }

    /// Makes an empty one there.
    pub(crate) fn file(&self, files: &Dir, name: &Path) -> io::Result<std::fs::File> {
        files.create(name, 0o600, self.uid)
    }

    /// Where the job finds it.
    pub(crate) fn seen(name: &str) -> String {
        format!("{HANDED}/files/{name}")
    }

    /// What the job wrote there.
    pub(crate) fn written(&self, name: &str) -> io::Result<String> {
        let file = self.files()?.read(Path::new(name))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
    }

    /// Puts the event's file where the job finds it.
    pub(crate) fn event(&self, json: &str) -> io::Result<()> {
        let name = Path::new(EVENT);
        let mut file = Dir::open(&self.dir.join("scripts"))?.create(name, 0o444, self.uid)?;
        file.write_all(json.as_bytes())
    }

    /// Where that lies on the machine.
    pub(crate) fn event_file(&self) -> PathBuf {
        self.dir.join("scripts").join(EVENT)
    }

    /// The home of a workflow's container actions, made for the first of them with Git's settings. Later it is theirs: nothing is
    /// written there any more.
    pub(crate) fn github_home(&self, git_config: &str) -> io::Result<PathBuf> {
        let home = self.dir.join("github-home");
        if !home.exists() {
            self.folder("github-home", 0o777)?;
            Dir::open(&home)?.create(Path::new(".gitconfig"), 0o666, self.uid)?.write_all(git_config.as_bytes())?;
        }
        Ok(home)
    }

    /// A folder of the image that the job runs in, as far as steps wrote into it. Where a step has put something else there it is an
    /// empty one: a link would be followed on this machine.
    pub(crate) fn written_in_root(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.dir.join("root/upper").join(name);
        match std::fs::symlink_metadata(&folder) {
            Ok(found) if found.is_dir() => return Ok(folder),
            Ok(_) => return self.folder(&format!("no-{name}"), 0o1777),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o1777))?;
        Ok(folder)
    }

    /// Lets another user than the job's write the files by which a step speaks.
    pub(crate) fn hand_over(&self, names: &[String], uid: u32) -> io::Result<()> {
        let files = self.files()?;
        names.iter().try_for_each(|name| files.give(name.as_ref(), uid))
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
            Bind::shown(&self.accounts[0], "/etc/passwd"),
            Bind::shown(&self.accounts[1], "/etc/group"),
            Bind::shown(self.path("scripts"), format!("{HANDED}/scripts")),
            Bind::writable(self.path("files"), format!("{HANDED}/files")),
            Bind::writable(self.path("home"), HOME),
            Bind::writable(self.path("tmp"), "/tmp"),
            Bind::writable(self.path("var-tmp"), "/var/tmp"),
        ]);
        SandboxPlan { hidden: settings.hidden.clone(), binds, overlays: Vec::<Overlay>::new(), uid: self.uid, network }
    }

    /// Waits with the removal until a sandbox is gone that shows it.
    pub(crate) fn shown_by(&self, sandbox: JoinHandle<()>) {
        self.users().push(sandbox);
    }

    fn users(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts it where nobody looks; gives where that is.
    fn put_aside(&self) -> io::Result<PathBuf> {
        let scratch = self.dir.parent().unwrap_or(&self.dir);
        let gone = scratch.with_file_name(ASIDE).join(self.dir.file_name().unwrap_or_default());
        std::fs::rename(&self.dir, &gone)?;
        Ok(gone)
    }
}

/// Removes everything. Whoever asked goes on as soon as it is out of the way: file systems that tell the disk what became free
/// take milliseconds for each folder. What is not gone when the server ends goes at its next start.
pub(crate) async fn remove(scratch: Arc<Scratch>) {
    let users = std::mem::take(&mut *scratch.users());
    let aside = blocking("removing directories", move || scratch.put_aside().map_err(failed("putting directories aside"))).await;
    tokio::spawn(async move {
        // while mounts are taken down that show a folder, the kernel only spins when it is to remove it
        for user in users {
            let _ = user.await;
        }
        let remove = |gone: PathBuf| move || std::fs::remove_dir_all(gone).map_err(failed("removing directories"));
        let removed = match aside {
            Ok(gone) => blocking("removing directories", remove(gone)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(error = %whole(&error), "what an attempt left in its own directories stays until the next start");
        }
    });
}

/// A file of the machine with one more line. All jobs of a user see the same one, which is made again when the machine's changes.
fn account(runner: &Path, scratch: &Path, name: &str, uid: u32, line: &str) -> io::Result<PathBuf> {
    let mut text = std::fs::read_to_string(Path::new("/etc").join(name)).unwrap_or_default();
    text.push_str(line);
    let path = runner.join(format!("accounts/{name}-{uid}"));
    if std::fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(path);
    }
    std::fs::create_dir_all(runner.join("accounts"))?;
    // other jobs may be looking at the one that is there
    let new = scratch.join(name);
    std::fs::write(&new, text)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o644))?;
    std::fs::rename(new, &path)?;
    Ok(path)
}

/// True if no attempt lives in a directory that [`Scratch::make`] made.
pub(crate) fn is_dead(dir: &Path) -> bool {
    match std::fs::File::open(dir) {
        Ok(alive) => alive.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
