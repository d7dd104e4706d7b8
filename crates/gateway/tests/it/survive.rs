//! The gateway outlives whoever started it, and its own death costs only what was under way.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use penstock_model::gateway::{Gateway as _, Protocol};
use penstock_testkit::free_address;

use crate::backend::Backend;
use crate::world::{LIMIT, User, World, client};

/// Stands for the server in the test below: starts the gateway and waits to be killed.
#[tokio::test]
async fn helper_that_starts_a_gateway_and_waits() {
    let Some(folder) = std::env::var_os("GATEWAY_TEST_FOLDER") else { return };
    let folder = std::path::PathBuf::from(folder);
    client(&folder).ensure().await.unwrap();
    std::fs::write(folder.join("ready"), "").unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// A process that started the gateway, or found it, and is ready to be killed.
async fn server(folder: &Path) -> Child {
    let started = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "survive::helper_that_starts_a_gateway_and_waits"])
        .env("GATEWAY_TEST_FOLDER", folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ready = folder.join("ready");
    let began = Instant::now();
    while std::fs::remove_file(&ready).is_err() {
        assert!(began.elapsed() < LIMIT, "the helper did not start");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started
}

fn kill(server: &mut Child) {
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_who_started_it_under_load_fails_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = server(folder.path()).await;
    let world = World { client: client(folder.path()), address: free_address(), folder, protocol: Protocol::Http };
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    world.publish(1, &[("a", 95, &[one.address]), ("b", 5, &[two.address])]).await;
    let pid = world.client.pid().await.unwrap();
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (stop, sent, address) = (Arc::clone(&stop), Arc::clone(&sent), world.address);
            tokio::spawn(async move {
                let mut user = User::connect(address).await;
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(user.get("/").await.unwrap().0, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for version in 2..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        kill(&mut running);
        tokio::time::sleep(Duration::from_millis(100)).await;
        running = server(world.folder.path()).await;
        assert_eq!(world.client.pid().await.unwrap(), pid, "it was found again, not started again");
        world.publish(version, &[("a", 50, &[one.address]), ("b", 50, &[two.address])]).await;
    }
    stop.store(true, Ordering::Relaxed);
    for user in load {
        user.await.unwrap();
    }
    kill(&mut running);
    let sent = sent.load(Ordering::Relaxed) as u64;
    let (a, b) = (world.until("a", |seen| seen.in_flight == 0).await, world.until("b", |seen| seen.in_flight == 0).await);
    assert_eq!((a.requests + b.requests, a.errors + b.errors), (sent, 0));
    assert!(sent > 100, "only {sent} requests were sent");
    world.end().await;
}

#[tokio::test]
async fn killed_and_started_again_it_serves_the_last_snapshot_before_it_is_told() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(3, &[("a", 1, &[one.address])]).await;
    User::connect(world.address).await.get("/").await.unwrap();
    let before = world.until("a", |seen| seen.requests == 1).await;
    let started = world.client.figures().await.unwrap().started;
    let pid = rustix::process::Pid::from_raw(i32::try_from(world.client.pid().await.unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    let began = Instant::now();
    while world.client.pid().await.is_ok() {
        assert!(began.elapsed() < LIMIT);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.client.ensure().await.unwrap();
    assert_eq!(User::connect(world.address).await.get("/").await.unwrap().1, "one");
    let figures = world.client.figures().await.unwrap();
    assert_eq!(figures.version, 3);
    assert_ne!(figures.started, started, "counters began anew, and that can be told");
    let after = world.until("a", |seen| seen.requests == 1).await;
    // how long the one request took is chance
    assert_eq!((after.requests, after.errors, after.in_flight), (before.requests, before.errors, before.in_flight));
    world.end().await;
}
