//! The judge: thresholds over the requests that reached the canary since its step began, and failed health checks.
//!
//! With fewer requests than a metric asks for it holds. One thing it knows earlier: when so many requests have failed
//! already that the threshold is passed even if all that are still missing were good. Waiting could not change that
//! verdict, only let more users meet the errors.

use penstock_model::counted;
use penstock_model::target::RolloutSeen;
use serde::{Deserialize, Serialize};

use crate::state::{Canary, Phase};
use crate::strategy::{Measure, Metric};
use crate::window::Window;

/// Restarts and failed probes of the canary's pods that are let pass: one may come from outside. The next one fails it.
pub const TOLERATED_FAILURES: u32 = 2;

/// What the judge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As good as was asked for.
    Pass,
    /// Not known yet.
    Hold,
    /// Worse than was asked for.
    Fail,
}

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, a line for each metric that does not pass, or one that says that all do.
    pub why: Vec<String>,
    /// Requests that reached the canary since the step began.
    pub requests: u64,
    /// Of these, errors.
    pub errors: u64,
    /// Upper bound of the 95th percentile's bucket, in milliseconds; absent without requests or beyond the last bound.
    pub p95_ms: Option<u32>,
    /// Restarts and failed probes since the canary's pods began.
    pub failures: u32,
}

/// Judges a canary as it stands. Holds where no step is under way yet, unless health has failed it.
pub fn judge(canary: &Canary, seen: &RolloutSeen) -> Judgement {
    let window = canary.phase.base().filter(|_| seen.figures_known).and_then(|base| Window::between(base, &seen.canary));
    let known = window.clone().unwrap_or_default();
    let judged = |verdict, why| Judgement {
        verdict,
        why,
        requests: known.requests,
        errors: known.errors,
        p95_ms: known.p95_ms().flatten(),
        failures: seen.wanted_failures,
    };
    if seen.wanted_failures > TOLERATED_FAILURES {
        let why =
            format!("{} restarts or failed health checks of the canary's pods, {TOLERATED_FAILURES} are let pass", seen.wanted_failures);
        return judged(Verdict::Fail, vec![why]);
    }
    let Some(window) = window else {
        let why =
            if matches!(canary.phase, Phase::Setting { .. }) { "the step has not begun" } else { "the gateway's figures are not known" };
        // without an analysis nothing is asked of the figures
        let verdict = if canary.plan.analysis.metrics.is_empty() && canary.phase.base().is_some() { ready(seen) } else { Verdict::Hold };
        return judged(verdict, vec![why.to_owned()]);
    };
    let said: Vec<(Verdict, String)> = canary.plan.analysis.metrics.iter().map(|metric| measure(metric, &window)).collect();
    let of = |verdict| said.iter().filter(move |(said, _)| *said == verdict).map(|(_, why)| why.clone()).collect::<Vec<_>>();
    let (failed, held) = (of(Verdict::Fail), of(Verdict::Hold));
    if !failed.is_empty() {
        return judged(Verdict::Fail, failed);
    }
    if ready(seen) == Verdict::Hold {
        let why = format!("{} of {} pods are ready", seen.wanted_ready, seen.wanted_replicas);
        return judged(Verdict::Hold, [held, vec![why]].concat());
    }
    if held.is_empty() { judged(Verdict::Pass, of(Verdict::Pass)) } else { judged(Verdict::Hold, held) }
}

fn ready(seen: &RolloutSeen) -> Verdict {
    if seen.wanted_ready >= seen.wanted_replicas.max(1) { Verdict::Pass } else { Verdict::Hold }
}

fn measure(metric: &Metric, window: &Window) -> (Verdict, String) {
    let (requests, least, name) = (window.requests, metric.min_requests, &metric.name);
    // over how many requests the threshold is looked at: those there are, or those that must come at least
    let over = u128::from(requests.max(least));
    let (bad, allowed, seen, limit) = match metric.measure {
        Measure::ErrorRate { max_ppm } => {
            let seen = format!("{name}: {} of {requests} requests failed", window.errors);
            (window.errors, over * u128::from(max_ppm) / 1_000_000, seen, percent(max_ppm))
        }
        Measure::P95 { max_ms } => {
            let slow = window.slower_than(max_ms);
            let seen = format!("{name}: {slow} of {requests} requests took longer than {max_ms} ms");
            (slow, over / 20, seen, percent(50_000))
        }
    };
    if u128::from(bad) > allowed {
        // those that are still to come cannot make it good again
        let early = format!("{seen} already, and of the {least} that a verdict needs at most {allowed} ({limit} %) may");
        (Verdict::Fail, if requests < least { early } else { format!("{seen}, more than {limit} %") })
    } else if requests < least {
        (Verdict::Hold, format!("{name}: {} of at least {least}", counted(requests, "request")))
    } else {
        (Verdict::Pass, format!("{seen}, at most {limit} % may"))
    }
}

fn percent(ppm: u64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
