use std::io::Cursor;
use std::path::Path;

use bytes::Bytes;
use penstock_model::blob::{BlobError, BlobStore, ByteStream};
use penstock_model::clock::SystemClock;
use penstock_model::{Clock, Digest, Timestamp};
use penstock_store::DirBlobs;
use tokio::io::AsyncReadExt;

fn reader(bytes: impl AsRef<[u8]> + Send + Unpin + 'static) -> ByteStream {
    Box::pin(Cursor::new(bytes))
}

fn half_written(root: &Path) -> usize {
    std::fs::read_dir(root.join("tmp")).unwrap().count()
}

#[tokio::test]
async fn a_blob_comes_back_whole_under_its_digest() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let bytes: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
    let digest = Digest::of(&bytes);
    assert_eq!(store.put(reader(bytes.clone()), Some(digest), 1 << 30).await.unwrap(), (digest, 4_000_000));
    assert_eq!(store.get_bytes(digest, 4_000_000).await.unwrap(), bytes);
    let mut streamed = Vec::new();
    store.get(digest).await.unwrap().read_to_end(&mut streamed).await.unwrap();
    assert_eq!(streamed, bytes);
    assert_eq!(store.size(digest).await.unwrap(), Some(4_000_000));
    assert_eq!(store.list().await.unwrap(), [digest]);
    store.delete(digest).await.unwrap();
    store.delete(digest).await.unwrap();
    assert!(matches!(store.get(digest).await, Err(BlobError::Absent(_))));
    assert_eq!(store.size(digest).await.unwrap(), None);
}

#[tokio::test]
async fn bytes_of_another_digest_or_above_the_limit_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let promised = Digest::of("promised");
    assert!(matches!(store.put(reader("other"), Some(promised), 100).await, Err(BlobError::Mismatch { .. })));
    assert!(matches!(store.put(reader("four"), None, 3).await, Err(BlobError::TooLarge { limit: 3 })));
    assert_eq!(store.put(reader("four"), None, 4).await.unwrap().1, 4);
    assert!(matches!(store.get_bytes(Digest::of("four"), 3).await, Err(BlobError::TooLarge { .. })));
    assert_eq!(half_written(dir.path()), 0);
}

#[tokio::test]
async fn a_damaged_blob_is_noticed_by_both_ways_of_reading_and_healed_by_storing_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let digest = store.put_bytes(Bytes::from_static(b"whole")).await.unwrap();
    std::fs::write(store.path(digest).unwrap(), "wrong").unwrap();
    assert!(matches!(store.get_bytes(digest, 100).await, Err(BlobError::Mismatch { .. })));
    let failed = store.get(digest).await.unwrap().read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(failed.to_string().contains("is damaged on the disk"), "{failed}");
    store.put_bytes(Bytes::from_static(b"whole")).await.unwrap();
    assert_eq!(store.get_bytes(digest, 100).await.unwrap(), "whole");
}

#[tokio::test]
async fn many_may_write_and_read_the_same_blob_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let bytes = Bytes::from(vec![7; 300_000]);
    let digest = store.put_bytes(bytes.clone()).await.unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (store, bytes) = (store.clone(), bytes.clone());
            tokio::spawn(async move {
                store.put(reader(bytes.clone()), Some(digest), 1 << 20).await.unwrap();
                assert_eq!(store.get_bytes(digest, 1 << 20).await.unwrap(), bytes);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(half_written(dir.path()), 0);
}

#[tokio::test]
async fn what_a_dead_writer_left_is_swept_and_what_a_living_one_writes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    std::fs::write(dir.path().join("tmp/1-0"), "half").unwrap();
    let (mut feed, eaten) = tokio::io::duplex(64);
    let writing = {
        let store = store.clone();
        tokio::spawn(async move { store.put(Box::pin(eaten), None, 100).await })
    };
    tokio::io::AsyncWriteExt::write_all(&mut feed, b"slow").await.unwrap();
    while half_written(dir.path()) < 2 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    DirBlobs::open(dir.path()).await.unwrap();
    assert_eq!(half_written(dir.path()), 1);
    drop(feed);
    assert_eq!(writing.await.unwrap().unwrap().0, Digest::of("slow"));
}

/// Makes a file as old as one that was written an hour ago.
fn age(path: &Path) {
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::open(path).unwrap().set_modified(hour_ago).unwrap();
}

fn now() -> Timestamp {
    SystemClock.now()
}

#[tokio::test]
async fn an_old_blob_goes_and_one_that_was_stored_again_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let before = now();
    let old = store.put_bytes(Bytes::from_static(b"old")).await.unwrap();
    let again = store.put_bytes(Bytes::from_static(b"again")).await.unwrap();
    for digest in [old, again] {
        age(&store.path(digest).unwrap());
        assert!(store.stored(digest).await.unwrap().unwrap().1 < before);
    }
    store.put_bytes(Bytes::from_static(b"again")).await.unwrap();
    // a file's time is coarser than the clock
    let limit = Timestamp(before.0 - 60_000);
    assert_eq!(store.stored(old).await.unwrap().unwrap().0, 3);
    assert!(store.delete_older(old, limit).await.unwrap());
    assert!(!store.delete_older(old, limit).await.unwrap(), "it is gone");
    assert!(!store.delete_older(again, limit).await.unwrap(), "it is young");
    assert_eq!(store.list().await.unwrap(), [again]);
    assert_eq!(store.stored(old).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_stores_a_blob_while_it_is_removed_finds_it_there_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirBlobs::open(dir.path()).await.unwrap();
    let digest = store.put_bytes(Bytes::from_static(b"blob")).await.unwrap();
    let limit = Timestamp(now().0 - 60_000);
    let began = std::time::Instant::now();
    store.put_bytes(Bytes::from_static(b"blob")).await.unwrap();
    let usual = began.elapsed();
    for round in 0..400 {
        age(&store.path(digest).unwrap());
        let storing = {
            let store = store.clone();
            tokio::spawn(async move { store.put_bytes(Bytes::from_static(b"blob")).await.unwrap() })
        };
        // a little later each time, so that some round looks just before the blob gets its name and removes just after
        let began = std::time::Instant::now();
        while began.elapsed() < usual * (round % 100) / 100 {
            tokio::task::yield_now().await;
        }
        store.delete_older(digest, limit).await.unwrap();
        storing.await.unwrap();
        assert_eq!(store.size(digest).await.unwrap(), Some(4), "it was stored a moment ago");
    }
}
