//! What people are to be told, read off the world, and in which words.

use penstock_gate::Notification;
use penstock_model::EnvironmentName;
use penstock_model::release::ReleaseId;

use crate::world::{ReleaseRecord, ReleaseStep, WayBack, World};

/// How a thing stands that people are told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// Everything runs and every check passed.
    Delivered,
    /// An approval is missing.
    AwaitingApproval,
    /// The gate refuses.
    GateRefused,
    /// A check against the environment failed.
    CheckFailed,
    /// It was taken back out.
    RolledBack,
}

impl Matter {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::AwaitingApproval => "awaiting-approval",
            Self::GateRefused => "gate-refused",
            Self::CheckFailed => "check-failed",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// One thing to tell, over one channel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Which release.
    pub release: ReleaseId,
    /// Which environment.
    pub environment: EnvironmentName,
    /// What happened.
    pub matter: Matter,
    /// Which of the project's notifications, by place.
    pub channel: usize,
}

impl Notice {
    /// Names the thing (not the channel): the notice's stream, and the idempotency key that receivers see.
    pub fn key(&self) -> String {
        format!("{}.{}.{}", self.release.0.hex(), self.environment, self.matter.word())
    }
}

/// The channel's name in events.
pub fn channel_name(place: usize, notification: &Notification) -> String {
    match notification {
        Notification::Slack(_) => format!("slack-{place}"),
        Notification::Email(_) => format!("email-{place}"),
    }
}

/// Everything that people have not been told yet.
pub fn due(world: &World) -> Vec<Notice> {
    let mut due = Vec::new();
    for project in world.projects.keys() {
        let Some(config) = world.config(project) else { continue };
        for environment in &config.environments {
            for record in world.releases_of(project) {
                let Some(matter) = matter(record, world.step(record, environment), &environment.name) else { continue };
                for (place, notification) in config.notifications.iter().enumerate() {
                    let notice = Notice { release: record.id, environment: environment.name.clone(), matter, channel: place };
                    let name = channel_name(place, notification);
                    let told = world.notices.get(&notice.key());
                    if !told.is_some_and(|told| told.sent.contains_key(&name) || told.given_up.contains_key(&name)) {
                        due.push(notice);
                    }
                }
            }
        }
    }
    due
}

fn matter(record: &ReleaseRecord, step: ReleaseStep, environment: &EnvironmentName) -> Option<Matter> {
    match step {
        ReleaseStep::Delivered => Some(Matter::Delivered),
        ReleaseStep::AwaitingApproval => Some(Matter::AwaitingApproval),
        ReleaseStep::GateRefused => Some(Matter::GateRefused),
        ReleaseStep::CheckFailed => Some(Matter::CheckFailed),
        ReleaseStep::Refused => {
            let back = record.environments.get(environment)?.way_back.as_ref()?;
            matches!(back, WayBack::Reverted { .. }).then_some(Matter::RolledBack)
        }
        _ => None,
    }
}

/// The words: one line and, where there is something to do, a second one.
pub fn text(world: &World, notice: &Notice, url: &str) -> Option<String> {
    let record = world.releases.get(&notice.release)?;
    let state = record.environments.get(&notice.environment);
    let project = &record.release.project;
    let commit = record.release.commit.short();
    let place = &notice.environment;
    let link = format!("{url}/releases/{}", record.id.0.hex());
    Some(match notice.matter {
        Matter::Delivered => format!("{project} {commit} runs in {place}. {link}"),
        Matter::AwaitingApproval => format!("{project} {commit} waits for an approval for {place}. {link}"),
        Matter::GateRefused => {
            let denials = &state?.gate.as_ref()?.decision.denials;
            let rules: Vec<_> = denials.iter().map(|denial| denial.rule.as_str()).collect();
            format!("{project} {commit} is refused at the gate of {place}: {}. {link}", rules.join(", "))
        }
        Matter::CheckFailed => {
            let failed = state?.checks.iter().find(|check| !check.passed)?;
            format!("{project} {commit} in {place}: {} failed: {}. {link}", failed.name, failed.summary)
        }
        Matter::RolledBack => format!("{project} {commit} was rolled back in {place}: {}. {link}", state?.refused.as_ref()?),
    })
}
