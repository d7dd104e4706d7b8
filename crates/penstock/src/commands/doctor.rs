//! `penstock doctor`: what is needed, whether it is there, and what to do.

use std::path::Path;
use std::process::ExitCode;

use penstock_cli::terminal::{green, red, table};
use penstock_cli::{CliError, Output, exit};
use serde::Serialize;

use crate::config::ServerSection;
use crate::parts::find_program;

/// Space that a server should have.
const MIN_FREE: u64 = 2 * 1024 * 1024 * 1024;

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    found: String,
    fix: &'static str,
}

fn finding(what: &'static str, found: Result<String, String>, fix: &'static str) -> Finding {
    let good = found.is_ok();
    Finding { what, good, found: found.unwrap_or_else(|why| why), fix }
}

/// Looks at everything; exits with 1 if something is missing.
pub async fn doctor(settings: &ServerSection, output: Output) -> Result<ExitCode, CliError> {
    let findings = [
        finding("root", root(), "start it as root: containers and sandboxes need it; jobs run as users of their own"),
        finding("kernel: overlayfs", overlay(), "load the module: modprobe overlay"),
        finding("kernel: namespaces", namespaces(), "use a kernel with PID, mount and network namespaces"),
        finding("git", program("git"), "apt-get install git"),
        finding("bash", program("bash"), "apt-get install bash"),
        finding("tools", tools(&settings.tools), "run setup/setup.sh, or set `server.tools`"),
        finding("data directory", data(&settings.data), "make it, or set `server.data`"),
        finding("free space", space(&settings.data), "free some, or set `server.data` to another disk"),
        finding("address", address(settings).await, "end what listens there, or set `server.listen`"),
    ];
    let bad = findings.iter().any(|finding| !finding.good);
    if output == Output::Json {
        println!("{}", serde_json::to_string_pretty(&findings).unwrap_or_default());
    } else {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| {
                let mark = if finding.good { green("ok") } else { red("missing") };
                let fix = if finding.good { String::new() } else { finding.fix.to_owned() };
                vec![mark, finding.what.to_owned(), finding.found.clone(), fix]
            })
            .collect();
        table(&["", "WHAT", "FOUND", "TO DO"], &rows);
    }
    Ok(ExitCode::from(if bad { exit::NOT_GOOD } else { exit::OK }))
}

fn root() -> Result<String, String> {
    let user = nix::unistd::geteuid();
    if user.is_root() { Ok("yes".to_owned()) } else { Err(format!("user {user}")) }
}

fn overlay() -> Result<String, String> {
    let known = std::fs::read_to_string("/proc/filesystems").map_err(|error| error.to_string())?;
    if known.lines().any(|line| line.trim_start_matches("nodev").trim() == "overlay") {
        Ok("yes".to_owned())
    } else {
        Err("no overlayfs".to_owned())
    }
}

fn namespaces() -> Result<String, String> {
    let missing: Vec<_> =
        ["pid", "mnt", "net", "ipc", "uts"].into_iter().filter(|name| !Path::new("/proc/self/ns").join(name).exists()).collect();
    if missing.is_empty() { Ok("yes".to_owned()) } else { Err(format!("no {}", missing.join(", "))) }
}

fn program(name: &str) -> Result<String, String> {
    find_program(name).map(|path| path.display().to_string()).ok_or_else(|| "not on PATH".to_owned())
}

fn tools(folder: &Path) -> Result<String, String> {
    let lock = folder.join("tools.lock");
    if lock.is_file() { Ok(lock.display().to_string()) } else { Err(format!("no {}", lock.display())) }
}

/// The directory, or the nearest one above that is there.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|path| path.is_dir())
}

fn data(folder: &Path) -> Result<String, String> {
    let nearest = nearest(folder).ok_or_else(|| "no directory above it".to_owned())?;
    nix::unistd::access(nearest, nix::unistd::AccessFlags::W_OK).map_err(|error| format!("{}: {error}", nearest.display()))?;
    Ok(folder.display().to_string())
}

fn space(folder: &Path) -> Result<String, String> {
    let nearest = nearest(folder).ok_or_else(|| "no directory above it".to_owned())?;
    let stat = nix::sys::statvfs::statvfs(nearest).map_err(|error| error.to_string())?;
    let free = stat.blocks_available() * stat.fragment_size();
    let text = format!("{} MiB", free / (1024 * 1024));
    if free >= MIN_FREE { Ok(text) } else { Err(text) }
}

async fn address(settings: &ServerSection) -> Result<String, String> {
    match tokio::net::TcpListener::bind(settings.listen).await {
        Ok(_) => Ok(settings.listen.to_string()),
        Err(error) => Err(format!("{}: {error}", settings.listen)),
    }
}
