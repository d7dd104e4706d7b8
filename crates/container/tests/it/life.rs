//! A container's life: start, list, exec, stop, remove; found again by another server; side by side with others.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use penstock_model::Digest;
use penstock_model::container::{ContainerRuntime, ContainerStatus, FileMount, Network};
use rustix::fs::{FlockOperation, flock};

use crate::machine::{Kept, Machine, add_image, leftovers};

const LONG: Duration = Duration::from_secs(30);

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

async fn exited(machine: &Machine, id: &str) -> i32 {
    let mut changed = machine.runtime.changed();
    loop {
        let state = machine.runtime.list().await.unwrap().into_iter().find(|state| state.spec.id == id).unwrap();
        if let ContainerStatus::Exited { code, .. } = state.status {
            return code;
        }
        tokio::time::timeout(LONG, changed.changed()).await.expect("told within the limit").unwrap();
    }
}

/// Waits until the program itself runs: a container is there a moment before it.
async fn spoken(machine: &Machine, id: &str) {
    while machine.runtime.logs(id, 100).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_container_starts_once_is_listed_stopped_and_removed() {
    let machine = Machine::new().await;
    let spec = machine.spec("web", &[]);
    let began = Instant::now();
    let first = machine.runtime.start(&spec).await.unwrap();
    println!("first start, layer unpacked: {:?}", began.elapsed());
    let ContainerStatus::Running { pid, .. } = first.status else { panic!("{first:?}") };
    assert_eq!(machine.runtime.start(&spec).await.unwrap(), first);
    assert_eq!(machine.runtime.list().await.unwrap(), [first]);
    assert!(machine.runtime.remove("web").await.unwrap_err().to_string().contains("stop it first"));
    machine.runtime.stop("web", Duration::from_millis(100)).await.unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert_eq!(exited(&machine, "web").await, 137);
    machine.runtime.stop("web", LONG).await.unwrap();
    machine.runtime.remove("web").await.unwrap();
    machine.runtime.remove("web").await.unwrap();
    assert_eq!(machine.runtime.list().await.unwrap(), []);
    machine.tear_down().await;
}

#[tokio::test]
async fn its_output_and_exit_code_are_kept_and_its_end_is_told() {
    let machine = Machine::new().await;
    let spec = machine.spec("short", &["sh", "-c", "echo out; echo err >&2; exit 7"]);
    machine.runtime.start(&spec).await.unwrap();
    assert_eq!(exited(&machine, "short").await, 7);
    let logs = machine.runtime.logs("short", 1000).await.unwrap();
    assert!(logs.contains("out\n") && logs.contains("err\n"), "{logs}");
    machine.tear_down().await;
}

#[tokio::test]
async fn a_graceful_program_is_asked_before_it_is_killed() {
    let machine = Machine::new().await;
    let spec = machine.spec("polite", &["sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while true; do sleep 0.05; done"]);
    machine.runtime.start(&spec).await.unwrap();
    spoken(&machine, "polite").await;
    machine.runtime.stop("polite", LONG).await.unwrap();
    assert_eq!(exited(&machine, "polite").await, 3);
    assert!(machine.runtime.logs("polite", 1000).await.unwrap().ends_with("bye\n"));
    machine.tear_down().await;
}

#[tokio::test]
async fn what_cannot_start_says_why_and_leaves_nothing() {
    let machine = Machine::new().await;
    let error = machine.runtime.start(&machine.spec("lost", &["no-such-program"])).await.unwrap_err().to_string();
    assert!(error.contains("`no-such-program` is not in the image"), "{error}");
    let mut spec = machine.spec("lost", &[]);
    spec.user = Some("ghost".to_owned());
    let error = machine.runtime.start(&spec).await.unwrap_err().to_string();
    assert!(error.contains("no user `ghost`"), "{error}");
    assert_eq!(machine.runtime.list().await.unwrap(), []);
    let (broken, _) = add_image(&machine.blobs, b"not an archive at all".repeat(100), penstock_model::image::RunConfig::default()).await;
    spec.image = broken;
    spec.command = Some(words(&["x"]));
    let error = machine.runtime.start(&spec).await.unwrap_err().to_string();
    assert!(error.contains("cannot be used"), "{error}");
    machine.tear_down().await;
}

#[tokio::test]
async fn a_program_runs_inside_and_gives_its_code_and_output() {
    let machine = Machine::new().await;
    let mut spec = machine.spec("host", &["sh", "-c", "echo ready; sleep 1000; exit"]);
    spec.env.insert("COLOUR".to_owned(), "blue".to_owned());
    spec.user = Some("app".to_owned());
    machine.runtime.start(&spec).await.unwrap();
    spoken(&machine, "host").await;
    let began = Instant::now();
    let output =
        machine.runtime.exec("host", &words(&["sh", "-c", "id -u; hostname; echo $COLOUR; cat /proc/1/comm; exit 5"]), LONG).await.unwrap();
    println!("exec: {:?}", began.elapsed());
    assert_eq!((output.code, output.output.as_str()), (5, "1000\nhost\nblue\nsh\n"));
    let output = machine
        .runtime
        .exec("host", &words(&["grep", "-E", "CapEff|CapBnd|NoNewPrivs|Seccomp:", "/proc/self/status"]), LONG)
        .await
        .unwrap();
    assert!(output.output.contains("CapEff:\t0000000000000000") && output.output.contains("CapBnd:\t0000000000000000"), "{output:?}");
    assert!(output.output.contains("NoNewPrivs:\t1") && output.output.contains("Seccomp:\t2"), "{output:?}");
    let output = machine.runtime.exec("host", &words(&["nothing-here"]), LONG).await.unwrap();
    assert!(output.code == 126 && output.output.contains("not in the image"), "{output:?}");
    let began = Instant::now();
    let output = machine.runtime.exec("host", &words(&["sleep", "100"]), Duration::from_millis(200)).await.unwrap();
    assert!(output.code == 124 && began.elapsed() < LONG, "{output:?}");
    machine.runtime.stop("host", Duration::ZERO).await.unwrap();
    assert!(machine.runtime.exec("host", &words(&["id"]), LONG).await.is_err());
    machine.tear_down().await;
}

#[tokio::test]
async fn another_server_finds_what_runs_and_hears_of_its_end() {
    let machine = Machine::new().await;
    let spec = machine.spec("survivor", &[]);
    let state = machine.runtime.start(&spec).await.unwrap();
    let next = machine.again().await;
    assert_eq!(next.list().await.unwrap(), std::slice::from_ref(&state));
    assert_eq!(next.start(&spec).await.unwrap(), state);
    let mut changed = next.changed();
    let ContainerStatus::Running { pid, .. } = state.status else { panic!("{state:?}") };
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::Signal::SIGKILL).unwrap();
    tokio::time::timeout(LONG, changed.changed()).await.unwrap().unwrap();
    assert!(matches!(next.list().await.unwrap()[0].status, ContainerStatus::Exited { code: 137, .. }));
    machine.tear_down().await;
}

