//! Deployments, Rollouts and Jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::pod::{PodTemplate, RestartPolicy};
use super::{EmptyStatus, Meta};
use crate::refuse::{Read, Refusal, strict};

/// More pods than one machine should be asked for.
pub const MAX_REPLICAS: u32 = 100;
/// Kubernetes' own default.
const PROGRESS_DEADLINE: u64 = 600;

/// A number, or a share of the replicas.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a number or a percentage such as `25%`")]
pub enum Share {
    /// So many.
    Number(u32),
    /// `25%`.
    Percent(String),
}

impl Share {
    fn of(&self, replicas: u32, up: bool, path: &str) -> Read<u32> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Percent(text) => {
                let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<u32>().ok()).filter(|p| *p <= 100);
                let Some(percent) = percent else {
                    return Err(Refusal::new(
                        format!("the value `{text}` of `{path}`"),
                        "a number or a percentage up to `100%` is expected",
                    ));
                };
                let hundredths = u64::from(replicas) * u64::from(percent);
                let share = if up { hundredths.div_ceil(100) } else { hundredths / 100 };
                Ok(u32::try_from(share).unwrap_or(u32::MAX))
            }
        }
    }
}

/// How one template's pods give way to another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// A few at a time.
    Rolling {
        /// So many more than the replicas may there be.
        surge: u32,
        /// So many fewer may be ready.
        unavailable: u32,
    },
    /// The old ones go first.
    Recreate,
    /// Beside each other, by weight, until an order says more.
    Canary,
}

/// What a Deployment or Rollout asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Pods.
    pub replicas: u32,
    /// How they change.
    pub strategy: Strategy,
    /// No progress for this long is a failure.
    pub progress_deadline: Duration,
    /// What a pod looks like.
    pub template: PodTemplate,
}

/// What a Job asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// More tries after the first.
    pub backoff_limit: u32,
    /// Ended after this time, whatever it does.
    pub deadline: Option<Duration>,
    /// What its pod looks like.
    pub template: PodTemplate,
}

/// A manifest with a spec of its own kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest<S> {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: Meta,
    spec: S,
    #[serde(default, rename = "status")]
    _status: EmptyStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeploymentSpec {
    #[serde(default = "one")]
    replicas: u32,
    selector: Selector,
    template: PodTemplate,
    #[serde(default)]
    strategy: DeploymentStrategy,
    #[serde(rename = "revisionHistoryLimit")]
    _revision_history_limit: Option<u32>,
    progress_deadline_seconds: Option<u64>,
    #[serde(default)]
    min_ready_seconds: u32,
    #[serde(default)]
    paused: bool,
}

