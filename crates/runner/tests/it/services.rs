//! Services beside jobs, in real containers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::container::ContainerRuntime;
use penstock_model::image::{Empty, RunConfig};
use penstock_model::job::{EnvValue, JobEnd, JobRunner};
use penstock_model::release::ImageRef;
use penstock_model::service::{HealthCheck, PortMapping, Readiness, ServiceSpec};
use tokio_util::sync::CancellationToken;

use crate::containers::Dock;
use crate::support::{Job, Log, until};

/// A service that answers `hello` on port 7000, and says what it was told.
async fn server(dock: &Dock) -> ImageRef {
    let words = ["/bin/sh", "-c", "echo told $WORD; mkdir /w; echo hello > /w/index.html; exec httpd -f -p 7000 -h /w"];
    let config = RunConfig {
        cmd: Some(words.map(str::to_owned).to_vec()),
        exposed_ports: BTreeMap::from([("7000/tcp".to_owned(), Empty {})]),
        ..RunConfig::default()
    };
    dock.image(config, &[]).await
}

fn service(image: ImageRef, aliases: &[&str]) -> ServiceSpec {
    ServiceSpec {
        name: aliases[0].to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        image,
        entrypoint: None,
        command: None,
        env: BTreeMap::new(),
        user: None,
        ports: Vec::new(),
        ready: Readiness::Port { port: None, timeout: Duration::from_secs(20) },
        memory: None,
        cpu_millis: None,
    }
}

/// Asks a host by name, with busybox.
fn ask(name: &str) -> String {
    // not wget: the static one crashes in its resolver without the machine's libraries
    format!(
        "grep -w {name} /etc/hosts | head -1 | {{ read -r address names; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $address 7000 | grep -x hello; }}"
    )
}

#[tokio::test]
async fn a_job_in_an_image_reaches_its_services_by_every_name_and_they_each_other_and_all_are_gone_afterwards() {
    let dock = Dock::new().await;
    let image = server(&dock).await;
    let second = ServiceSpec {
        entrypoint: Some(vec!["/bin/sh".to_owned(), "-c".to_owned()]),
        command: Some(vec![format!(
            "until {}; do sleep 0.1; done; mkdir /w; echo hello > /w/index.html; exec httpd -f -p 7000 -h /w",
            ask("db")
        )]),
        ..service(image.clone(), &["second"])
    };
    let services = vec![service(image.clone(), &["db", "team-db", "team__db"]), second];
    let script = ["db", "team-db", "team__db", "second"].map(ask).join("\n");
    let job = Job::new(&script).with(|spec| (spec.services, spec.image) = (services, Some(image.into())));
    assert_eq!(dock.says(job).await, "hello\n".repeat(4));
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}

#[tokio::test]
async fn a_job_on_the_host_reaches_a_service_by_name_and_by_a_port_of_localhost() {
    let dock = Dock::new().await;
    let mut db = service(server(&dock).await, &["db"]);
    // any free port, and that is told before the first step
    db.ports = vec![PortMapping { host: None, container: 7000 }];
    let fetch = "fetch() { exec 3<>/dev/tcp/$1/$2; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -1 <&3; }";
    let job = Job::new(&format!("{fetch}\nfetch db 7000\nfetch localhost $PORT")).with(|spec| spec.services = vec![db]);
    let up = job.steps.up.clone();
    let log = Log::default();
    let report = dock.start(job, &log, &CancellationToken::new()).await.unwrap();
    let up = up.lock().unwrap().clone();
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 0 }, "hello\nhello\n"), "{}{}{up:?}", log.err(), log.notes());
    assert_eq!((up.len(), up[0].name.as_str()), (1, "db"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", up[0].ports[&7000])).is_err(), "the port goes with the job");
    dock.tear_down().await;
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_warned_of_with_what_it_said_and_its_secrets_masked() {
    let dock = Dock::new().await;
    let image = server(&dock).await;
    let mut db = service(image, &["db"]);
    db.command = Some(["/bin/sh", "-c", "echo told $WORD; exit 3"].map(str::to_owned).to_vec());
    db.env.insert("WORD".to_owned(), EnvValue::Secret(Secret::new("hunter2hunter2")));
    let job = Job::new("echo ran; exit 4").secret("WORD", "hunter2hunter2").with(|spec| spec.services = vec![db]);
    let log = Log::default();
    let report = dock.start(job, &log, &CancellationToken::new()).await.unwrap();
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 4 }, "ran\n"));
    let notes = log.notes();
    assert!(notes.contains("warning: the service db probably did not start properly: it ended with exit code 3"), "{notes}");
    assert!(notes.contains("  told [MASKED]") && !notes.contains("hunter2"), "{notes}");
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}

#[tokio::test]
async fn a_service_is_waited_for_until_its_health_command_says_so_and_one_that_is_never_healthy_fails_the_job() {
    let dock = Dock::new().await;
    let image = server(&dock).await;
    let check = |text: &str| HealthCheck {
        command: ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
        interval: Duration::from_millis(50),
        timeout: Duration::from_secs(5),
        retries: 100,
        start_period: Duration::ZERO,
    };
    let mut db = service(image, &["db"]);
    db.command = Some(["/bin/sh", "-c", "sleep 0.3; touch /ready; exec sleep 1000"].map(str::to_owned).to_vec());
    db.ready = Readiness::Health(Some(check("test -e /ready")));
    let job = Job::new("echo ran").with(|spec| spec.services = vec![db.clone()]);
    assert_eq!(dock.says(job).await, "ran\n");
    db.ready = Readiness::Health(Some(HealthCheck { retries: 2, ..check("echo sick; false") }));
    let log = Log::default();
    let job = Job::new("echo ran").with(|spec| spec.services = vec![db]);
    let error = dock.start(job, &log, &CancellationToken::new()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("it is not healthy") && source.ends_with("sick"), "{source}");
    assert_eq!(log.out(), "");
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}

#[tokio::test]
async fn services_of_a_dead_server_are_ended_with_their_networks() {
    let dock = Dock::new().await;
    let image = server(&dock).await;
    let job = Job::new("sleep 1000").with(|spec| {
        spec.services = vec![service(image, &["db"])];
        spec.timeout = Duration::from_mins(10);
    });
    let (runner, log) = (dock.runner.clone(), Log::default());
    let seen = log.clone();
    let running = tokio::spawn(async move { runner.run(job.spec, Box::new(job.steps), Arc::new(seen), CancellationToken::new()).await });
    until("the step begins", || log.notes().contains("step:")).await;
    running.abort();
    let _ = running.await;
    assert_eq!((dock.runtime.list().await.unwrap().len(), dock.runtime.networks().await.unwrap().len()), (1, 1));
    dock.runner.end_orphans().await.unwrap();
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}
