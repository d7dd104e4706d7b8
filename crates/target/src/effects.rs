//! What hands do for the loop, each as a task of its own, since a stop may take its whole grace.

use std::sync::Arc;
use std::time::Duration;

use penstock_model::admission::Admission;
use penstock_model::container::ContainerRuntime;
use penstock_model::target::ApplicationScope;
use tokio::sync::Semaphore;

use crate::core::build::{Build, build};
use crate::core::reconcile::Effect;
use crate::keep::Keep;
use crate::state::State;

/// Containers that are started at the same time: more would only wait for the same disk.
const STARTS_AT_ONCE: usize = 4;
/// A hand that failed is not tried again at once.
const PAUSE: Duration = Duration::from_secs(1);
/// Of an attempt that ended, so much output is kept.
const LAST_OUTPUT: usize = 64 * 1024;

/// What came of an effect.
#[derive(Debug)]
pub struct Done {
    /// The pod it was for.
    pub pod: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an effect.
#[derive(Debug)]
pub enum Outcome {
    /// The container runs; the door had these warnings.
    Started(Vec<String>),
    /// It could not be started, with the reason for people.
    NotStarted(String),
    /// Stopped or removed.
    Did,
    /// That failed; it is tried again.
    Failed(String),
}

/// The hands.
pub struct Hands {
    /// Runs containers.
    pub runtime: Arc<dyn ContainerRuntime>,
    /// The door.
    pub admission: Arc<dyn Admission>,
    /// The target's directory.
    pub keep: Arc<Keep>,
    starts: Semaphore,
}

impl Hands {
    /// Hands over these.
    pub fn new(runtime: Arc<dyn ContainerRuntime>, admission: Arc<dyn Admission>, keep: Arc<Keep>) -> Self {
        Self { runtime, admission, keep, starts: Semaphore::new(STARTS_AT_ONCE) }
    }

    /// Does it. What a start needs was read from the state when it was decided.
    pub async fn carry_out(self: Arc<Self>, effect: Effect, ready: Option<Ready>) -> Done {
        match effect {
            Effect::Start { pod } => {
                let outcome = match ready {
                    Some(Ok((build, scope))) => self.start(build, &scope).await,
                    Some(Err(why)) => Outcome::NotStarted(why),
                    None => Outcome::NotStarted("its pod is gone".to_owned()),
                };
                Done { pod, outcome }
            }
            Effect::Stop { pod, container, grace } => {
                let stopped = self.runtime.stop(&container, grace).await.map_err(|error| error.to_string());
                Done { pod, outcome: paused(stopped).await }
            }
            Effect::Discard { pod, container } => {
                let discarded = self.discard(&pod, &container).await;
                Done { pod, outcome: paused(discarded).await }
            }
        }
    }

    async fn start(&self, build: Build, scope: &ApplicationScope) -> Outcome {
        let Ok(_permit) = self.starts.acquire().await else { return Outcome::NotStarted("the server is stopping".to_owned()) };
        // asked for each container: a decision may have been taken back since the last
        let admitted = match self.admission.admit(scope, &build.spec.image).await {
            Ok(admitted) => admitted,
            Err(denied) => return Outcome::NotStarted(denied.to_string()),
        };
        let spec = build.spec.clone();
        let keep = Arc::clone(&self.keep);
        let written = tokio::task::spawn_blocking(move || keep.write_volumes(&build)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Outcome::NotStarted(error.to_string()),
            Err(error) => return Outcome::NotStarted(error.to_string()),
        }
        match self.runtime.start(&spec).await {
            Ok(_) => Outcome::Started(admitted.warnings),
            Err(error) => Outcome::NotStarted(error.to_string()),
        }
    }

    async fn discard(&self, pod: &str, container: &str) -> Result<(), String> {
        let output = self.runtime.logs(container, LAST_OUTPUT).await.unwrap_or_default();
        self.runtime.remove(container).await.map_err(|error| error.to_string())?;
        let (keep, pod, container) = (Arc::clone(&self.keep), pod.to_owned(), container.to_owned());
        let kept = tokio::task::spawn_blocking(move || {
            keep.keep_output(&pod, &output)?;
            keep.remove_volumes(&container)
        });
        kept.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}

/// A failure is reported after a pause.
async fn paused(result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Did,
        Err(why) => {
            tokio::time::sleep(PAUSE).await;
            Outcome::Failed(why)
        }
    }
}

/// What a start needs: the container and whose door is asked, or why there is none.
pub type Ready = Result<(Build, ApplicationScope), String>;

/// Reads from the state what an effect needs.
pub fn ready(state: &State, keep: &Keep, effect: &Effect) -> Option<Ready> {
    let Effect::Start { pod } = effect else { return None };
    let pod = state.pods.get(pod)?;
    Some(build(state, pod, &keep.volumes(&pod.container())).map(|build| (build, pod.scope.clone())))
}
