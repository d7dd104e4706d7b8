//! A root that holds the system's programs, read-only, what the plan shows, and nothing else.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::plan::{Bind, Overlay, SandboxPlan};

/// The machine's directories that every job sees, read-only. `/home`, `/root`, `/srv`, `/mnt`, `/run` and `/var` are not among them.
const SYSTEM: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "nix"];
const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom", "tty"];

/// What could not be made, and the kernel's answer.
pub(super) type Failed = String;

fn tried<E: Display>(what: impl Display) -> impl FnOnce(E) -> Failed {
    move |error| format!("{what}: {error}")
}

/// The mounts below the root that are read-only already, by the kernel's number.
pub(super) struct Limited(BTreeSet<String>);

/// Builds what every root has over an empty directory, in this process's own mount namespace.
pub(super) fn base(root: &Path) -> Result<Limited, Failed> {
    // what is made here is the job's to see, and its own files are as anywhere, whatever umask the server has
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).map_err(tried("making mounts private"))?;
    tmpfs(root, "mode=755,size=64m")?;
    for name in SYSTEM {
        system(root, name)?;
    }
    limit(root, &[], &Limited(BTreeSet::new()))?;
    for name in ["run", "var/cache", "var/lib", "var/log"] {
        directory(&root.join(name))?;
    }
    devices(root)?;
    kernel(root)?;
    // these have the flags that they need
    Ok(Limited(below(root)?.into_iter().map(|(id, _, _)| id).collect()))
}

/// Shows what the plan says and moves into the root. The old one is gone afterwards.
pub(super) fn enter(root: &Path, plan: &SandboxPlan, limited: &Limited) -> Result<(), Failed> {
    let places = places(plan);
    for place in &places {
        match place {
            Place::Shown(bind) => bound(root, bind)?,
            Place::Hidden(path) => hide(root, path)?,
        }
    }
    resolver(root)?;
    limit(root, &places, limited)?;
    for overlay in &plan.overlays {
        overlaid(root, overlay)?;
    }
    remount(root, MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV)?;
    pivot(root)
}

/// A path inside, and what is there.
enum Place<'a> {
    Shown(&'a Bind),
    Hidden(&'a Path),
}

impl Place<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Shown(bind) => &bind.to,
            Self::Hidden(path) => path,
        }
    }
}

/// The outer before the inner, so that a hidden directory may lie below a shown one and the other way round.
fn places(plan: &SandboxPlan) -> Vec<Place<'_>> {
    let mut places: Vec<Place> = plan.binds.iter().map(Place::Shown).collect();
    places.extend(plan.hidden.iter().map(|path| Place::Hidden(path)));
    places.sort_by_key(|place| place.path().components().count());
    places
}

fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn directory(path: &Path) -> Result<(), Failed> {
    fs::create_dir_all(path).map_err(tried(format!("making {}", path.display())))
}

fn tmpfs(at: &Path, options: &str) -> Result<(), Failed> {
    mount(Some("tmpfs"), at, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options))
        .map_err(tried(format!("mounting an empty directory at {}", at.display())))
}

fn bind(from: &Path, to: &Path) -> Result<(), Failed> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>).map_err(tried(format!(
        "showing {} at {}",
        from.display(),
        to.display()
    )))
}

fn remount(at: &Path, flags: MsFlags) -> Result<(), Failed> {
    mount(None::<&str>, at, None::<&str>, MsFlags::MS_REMOUNT | MsFlags::MS_BIND | flags, None::<&str>)
        .map_err(tried(format!("limiting {}", at.display())))
}

/// One of the machine's own directories: as a link where it is one (`/bin` → `usr/bin`).
fn system(root: &Path, name: &str) -> Result<(), Failed> {
    let (from, to) = (Path::new("/").join(name), root.join(name));
    let Ok(found) = fs::symlink_metadata(&from) else { return Ok(()) };
    if found.is_symlink() {
        let target = fs::read_link(&from).map_err(tried(format!("reading {}", from.display())))?;
        return symlink(target, &to).map_err(tried(format!("linking {}", to.display())));
    }
    directory(&to)?;
    bind(&from, &to)
}

fn bound(root: &Path, what: &Bind) -> Result<(), Failed> {
    let to = inside(root, &what.to);
    let found = fs::metadata(&what.from).map_err(tried(format!("{}", what.from.display())))?;
    if found.is_dir() {
        directory(&to)?;
    } else if !to.exists() {
        to.parent().map_or(Ok(()), directory)?;
        fs::write(&to, b"").map_err(tried(format!("making {}", to.display())))?;
    }
    bind(&what.from, &to)
}

