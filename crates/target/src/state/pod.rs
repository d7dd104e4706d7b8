//! A pod as it is kept: what should be started, and what is known of it.

use std::net::Ipv4Addr;
use std::time::Duration;

use penstock_model::Timestamp;
use penstock_model::target::{ApplicationScope, ObjectKey};
use serde::{Deserialize, Serialize};

use crate::probe::{ProbeKind, Said, Verdict};

/// The first restart comes at once, the second after this, then twice as long each time.
const BACK_OFF: Duration = Duration::from_secs(1);
/// The longest wait.
const MAX_BACK_OFF: Duration = Duration::from_mins(1);
/// Whoever ran this long begins anew.
pub const CALM: Duration = Duration::from_mins(1);

/// A pod. Its container's identity is its name and the number of the attempt: an attempt is written down before it is
/// started, so that whoever looks again after a crash starts the same one, which starts it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "each is something seen, independent of the others")]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Whose.
    pub scope: ApplicationScope,
    /// The workload.
    pub owner: ObjectKey,
    /// The pod template's hash.
    pub template: String,
    /// Its number among the pods of that template.
    pub ordinal: u32,
    /// How long it may take to go, in milliseconds; kept here since its workload may be gone before it.
    pub grace_ms: u64,
    /// Its address.
    pub address: Ipv4Addr,
    /// From 0; each restart is another.
    pub attempt: u32,
    /// This attempt's container was seen.
    pub started: bool,
    /// It is going, since then.
    pub leaving: Option<Timestamp>,
    /// The startup probe passed, or there is none.
    pub warm: bool,
    /// The readiness probe passes.
    pub ready: bool,
    /// It was ready once in this attempt: probes that fail before are a service that starts.
    #[serde(default)]
    pub been_ready: bool,
    /// The liveness or startup probe failed: it is to be restarted.
    pub unwell: bool,
    /// Restarts and failed probes.
    pub failures: u32,
    /// Ends in a row, for the back-off.
    pub streak: u32,
    /// Not before this moment.
    pub not_before: Option<Timestamp>,
    /// A Job's pod ended for good, with this exit code.
    pub finished: Option<i32>,
    /// When the first attempt was intended.
    pub since: Timestamp,
    /// When it ended for good, or its last attempt did.
    pub ended: Option<Timestamp>,
    /// One line for people.
    pub message: String,
    /// What the door said although it let the image in.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The longest owner name in a container's id, whose bound is 63: `-`, 10 of the hash, `-`, 3, `-r`, 6.
const MAX_OWNER: usize = 38;

/// The name of a pod. Two of one owner differ by template or number, two owners by the hash.
pub fn pod_name(owner: &str, template: &str, ordinal: u32) -> String {
    let owner: String = owner.chars().take(MAX_OWNER).collect();
    format!("{}-{template}-{ordinal}", owner.trim_end_matches('-'))
}

impl Pod {
    /// The id of the container of the present attempt.
    pub fn container(&self) -> String {
        if self.attempt == 0 { self.name.clone() } else { format!("{}-r{}", self.name, self.attempt) }
    }

    /// How long it may take to go.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    /// True while it is wanted.
    pub fn active(&self) -> bool {
        self.leaving.is_none()
    }

    /// How long the next try waits after so many ends in a row.
    pub fn back_off(streak: u32) -> Duration {
        match streak {
            0 | 1 => Duration::ZERO,
            more => BACK_OFF.saturating_mul(1 << (more - 2).min(10)).min(MAX_BACK_OFF),
        }
    }

    /// Takes in what a watch said of this attempt's container. True if anything changed.
    pub fn hear(&mut self, said: &Said) -> bool {
        let before = self.clone();
        let failed = !said.why.is_empty();
        if failed && (self.been_ready || said.probe == ProbeKind::Liveness) {
            self.failures = self.failures.saturating_add(1);
        }
        match (said.probe, said.verdict) {
            (ProbeKind::Startup, Some(Verdict::Passes)) => self.warm = true,
            (ProbeKind::Readiness, Some(Verdict::Passes)) => {
                self.ready = true;
                self.been_ready = true;
            }
            (ProbeKind::Readiness, Some(Verdict::Fails)) => self.ready = false,
            (ProbeKind::Startup | ProbeKind::Liveness, Some(Verdict::Fails)) => self.unwell = true,
            (ProbeKind::Liveness, Some(Verdict::Passes)) | (_, None) => {}
        }
        match said.verdict {
            Some(Verdict::Passes) => self.message.clear(),
            Some(Verdict::Fails) => self.message = format!("{} probe failed: {}", said.probe.word(), said.why),
            None if !self.ready => self.message = format!("{} probe: {}", said.probe.word(), said.why),
            None => {}
        }
        *self != before
    }

    /// It could not be started; another try of the same attempt follows.
    pub fn start_failed(&mut self, now: Timestamp, why: &str) {
        self.streak = self.streak.saturating_add(1);
        // at once makes no sense here: what was missing is still missing
        let wait = Self::back_off(self.streak.max(2));
        self.not_before = Some(now.after(wait));
        self.message = format!("not started: {why}; next try after {} s", wait.as_secs());
    }

    /// The next attempt, after this one ended.
    pub fn next_attempt(&mut self, now: Timestamp, why: &str) {
        self.attempt += 1;
        self.started = false;
        self.warm = false;
        self.ready = false;
        self.been_ready = false;
        self.unwell = false;
        self.failures += 1;
        let wait = Self::back_off(self.streak);
        self.not_before = (!wait.is_zero()).then(|| now.after(wait));
        self.message = if wait.is_zero() { why.to_owned() } else { format!("{why}; next try after {} s", wait.as_secs()) };
        self.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_the_later_ones_wait_ever_longer() {
        let waits: Vec<u64> = (1..9).map(|streak| Pod::back_off(streak).as_secs()).collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(Pod::back_off(u32::MAX), MAX_BACK_OFF);
    }

    #[test]
    fn names_fit_into_63_characters() {
        let name = pod_name(&"a".repeat(63), "0123456789", 999);
        assert!(format!("{name}-r999999").len() <= 63, "{name}");
        assert_eq!(pod_name("api-gateway", "0123456789", 0), "api-gateway-0123456789-0");
    }
}
