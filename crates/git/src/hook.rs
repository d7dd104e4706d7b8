//! The hooks of a push: what the process that git starts does, and what it says to the server.
//!
//! Git starts `<hooks>/pre-receive`, `proc-receive` and `post-receive`: a script of one line that starts the program named in
//! [`crate::HostSettings::hook`] as `PROGRAM git-hook NAME`. That program calls [`hook_main`], which connects to the
//! Unix socket in `PENSTOCK_HOOK_SOCKET` and writes one line of JSON:
//!
//! `{"ticket": …, "hook": "pre-receive" | …, "updates": [{"reference", "old", "new", "forced"}], "options": [text]}`
//!
//! The ticket, from `PENSTOCK_HOOK_TICKET`, names the push: who pushes where is what the server remembers, not what
//! the process says. The answer is one line, `{"say": [lines], "refuse": bool}`: the lines are printed, and git
//! shows them to the pusher. What is pushed to `refs/for/BRANCH` moves no ref of that name: Git hands it to `proc-receive`,
//! whose answer (`offers`) says of each what became of it. A `pre-receive` without an answer refuses, since nobody looked at the push; a
//! `post-receive` without one says that the push is kept and will be noticed when the server starts.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use penstock_model::CommitId;
use serde::{Deserialize, Serialize};

use crate::pkt;

/// The hidden argument under which the program calls [`hook_main`].
pub const HOOK_ARGUMENT: &str = "git-hook";

/// The hooks that we have.
pub(crate) const HOOKS: [&str; 3] = [BEFORE, OFFERED, AFTER];
pub(crate) const BEFORE: &str = "pre-receive";
pub(crate) const OFFERED: &str = "proc-receive";
pub(crate) const AFTER: &str = "post-receive";
pub(crate) const SOCKET: &str = "PENSTOCK_HOOK_SOCKET";
pub(crate) const TICKET: &str = "PENSTOCK_HOOK_TICKET";

/// The most refs that one push may change.
pub(crate) const MAX_UPDATES: usize = 1000;
/// The most options of one push, and their bytes in all.
pub(crate) const MAX_OPTIONS: usize = 64;
const MAX_OPTION_BYTES: usize = 128 * 1024;
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
    #[serde(default)]
    pub options: Vec<String>,
}

/// What became of something that was pushed to `refs/for/…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The ref that it was pushed to.
    pub reference: String,
    /// The ref that has it now and where that was before; or why it was not taken.
    pub taken: Result<(String, Option<CommitId>), String>,
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub say: Vec<String>,
    pub refuse: bool,
    #[serde(default)]
    pub offers: Vec<Offered>,
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
    if hook == OFFERED {
        return offered().unwrap_or_else(|why| {
            eprintln!("penstock: refused, since the server cannot be asked: {why}");
            ExitCode::FAILURE
        });
    }
    match updates().and_then(|updates| ask(&hook, updates, options()?)) {
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

fn ask(hook: &str, updates: Vec<RefUpdate>, options: Vec<String>) -> Result<Answer, String> {
    let variable = |name: &str| std::env::var(name).map_err(|_| "pushes come over HTTP".to_owned());
    let (socket, ticket) = (variable(SOCKET)?, variable(TICKET)?);
    let question = Question { ticket, hook: hook.to_owned(), updates, options };
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

/// What git says on the input of a hook.
fn updates() -> Result<Vec<RefUpdate>, String> {
    let mut updates = Vec::new();
    for line in std::io::stdin().lock().take(MAX_LINE).lines() {
        add(&mut updates, &line.map_err(|e| e.to_string())?)?;
    }
    Ok(updates)
}

fn add(updates: &mut Vec<RefUpdate>, line: &str) -> Result<(), String> {
    updates.push(update(line).ok_or_else(|| format!("`{line}` is not a ref's change"))?);
    if updates.len() > MAX_UPDATES { Err(format!("more than {MAX_UPDATES} refs in one push: push them in parts")) } else { Ok(()) }
}

/// The push's options, as git has them in a hook's environment.
fn options() -> Result<Vec<String>, String> {
    let count = std::env::var("GIT_PUSH_OPTION_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0_usize);
    let named = (0..count.min(MAX_OPTIONS + 1)).map(|index| std::env::var(format!("GIT_PUSH_OPTION_{index}")));
    few(named.collect::<Result<_, _>>().map_err(|_| "an option of the push is not UTF-8".to_owned())?)
}

fn few(options: Vec<String>) -> Result<Vec<String>, String> {
    let bytes: usize = options.iter().map(String::len).sum();
    if options.len() > MAX_OPTIONS || bytes > MAX_OPTION_BYTES {
        return Err(format!("a push has at most {MAX_OPTIONS} options, of {MAX_OPTION_BYTES} bytes in all"));
    }
    Ok(options)
}

/// Git's conversation with `proc-receive` (githooks(5)): what may be said, what was pushed, its options, and the answer.
fn offered() -> Result<ExitCode, String> {
    let fails = |error: std::io::Error| format!("git: {error}");
    let limit = usize::try_from(MAX_LINE).unwrap_or(usize::MAX);
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let hello = pkt::group(&mut input, limit).map_err(fails)?;
    let can = hello.iter().any(|line| line.split(|byte| matches!(byte, 0 | b' ')).any(|word| word == b"push-options"));
    let ours = if can { "version=1\0push-options" } else { "version=1" };
    pkt::write(&mut output, [ours.to_owned()]).map_err(fails)?;
    let mut updates = Vec::new();
    for line in pkt::group(&mut input, limit).map_err(fails)? {
        add(&mut updates, &String::from_utf8_lossy(&line))?;
    }
    let options = if can { pkt::group(&mut input, limit).map_err(fails)? } else { Vec::new() };
    let options = options.into_iter().map(|option| String::from_utf8(option).map_err(|_| "an option of the push is not UTF-8".to_owned()));
    let options = few(options.collect::<Result<_, _>>()?)?;
    let (mut lines, sent) = (Vec::new(), updates.clone());
    let answer = ask(OFFERED, updates, options)?;
    // what this prints itself goes to git; the channel for errors goes to the pusher
    answer.say.iter().for_each(|line| eprintln!("{line}"));
    for update in &sent {
        match answer.offers.iter().find(|offer| offer.reference == update.reference).map(|offer| &offer.taken) {
            Some(Ok((kept, old))) => {
                lines.extend([format!("ok {}", update.reference), format!("option refname {kept}")]);
                lines.extend(old.as_ref().map(|old| format!("option old-oid {old}")));
                lines.extend(update.new.as_ref().map(|new| format!("option new-oid {new}")));
            }
            Some(Err(why)) => lines.push(format!("ng {} {}", update.reference, why.replace(char::is_control, " "))),
            None => lines.push(format!("ng {} the server did not take it", update.reference)),
        }
    }
    pkt::write(&mut output, lines).map_err(fails)?;
    Ok(ExitCode::SUCCESS)
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
