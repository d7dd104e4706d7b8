//! Unpacked layers: removed when nothing uses them, and not before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::blob::BlobStore;
use penstock_model::container::{BuildRuntime, ContainerRuntime, ContainerSpec, FileMount, LayerRef};
use penstock_model::image::{Descriptor, RunConfig, media};

use crate::machine::{Entry, Kept, Machine, add_image, archive};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn layers_that_nothing_uses_go_and_those_of_containers_and_of_what_is_needed_stay() {
    let machine = Machine::new().await;
    let layers = machine.dir.path().join("layers");
    let unpacked = || {
        let mut names: Vec<String> =
            std::fs::read_dir(&layers).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let layer = |text: &str| archive(&[Entry::File("text", text.as_bytes())]);
    let mut others = Vec::new();
    for text in ["needed", "unused"] {
        others.push(add_image(&machine.blobs, layer(text), RunConfig::default()).await.1);
    }
    machine.runtime.unpacked(&others).await.unwrap();
    machine.runtime.start(&machine.spec("runs", &[])).await.unwrap();
    let keep = BTreeSet::from([others[0].diff_id]);
    let gone = vec![(others[1].diff_id, 6)];
    assert_eq!(machine.runtime.remove_unused_layers(&keep, true).await.unwrap(), gone);
    assert_eq!(unpacked().len(), 3, "a dry run removes nothing");
    assert_eq!(machine.runtime.remove_unused_layers(&keep, false).await.unwrap(), gone);
    let mut stay = [machine.base.diff_id.hex(), others[0].diff_id.hex()];
    stay.sort();
    assert_eq!(unpacked(), stay);
    let read = machine.runtime.exec("runs", &["cat".to_owned(), "/srv/file".to_owned()], LONG).await.unwrap();
    assert_eq!(read.output, "from the image\n", "the container has its files");
    machine.runtime.unpacked(&others).await.unwrap();
    assert_eq!(unpacked().len(), 3, "what is needed again is unpacked again");
    machine.tear_down().await;
}

#[tokio::test]
async fn layers_of_a_one_shot_container_stay_while_it_runs() {
    let machine = Machine::new().await;
    let (runtime, log) = (Arc::clone(&machine.runtime), Arc::new(Kept::default()));
    let spec = machine.spec("once", &["/bin/sh", "-c", "echo runs; while [ ! -e /tmp/go ]; do sleep 0.05; done; cat /srv/file"]);
    let door = machine.dir.path().join("door");
    std::fs::create_dir(&door).unwrap();
    let mounts = vec![FileMount { path: "/tmp".to_owned(), source: door.clone(), writable: true, changes: None }];
    let spec = ContainerSpec { mounts, ..spec };
    let running = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { runtime.run(&spec, LONG, log).await.unwrap() })
    };
    let said = tokio::time::timeout(LONG, async {
        while !log.text().contains("runs") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    said.await.unwrap();
    // neither waited for nor taken away
    assert_eq!(machine.runtime.remove_unused_layers(&BTreeSet::new(), false).await.unwrap(), []);
    std::fs::write(door.join("go"), "").unwrap();
    assert_eq!(running.await.unwrap(), 0);
    assert_eq!(log.text(), "runs\nfrom the image\n");
    assert_eq!(machine.runtime.remove_unused_layers(&BTreeSet::new(), false).await.unwrap().len(), 1);
    machine.tear_down().await;
}

#[tokio::test]
async fn an_image_runs_what_its_blobs_hold_and_not_what_another_image_unpacked_before() {
    let machine = Machine::new().await;
    let layer = |text: &str| archive(&[Entry::File("text", text.as_bytes())]);
    let (_, seen) = add_image(&machine.blobs, layer("what scanners see"), RunConfig::default()).await;
    let (_, runs) = add_image(&machine.blobs, layer("what would run"), RunConfig::default()).await;
    machine.runtime.unpacked(std::slice::from_ref(&runs)).await.unwrap();
    // its manifest names one content and its configuration another that is there already
    let two_faced = LayerRef { blob: seen.blob.clone(), diff_id: runs.diff_id };
    let error = machine.runtime.unpacked(&[two_faced]).await.unwrap_err().to_string();
    assert!(error.contains("where the image says"), "{error}");
    // the same content in another blob is the same layer
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zipped, &layer("what would run")).unwrap();
    let zipped = zipped.finish().unwrap();
    let blob = Descriptor { size: zipped.len() as u64, digest: machine.blobs.put_bytes(zipped.into()).await.unwrap(), ..runs.blob.clone() };
    let blob = Descriptor { media_type: media::LAYER_GZIP.to_owned(), ..blob };
    for runtime in [Arc::clone(&machine.runtime), machine.again().await] {
        for blob in [runs.blob.clone(), blob.clone()] {
            runtime.unpacked(&[LayerRef { blob, diff_id: runs.diff_id }]).await.unwrap();
        }
    }
    machine.tear_down().await;
}
