//! What a container, and an archive, may not do.

use std::sync::Arc;
use std::time::Duration;

use penstock_container::{UnpackError, UnpackLimits, unpack};
use penstock_model::container::{ContainerRuntime, Network};
use penstock_model::image::RunConfig;

use crate::machine::{Entry, Kept, Machine, add_image, archive};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn root_inside_is_not_root_outside() {
    let machine = Machine::new().await;
    let script = "mount -t tmpfs none /srv; unshare -n true; mknod /tmp/disk b 254 0; ls /dev; cat /proc/kcore | head -c 1; \
                  echo 1 > /proc/sys/vm/drop_caches; cat /proc/1/cgroup; kill -9 -1; ip link";
    let mut spec = machine.spec("locked", &["sh", "-c", script]);
    spec.tmpfs.insert("/tmp".to_owned(), 1024 * 1024);
    let log = Arc::new(Kept::default());
    machine.runtime.run(&spec, LONG, Arc::clone(&log) as _).await.unwrap();
    let text = log.text();
    for denied in [
        "mount: permission denied",
        "unshare(0x40000000): Operation not permitted",
        "mknod: /tmp/disk: Operation not permitted",
        "drop_caches: Read-only",
    ] {
        assert!(text.contains(denied), "{denied} is missing: {text}");
    }
    assert!(!text.contains("vda") && text.contains("lo:") && !text.contains("eth0"), "{text}");
    machine.tear_down().await;
}

#[tokio::test]
async fn memory_is_limited() {
    let machine = Machine::new().await;
    // holds what it reads in one line
    let mut spec = machine.spec("hungry", &["sh", "-c", "head -c 200000000 /dev/zero | grep -c x"]);
    spec.memory = Some(32 << 20);
    let log = Arc::new(Kept::default());
    let code = machine.runtime.run(&spec, LONG, Arc::clone(&log) as _).await.unwrap();
    assert!(code != 1 && code != 0, "grep was ended, not answered: {code} {}", log.text());
    machine.tear_down().await;
}

#[tokio::test]
async fn a_symlink_in_an_image_does_not_lead_a_mount_outside() {
    let machine = Machine::new().await;
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    let mut layer = vec![Entry::Symlink("etc", target), Entry::Directory("bin")];
    let program = std::fs::read("/usr/bin/busybox").or_else(|_| std::fs::read("/bin/busybox")).unwrap();
    layer.extend([Entry::File("bin/busybox", &program), Entry::Symlink("bin/sh", "busybox")]);
    let (image, _) = add_image(&machine.blobs, archive(&layer), RunConfig::default()).await;
    let mut spec = machine.spec("sly", &["/bin/sh", "-c", "echo hi"]);
    spec.image = image;
    spec.network = Network::None;
    let log = Arc::new(Kept::default());
    let _ = machine.runtime.run(&spec, LONG, log).await;
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    machine.tear_down().await;
}

fn refused(entries: &[Entry<'_>], limits: UnpackLimits) -> String {
    let target = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let error = unpack(archive(entries).as_slice(), target.path(), limits).unwrap_err();
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    error.to_string()
}

#[test]
fn nothing_leads_out_of_the_directory() {
    let limits = UnpackLimits::CONTEXT;
    assert!(refused(&[Entry::File("../evil", b"x")], limits).contains("leads out"));
    assert!(refused(&[Entry::File("a/../../evil", b"x")], limits).contains("leads out"));
    assert!(refused(&[Entry::Link("passwd", "../../etc/passwd")], limits).contains("leads out"));
    assert!(refused(&[Entry::Device("dev/sda")], limits).contains("only files"));
    assert!(refused(&[Entry::Device("disk")], UnpackLimits::LAYER).contains("only files"));
}

#[test]
fn a_symlink_of_the_archive_is_followed_inside_it_only() {
    let target = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let entries = [
        Entry::Symlink("up", "../../.."),
        Entry::File("up/evil", b"x"),
        Entry::Symlink("out", outside.path().to_str().unwrap()),
        Entry::File("out/evil", b"x"),
    ];
    unpack(archive(&entries).as_slice(), target.path(), UnpackLimits::CONTEXT).ok();
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    assert!(target.path().join("evil").exists(), "`..` at the top stays at the top");
}

#[test]
fn size_and_number_are_limited_before_the_disk_is_full() {
    let small = UnpackLimits { bytes: 10, entries: 3, layer: false };
    let target = tempfile::tempdir().unwrap();
    let error = unpack(archive(&[Entry::File("a", &[0; 11])]).as_slice(), target.path(), small).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge { what: "bytes", limit: 10 }), "{error}");
    let many: Vec<_> = ["a", "b", "c", "d"].iter().map(|name| Entry::Directory(name)).collect();
    let error = unpack(archive(&many).as_slice(), target.path(), small).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge { what: "entries", limit: 3 }), "{error}");
    // an archive that is cut off in the middle
    let cut = archive(&[Entry::File("file", &[7; 1000])]);
    assert!(unpack(&cut[..700], target.path(), UnpackLimits::CONTEXT).is_err());
}

/// A tar header of this kind that announces so many bytes.
fn announcing(kind: tar::EntryType, name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_link_name("target").unwrap();
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Counts what is read.
struct Counted<R>(R, Arc<std::sync::atomic::AtomicU64>);

impl<R: std::io::Read> std::io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.fetch_add(length as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(length)
    }
}

#[test]
fn names_and_attributes_that_fill_the_memory_are_refused_before_they_are_read() {
    use std::io::Read;
    const BURST: u64 = 64 << 20;
    for kind in [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader, tar::EntryType::XGlobalHeader] {
        for limits in [UnpackLimits::LAYER, UnpackLimits::CONTEXT] {
            let limits = UnpackLimits { bytes: 1 << 20, ..limits };
            let seen = Arc::new(std::sync::atomic::AtomicU64::new(0));
            let archive = std::io::Cursor::new(announcing(kind, "long", BURST)).chain(std::io::repeat(b'a').take(BURST));
            let target = tempfile::tempdir().unwrap();
            unpack(Counted(archive, Arc::clone(&seen)), target.path(), limits).unwrap_err();
            let seen = seen.load(std::sync::atomic::Ordering::Relaxed);
            assert!(seen < 2 << 20, "{kind:?}: {seen} bytes were read");
        }
    }
}

#[test]
fn what_hides_behind_a_directory_or_a_link_counts_as_bytes() {
    let small = UnpackLimits { bytes: 1000, entries: 10, layer: true };
    for kind in [tar::EntryType::Directory, tar::EntryType::Symlink] {
        let mut archive = announcing(kind, "d", 2048);
        archive.extend([0; 2048 + 1024]);
        let target = tempfile::tempdir().unwrap();
        let error = unpack(archive.as_slice(), target.path(), small).unwrap_err();
        assert!(matches!(error, UnpackError::TooLarge { what: "bytes", limit: 1000 }), "{kind:?}: {error}");
    }
}