/// Covers a directory, or a file, that lies below something that is shown. What is not shown needs no cover.
fn hide(root: &Path, path: &Path) -> Result<(), Failed> {
    let at = inside(root, path);
    match fs::symlink_metadata(&at) {
        Ok(found) if found.is_dir() => tmpfs(&at, "mode=755,size=1m"),
        Ok(found) if found.is_file() => bind(Path::new("/dev/null"), &at),
        _ => Ok(()),
    }
}

/// Where `/etc/resolv.conf` is a link into `/run`, its file is shown there.
fn resolver(root: &Path) -> Result<(), Failed> {
    let Ok(real) = fs::canonicalize("/etc/resolv.conf") else { return Ok(()) };
    if SYSTEM.iter().any(|name| real.starts_with(Path::new("/").join(name))) {
        return Ok(());
    }
    bound(root, &Bind::shown(&real, &real))
}

/// Makes every mount below the root read-only that is not yet, whatever it was on the machine, but those that the plan wants writable.
fn limit(root: &Path, places: &[Place], limited: &Limited) -> Result<(), Failed> {
    for (id, path, noexec) in below(root)? {
        if limited.0.contains(&id) {
            continue;
        }
        // the innermost place decides
        let writable = places
            .iter()
            .rev()
            .find(|place| path.starts_with(place.path()))
            .is_some_and(|place| matches!(place, Place::Shown(bind) if bind.writable));
        let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        flags.set(MsFlags::MS_RDONLY, !writable);
        flags.set(MsFlags::MS_NOEXEC, noexec);
        remount(&inside(root, &path), flags)?;
    }
    Ok(())
}

/// The mounts below the root: the kernel's number, the path inside, and whether nothing there may be executed.
fn below(root: &Path) -> Result<Vec<(String, PathBuf, bool)>, Failed> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(tried("reading /proc/self/mountinfo"))?;
    let read = |line: &str| {
        let mut fields = line.split(' ');
        let (id, at, options) = (fields.next()?, fields.nth(3)?, fields.next()?);
        let at = PathBuf::from(unescape(at));
        let below = at.strip_prefix(root).ok().filter(|below| !below.as_os_str().is_empty())?;
        Some((id.to_owned(), Path::new("/").join(below), options.split(',').any(|option| option == "noexec")))
    };
    Ok(mounts.lines().filter_map(read).collect())
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (code, character) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        plain = plain.replace(code, character);
    }
    plain
}

fn devices(root: &Path) -> Result<(), Failed> {
    let dev = root.join("dev");
    directory(&dev)?;
    for name in DEVICES {
        let (from, to) = (Path::new("/dev").join(name), dev.join(name));
        fs::write(&to, b"").map_err(tried(format!("making {}", to.display())))?;
        bind(&from, &to)?;
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2"), ("ptmx", "pts/ptmx")] {
        symlink(target, dev.join(name)).map_err(tried(format!("linking /dev/{name}")))?;
    }
    directory(&dev.join("pts"))?;
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    mount(Some("devpts"), &dev.join("pts"), Some("devpts"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, options)
        .map_err(tried("mounting /dev/pts"))?;
    directory(&dev.join("shm"))?;
    tmpfs(&dev.join("shm"), "mode=1777,size=50%")
}

fn kernel(root: &Path) -> Result<(), Failed> {
    let (proc, sys) = (root.join("proc"), root.join("sys"));
    directory(&proc)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), &proc, Some("proc"), flags, None::<&str>).map_err(tried("mounting /proc"))?;
    directory(&sys)?;
    mount(Some("/sys"), &sys, None::<&str>, MsFlags::MS_BIND, None::<&str>).map_err(tried("showing /sys"))?;
    remount(&sys, flags | MsFlags::MS_RDONLY)
}

fn overlaid(root: &Path, overlay: &Overlay) -> Result<(), Failed> {
    let to = inside(root, &overlay.to);
    directory(&to)?;
    let escaped = |path: &Path| path.display().to_string().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,");
    let lower: Vec<String> = overlay.lower.iter().map(|path| escaped(path)).collect();
    let mut options = vec![format!("lowerdir={}", lower.join(":"))];
    if let Some((upper, work)) = &overlay.upper {
        options.push(format!("upperdir={},workdir={}", escaped(upper), escaped(work)));
    }
    mount(Some("overlay"), &to, Some("overlay"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options.join(",").as_str()))
        .map_err(tried(format!("mounting an overlay at {}", overlay.to.display())))
}

fn pivot(root: &Path) -> Result<(), Failed> {
    nix::unistd::chdir(root).map_err(tried("entering the new root"))?;
    nix::unistd::pivot_root(".", ".").map_err(tried("taking the new root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(tried("leaving the old root"))?;
    nix::unistd::chdir("/").map_err(tried("entering the new root"))
}
