//! What the kernel knows: files that changed, cgroups that were made, and what is left of an instance.

use std::collections::{BTreeMap, VecDeque};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use penstock_model::Digest;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::house::House;

/// Names of what happened in one directory, in order.
pub struct Watch {
    handle: AsyncFd<OwnedFd>,
    names: VecDeque<String>,
}

impl Watch {
    /// From now on.
    pub fn on(directory: &Path, what: WatchFlags) -> Self {
        let handle = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&handle, directory, what | WatchFlags::ONLYDIR)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        #[allow(unsafe_code, reason = "an owned descriptor stays the same until it is dropped")]
        let handle = unsafe { AsyncFd::register_with_interest(handle, Interest::READABLE) };
        Self { handle: handle.unwrap(), names: VecDeque::new() }
    }

    /// Everything that happened and was not told yet.
    pub fn all(&mut self) -> VecDeque<String> {
        self.read();
        std::mem::take(&mut self.names)
    }

    /// The next.
    pub async fn next(&mut self) -> String {
        loop {
            self.read();
            if let Some(name) = self.names.pop_front() {
                return name;
            }
            self.handle.readable().await.unwrap().clear_ready();
        }
    }

    /// Until something of this name.
    pub async fn named(&mut self, name: &str) {
        while self.next().await != name {}
    }

    fn read(&mut self) {
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = inotify::Reader::new(self.handle.get_ref(), &mut buffer);
        while let Ok(event) = reader.next() {
            assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "the kernel lost count");
            self.names.extend(event.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
}

/// Every cgroup that is made for a container of an instance, as the kernel tells of it.
pub struct Starts(Watch);

impl Starts {
    /// From now on; before the instance's first container.
    pub fn of(house: &House) -> Self {
        // the unified hierarchy, or any of those of the older version, in each of which a container has a cgroup
        let root = Path::new("/sys/fs/cgroup");
        let root = if root.join("cgroup.controllers").is_file() { root.to_owned() } else { root.join("pids") };
        let parent = root.join(format!("penstock-{}", house.instance()));
        std::fs::create_dir_all(&parent).unwrap();
        Self(Watch::on(&parent, WatchFlags::CREATE))
    }

    /// How often each container was started.
    pub fn count(&mut self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for name in self.0.all().into_iter().filter(|name| !name.starts_with("cgroup.")) {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }
}

/// Processes, mounts, links, rules and cgroups of a house. Empty once it is down.
pub fn left(house: &House) -> Vec<String> {
    let dir = house.dir.path().display().to_string();
    let mut found = Vec::new();
    for process in folders(Path::new("/proc")).into_iter().filter(|path| path.join("cmdline").is_file()) {
        let text = |name: &str| String::from_utf8_lossy(&std::fs::read(process.join(name)).unwrap_or_default()).replace('\0', " ");
        let (command, mounts) = (text("cmdline"), text("mountinfo"));
        if command.contains(&dir) || mounts.contains(&dir) {
            found.push(format!("process {}: {command}", process.display()));
        }
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().filter(|line| line.contains(&dir)).map(|line| format!("mount {line}")));
    let bridge = format!("pb{}", &Digest::of(house.instance()).hex()[..10]);
    let links = folders(Path::new("/sys/class/net"));
    found.extend(links.into_iter().filter(|link| link.ends_with(&bridge)).map(|link| format!("link {}", link.display())));
    for list in [["nft", "list", "ruleset"].as_slice(), ["iptables-save"].as_slice()] {
        // a machine without the program has no rules of its kind
        let Ok(output) = std::process::Command::new(list[0]).args(&list[1..]).output() else { continue };
        let rules = String::from_utf8_lossy(&output.stdout).into_owned();
        found.extend(rules.lines().filter(|rule| rule.contains(&bridge)).map(|rule| format!("rule {rule}")));
    }
    let name = format!("penstock-{}", house.instance());
    let root = PathBuf::from("/sys/fs/cgroup");
    let hierarchies = folders(&root).into_iter().chain([root]);
    found.extend(hierarchies.map(|root| root.join(&name)).filter(|path| path.is_dir()).map(|path| format!("cgroup {}", path.display())));
    found
}

fn folders(path: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
