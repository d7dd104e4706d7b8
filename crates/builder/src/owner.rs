//! `--chown` to numbers, by the files of the stage.

use crate::tree::Tree;

/// No `/etc/passwd` of an image is larger.
const MAX_FILE: u64 = 1024 * 1024;

/// The numbers of `user` or `user:group`; the group of a number alone is that number, as Docker has it.
pub fn resolve(tree: &Tree, written: &str) -> Result<(u32, u32), String> {
    let (user, group) = written.split_once(':').map_or((written, None), |(user, group)| (user, Some(group)));
    let look_up = |name: &str, file: &str| -> Result<Option<(u32, Option<u32>)>, String> {
        let text = tree.text(file, MAX_FILE).map_err(|error| error.to_string())?.unwrap_or_default();
        let line = text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|line| line.len() > 2 && line[0] == name);
        Ok(line.and_then(|line| Some((line[2].parse().ok()?, line.get(3).and_then(|gid| gid.parse().ok())))))
    };
    let absent = |what: &str, name: &str, file: &str| format!("the stage has no {what} `{name}` in {file}: write its number");
    let (uid, own_group) = match user.parse() {
        Ok(uid) => (uid, uid),
        Err(_) => {
            let (uid, gid) = look_up(user, "/etc/passwd")?.ok_or_else(|| absent("user", user, "/etc/passwd"))?;
            (uid, gid.unwrap_or(uid))
        }
    };
    let gid = match group.map(|group| (group, group.parse())) {
        None => own_group,
        Some((_, Ok(gid))) => gid,
        Some((group, Err(_))) => look_up(group, "/etc/group")?.ok_or_else(|| absent("group", group, "/etc/group"))?.0,
    };
    Ok((uid, gid))
}
