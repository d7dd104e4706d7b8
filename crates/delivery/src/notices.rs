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

/// What somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened to what, and where: as long as a list of mails shows.
    pub subject: String,
    /// The whole sentence, what there is to do, and the address.
    pub text: String,
}

/// The words for a notice; none if what it tells of is no longer so.
pub fn words(world: &World, notice: &Notice, url: &str) -> Option<Words> {
    let record = world.releases.get(&notice.release)?;
    let state = record.environments.get(&notice.environment);
    let (place, what) = (&notice.environment, format!("{} {}", record.release.project, record.release.commit.short()));
    let (subject, sentence) = match notice.matter {
        Matter::Delivered => {
            let subject = format!("{what} runs in {place}");
            (subject.clone(), format!("{subject}."))
        }
        Matter::AwaitingApproval => {
            let subject = format!("{what} waits for an approval for {place}");
            (subject.clone(), format!("{subject}."))
        }
        Matter::GateRefused => {
            let denials = &state?.gate.as_ref()?.decision.denials;
            let rules: BTreeSet<_> = denials.iter().map(|denial| denial.rule.as_str()).collect();
            let rules: Vec<_> = rules.into_iter().collect();
            let subject = format!("{what} is refused at the gate of {place}");
            (subject.clone(), format!("{subject}: {}.", rules.join(", ")))
        }
        Matter::CheckFailed => {
            let failed = state?.checks.iter().find(|check| !check.passed)?;
            (format!("{what} failed a check in {place}"), format!("{what} in {place}: {} failed: {}.", failed.name, failed.summary))
        }
        Matter::RolledBack => {
            let state = state?;
            // what was refused before its commit never ran
            let happened = if state.committed_at.is_some() { "was rolled back in" } else { "is refused in" };
            let subject = format!("{what} {happened} {place}");
            (subject.clone(), format!("{subject}: {}.", state.refused.as_ref()?))
        }
        Matter::GlassAsked(lapses) => {
            let ask = state?.asked.as_ref().filter(|ask| ask.lapses == lapses)?;
            let order = format!("penstock break-glass {} {place} --confirm", record.id.0.short());
            let (by, reason) = (&ask.by, &ask.reason);
            let sentence = format!("{by} asks to break the glass of {place} for {what}: {reason}.");
            (
                format!("{what}: {by} asks to break the glass of {place}"),
                format!("{sentence} A second approver confirms before {lapses}: {order}."),
            )
        }
        Matter::GlassBroken(at) => {
            let glass = world.glasses(record).into_iter().find(|glass| glass.at == at && glass.said.environment == *place)?;
            let Glass { said, .. } = glass;
            let [one, other] = &said.people;
            let (until, reason) = (said.expires, &said.reason);
            let overridden = overridden(record, place);
            let subject = format!("BREAK-GLASS: the gate of {place} is open for {what}");
            (subject, format!("BREAK-GLASS: {one} and {other} opened the gate of {place} for {what} until {until}: {reason}.{overridden}"))
        }
    };
    Some(Words { subject, text: format!("{sentence} {url}/releases/{}", record.id.0.hex()) })
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
