//! A shell where a step failed.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nix::pty::{OpenptyResult, openpty};
use penstock_model::image::RunConfig;
use penstock_model::job::{AttemptId, JobEnd, JobRunner};
use penstock_model::terminal::{Loan, Terminal};
use penstock_runner::Runner;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::containers::Dock;
use crate::support::{House, Job, Log, until};

/// A person who types the same into every shell.
struct Person {
    types: &'static str,
    shells: Mutex<Vec<(AttemptId, String)>>,
    screen: Arc<Mutex<String>>,
    busy: watch::Sender<bool>,
}

impl Person {
    fn who_types(types: &'static str) -> Arc<Self> {
        Arc::new(Self { types, shells: Mutex::default(), screen: Arc::default(), busy: watch::Sender::new(false) })
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    async fn sees(&self, lines: &[&str]) {
        for line in lines {
            until(line, || self.screen().lines().any(|shown| shown.trim().trim_start_matches("\u{1b}[J") == *line)).await;
        }
    }
}

#[async_trait]
impl Terminal for Person {
    async fn free(&self) {
        self.busy.subscribe().wait_for(|busy| !busy).await.unwrap();
    }

    async fn lend(&self, attempt: &AttemptId, step: &str) -> Option<Loan> {
        self.shells.lock().unwrap().push((attempt.clone(), step.to_owned()));
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        read(master.try_clone().unwrap(), self.screen.clone());
        std::fs::File::from(master.try_clone().unwrap()).write_all(self.types.as_bytes()).unwrap();
        let over = CancellationToken::new();
        let (held, ended) = (master, over.clone());
        tokio::spawn(async move {
            ended.cancelled().await;
            drop(held);
        });
        Some(Loan { tty: slave, kind: "dumb".to_owned(), open: over.drop_guard() })
    }
}

fn read(master: OwnedFd, screen: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let (mut master, mut buffer) = (std::fs::File::from(master), [0; 4096]);
        // the end of a terminal that nobody has any more is an error
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            screen.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
}

const LOOK: &str =
    "cat made; echo \"<$COLOUR $SECRET>\"; echo in $(pwd); id -u; test -t 0 && sh -c 'echo asked >/dev/tty'; touch looked; exit 7\n";

#[tokio::test]
async fn a_shell_opens_where_a_step_failed_with_its_files_variables_directory_and_user_and_the_job_fails_all_the_same() {
    let person = Person::who_types(LOOK);
    let house = House::new().with_terminal(person.clone());
    let job = Job::new("mkdir sub").then("cd sub; echo content > ../made; exit 3").at_last("test -e looked && echo cleaned");
    let (report, log) = house.run(job.env("COLOUR", "blue").secret("SECRET", "hunter2")).await;
    assert_eq!(report.end, JobEnd::Exited { code: 3 }, "{}", log.notes());
    person.sees(&["content", "<blue hunter2>", "in /builds/shop", "asked"]).await;
    assert!(!person.screen().lines().any(|line| line.trim() == "0"), "it is not root: {}", person.screen());
    assert!(log.out().contains("cleaned") && log.notes().contains("a shell was open here"), "{}{}", log.out(), log.notes());
    assert!(!log.out().contains("content"), "what is said in the shell is not in the log");
    assert_eq!(person.shells.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_shell_opens_in_the_image_of_a_job_over_what_its_steps_did_to_it() {
    let person = Person::who_types(
        "cat /etc/own; echo \"<$COLOUR $SECRET>\"; echo in $(pwd); echo u$(id -u); test -t 0 && echo at a $TERM terminal; echo back > left; exit\n",
    );
    let dock = Dock::at(Some(person.clone() as _)).await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let job = Job::new("echo mine > /etc/own; mkdir sub; exit 4").at_last("cat left");
    let job = job.env("COLOUR", "blue").secret("SECRET", "hunter2").with(|spec| spec.image = Some(image.into()));
    let log = Log::default();
    let report = dock.start(job, &log, &CancellationToken::new()).await.unwrap();
    assert_eq!(report.end, JobEnd::Exited { code: 4 }, "{}", log.notes());
    person.sees(&["mine", "<blue hunter2>", "in /builds/shop", "u0", "at a dumb terminal"]).await;
    assert_eq!(log.out(), "back\n");
    assert!(!person.screen().contains("job control turned off"), "{}", person.screen());
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}

#[tokio::test]
async fn no_shell_opens_for_a_step_that_may_fail_or_that_was_cancelled() {
    let person = Person::who_types("exit\n");
    let house = House::new().with_terminal(person.clone());
    let mut job = Job::new("exit 1");
    job.steps.steps[0].may_fail = true;
    house.run(job).await;
    let (log, cancel) = (Log::default(), CancellationToken::new());
    let (stop, seen) = (cancel.clone(), log.clone());
    let waiting = async {
        until("the step begins", || seen.out().contains("begun")).await;
        stop.cancel();
    };
    let (report, ()) = tokio::join!(house.start(Job::new("echo begun; sleep 1000"), &log, &cancel), waiting);
    assert_eq!(report.unwrap().end, JobEnd::Cancelled);
    assert_eq!(person.shells.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_cancellation_ends_the_shell_too_and_no_job_begins_while_one_is_open() {
    let person = Person::who_types("trap '' TERM HUP; echo here $((1 + 1))\n");
    let house = House::new().with_terminal(person.clone());
    let (log, cancel) = (Log::default(), CancellationToken::new());
    let (other, never) = (Log::default(), CancellationToken::new());
    let runner: Arc<Runner> = house.runner.clone();
    let looked_at = Job::new("exit 1");
    let sink = log.clone();
    let (asked, stop) = (runner.clone(), cancel.clone());
    let first = tokio::spawn(async move { asked.run(looked_at.spec, Box::new(looked_at.steps), Arc::new(sink), stop).await });
    until("the shell is open", || person.screen().lines().any(|line| line.trim() == "here 2")).await;
    person.busy.send_replace(true);
    let (job, sink, stop) = (Job::new("echo second").named("second"), other.clone(), never.clone());
    let second = tokio::spawn(async move { runner.run(job.spec, Box::new(job.steps), Arc::new(sink), stop).await });
    until("the second job waits", || person.busy.receiver_count() > 0).await;
    assert!(other.pieces().is_empty());
    cancel.cancel();
    assert_eq!(first.await.unwrap().unwrap().end, JobEnd::Cancelled, "{}", log.notes());
    person.busy.send_replace(false);
    assert_eq!(second.await.unwrap().unwrap().end, JobEnd::Exited { code: 0 });
    assert_eq!(other.out(), "second\n");
}
