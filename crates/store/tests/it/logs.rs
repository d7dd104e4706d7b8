use std::io::Write;
use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::blob::{Channel, LogId, LogLine, LogPart, LogStore};
use penstock_store::{DirLogs, Durability};

fn line(text: &str) -> LogLine {
    LogLine { at: Timestamp(1), channel: Channel::Out, text: text.to_owned(), ends: true }
}

fn id(name: &str) -> LogId {
    LogId(name.to_owned())
}

fn texts(part: &LogPart) -> Vec<&str> {
    part.lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn a_log_is_read_while_it_grows_and_ends_when_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    let log = id("01J/build/1");
    let mut changed = logs.changed(&log);
    assert_eq!(logs.read(&log, 0, 1000).await.unwrap(), LogPart::default());
    let sink = logs.open(&log).await.unwrap();
    sink.write(vec![line("one"), line("two")]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changed.wait_for(|size| *size > 0)).await.unwrap().unwrap();
    let first = logs.read(&log, 0, 1000).await.unwrap();
    assert_eq!((texts(&first), first.closed), (vec!["one", "two"], false));
    sink.write(vec![line("three")]).await.unwrap();
    let second = logs.read(&log, first.next, 1000).await.unwrap();
    assert_eq!(texts(&second), ["three"]);
    changed.mark_unchanged();
    logs.close(&log).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), changed.changed()).await.unwrap().unwrap();
    let end = logs.read(&log, second.next, 1000).await.unwrap();
    assert!(end.lines.is_empty() && end.closed && end.next == second.next);
}

#[tokio::test]
async fn parts_are_as_long_as_asked_and_together_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    let log = id("a");
    let lines: Vec<_> = (0..500).map(|n| line(&format!("line {n} {}", "x".repeat(n)))).collect();
    logs.open(&log).await.unwrap().write(lines.clone()).await.unwrap();
    logs.close(&log).await.unwrap();
    let (mut at, mut all, mut parts) = (0, Vec::new(), 0);
    loop {
        let part = logs.read(&log, at, 2000).await.unwrap();
        assert!(part.next - at <= 2000 + 1, "{}", part.next - at);
        at = part.next;
        all.extend(part.lines);
        parts += 1;
        if part.closed {
            break;
        }
    }
    assert_eq!(all, lines);
    assert!(parts > 50);
    // an offset from elsewhere never gives a broken line
    let strange = logs.read(&log, 5, 2000).await.unwrap();
    assert_eq!(strange.lines[0], lines[1]);
    assert!(logs.read(&log, u64::MAX, 10).await.unwrap().closed);
}

#[tokio::test]
async fn a_line_cut_by_a_dying_process_is_dropped_and_the_log_goes_on_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = id("run/job/1");
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    logs.open(&log).await.unwrap().write(vec![line("whole")]).await.unwrap();
    drop(logs);
    let mut file = std::fs::OpenOptions::new().append(true).open(dir.path().join("run/job/1.jsonl")).unwrap();
    file.write_all(b"{\"at\":1,\"chan").unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    let before = logs.read(&log, 0, 1000).await.unwrap();
    assert_eq!(texts(&before), ["whole"]);
    assert_eq!(*logs.changed(&log).borrow(), before.next + 13);
    logs.open(&log).await.unwrap().write(vec![line("after")]).await.unwrap();
    assert_eq!(texts(&logs.read(&log, 0, 1000).await.unwrap()), ["whole", "after"]);
    assert_eq!(texts(&logs.read(&log, before.next, 1000).await.unwrap()), ["after"]);
}

#[tokio::test]
async fn two_who_open_one_log_write_whole_lines() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    let log = id("a/b");
    let (one, two) = (logs.open(&log).await.unwrap(), logs.open(&log).await.unwrap());
    let write = |sink: std::sync::Arc<dyn penstock_model::blob::LogSink>, text: &'static str| async move {
        for _ in 0..50 {
            sink.write(vec![line(text)]).await.unwrap();
        }
    };
    tokio::join!(write(one, "one"), write(two, "two"));
    assert_eq!(logs.read(&log, 0, 1_000_000).await.unwrap().lines.len(), 100);
}

#[tokio::test]
async fn a_line_of_200_mb_is_kept_in_pieces_and_read_in_bounded_parts() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    let log = id("large");
    let sink = logs.open(&log).await.unwrap();
    // as the runner hands it on: by the megabyte, the last with the line's end
    let block = "é".repeat(500_000) + "x";
    for n in 0..200 {
        let piece = LogLine { ends: n == 199, ..line(&block) };
        sink.write(vec![piece]).await.unwrap();
    }
    logs.close(&log).await.unwrap();
    let size = *logs.changed(&log).borrow();
    assert!(size > 200 * block.len() as u64);
    // its beginning, its middle and its end: all of it takes long without optimisation
    let mut ends = 0;
    for from in [0, size / 2, size - 200_000] {
        let part = logs.read(&log, from, 256 * 1024).await.unwrap();
        assert!(part.next - from <= 256 * 1024 + 1 && !part.lines.is_empty());
        assert!(part.lines.iter().all(|line| line.text.len() <= LogLine::MAX));
        assert_eq!(part.closed, part.next == size);
        ends += part.lines.iter().filter(|line| line.ends).count();
    }
    assert_eq!(ends, 1);
}

#[tokio::test]
async fn names_that_leave_the_directory_or_meet_our_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    for bad in ["", "..", "a/../b", "/a", "a/", "a b", "a.jsonl", "a.closed/b", ".a", &"a/".repeat(300)] {
        assert!(logs.read(&id(bad), 0, 10).await.is_err(), "{bad}");
        assert!(logs.open(&id(bad)).await.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_log_that_nobody_writes_is_removed_whole_and_one_that_is_open_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let logs = DirLogs::open(dir.path(), Durability::PowerCut).unwrap();
    for name in ["01J/build/1", "01J/build/2", "01K/test.unit/1"] {
        logs.open(&id(name)).await.unwrap().write(vec![line("said")]).await.unwrap();
        logs.close(&id(name)).await.unwrap();
    }
    let size = std::fs::metadata(dir.path().join("01J/build/1.jsonl")).unwrap().len();
    let all: Vec<_> = ["01J/build/1", "01J/build/2", "01K/test.unit/1"].map(|name| (id(name), size)).to_vec();
    assert_eq!(logs.list().await.unwrap(), all);
    let writing = logs.open(&id("01J/build/2")).await.unwrap();
    assert!(logs.remove(&id("01J/build/1")).await.unwrap());
    assert!(!logs.remove(&id("01J/build/1")).await.unwrap(), "it is gone");
    assert!(!logs.remove(&id("01J/build/2")).await.unwrap(), "it is being written");
    assert!(logs.remove(&id("01K/test.unit/1")).await.unwrap());
    assert!(!dir.path().join("01K").exists(), "nothing of it is left");
    assert_eq!(logs.read(&id("01J/build/1"), 0, 1000).await.unwrap(), LogPart::default());
    writing.write(vec![line("goes on")]).await.unwrap();
    assert_eq!(texts(&logs.read(&id("01J/build/2"), 0, 1000).await.unwrap()), ["said", "goes on"]);
    assert!(logs.remove(&id("../x")).await.is_err());
}