#[tokio::test]
async fn what_the_monitor_of_a_dead_servers_step_still_writes_is_waited_for() {
    let machine = Machine::new().await;
    let run = machine.dir.path().join("runs/step");
    std::fs::create_dir(&run).unwrap();
    // its server let go of it by dying
    std::fs::write(run.join("lock"), "").unwrap();
    let monitor = std::fs::File::create(run.join("monitor")).unwrap();
    flock(&monitor, FlockOperation::LockExclusive).unwrap();
    let (begun, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (tells, sees) = (begun.clone(), ended.clone());
    let writes = std::thread::spawn(move || {
        for number in 0..500 {
            std::fs::create_dir_all(run.join(format!("oci/{number}"))).unwrap();
            tells.store(true, Ordering::SeqCst);
        }
        sees.store(true, Ordering::SeqCst);
        drop(monitor);
        run
    });
    while !begun.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    machine.again().await;
    assert!(ended.load(Ordering::SeqCst), "the next server begins when it is done");
    assert!(!writes.join().unwrap().exists(), "and clears away what it left");
    machine.tear_down().await;
}

#[tokio::test]
async fn a_container_ends_with_its_monitor_and_that_is_seen() {
    let machine = Machine::new().await;
    let state = machine.runtime.start(&machine.spec("tied", &[])).await.unwrap();
    let ContainerStatus::Running { pid, .. } = state.status else { panic!("{state:?}") };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let monitor = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(1).unwrap().parse().unwrap();
    let mut changed = machine.runtime.changed();
    changed.mark_unchanged();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor), nix::sys::signal::Signal::SIGKILL).unwrap();
    tokio::time::timeout(LONG, changed.changed()).await.unwrap().unwrap();
    assert!(matches!(machine.runtime.list().await.unwrap()[0].status, ContainerStatus::Exited { code: 137, .. }));
    machine.runtime.remove("tied").await.unwrap();
    // whoever adopted it may not have asked for its code yet
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    machine.tear_down().await;
}

