//! The hooks of a push: what the process that git starts does, and what it says to the server.
//!
//! Git starts `<hooks>/pre-receive` and `post-receive`: a script of one line that starts the program named in
//! [`crate::HostSettings::hook`] as `PROGRAM git-hook NAME`. That program calls [`hook_main`], which connects to the
//! Unix socket in `PENSTOCK_HOOK_SOCKET` and writes one line of JSON:
//!
//! `{"ticket": …, "hook": "pre-receive" | "post-receive", "updates": [{"reference", "old", "new", "forced"}]}`
//!
//! The ticket, from `PENSTOCK_HOOK_TICKET`, names the push: who pushes where is what the server remembers, not what
//! the process says. The answer is one line, `{"say": [lines], "refuse": bool}`: the lines are printed, and git
//! shows them to the pusher. A `pre-receive` without an answer refuses, since nobody looked at the push; a
//! `post-receive` without one says that the push is kept and will be noticed when the server starts.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use penstock_model::CommitId;
use serde::{Deserialize, Serialize};

/// The hidden argument under which the program calls [`hook_main`].
pub const HOOK_ARGUMENT: &str = "git-hook";

/// The hooks that we have.
pub(crate) const HOOKS: [&str; 2] = [BEFORE, AFTER];
pub(crate) const BEFORE: &str = "pre-receive";
pub(crate) const AFTER: &str = "post-receive";
pub(crate) const SOCKET: &str = "PENSTOCK_HOOK_SOCKET";
pub(crate) const TICKET: &str = "PENSTOCK_HOOK_TICKET";

/// The most refs that one push may change.
pub(crate) const MAX_UPDATES: usize = 1000;
/// The longest line of the protocol.
pub(crate) const MAX_LINE: u64 = 1024 * 1024;
/// How long the hook waits for the server; longer than the server gives its listener.
const WAIT: Duration = Duration::from_secs(30);

/// A ref that a push changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefUpdate {
    /// The full name: `refs/heads/main`.
    pub reference: String,
    /// Where it was; `None` if it is new. For an annotated tag the tag object's id.
    pub old: Option<CommitId>,
    /// Where it goes; `None` if it is deleted.
    pub new: Option<CommitId>,
    /// True if what it had is not all in what it gets.
    pub forced: bool,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Question {
    pub ticket: String,
    pub hook: String,
    pub updates: Vec<RefUpdate>,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub say: Vec<String>,
    pub refuse: bool,
}

/// The script that git starts.
pub(crate) fn script(program: &Path, hook: &str) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    let mut script = b"#!/bin/sh\nexec '".to_vec();
    // within single quotes only the single quote is special
    for byte in program.as_os_str().as_bytes() {
        if *byte == b'\'' { script.extend_from_slice(b"'\\''") } else { script.push(*byte) }
    }
    script.extend_from_slice(format!("' {HOOK_ARGUMENT} {hook}\n").as_bytes());
    script
}

/// A random name, which nobody guesses.
pub(crate) fn ticket() -> String {
    let mut bytes = [0; 16];
    // without randomness from the kernel there is none anywhere; the caller's name is then one that exists
    getrandom::fill(&mut bytes).ok();
    hex::encode(bytes)
}

/// What the process does that git started: call it with what came after [`HOOK_ARGUMENT`].
pub fn hook_main<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> ExitCode {
    let hook = arguments.into_iter().next().and_then(|name| name.as_ref().to_str().map(str::to_owned)).unwrap_or_default();
    if !HOOKS.contains(&hook.as_str()) {
        println!("penstock: `{hook}` is not a hook of ours");
        return ExitCode::from(2);
    }
    match ask(&hook) {
        Ok(answer) => {
            answer.say.iter().for_each(|line| println!("{line}"));
            if answer.refuse { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(why) if hook == BEFORE => {
            println!("penstock: refused, since the server cannot be asked: {why}");
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("penstock: the push is kept; its run starts once the server answers again ({why})");
            ExitCode::SUCCESS
        }
    }
}

fn ask(hook: &str) -> Result<Answer, String> {
    let variable = |name: &str| std::env::var(name).map_err(|_| "pushes come over HTTP".to_owned());
    let (socket, ticket) = (variable(SOCKET)?, variable(TICKET)?);
    let mut updates = Vec::new();
    for line in std::io::stdin().lock().take(MAX_LINE).lines() {
        let line = line.map_err(|e| e.to_string())?;
        updates.push(update(&line).ok_or_else(|| format!("`{line}` is not a ref's change"))?);
        if updates.len() > MAX_UPDATES {
            return Err(format!("more than {MAX_UPDATES} refs in one push: push them in parts"));
        }
    }
    let question = Question { ticket, hook: hook.to_owned(), updates };
    let mut line = serde_json::to_vec(&question).map_err(|e| e.to_string())?;
    line.push(b'\n');
    let talk = || -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(&socket)?;
        stream.set_read_timeout(Some(WAIT))?;
        stream.set_write_timeout(Some(WAIT))?;
        stream.write_all(&line)?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(MAX_LINE)).read_until(b'\n', &mut answer)?;
        Ok(answer)
    };
    let answer = talk().map_err(|e| format!("{socket}: {e}"))?;
    serde_json::from_slice(&answer).map_err(|_| "it gave no answer".to_owned())
}

/// `old new reference`, with zeros for what is not there.
fn update(line: &str) -> Option<RefUpdate> {
    let mut words = line.splitn(3, ' ');
    let id = |text: &str| text.bytes().any(|b| b != b'0').then(|| text.parse::<CommitId>()).transpose().ok();
    let (old, new, reference) = (id(words.next()?)?, id(words.next()?)?, words.next()?.to_owned());
    let forced = old.as_ref().zip(new.as_ref()).is_some_and(|(old, new)| !contains(new, old));
    Some(RefUpdate { reference, old, new, forced })
}

/// Asked here and not in the server, since only this process sees the objects of a push that is not yet kept.
fn contains(new: &CommitId, old: &CommitId) -> bool {
    let mut git = Command::new("git");
    git.args(["merge-base", "--is-ancestor", old.as_str(), new.as_str()]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    git.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_quote_stays_one_word() {
        let script = String::from_utf8(script(Path::new("/opt/it's $(here)/penstock"), AFTER)).unwrap();
        assert_eq!(script, "#!/bin/sh\nexec '/opt/it'\\''s $(here)/penstock' git-hook post-receive\n");
    }

    #[test]
    fn zeros_are_nothing() {
        let (zeros, ones) = ("0".repeat(40), "1".repeat(40));
        let made = update(&format!("{zeros} {ones} refs/heads/a")).unwrap();
        assert_eq!((made.old, made.new, made.forced), (None, Some(ones.parse().unwrap()), false));
        assert_eq!(update(&format!("{ones} {zeros} refs/heads/a b")).unwrap().reference, "refs/heads/a b");
        assert!(update("x y z").is_none());
    }
}
