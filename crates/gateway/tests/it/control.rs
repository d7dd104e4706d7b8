use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use penstock_model::gateway::{Gateway as _, GatewaySnapshot, Protocol};
use penstock_testkit::free_address;

use crate::backend::Backend;
use crate::world::{LIMIT, User, World, client};

#[tokio::test]
async fn an_older_snapshot_is_refused_and_the_same_one_is_fine() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(7, &[("a", 1, &[one.address])]).await;
    world.publish(7, &[("a", 1, &[one.address])]).await;
    let older = world.client.publish(&world.snapshot(6, &[])).await.unwrap_err().to_string();
    assert!(older.contains("7 is in force"), "{older}");
    let other = world.client.publish(&world.snapshot(7, &[])).await.unwrap_err().to_string();
    assert!(other.contains("another one of this version"), "{other}");
    assert_eq!(User::connect(world.address).await.get("/").await.unwrap().1, "one");
    world.end().await;
}

#[tokio::test]
async fn an_address_in_use_is_named_the_rest_is_in_force_and_it_is_tried_again() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    let address = free_address();
    let taken = std::net::TcpListener::bind(address).unwrap();
    let mut snapshot = world.snapshot(1, &[("a", 1, &[one.address])]);
    snapshot.routes.values_mut().for_each(|route| route.listen.push(address));
    let error = world.client.publish(&snapshot).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
    assert_eq!(User::connect(world.address).await.get("/").await.unwrap().1, "one");
    drop(taken);
    let began = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(began.elapsed() < LIMIT, "the address was not tried again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(User::connect(address).await.get("/").await.unwrap().1, "one");
    world.client.publish(&snapshot).await.unwrap();
    world.end().await;
}

#[tokio::test]
async fn an_address_that_left_the_snapshot_is_free_again() {
    let world = World::start(Protocol::Http).await;
    world.publish(1, &[]).await;
    let mut user = User::connect(world.address).await;
    user.get("/").await.unwrap();
    world.client.publish(&GatewaySnapshot { version: 2, ..GatewaySnapshot::default() }).await.unwrap();
    let began = Instant::now();
    while std::net::TcpListener::bind(world.address).is_err() {
        assert!(began.elapsed() < LIMIT, "the address stays bound");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.end().await;
}

#[tokio::test]
async fn the_socket_is_the_owners_and_nonsense_on_it_harms_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::start(Protocol::Http).await;
    assert_eq!(std::fs::metadata(&world.client.socket).unwrap().permissions().mode() & 0o777, 0o600);
    for nonsense in ["\n", "{}\n", "{\"do\":\"dance\"}\n", "[[[[[[\n", "\0\u{7f}\n"] {
        let mut stream = tokio::net::UnixStream::connect(&world.client.socket).await.unwrap();
        stream.write_all(nonsense.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("refused"), "{nonsense:?}: {answer}");
    }
    world.client.figures().await.unwrap();
    world.end().await;
}

#[tokio::test]
async fn starting_it_twice_or_at_once_starts_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(folder.path());
    let (a, b, c) = tokio::join!(client.ensure(), client.ensure(), client.ensure());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    let pid = client.pid().await.unwrap();
    client.ensure().await.unwrap();
    assert_eq!(client.pid().await.unwrap(), pid);
    client.shut_down().await.unwrap();
    client.shut_down().await.unwrap();
    assert!(!client.socket.exists());
}

#[tokio::test]
async fn shutting_down_lets_a_request_under_way_end() {
    let world = World::start(Protocol::Http).await;
    let one = Backend::start("one").await;
    world.publish(1, &[("a", 1, &[one.address])]).await;
    let mut user = User::connect(world.address).await;
    let slow = tokio::spawn(async move { user.get("/slow/2000").await });
    world.until("a", |seen| seen.in_flight == 1).await;
    world.client.shut_down().await.unwrap();
    assert_eq!(slow.await.unwrap().unwrap().1, "one");
    assert!(tokio::net::TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn a_program_that_cannot_run_is_said_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = client(folder.path());
    client.state = folder.path().join("absent/state.json");
    let error = client.ensure().await.unwrap_err().to_string();
    assert!(error.contains("gateway.log"), "{error}");
    assert!(std::fs::read_to_string(&client.log).unwrap().contains("cannot lock"));
    client.command = vec!["/absent/penstock".into()];
    assert!(client.ensure().await.unwrap_err().to_string().contains("/absent/penstock"));
}
