use penstock_model::gateway::{Gateway as _, Protocol};
use penstock_testkit::free_address;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

#[tokio::test]
async fn bytes_pass_both_ways_and_a_refused_backend_is_passed_over() {
    let world = World::start(Protocol::Tcp).await;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let echo = tokio::spawn(async move {
        loop {
            let (mut stream, _) = socket.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    world.publish(1, &[("a", 1, &[free_address(), address])]).await;
    for _ in 0..4 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut seen = String::new();
        stream.read_to_string(&mut seen).await.unwrap();
        assert_eq!(seen, "hello");
    }
    let seen = world.until("a", |seen| seen.requests == 4).await;
    assert_eq!((seen.errors, seen.in_flight), (0, 0));
    assert_eq!(world.client.figures().await.unwrap().version, 1);
    echo.abort();
    world.end().await;
}
