//! What people are to be told, read off the world, and in which words.

use std::collections::BTreeSet;

use penstock_gate::Notification;
use penstock_model::release::ReleaseId;
use penstock_model::{EnvironmentName, Timestamp};

use crate::glass::Glass;
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
    /// Somebody wants the gate opened, and a second person is needed before this moment.
    GlassAsked(Timestamp),
    /// Two people opened the gate at this moment.
    GlassBroken(Timestamp),
}

impl Matter {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::AwaitingApproval => "awaiting-approval",
            Self::GateRefused => "gate-refused",
            Self::CheckFailed => "check-failed",
            Self::RolledBack => "rolled-back",
            Self::GlassAsked(_) => "glass-asked",
            Self::GlassBroken(_) => "glass-broken",
        }
    }

    /// True for what nobody may miss.
    pub fn is_loud(self) -> bool {
        matches!(self, Self::GlassBroken(_))
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
        let thing = format!("{}.{}.{}", self.release.0.hex(), self.environment, self.matter.word());
        match self.matter {
            // each is a thing of its own
            Matter::GlassAsked(at) | Matter::GlassBroken(at) => format!("{thing}.{}", at.0),
            _ => thing,
        }
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
                let reached = matter(record, world.step(record, environment), &environment.name);
                for matter in reached.into_iter().chain(glass(world, record, &environment.name)) {
                    let notice = |channel| Notice { release: record.id, environment: environment.name.clone(), matter, channel };
                    let told = world.notices.get(&notice(0).key());
                    let untold = config.notifications.iter().enumerate().filter(|(place, notification)| {
                        let name = channel_name(*place, notification);
                        !told.is_some_and(|told| told.sent.contains_key(&name) || told.given_up.contains_key(&name))
                    });
                    due.extend(untold.map(|(place, _)| notice(place)));
                }
            }
        }
    }
    due
}

/// Wishes to break the glass, and glass that was broken.
fn glass(world: &World, record: &ReleaseRecord, environment: &EnvironmentName) -> Vec<Matter> {
    let asked = record.environments.get(environment).and_then(|state| state.asked.as_ref());
    let broken = world.glasses(record).into_iter().filter(|glass| glass.said.environment == *environment);
    asked.map(|ask| Matter::GlassAsked(ask.lapses)).into_iter().chain(broken.map(|glass| Matter::GlassBroken(glass.at))).collect()
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
            let rules: BTreeSet<_> = denials.iter().map(|denial| denial.rule.as_str()).collect();
            let rules: Vec<_> = rules.into_iter().collect();
            format!("{project} {commit} is refused at the gate of {place}: {}. {link}", rules.join(", "))
        }
        Matter::CheckFailed => {
            let failed = state?.checks.iter().find(|check| !check.passed)?;
            format!("{project} {commit} in {place}: {} failed: {}. {link}", failed.name, failed.summary)
        }
        Matter::RolledBack => {
            let state = state?;
            // what was refused before its commit never ran
            let what = if state.committed_at.is_some() { "was rolled back in" } else { "is refused in" };
            format!("{project} {commit} {what} {place}: {}. {link}", state.refused.as_ref()?)
        }
        Matter::GlassAsked(lapses) => {
            let ask = state?.asked.as_ref().filter(|ask| ask.lapses == lapses)?;
            let order = format!("penstock break-glass {} {place} --confirm", record.id.0.short());
            let (by, reason) = (&ask.by, &ask.reason);
            format!(
                "{by} asks to break the glass of {place} for {project} {commit}: {reason}. A second approver confirms before {lapses}: {order}. {link}"
            )
        }
        Matter::GlassBroken(at) => {
            let glass = world.glasses(record).into_iter().find(|glass| glass.at == at && glass.said.environment == *place)?;
            let Glass { said, .. } = glass;
            let [one, other] = &said.people;
            let (until, reason) = (said.expires, &said.reason);
            let overridden = overridden(record, place);
            format!(
                "BREAK-GLASS: {one} and {other} opened the gate of {place} for {project} {commit} until {until}: {reason}.{overridden} {link}"
            )
        }
    })
}

/// The rules that the gate refuses by, or would have.
fn overridden(record: &ReleaseRecord, environment: &EnvironmentName) -> String {
    let decision = record.environments.get(environment).and_then(|state| state.gate.as_ref()).map(|answer| &answer.decision);
    let rules: BTreeSet<&str> = decision
        .into_iter()
        .flat_map(|decision| decision.denials.iter().chain(&decision.overridden))
        .map(|denial| denial.rule.as_str())
        .collect();
    if rules.is_empty() { String::new() } else { format!(" Overridden: {}.", rules.into_iter().collect::<Vec<_>>().join(", ")) }
}
