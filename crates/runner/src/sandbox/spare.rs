//! A sandbox that stands ready, so that a job does not wait for a program to start and a base to be built.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penstock_model::job::RunnerSettings;
use tokio::time::Instant;

use super::client::{Started, Waiting};
use super::{SandboxError, SandboxPlan};

/// A base shows the machine's mounts as they were when it was made, and keeps them from being unmounted: it must not grow old.
const AGE: Duration = Duration::from_secs(30);

/// Makes sandboxes; at most one waits.
#[derive(Clone)]
pub(crate) struct Sandboxes(Arc<Shared>);

struct Shared {
    program: PathBuf,
    instance: String,
    mount_point: PathBuf,
    spare: Mutex<Option<(Instant, Waiting)>>,
}

impl Sandboxes {
    /// Sandboxes as the settings have them.
    pub(crate) fn new(settings: &RunnerSettings) -> Self {
        Self(Arc::new(Shared {
            program: settings.program.clone(),
            instance: settings.instance.clone(),
            mount_point: settings.dir.join("root"),
            spare: Mutex::new(None),
        }))
    }

    /// Makes a sandbox that shows what the plan says.
    pub(crate) async fn start(&self, plan: &SandboxPlan) -> Result<Started, SandboxError> {
        let started = match self.0.take() {
            // somebody has killed it while it waited, which is nobody's failure
            Some(spare) => match spare.enter(plan).await {
                Err(SandboxError::Gone) => self.0.fresh()?.enter(plan).await,
                other => other,
            },
            None => self.0.fresh()?.enter(plan).await,
        };
        self.prepare();
        started
    }

    /// Has a sandbox wait for the next job, if none does.
    pub(crate) fn prepare(&self) {
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            let making = Arc::clone(&shared);
            let made = tokio::task::spawn_blocking(move || making.fill()).await;
            let Ok(Some(since)) = made else { return };
            let weak = Arc::downgrade(&shared);
            drop(shared);
            tokio::time::sleep_until(since + AGE).await;
            if let Some(shared) = weak.upgrade() {
                shared.expire(since);
            }
        });
    }
}

impl Shared {
    fn fresh(&self) -> Result<Waiting, SandboxError> {
        Waiting::start(&self.program, &self.instance, &self.mount_point)
    }

    /// Gives since when a new one waits; nothing if one does already, or none could be made: whoever needs it then hears why.
    fn fill(&self) -> Option<Instant> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.is_some() {
            return None;
        }
        let since = Instant::now();
        *spare = Some((since, self.fresh().ok()?));
        Some(since)
    }

    fn take(&self) -> Option<Waiting> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        spare.filter(|(since, _)| since.elapsed() < AGE).map(|(_, waiting)| waiting)
    }

    /// Ends the one that has waited since then.
    fn expire(&self, since: Instant) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(other, _)| *other == since);
    }
}
