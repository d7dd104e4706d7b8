//! The runtime's own description of a container (OCI runtime specification 1.2, `config.json`).

use std::fs;
use std::io;
use std::path::Path;

use penstock_model::container::Network;
use serde_json::{Value, json};

use crate::launch::{Launch, Root};
use crate::profile;
use crate::rootfs::extra_files;
use crate::state::Home;
use crate::user::User;

/// No container has more processes and threads.
const MAX_PROCESSES: u64 = 4096;
/// What a CPU limit is counted in.
const CPU_PERIOD_US: u64 = 100_000;

/// Writes `config.json` and the files that it names. Gives limits that this machine cannot keep.
pub fn write(home: &Home, launch: &Launch, root: &Path, user: &User) -> io::Result<Vec<String>> {
    let (resources, missing) = resources(launch);
    let config = json!({
        "ociVersion": "1.2.0",
        "hostname": launch.id,
        "root": {"path": root, "readonly": launch.root == Root::ReadOnly},
        "process": {
            "terminal": false,
            "user": {"uid": user.uid, "gid": user.gid, "additionalGids": user.groups, "umask": 0o022},
            "args": launch.args,
            "env": launch.env,
            "cwd": launch.cwd,
            "noNewPrivileges": true,
            "capabilities": profile::capabilities(user.uid, launch.building),
        },
        "mounts": mounts(home, launch)?,
        "linux": {
            "cgroupsPath": cgroup(&launch.instance, &launch.id),
            "namespaces": namespaces(launch),
            "resources": resources,
            "seccomp": profile::seccomp(),
            "maskedPaths": profile::masked(),
            "readonlyPaths": profile::read_only(),
        },
    });
    home.write("config.json", &config)?;
    Ok(missing)
}

/// The name of a container's cgroup, from the root of each hierarchy.
pub fn cgroup(instance: &str, container: &str) -> String {
    format!("/penstock-{instance}/{container}")
}

fn namespaces(launch: &Launch) -> Value {
    let mut kinds = vec!["pid", "ipc", "uts", "mount"];
    if launch.network != Network::Host {
        kinds.push("network");
    }
    kinds.into_iter().map(|kind| json!({"type": kind})).collect()
}

fn mounts(home: &Home, launch: &Launch) -> io::Result<Vec<Value>> {
    let plain = |kind: &str, destination: &str, options: &[&str]| json!({"type": kind, "source": kind, "destination": destination, "options": options});
    let mut mounts = vec![
        plain("proc", "/proc", &["nosuid", "noexec", "nodev"]),
        plain("tmpfs", "/dev", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        plain("devpts", "/dev/pts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
        plain("tmpfs", "/dev/shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        plain("sysfs", "/sys", &["nosuid", "noexec", "nodev", "ro"]),
    ];
    for (path, size) in &launch.tmpfs {
        let size = format!("size={size}");
        mounts.push(plain("tmpfs", path, &["nosuid", "nodev", "mode=1777", &size]));
    }
    let bind = |source: &Path, destination: &str, writable: bool| {
        let access = if writable { "rw" } else { "ro" };
        json!({"type": "bind", "source": source, "destination": destination, "options": ["rbind", access, "nosuid", "nodev"]})
    };
    for file in extra_files(launch) {
        let machines = launch.network == Network::Host && (launch.hosts.is_empty() || file != "/etc/hosts");
        let source = if machines { file.into() } else { hosts(home, launch)? };
        if source.exists() {
            mounts.push(bind(&source, file, false));
        }
    }
    for mount in &launch.mounts {
        mounts.push(match &mount.changes {
            None => bind(&mount.source, &mount.path, mount.writable),
            Some(changes) => overlay(&mount.source, changes, &mount.path)?,
        });
    }
    Ok(mounts)
}

/// A directory over which changes go elsewhere.
fn overlay(lower: &Path, upper: &Path, destination: &str) -> io::Result<Value> {
    let work = upper.with_added_extension("work");
    let option = |name: &str, path: &Path| {
        let text = path.to_str().filter(|text| !text.contains([',', ':', '\\']));
        let text =
            text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("{}: a path of a layered directory", path.display())))?;
        Ok::<_, io::Error>(format!("{name}={text}"))
    };
    let options = [option("lowerdir", lower)?, option("upperdir", upper)?, option("workdir", &work)?];
    let options: Vec<&str> = options.iter().map(String::as_str).chain(["nosuid", "nodev"]).collect();
    Ok(json!({"type": "overlay", "source": "overlay", "destination": destination, "options": options}))
}

fn hosts(home: &Home, launch: &Launch) -> io::Result<std::path::PathBuf> {
    let mut text = match launch.network {
        Network::Host => fs::read_to_string("/etc/hosts")? + "\n",
        _ => "127.0.0.1\tlocalhost\n::1\tlocalhost\n".to_owned(),
    };
    if let Network::Bridge(address) | Network::Own { address, .. } = launch.network {
        text += &format!("{address}\t{}\n", launch.id);
    }
    for (name, address) in &launch.hosts {
        text += &format!("{address}\t{name}\n");
    }
    let path = home.path("hosts");
    fs::write(&path, text)?;
    Ok(path)
}

/// Limits as this machine can keep them, and those that it cannot.
fn resources(launch: &Launch) -> (Value, Vec<String>) {
    let mut missing = Vec::new();
    let mut kept = json!({"devices": [{"allow": false, "access": "rwm"}]});
    let mut limit = |controller: &str, what: String, value: Value| {
        if has_controller(controller) {
            kept[controller] = value;
        } else {
            missing.push(format!("{what} is not kept: this machine has no cgroup controller `{controller}`"));
        }
    };
    if let Some(bytes) = launch.memory {
        limit("memory", format!("the memory limit of {bytes} bytes"), json!({"limit": bytes}));
    }
    if let Some(millis) = launch.cpu_millis {
        let quota = u64::from(millis) * CPU_PERIOD_US / 1000;
        limit("cpu", format!("the CPU limit of {millis} m"), json!({"quota": quota.max(1000), "period": CPU_PERIOD_US}));
    }
    limit("pids", format!("the limit of {MAX_PROCESSES} processes"), json!({"limit": MAX_PROCESSES}));
    (kept, missing)
}

/// True if the kernel offers the controller, in either version of cgroups.
fn has_controller(name: &str) -> bool {
    let listed = |path: &str| fs::read_to_string(path).is_ok_and(|text| text.split_whitespace().any(|word| word == name));
    Path::new("/sys/fs/cgroup").join(name).is_dir() || listed("/sys/fs/cgroup/cgroup.controllers")
}