#[tokio::test]
async fn containers_reach_each_other_the_machine_and_nobody_else() {
    let machine = Machine::new().await;
    let subnet = machine.runtime.subnet();
    let mut server = machine.spec("server", &["sh", "-c", "httpd -f -p 8080 -h /srv"]);
    server.network = Network::Bridge(subnet.address(2));
    machine.runtime.start(&server).await.unwrap();
    machine.runtime.ensure_addresses(&[subnet.address(200), subnet.address(201)]).await.unwrap();
    machine.runtime.ensure_addresses(&[subnet.address(201)]).await.unwrap();
    assert!(std::net::TcpListener::bind((subnet.address(200), 0)).is_err(), "an address that is no longer named is gone");
    let gateway = std::net::TcpListener::bind((subnet.address(201), 9000)).expect("the machine may listen on a Service's address");
    std::thread::spawn(move || {
        use std::io::Write;
        gateway.accept().unwrap().0.write_all(b"HTTP/1.0 200 OK\r\n\r\nfrom the gateway").unwrap();
    });
    let mut client = machine.spec("client", &[]);
    client.network = Network::Bridge(subnet.address(3));
    client.hosts.insert("server.name".to_owned(), subnet.address(2));
    machine.runtime.start(&client).await.unwrap();
    // not wget: the static one crashes in its resolver without the machine's libraries
    let fetch = |address: Ipv4Addr, port: u16| {
        let runtime = Arc::clone(&machine.runtime);
        let script = format!("printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | nc -w 3 {address} {port}");
        async move { runtime.exec("client", &words(&["sh", "-c", &script]), LONG).await.unwrap() }
    };
    for tries in 0.. {
        let answer = fetch(subnet.address(2), 8080).await;
        if answer.output.ends_with("from the image\n") {
            break;
        }
        assert!(tries < 50, "{answer:?} {:?}", machine.runtime.logs("server", 1000).await);
    }
    assert!(fetch(subnet.address(201), 9000).await.output.ends_with("from the gateway"));
    let names = machine.runtime.exec("client", &words(&["cat", "/etc/hosts"]), LONG).await.unwrap().output;
    assert!(names.contains(&format!("{}\tserver.name\n", subnet.address(2))), "{names}");
    let away = fetch(Ipv4Addr::new(192, 0, 2, 1), 80).await;
    assert!(away.code != 0 && away.output.contains("unreachable"), "{away:?}");
    let mut outside = machine.spec("outside", &[]);
    outside.network = Network::Bridge(Ipv4Addr::new(192, 0, 2, 7));
    assert!(machine.runtime.start(&outside).await.is_err());
    machine.tear_down().await;
}

