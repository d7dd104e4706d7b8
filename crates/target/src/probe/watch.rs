//! The watch over one container: its startup probe first, then readiness and liveness side by side.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use super::ask::Asked;
use super::health::{Row, Verdict};
use crate::manifest::pod::Container;
use crate::manifest::probe::Probe;

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// Passed once, the others begin.
    Startup,
    /// Traffic while it passes.
    Readiness,
    /// A restart when it fails.
    Liveness,
}

impl ProbeKind {
    /// Its name for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Readiness => "readiness",
            Self::Liveness => "liveness",
        }
    }
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Of which pod.
    pub pod: String,
    /// Of which container: one that was replaced meanwhile says nothing any more.
    pub container: String,
    /// Which probe.
    pub probe: ProbeKind,
    /// What it found out; `None` for a failure that decides nothing yet.
    pub verdict: Option<Verdict>,
    /// Why it failed, for people.
    pub why: String,
}

/// What a watch is over.
pub struct Watch {
    /// The pod.
    pub pod: String,
    /// Who is asked.
    pub asked: Asked,
    /// With which probes.
    pub container: Container,
    /// It had started before: the startup probe is not asked again.
    pub warm: bool,
    /// It was ready before.
    pub ready: bool,
}

/// Tries between the first question and the end of the first period: a service that needs 80 ms to start should not
/// wait a second for its traffic. They never count as failures.
const EARLY: [u64; 5] = [20, 50, 100, 200, 400];

/// Watches until it is dropped. A closed channel ends it too.
pub async fn watch(watch: Watch, said: mpsc::Sender<Said>) {
    if let Some(startup) = watch.container.startup_probe.clone().filter(|_| !watch.warm) {
        let passed = ask_on(&watch, ProbeKind::Startup, &startup, None, &said).await;
        if !passed {
            return;
        }
    }
    let ready = watch.ready.then_some(true);
    let readiness = async {
        if let Some(probe) = &watch.container.readiness_probe {
            ask_on(&watch, ProbeKind::Readiness, probe, ready, &said).await;
        }
    };
    let liveness = async {
        if let Some(probe) = &watch.container.liveness_probe {
            // alive until it is shown otherwise
            ask_on(&watch, ProbeKind::Liveness, probe, Some(true), &said).await;
        }
    };
    tokio::join!(readiness, liveness);
}

/// Asks again and again. Gives true when a startup probe passed; false when nobody listens any more or it is over.
async fn ask_on(watch: &Watch, kind: ProbeKind, probe: &Probe, passes: Option<bool>, said: &mpsc::Sender<Said>) -> bool {
    let mut row = Row::new(probe.success_threshold, probe.failure_threshold, passes);
    sleep(probe.initial_delay()).await;
    let mut due = Instant::now();
    let mut early = if kind != ProbeKind::Liveness && passes != Some(true) { EARLY.iter() } else { [].iter() };
    loop {
        let answer = watch.asked.ask(probe).await;
        if answer.is_err()
            && let Some(wait) = early.next()
            && due.elapsed() + Duration::from_millis(*wait) < probe.period()
        {
            sleep(Duration::from_millis(*wait)).await;
            continue;
        }
        early = [].iter();
        let verdict = row.take(answer.is_ok());
        let why = answer.as_ref().err().cloned().unwrap_or_default();
        if verdict.is_some() || answer.is_err() {
            let word = Said { pod: watch.pod.clone(), container: watch.asked.container.clone(), probe: kind, verdict, why };
            if said.send(word).await.is_err() {
                return false;
            }
        }
        match (kind, verdict) {
            (ProbeKind::Startup, Some(Verdict::Passes)) => return true,
            // the container is going to be replaced
            (ProbeKind::Startup | ProbeKind::Liveness, Some(Verdict::Fails)) => return false,
            _ => {}
        }
        due = (due + probe.period()).max(Instant::now());
        sleep_until(due).await;
    }
}
