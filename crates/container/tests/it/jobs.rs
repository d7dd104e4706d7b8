//! What jobs and their services need: networks of their own, a root that the next step finds again, facts about images.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::container::{ContainerRuntime, ContainerSpec, FileMount, ImageFacts, Network};
use penstock_model::image::{Empty, ImageHealth, RunConfig};
use penstock_model::service::HealthCheck;

use crate::machine::{Kept, Machine, add_image, busybox};

const LONG: Duration = Duration::from_secs(30);

/// Runs a container to its end; gives its exit code and what it said.
async fn run(machine: &Machine, spec: &ContainerSpec) -> (i32, String) {
    let log = Arc::new(Kept::default());
    let code = machine.runtime.run(spec, LONG, log.clone()).await.unwrap();
    (code, log.text())
}

fn job(machine: &Machine, id: &str, script: &str) -> ContainerSpec {
    ContainerSpec { read_only_root: false, building: true, ..machine.spec(id, &["sh", "-c", script]) }
}

#[tokio::test]
async fn a_service_is_reached_by_name_from_its_network_and_from_the_machine_and_by_nobody_else() {
    let machine = Machine::new().await;
    let gateway = machine.runtime.make_network("job-one").await.unwrap();
    assert_eq!(machine.runtime.make_network("job-one").await.unwrap(), gateway);
    let other = machine.runtime.make_network("job-two").await.unwrap();
    assert_ne!(gateway, other);
    let [a, b, c, _] = gateway.octets();
    let address = |last| std::net::Ipv4Addr::new(a, b, c, last);
    let on = |spec: ContainerSpec, network: &str, address| ContainerSpec {
        network: Network::Own { network: network.to_owned(), address },
        hosts: BTreeMap::from([("db".to_owned(), std::net::Ipv4Addr::new(a, b, c, 2))]),
        ..spec
    };
    let server = on(job(&machine, "db", "mkdir /w; echo here > /w/index.html; exec httpd -f -p 5432 -h /w"), "job-one", address(2));
    machine.runtime.start(&server).await.unwrap();
    // until it listens
    while tokio::net::TcpStream::connect((address(2), 5432)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // not wget: the static one crashes in its resolver without the machine's libraries
    let find = "grep -w db /etc/hosts | head -1 | { read -r address name; ";
    let ask = format!("{find} printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 $address 5432 | grep -x here || echo none; }}");
    let ask = ask.as_str();
    let seen = run(&machine, &on(job(&machine, "near", ask), "job-one", address(3))).await;
    assert_eq!(seen, (0, "here\n".to_owned()));
    let host = ContainerSpec { network: Network::Host, hosts: server.hosts.clone(), ..job(&machine, "host", ask) };
    assert_eq!(run(&machine, &host).await, (0, "here\n".to_owned()));
    let [a, b, c, _] = other.octets();
    let far = on(job(&machine, "far", ask), "job-two", std::net::Ipv4Addr::new(a, b, c, 3));
    assert!(run(&machine, &far).await.1.ends_with("none\n"));
    let error = machine.runtime.start(&on(server.clone(), "job-three", address(4))).await;
    assert!(error.is_ok(), "the id runs already");
    let error =
        machine.runtime.start(&ContainerSpec { id: "x".to_owned(), ..on(server.clone(), "job-three", address(4)) }).await.unwrap_err();
    assert!(error.to_string().contains("there is no network job-three"), "{error}");
    machine.runtime.stop("db", Duration::ZERO).await.unwrap();
    machine.runtime.remove("db").await.unwrap();
    assert_eq!(machine.again().await.networks().await.unwrap(), ["job-one", "job-two"]);
    for name in ["job-one", "job-two", "never-made"] {
        machine.runtime.remove_network(name).await.unwrap();
    }
    assert!(machine.runtime.networks().await.unwrap().is_empty());
    let bridge = format!("pb{}", &penstock_model::Digest::of(format!("{}/network/job-one", machine.instance)).hex()[..10]);
    assert!(!Path::new("/sys/class/net").join(bridge).exists());
    machine.tear_down().await;
}

#[tokio::test]
async fn what_a_step_writes_is_there_for_the_next_and_not_in_the_image() {
    let machine = Machine::new().await;
    let root = tempfile::tempdir().unwrap();
    let step = |id: &str, script: &str| ContainerSpec { written: Some(root.path().to_owned()), ..job(&machine, id, script) };
    assert_eq!(run(&machine, &step("one", "echo mine > /srv/own; rm /srv/file; touch /bin/tool")).await.0, 0);
    assert_eq!(run(&machine, &step("two", "cat /srv/own; ls /srv; ls /bin/tool")).await, (0, "mine\nown\n/bin/tool\n".to_owned()));
    assert_eq!(run(&machine, &job(&machine, "three", "ls /srv")).await, (0, "file\n".to_owned()));
    machine.tear_down().await;
}

#[tokio::test]
async fn changes_to_a_mounted_directory_go_elsewhere_if_asked() {
    let machine = Machine::new().await;
    let dir = tempfile::tempdir().unwrap();
    for name in ["cache", "changes", "changes.work"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    std::fs::write(dir.path().join("cache/old"), "old\n").unwrap();
    let changes = Some(dir.path().join("changes"));
    let mount = FileMount { path: "/srv/cache".to_owned(), source: dir.path().join("cache"), writable: true, changes };
    let spec = ContainerSpec { mounts: vec![mount], ..job(&machine, "pull", "cd /srv/cache; cat old; echo new > new; rm old; ls") };
    assert_eq!(run(&machine, &spec).await, (0, "old\nnew\n".to_owned()));
    assert_eq!(std::fs::read_to_string(dir.path().join("cache/old")).unwrap(), "old\n");
    assert!(!dir.path().join("cache/new").exists());
    machine.tear_down().await;
}

#[tokio::test]
async fn a_secret_variable_is_in_the_container_and_in_no_list() {
    let machine = Machine::new().await;
    let secrets = BTreeMap::from([("PASSWORD".to_owned(), Secret::new("hunter2"))]);
    let spec = ContainerSpec { secrets, ..job(&machine, "db", "exec sleep 1000") };
    machine.runtime.start(&spec).await.unwrap();
    let command = ["sh", "-c", "echo $PASSWORD"].map(str::to_owned);
    assert_eq!(machine.runtime.exec("db", &command, LONG).await.unwrap().output, "hunter2\n");
    let listed = serde_json::to_string(&machine.runtime.list().await.unwrap()).unwrap();
    assert!(!listed.contains("hunter2"));
    let home = machine.dir.path().join("containers/db");
    assert!(!std::fs::read_to_string(home.join("spec.json")).unwrap().contains("hunter2"));
    for name in ["launch.json", "config.json"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(home.join(name)).unwrap().permissions().mode() & 0o077, 0, "{name}");
    }
    machine.tear_down().await;
}

#[tokio::test]
async fn a_one_shot_container_is_stopped_by_its_id() {
    let machine = Machine::new().await;
    let (log, spec) = (Arc::new(Kept::default()), job(&machine, "step", "echo began; exec sleep 1000"));
    let (runtime, kept) = (Arc::clone(&machine.runtime), log.clone());
    let running = tokio::spawn(async move { runtime.run(&spec, LONG * 10, kept).await });
    while !log.text().contains("began") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    machine.runtime.stop("step", Duration::ZERO).await.unwrap();
    assert_eq!(running.await.unwrap().unwrap(), 137);
    machine.tear_down().await;
}

#[tokio::test]
async fn an_image_is_described_by_its_configuration_and_its_files() {
    let machine = Machine::new().await;
    let second = Duration::from_secs(1);
    let config = RunConfig {
        user: Some("app".to_owned()),
        exposed_ports: ["6379/tcp", "53/udp", "80"].map(|port| (port.to_owned(), Empty {})).into(),
        healthcheck: Some(ImageHealth {
            test: vec!["CMD-SHELL".to_owned(), "nc -z localhost 80".to_owned()],
            interval: 2_000_000_000,
            ..ImageHealth::default()
        }),
        ..RunConfig::default()
    };
    let (image, _) = add_image(&machine.blobs, busybox(), config).await;
    let health = HealthCheck {
        command: ["/bin/sh", "-c", "nc -z localhost 80"].map(str::to_owned).to_vec(),
        interval: 2 * second,
        timeout: 30 * second,
        retries: 3,
        start_period: Duration::ZERO,
    };
    let facts = ImageFacts { uid: 1000, gid: 1000, home: Some("/".to_owned()), ports: vec![80, 6379], health: Some(health) };
    assert_eq!(machine.runtime.describe(&image, None).await.unwrap(), facts);
    let root = machine.runtime.describe(&image, Some("root")).await.unwrap();
    assert_eq!((root.uid, root.gid, root.home.as_deref()), (0, 0, Some("/root")));
    let number = machine.runtime.describe(&image, Some("77:88")).await.unwrap();
    assert_eq!((number.uid, number.gid, number.home), (77, 88, None));
    assert!(machine.runtime.describe(&image, Some("ghost")).await.is_err());
    machine.tear_down().await;
}
