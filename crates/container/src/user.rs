//! A user as an image writes it (`app`, `1000`, `app:staff`, `1000:1000`) to numbers, by the image's own files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};

/// No `/etc/passwd` of an image is larger.
const MAX_FILE: u64 = 1024 * 1024;

/// Who a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Further groups.
    pub groups: Vec<u32>,
    /// Home directory, if `/etc/passwd` has the user.
    pub home: Option<String>,
}

/// Looks a user up below a root file system; symlinks are followed inside it.
pub fn resolve(root: &Path, written: &str) -> io::Result<User> {
    if written.is_empty() {
        return Ok(User::default());
    }
    let read = |path: &str| read(root, path).map(Option::unwrap_or_default);
    look_up(written, &read("etc/passwd")?, &read("etc/group")?).map_err(io::Error::other)
}

/// Looks a user up in an image's layers, the highest first: each file is that of the highest layer that has it.
pub fn resolve_in_layers(layers: &[PathBuf], written: &str) -> io::Result<User> {
    let find = |path: &str| {
        let found = layers.iter().find_map(|layer| read(layer, path).transpose()).transpose();
        found.map(Option::unwrap_or_default)
    };
    look_up(if written.is_empty() { "0" } else { written }, &find("etc/passwd")?, &find("etc/group")?).map_err(io::Error::other)
}

fn read(root: &Path, path: &str) -> io::Result<Option<String>> {
    let directory = openat(CWD, root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat2(&directory, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS) {
        Ok(file) => {
            let mut text = Vec::new();
            File::from(file).take(MAX_FILE).read_to_end(&mut text)?;
            Ok(Some(String::from_utf8_lossy(&text).into_owned()))
        }
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
        Err(error) => Err(io::Error::from(error)),
    }
}

fn look_up(written: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (name, wanted_group) = written.split_once(':').map_or((written, None), |(name, group)| (name, Some(group)));
    let line = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|line| line.len() >= 4 && (line[0] == name || name.parse::<u32>().is_ok_and(|uid| line[2].parse() == Ok(uid))));
    let known = line.as_ref().and_then(|line| Some((line[2].parse().ok()?, line[3].parse().ok()?)));
    let (uid, primary) = match (name.parse(), known) {
        (Ok(uid), known) => (uid, known.map_or(0, |(_, gid)| gid)),
        (Err(_), Some(known)) => known,
        (Err(_), None) => return Err(format!("the image has no user `{name}` in /etc/passwd: add it, or write its number")),
    };
    let groups = || group.lines().map(|line| line.split(':').collect::<Vec<_>>()).filter(|line| line.len() >= 3);
    let gid = match wanted_group {
        None => primary,
        Some(wanted) => match wanted.parse() {
            Ok(gid) => gid,
            Err(_) => groups()
                .find(|line| line[0] == wanted)
                .and_then(|line| line[2].parse().ok())
                .ok_or_else(|| format!("the image has no group `{wanted}` in /etc/group: add it, or write its number"))?,
        },
    };
    let own_name = line.as_ref().map_or(name, |line| line[0]);
    // a group that was asked for replaces the others, as elsewhere
    let further = if wanted_group.is_some() {
        Vec::new()
    } else {
        groups()
            .filter(|line| line.len() >= 4 && line[3].split(',').any(|member| member == own_name))
            .filter_map(|line| line[2].parse().ok())
            .collect()
    };
    let home = line.as_ref().and_then(|line| line.get(5)).filter(|home| home.starts_with('/')).map(|home| (*home).to_owned());
    Ok(User { uid, gid, groups: further, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:app\n";

    #[track_caller]
    fn check(written: &str, expected: Result<(u32, u32, &[u32]), &str>) {
        let seen = look_up(written, PASSWD, GROUP).map(|user| User { home: None, ..user });
        match expected {
            Ok((uid, gid, groups)) => assert_eq!(seen, Ok(User { uid, gid, groups: groups.to_vec(), home: None })),
            Err(part) => assert!(seen.as_ref().is_err_and(|error| error.contains(part)), "{seen:?}"),
        }
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        check("app", Ok((1000, 1001, &[50])));
        check("1000", Ok((1000, 1001, &[50])));
        check("app:staff", Ok((1000, 50, &[])));
        check("7:8", Ok((7, 8, &[])));
        check("65534", Ok((65534, 0, &[])));
        check("nobody", Err("no user `nobody`"));
        check("app:wheel", Err("no group `wheel`"));
    }

    #[test]
    fn a_home_is_that_of_the_user_who_is_known() {
        let home = |written: &str| look_up(written, PASSWD, GROUP).unwrap().home;
        assert_eq!((home("0").as_deref(), home("app").as_deref(), home("77")), (Some("/root"), Some("/"), None));
    }
}
