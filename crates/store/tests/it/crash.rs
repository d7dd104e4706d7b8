use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use penstock_model::log::EventLog;

use crate::fixture::{lease, numbered, open, stream};

const DIRECTORY: &str = "PENSTOCK_TEST_CRASH_DIRECTORY";

/// Not a test by itself: the process that is killed. It prints each version once the append was acknowledged.
#[test]
fn writer_that_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = Arc::new(open(&directory).await);
        let epoch = lease(&log).await;
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (log, epoch) = (Arc::clone(&log), epoch.clone());
                tokio::spawn(async move {
                    let stream = stream(&format!("run/{writer}"));
                    let mut version = log.stream(&stream, 0).await.unwrap().len() as u64;
                    while version < u64::MAX {
                        let done = log.append(&epoch, &stream, version, numbered(0..3)).await.unwrap();
                        version += done.len() as u64;
                        println!("acknowledged {writer} {version}");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

#[test]
fn a_writer_killed_in_the_middle_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = [0u64; 4];
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writer_that_is_killed", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        let mut take = |line: String| {
            let mut words = line.split(' ').skip_while(|word| !word.ends_with("acknowledged")).skip(1);
            if let (Some(writer), Some(version)) = (words.next(), words.next()) {
                acknowledged[writer.parse::<usize>().unwrap()] = version.parse().unwrap();
                return true;
            }
            false
        };
        while seen < 20 + round * 7 {
            seen += usize::from(take(lines.next().unwrap().unwrap()));
        }
        child.kill().unwrap();
        // what it had printed before it died counts too; its last line may be cut
        for line in lines.map_while(Result::ok).filter(|line| line.split(' ').count() >= 3) {
            take(line);
        }
        child.wait().unwrap();
    }
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = open(dir.path()).await;
        log.verify().await.unwrap();
        for (writer, version) in acknowledged.iter().enumerate() {
            let kept = log.stream(&stream(&format!("run/{writer}")), 0).await.unwrap().len() as u64;
            assert!(*version > 0 && kept >= *version, "writer {writer}: {kept} of {version}");
            assert_eq!(kept % 3, 0, "an append was kept in part");
        }
    });
}
