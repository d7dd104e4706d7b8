//! What a job cannot do.

use std::fs;

use penstock_model::job::JobEnd;

use crate::support::{House, Job};

/// Runs attempts that must all fail, each as a line of a script.
async fn refused(house: &House, attempts: &[String]) {
    let attempt = |attempt: &String| format!("if ( {attempt} ) >/dev/null 2>&1; then echo 'DONE: {}'; fi\n", attempt.replace('\'', ""));
    let script = attempts.iter().map(attempt).collect::<Vec<_>>().concat();
    let (report, log) = house.run(Job::new(&script)).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    assert_eq!(log.out(), "");
}

#[tokio::test]
async fn a_job_sees_neither_key_nor_store_nor_another_jobs_files() {
    let house = House::new();
    let data = house.dir.path().join("data");
    // readable by everybody, so that hiding and not rights is what is tested
    fs::write(data.join("signing.key"), "secret").unwrap();
    fs::write(data.join("penstock.db"), "events").unwrap();
    house.run(Job::new("echo mine > theirs").named("another")).await;
    // what it makes at the store's path is in a directory of its own
    house.run(Job::new(&format!("mkdir -p {0} && echo forged > {0}/penstock.db", data.display()))).await;
    assert_eq!(fs::read_to_string(data.join("penstock.db")).unwrap(), "events");
    let data = data.display();
    refused(
        &house,
        &[
            format!("cat {data}/signing.key"),
            format!("ls {data}"),
            format!("cat {data}/penstock.db"),
            "ls /root/.cargo".to_owned(),
            "cat /etc/shadow".to_owned(),
            "find / -name signing.key -o -name penstock.db -o -name theirs 2>/dev/null | grep .".to_owned(),
            "cat /proc/1/environ".to_owned(),
            "cat /proc/1/root/etc/passwd".to_owned(),
            "ls /proc/1/fd".to_owned(),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_job_can_neither_signal_the_server_nor_see_its_process() {
    let house = House::new();
    let server = std::process::id();
    let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let other = sleeper.id();
    refused(
        &house,
        &[format!("kill -0 {server}"), format!("kill -9 {other}"), format!("ls /proc/{server}"), "kill -9 1; ! kill -0 1".to_owned()],
    )
    .await;
    assert!(sleeper.try_wait().unwrap().is_none(), "the process of somebody else was ended");
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    let (_, log) = house.run(Job::new("ls -d /proc/[0-9]* | wc -l")).await;
    assert!(log.out().trim().parse::<u32>().unwrap() < 8, "{}", log.out());
}

#[tokio::test]
async fn a_job_has_no_right_and_gets_none() {
    let house = House::new();
    let (_, log) = house.run(Job::new("grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | awk '{print $2}' | sort -u; grep NoNewPrivs /proc/self/status | awk '{print $2}'; id -u; id -G | wc -w")).await;
    let lines: Vec<String> = log.out().lines().map(str::to_owned).collect();
    assert_eq!((lines[0].as_str(), lines[1].as_str(), lines[3].as_str()), ("0000000000000000", "1", "1"), "{}", log.out());
    assert!((150_000..150_064).contains(&lines[2].parse::<u32>().unwrap()));
    refused(
        &house,
        &[
            "mount -t tmpfs none /tmp".to_owned(),
            "umount /proc".to_owned(),
            "chroot / true".to_owned(),
            "mknod /tmp/disk b 254 0".to_owned(),
            "echo x > /etc/penstock-was-here".to_owned(),
            "echo x > /usr/penstock-was-here".to_owned(),
            "mkdir /penstock-was-here".to_owned(),
            "hostname x".to_owned(),
            "touch /builds/other".to_owned(),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_job_may_write_where_jobs_write() {
    let house = House::new();
    let (report, log) = house.run(Job::new("for d in . /tmp /var/tmp /dev/shm ~; do echo x > $d/f; done; echo x > /dev/null; head -c1 /dev/urandom >/dev/null; test -t 0 && exit 1; cat; mkfifo /tmp/p")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.err());
    let (_, log) = house.run(Job::new("ls -A /tmp /var/tmp /dev/shm ~ | grep -v ':$' | grep . || true")).await;
    assert_eq!(log.out(), "", "something came over from the job before");
}

#[tokio::test]
async fn links_that_a_job_leaves_do_not_lead_the_next_checkout_astray() {
    let house = House::new();
    let outside = house.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    house.run(Job::new(&format!("ln -s {} src", outside.display()))).await;
    house.git.0.lock().unwrap().insert("src/a".into(), "x".into());
    let (report, _) = house.run(Job::new("cat src/a")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_toolchain_below_a_directory_that_nobody_may_enter_is_shown_and_its_neighbours_are_not() {
    let house = House::new();
    let closed = house.dir.path().join("data/closed");
    fs::create_dir_all(closed.join("tools/bin")).unwrap();
    fs::write(closed.join("neighbour"), "x").unwrap();
    fs::write(closed.join("tools/bin/hello"), "#!/bin/sh\necho hello\n").unwrap();
    std::os::unix::fs::chown(&closed, Some(0), Some(0)).unwrap();
    for (path, mode) in [(closed.join("tools/bin/hello"), 0o755), (closed.clone(), 0o700)] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let mut settings = crate::support::settings(house.dir.path());
    settings.toolchains = vec![closed.join("tools")];
    settings.path = vec![closed.join("tools/bin")];
    let hands = penstock_runner::Hands {
        git: house.git.clone(),
        blobs: house.blobs.clone(),
        containers: None,
        clock: std::sync::Arc::new(penstock_model::clock::SystemClock),
    };
    let runner = penstock_runner::Runner::new(settings, hands, house.dir.path().join("tools"), std::collections::BTreeMap::new()).unwrap();
    let house = House { runner: std::sync::Arc::new(runner), ..house };
    let script = format!("hello; ls {0}; if touch {0}/tools/x; then echo WRITTEN; fi", closed.display());
    let (report, log) = house.run(Job::new(&script)).await;
    assert_eq!((report.end, log.out()), (JobEnd::Exited { code: 0 }, "hello\ntools\n".to_owned()), "{}", log.err());
}