fn one() -> u32 {
    1
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeploymentStrategy {
    #[serde(rename = "type")]
    kind: Option<StrategyType>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum StrategyType {
    RollingUpdate,
    Recreate,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RollingUpdate {
    max_surge: Option<Share>,
    max_unavailable: Option<Share>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RolloutSpec {
    #[serde(default = "one")]
    replicas: u32,
    selector: Selector,
    template: PodTemplate,
    #[serde(rename = "strategy")]
    _strategy: RolloutStrategy,
    #[serde(rename = "revisionHistoryLimit")]
    _revision_history_limit: Option<u32>,
    progress_deadline_seconds: Option<u64>,
    #[serde(default)]
    min_ready_seconds: u32,
    #[serde(default)]
    paused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolloutStrategy {
    #[serde(rename = "canary")]
    _canary: CanaryStrategy,
}

/// Steps and analysis are the rollout room's; everything else would be this target's and is not carried out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanaryStrategy {
    #[serde(default, rename = "steps")]
    _steps: Vec<Value>,
    #[serde(default, rename = "analysis")]
    _analysis: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JobSpec {
    template: PodTemplate,
    #[serde(default = "six")]
    backoff_limit: u32,
    #[serde(default = "one")]
    completions: u32,
    #[serde(default = "one")]
    parallelism: u32,
    active_deadline_seconds: Option<u64>,
}

fn six() -> u32 {
    6
}

fn replicas(number: u32) -> Read<u32> {
    if number > MAX_REPLICAS {
        return Err(Refusal::new(format!("`spec.replicas` {number}"), format!("at most {MAX_REPLICAS} run on one machine")));
    }
    Ok(number)
}

fn selected(selector: &Selector, template: &PodTemplate) -> Read<()> {
    let labels = &template.metadata.labels;
    if selector.match_labels.is_empty() || selector.match_labels.iter().any(|(name, value)| labels.get(name) != Some(value)) {
        return Err(Refusal::new("`spec.selector.matchLabels`", "they must be among the labels of the pod template"));
    }
    Ok(())
}

fn long_running(template: &PodTemplate, min_ready_seconds: u32, paused: bool) -> Read<()> {
    if template.spec.restart_policy.is_some_and(|policy| policy != RestartPolicy::Always) {
        return Err(Refusal::new("`spec.template.spec.restartPolicy`", "it is Always here; use a Job for what ends"));
    }
    if min_ready_seconds != 0 {
        return Err(Refusal::new("`spec.minReadySeconds`", "use the readiness probe's successThreshold"));
    }
    if paused {
        return Err(Refusal::new("`spec.paused` true", "pause the rollout with `penstock rollout pause`"));
    }
    template.check("spec.template")
}

/// Reads a Deployment.
pub fn deployment(value: &Value) -> Read<Workload> {
    let spec = strict::<Manifest<DeploymentSpec>>(value)?.spec;
    let replicas = replicas(spec.replicas)?;
    selected(&spec.selector, &spec.template)?;
    long_running(&spec.template, spec.min_ready_seconds, spec.paused)?;
    let strategy = match (spec.strategy.kind, spec.strategy.rolling_update) {
        (Some(StrategyType::Recreate), None) => Strategy::Recreate,
        (Some(StrategyType::Recreate), Some(_)) => {
            return Err(Refusal::new("`spec.strategy.rollingUpdate` with type Recreate", "remove one of them"));
        }
        (_, update) => rolling(replicas, &update.unwrap_or_default())?,
    };
    let progress_deadline = Duration::from_secs(spec.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE));
    Ok(Workload { replicas, strategy, progress_deadline, template: spec.template })
}

fn rolling(replicas: u32, update: &RollingUpdate) -> Read<Strategy> {
    let quarter = Share::Percent("25%".to_owned());
    let path = "spec.strategy.rollingUpdate";
    let surge = update.max_surge.as_ref().unwrap_or(&quarter).of(replicas, true, &format!("{path}.maxSurge"))?;
    let unavailable = update.max_unavailable.as_ref().unwrap_or(&quarter).of(replicas, false, &format!("{path}.maxUnavailable"))?;
    let both_written_zero = [&update.max_surge, &update.max_unavailable]
        .iter()
        .all(|share| matches!(share, Some(Share::Number(0))) || matches!(share, Some(Share::Percent(text)) if text == "0%"));
    if both_written_zero {
        return Err(Refusal::new(format!("`{path}` with both numbers 0"), "nothing could ever be replaced: give one of them 1"));
    }
    // rounding may have made both zero: Kubernetes lets one be unavailable then
    Ok(Strategy::Rolling { surge, unavailable: if surge == 0 { unavailable.max(1) } else { unavailable } })
}

/// Reads a Rollout.
pub fn rollout(value: &Value) -> Read<Workload> {
    let spec = strict::<Manifest<RolloutSpec>>(value)?.spec;
    let replicas = replicas(spec.replicas)?;
    selected(&spec.selector, &spec.template)?;
    long_running(&spec.template, spec.min_ready_seconds, spec.paused)?;
    let progress_deadline = Duration::from_secs(spec.progress_deadline_seconds.unwrap_or(PROGRESS_DEADLINE));
    Ok(Workload { replicas, strategy: Strategy::Canary, progress_deadline, template: spec.template })
}

/// Reads a Job.
pub fn job(value: &Value) -> Read<Job> {
    let spec = strict::<Manifest<JobSpec>>(value)?.spec;
    if spec.completions != 1 || spec.parallelism != 1 {
        return Err(Refusal::new("`spec.completions` or `spec.parallelism`", "one pod runs to completion here: write 1, or several Jobs"));
    }
    if spec.backoff_limit > 100 {
        return Err(Refusal::new("`spec.backoffLimit`", "at most 100 is expected"));
    }
    if matches!(spec.template.spec.restart_policy, None | Some(RestartPolicy::Always)) {
        return Err(Refusal::new("`spec.template.spec.restartPolicy`", "write Never or OnFailure, as Kubernetes asks of a Job"));
    }
    spec.template.check("spec.template")?;
    let probes = spec.template.container();
    if probes.readiness_probe.is_some() || probes.liveness_probe.is_some() || probes.startup_probe.is_some() {
        return Err(Refusal::new("a probe of a Job's container", "a Job is judged by its exit code: remove it"));
    }
    Ok(Job { backoff_limit: spec.backoff_limit, deadline: spec.active_deadline_seconds.map(Duration::from_secs), template: spec.template })
}
