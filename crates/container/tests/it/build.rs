//! A step of an image's build.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::Arc;
use std::time::Duration;

use penstock_model::container::{BuildRuntime, BuildStep, Network};

use crate::machine::{Kept, Machine};

fn step(machine: &Machine, id: &str, dir: &std::path::Path, script: &str) -> BuildStep {
    BuildStep {
        id: id.to_owned(),
        layers: vec![machine.base.clone()],
        dir: dir.to_owned(),
        args: ["/bin/sh", "-ec", script].map(str::to_owned).to_vec(),
        env: vec!["GREETING=hello".to_owned()],
        user: None,
        working_dir: "/work".to_owned(),
        network: Network::None,
        timeout: Duration::from_secs(30),
    }
}

#[tokio::test]
async fn a_step_leaves_what_it_changed_and_nothing_else() {
    let machine = Machine::new().await;
    let dir = tempfile::tempdir_in(machine.dir.path()).unwrap();
    let log = Arc::new(Kept::default());
    let script = "echo $GREETING > made; rm /srv/file; mkdir /srv/new; chown 1000:1000 /srv/new; echo said";
    let code = machine.runtime.run_step(&step(&machine, "one", dir.path(), script), Arc::clone(&log) as _).await.unwrap();
    assert_eq!((code, log.text().as_str()), (0, "said\n"));
    let upper = dir.path().join("upper");
    let mut found: Vec<String> =
        std::fs::read_dir(&upper).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, ["srv", "work"], "no mount point is among what was changed");
    assert_eq!(std::fs::read_to_string(upper.join("work/made")).unwrap(), "hello\n");
    assert!(std::fs::symlink_metadata(upper.join("srv/file")).unwrap().file_type().is_char_device());
    assert_eq!(std::fs::metadata(upper.join("srv/new")).unwrap().uid(), 1000);
    let unpacked = machine.runtime.unpacked(std::slice::from_ref(&machine.base)).await.unwrap();
    assert_eq!(std::fs::read_to_string(unpacked[0].join("srv/file")).unwrap(), "from the image\n", "the layer itself is untouched");
    machine.tear_down().await;
}

#[tokio::test]
async fn a_step_that_fails_or_takes_too_long_says_so() {
    let machine = Machine::new().await;
    let dir = tempfile::tempdir_in(machine.dir.path()).unwrap();
    let log = Arc::new(Kept::default());
    let code = machine.runtime.run_step(&step(&machine, "fails", dir.path(), "exit 3"), Arc::clone(&log) as _).await.unwrap();
    assert_eq!(code, 3);
    let mut slow = step(&machine, "slow", dir.path(), "sleep 100");
    slow.timeout = Duration::from_millis(300);
    assert_eq!(machine.runtime.run_step(&slow, log).await.unwrap(), 124);
    machine.tear_down().await;
}