#[tokio::test]
async fn the_bridge_keeps_its_hardware_address_as_containers_come_and_go() {
    let machine = Machine::new().await;
    let subnet = machine.runtime.subnet();
    let bridge = format!("/sys/class/net/pb{}", &Digest::of(&machine.instance).hex()[..10]);
    let address = || std::fs::read_to_string(format!("{bridge}/address")).unwrap();
    let start = |last: u8| {
        let mut spec = machine.spec(&format!("c{last}"), &[]);
        spec.network = Network::Bridge(subnet.address(last));
        spec
    };
    machine.runtime.start(&start(10)).await.unwrap();
    let before = address();
    // ports get random addresses: that none of these is lower than all before has a chance of one in nine
    for last in 11..19 {
        machine.runtime.start(&start(last)).await.unwrap();
    }
    assert_eq!(address(), before);
    // how a chosen address is told from one that the kernel recomputes (NET_ADDR_SET, include/uapi/linux/netdevice.h)
    assert_eq!(std::fs::read_to_string(format!("{bridge}/addr_assign_type")).unwrap().trim(), "3");
    machine.runtime.stop("c10", Duration::ZERO).await.unwrap();
    machine.runtime.remove("c10").await.unwrap();
    assert_eq!(address(), before);
    machine.tear_down().await;
}

#[tokio::test]
async fn files_and_empty_directories_are_put_into_a_read_only_root() {
    let machine = Machine::new().await;
    let secret = machine.dir.path().join("secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let mut spec = machine.spec(
        "mounts",
        &["sh", "-c", "cat /etc/app/key; echo x > /etc/app/key; touch /root-file; touch /tmp/a && echo tmp; echo x >> /srv/file"],
    );
    spec.mounts.push(FileMount { path: "/etc/app/key".to_owned(), source: secret.clone(), writable: false, changes: None });
    spec.tmpfs.insert("/tmp".to_owned(), 1024 * 1024);
    let log = Arc::new(Kept::default());
    let began = Instant::now();
    let code = machine.runtime.run(&spec, LONG, Arc::clone(&log) as _).await.unwrap();
    println!("one-shot run with unpacking: {:?}", began.elapsed());
    let text = log.text();
    assert!(
        code != 0 && text.contains("s3cret") && text.contains("tmp\n") && text.matches("Read-only file system").count() == 3,
        "{code} {text}"
    );
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "s3cret\n");
    machine.tear_down().await;
}

#[tokio::test]
async fn a_mount_below_another_is_seen_there_and_neither_can_be_written_unless_it_says_so() {
    let machine = Machine::new().await;
    let (outer, inner, work) = (machine.dir.path().join("outer"), machine.dir.path().join("inner"), machine.dir.path().join("work"));
    for folder in [&outer.join("objects"), &inner, &work] {
        std::fs::create_dir_all(folder).unwrap();
    }
    std::fs::write(outer.join("HEAD"), "head\n").unwrap();
    std::fs::write(inner.join("pack"), "pack\n").unwrap();
    let script = "cat /handed/origin/HEAD /handed/origin/objects/pack
        for place in /handed/origin /handed/origin/objects /work; do touch $place/x 2>/dev/null && echo wrote $place; done; true";
    let mut spec = machine.spec("nested", &["sh", "-c", script]);
    for (path, source, writable) in [("/work", &work, true), ("/handed/origin", &outer, false), ("/handed/origin/objects", &inner, false)] {
        spec.mounts.push(FileMount { path: path.to_owned(), source: source.clone(), writable, changes: None });
    }
    let log = Arc::new(Kept::default());
    let code = machine.runtime.run(&spec, LONG, Arc::clone(&log) as _).await.unwrap();
    assert_eq!((code, log.text().as_str()), (0, "head\npack\nwrote /work\n"));
    machine.tear_down().await;
}

