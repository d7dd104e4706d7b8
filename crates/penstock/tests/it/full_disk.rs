//! A disk without room: whoever asks is told, nothing is half-written, and the server goes on once there is room.

use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use penstock_api::{ClientError, NewProject, NewUser};
use penstock_testkit::eventually;
use serde_json::Value;
use tempfile::TempDir;

use crate::house::{House, complaint, directory, tools};
use crate::shop::Repository;

/// `penstock server` failed.
const FAILED: i32 = 3;

/// A disk of its own, in memory.
struct Disk(TempDir);

impl Disk {
    fn of(mebibytes: usize) -> Self {
        let folder = directory();
        let size = format!("size={mebibytes}m,mode=700");
        mount(Some("penstock-it"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some(size.as_str())).unwrap();
        Self(folder)
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// A server that keeps everything there.
    fn house(&self) -> House {
        House::with(&tools(), Some(self.0.path()))
    }

    /// Leaves so many KiB free.
    fn fill(&self, left_kib: u64) {
        let file = std::fs::File::create(self.filler()).unwrap();
        let stat = nix::sys::statvfs::statvfs(self.0.path()).unwrap();
        let free = stat.blocks_available() * stat.fragment_size();
        let size = i64::try_from(free.saturating_sub(left_kib * 1024)).unwrap();
        nix::fcntl::fallocate(std::os::fd::AsRawFd::as_raw_fd(&file), nix::fcntl::FallocateFlags::empty(), 0, size).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        umount2(self.0.path(), MntFlags::MNT_DETACH).unwrap();
    }
}

/// The house goes first: it ends what writes to the disk.
struct Full {
    house: House,
    disk: Disk,
}

impl Full {
    fn of(mebibytes: usize) -> Self {
        let disk = Disk::of(mebibytes);
        Self { house: disk.house(), disk }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_start_is_an_error_that_says_what_to_do() {
    let mut full = Full::of(64);
    full.disk.fill(16);
    let (code, said) = complaint(&full.house.penstock(&["server"]).await);
    assert_eq!(code, FAILED, "{said}");
    assert!(said.contains("disk") || said.contains("space"), "{said}");
    assert!(said.contains("help:") && said.contains("free"), "{said}");
    // nothing that was begun is in the way
    full.disk.empty();
    full.house.start().await;
    let _: Value = full.house.admin().client.get("/status").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_refuses_a_push_whole_and_takes_it_once_there_is_room() {
    let mut full = Full::of(64);
    full.house.start().await;
    let ada = full.house.user("ada").await;
    let admin = full.house.admin().client;
    let new = NewProject { name: "shop".parse().unwrap(), config: None, branch: None };
    let _: Value = admin.post("/projects", &new).await.unwrap();
    let source = Repository::new(&full.house, "shop", &ada).await;
    source.write("penstock.yaml", "version: 1\nproject: {name: shop, pipeline: .gitlab-ci.yml, config: shop-config}\n");
    source.write(".gitlab-ci.yml", "build:\n  script:\n    - 'true'\n");
    std::fs::copy("/bin/busybox", source.folder.join("large")).unwrap();
    source.commit("Begin").await;

    full.disk.fill(256);
    let said = source.push().await.unwrap_err();
    assert!(said.contains("No space left on device"), "{said}");
    let refs = full.house.repository("shop").join("refs/heads/main");
    assert!(!refs.exists(), "the branch did not move");
    assert!(full.house.runs(), "{}", full.house.log());
    // git says no before it has taken away what came, and until then the disk is not as full as it is filled
    let objects = full.house.repository("shop").join("objects");
    let come = || async {
        let come = half_made(&objects);
        if come.is_empty() { Ok(()) } else { Err(come) }
    };
    eventually("what came with the push is taken away", come).await;

    full.disk.fill(0);
    let another = NewProject { name: "other".parse().unwrap(), config: None, branch: None };
    let ClientError::Refused { error, hint, .. } = admin.post::<Value>("/projects", &another).await.unwrap_err() else { panic!() };
    assert!(error.contains("No space left on device") && hint.contains("free some space"), "{error}: {hint}");
    let somebody = NewUser { name: "grace".parse().unwrap(), role: "developer".to_owned(), emails: Vec::new() };
    let ClientError::Refused { error, hint, .. } = admin.post::<Value>("/users", &somebody).await.unwrap_err() else { panic!() };
    assert!(error.contains("disk is full") && hint.contains("free some space"), "{error}: {hint}");
    assert!(full.house.runs(), "{}", full.house.log());
    let _: Value = admin.get("/status").await.unwrap();

    full.disk.empty();
    let _: Value = admin.post("/projects", &another).await.unwrap();
    let _: Value = admin.post("/users", &somebody).await.unwrap();
    let said = source.push().await.unwrap();
    assert!(said.contains("/runs/"), "{said}");
    let verified: penstock_api::Verification = admin.get("/verify").await.unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
    assert_eq!((half_made(&objects), half_made(&objects.join("pack"))), (Vec::new(), Vec::new()));
}

/// What git has begun to write in a folder.
fn half_made(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("tmp_")).collect()
}