#[tokio::test]
async fn a_one_shot_container_is_ended_at_its_limit_and_with_whoever_waits() {
    let machine = Machine::new().await;
    let log = Arc::new(Kept::default());
    let spec = machine.spec("slow", &["sh", "-c", "echo begun; setsid sleep 1000 & sleep 1000"]);
    let began = Instant::now();
    assert_eq!(machine.runtime.run(&spec, Duration::from_millis(400), Arc::clone(&log) as _).await.unwrap(), 124);
    assert!(began.elapsed() < LONG && log.text() == "begun\n");
    // dropped by the caller: gone without anybody's help
    let waiting = tokio::time::timeout(Duration::from_millis(300), machine.runtime.run(&spec, LONG, log));
    assert!(waiting.await.is_err());
    let gone = Instant::now();
    while leftovers(&machine.instance).iter().any(|left| left.starts_with("process")) {
        assert!(gone.elapsed() < LONG, "{:?}", leftovers(&machine.instance));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    machine.tear_down().await;
}

#[tokio::test]
async fn two_instances_do_not_see_each_other() {
    let (one, two) = (Machine::new().await, Machine::new().await);
    one.runtime.start(&one.spec("same", &[])).await.unwrap();
    two.runtime.start(&two.spec("same", &[])).await.unwrap();
    one.tear_down().await;
    let left = two.runtime.list().await.unwrap();
    assert!(matches!(left[0].status, ContainerStatus::Running { .. }), "{left:?}");
    two.tear_down().await;
}

#[tokio::test]
async fn many_start_at_once() {
    let machine = Machine::new().await;
    let starts = (0..10).map(|number| {
        let runtime = Arc::clone(&machine.runtime);
        let mut spec = machine.spec(&format!("n{number}"), &[]);
        spec.network = Network::Bridge(machine.runtime.subnet().address(10 + number));
        spec.memory = Some(64 << 20);
        spec.cpu_millis = Some(500);
        tokio::spawn(async move { runtime.start(&spec).await })
    });
    let began = Instant::now();
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
    println!("ten at once: {:?}", began.elapsed());
    for number in 10..15 {
        let mut spec = machine.spec(&format!("n{number}"), &[]);
        spec.network = Network::Bridge(machine.runtime.subnet().address(10 + number));
        let began = Instant::now();
        machine.runtime.start(&spec).await.unwrap();
        println!("one start, layers unpacked before: {:?}", began.elapsed());
    }
    assert_eq!(machine.runtime.list().await.unwrap().len(), 15);
    machine.tear_down().await;
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_swept_and_begun_anew() {
    let machine = Machine::new().await;
    for id in ["cut", "other"] {
        let home = machine.dir.path().join("containers").join(id);
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join("starting"), "").unwrap();
    }
    assert!(matches!(machine.runtime.start(&machine.spec("cut", &[])).await.unwrap().status, ContainerStatus::Running { .. }));
    let next = machine.again().await;
    assert_eq!(next.list().await.unwrap().len(), 1);
    assert!(!machine.dir.path().join("containers/other").exists());
    machine.tear_down().await;
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_ends_in_one_container_or_none() {
    let machine = Machine::new().await;
    machine.runtime.start(&machine.spec("warm", &[])).await.unwrap();
    for round in 0..12 {
        let spec = machine.spec(&format!("n{round}"), &[]);
        let _ = tokio::time::timeout(Duration::from_millis(round * 5), machine.runtime.start(&spec)).await;
        // another server looks at once, and again
        let state = machine.again().await.start(&spec).await.unwrap();
        assert_eq!(machine.runtime.start(&spec).await.unwrap(), state);
        assert!(matches!(state.status, ContainerStatus::Running { .. }), "{state:?}");
    }
    assert_eq!(machine.runtime.list().await.unwrap().len(), 13);
    let mut changed = machine.runtime.changed();
    changed.mark_unchanged();
    machine.again().await.stop("n0", Duration::ZERO).await.unwrap();
    tokio::time::timeout(LONG, changed.changed()).await.unwrap().unwrap();
    machine.tear_down().await;
}
