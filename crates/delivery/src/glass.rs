//! Breaking the glass: one person asks, a second one confirms, and only then there is a statement that opens a gate for a
//! time. [`decide`] is pure; what it decided is a signed statement by both, or an event that opens nothing.

use std::time::Duration;

use penstock_gate::{BreakGlass as Gate, may_approve, same_person};
use penstock_model::evidence::{Subject, Witness, predicate};
use penstock_model::ids::Actor;
use penstock_model::release::{ReleaseId, Revision};
use penstock_model::{Digest, EnvironmentName, Timestamp, UserName};
use penstock_trust::predicate::BreakGlass;

use crate::events::{GlassAsk, ReleaseEvent};
use crate::evidence::{Saying, say_for};
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::{EnvironmentState, ReleaseRecord, ReleaseStep, World};

/// How long the gate stays open unless somebody says otherwise.
pub const LASTS: Duration = Duration::from_secs(4 * 3600);
/// How long a wish waits for a second person.
pub const WAITS: Duration = Duration::from_secs(3600);
/// The longest reason, in bytes.
pub(crate) const MAX_REASON: usize = 1000;

/// What one person orders: to ask, or to confirm what another asked.
#[derive(Clone, Debug)]
pub struct GlassOrder {
    /// Who, as authenticated.
    pub by: UserName,
    /// Which release.
    pub release: ReleaseId,
    /// Into which environment.
    pub environment: EnvironmentName,
    /// Why. Whoever confirms may leave it to the one who asked.
    pub reason: String,
    /// How long the gate is to stay open; of two wishes the shorter counts.
    pub lasts: Option<Duration>,
    /// Only confirm: ask nothing.
    pub confirm: bool,
}

/// What an order comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is the first of two: the wish is kept.
    Ask(GlassAsk),
    /// It is the second: this is said, once under this key.
    Open {
        /// The statement.
        said: BreakGlass,
        /// Names the wish that is confirmed.
        key: String,
    },
}

/// A gate that two people opened, as their statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glass {
    /// What they said.
    pub said: BreakGlass,
    /// When they said it.
    pub at: Timestamp,
    /// The statement.
    pub envelope: Digest,
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glassed {
    /// A second person is needed.
    Asked(GlassAsk),
    /// The gate is open.
    Opened(Glass),
}

impl GlassAsk {
    /// Names it: it is confirmed once.
    fn key(&self, release: ReleaseId, environment: &EnvironmentName) -> String {
        format!("break-glass/{release}/{environment}/{}/{}", self.by, self.lapses.0)
    }
}

impl World {
    /// The gates that were opened for a release, the oldest first: in force, expired, or for a revision that is no more.
    pub fn glasses(&self, record: &ReleaseRecord) -> Vec<Glass> {
        let statements = self.evidence.get(&record.release.project).and_then(|kept| kept.by_subject.get(&Subject::Release(record.id)));
        let opened = statements.into_iter().flatten().filter(|said| said.predicate_type == predicate::BREAK_GLASS);
        opened
            .filter(|said| said.witness == Witness::Observed)
            .filter_map(|said| {
                let glass = serde_json::from_value(said.predicate.clone()).ok()?;
                Some(Glass { said: glass, at: said.at, envelope: said.envelope })
            })
            .collect()
    }

    /// The wish that waits for a second person now. It is for what the gate refuses now: the revision and the policy.
    pub fn glass_asked(&self, record: &ReleaseRecord, environment: &EnvironmentName, now: Timestamp) -> Option<&GlassAsk> {
        let state = self.releases.get(&record.id)?.environments.get(environment)?;
        let (ask, answer) = (state.asked.as_ref()?, state.gate.as_ref()?);
        let same = (ask.revision, ask.policy) == (answer.revision, answer.decision.policy);
        let kept = self.evidence.get(&record.release.project);
        let confirmed = kept.is_some_and(|kept| kept.keys.contains_key(&ask.key(record.id, environment)));
        // nobody confirms what somebody asked who was removed since
        let gone = self.former.contains_key(&ask.by) && !self.users.contains_key(&ask.by);
        (same && ask.lapses > now && !confirmed && !gone).then_some(ask)
    }
}

/// Decides what an order comes to. The gate has to have refused; both have to be approvers, and two; one of them may
/// neither have pushed nor written the release; and what the first one saw must still be so.
///
/// # Errors
/// Why not, and what to do.
pub fn decide(world: &World, order: &GlassOrder, now: Timestamp) -> Result<Turn, OrderError> {
    let GlassOrder { by, release, environment, .. } = order;
    let record = world.releases.get(release).ok_or_else(|| OrderError::Absent(format!("release {release}")))?;
    let (revision, policy) = at_the_gate(world, record, environment)?;
    let approvers = world.config(&record.release.project).map(|config| config.approvers.clone()).unwrap_or_default();
    may_take_part(by, &approvers)?;
    let lasts = order.lasts.unwrap_or(LASTS);
    if lasts.is_zero() || lasts > Gate::LONGEST {
        return refused("a gate stays open for more than nothing and for 24 hours at most", "`--expires 4h`");
    }
    let reason = one_line(&order.reason);
    if reason.len() > MAX_REASON {
        return refused(format!("the reason is longer than {MAX_REASON} bytes"), "say it shortly; what was refused is kept anyway");
    }
    let same = |glass: &&Glass| {
        glass.said.environment == *environment && (glass.said.revision, glass.said.policy) == (revision, policy) && glass.said.expires > now
    };
    if let Some(glass) = world.glasses(record).iter().find(same) {
        return refused(format!("the gate of {environment} is open until {}", glass.said.expires), "nothing has to be done");
    }
    let Some(ask) = world.glass_asked(record, environment, now) else {
        if order.confirm {
            return refused(
                format!("nobody asks to have the gate of {environment} opened for what it refuses now"),
                "a wish lapses after an hour, and when the policy or what would run changes: ask again, without --confirm",
            );
        }
        if reason.is_empty() {
            return refused("breaking the glass needs a reason", "`--reason TEXT`: it is signed, and the team reads it");
        }
        let lasts_ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        return Ok(Turn::Ask(GlassAsk { by: by.clone(), reason, revision, policy, lasts_ms, lapses: now.after(WAITS) }));
    };
    confirm(world, record, ask, order, &approvers, now)
}

/// What the gate refused: the revision and the policy.
fn at_the_gate(world: &World, record: &ReleaseRecord, environment: &EnvironmentName) -> Result<(Revision, Digest), OrderError> {
    let project = &record.release.project;
    let Some(place) = world.environment(project, environment) else {
        return Err(OrderError::Absent(format!("environment `{environment}` in project `{project}`")));
    };
    let short = record.id.0.short();
    match world.step(record, &place) {
        ReleaseStep::GateRefused | ReleaseStep::AwaitingApproval => {}
        ReleaseStep::AtGate => return refused("the gate has not answered yet", "try again in a moment"),
        ReleaseStep::Allowed => return refused(format!("the gate of {environment} lets the release in"), "nothing has to be done"),
        step => {
            return refused(
                format!("the release does not stand before the gate of {environment}: it is `{step:?}`"),
                format!("`penstock explain {short}` says how it stands"),
            );
        }
    }
    let state = record.environments.get(environment).and_then(|state: &EnvironmentState| state.gate.as_ref());
    state.map_or_else(
        || refused("the gate has not answered yet", "try again in a moment"),
        |answer| Ok((answer.revision, answer.decision.policy)),
    )
}

/// A reason as it is kept: one line, without what could drive a terminal or end a header.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn may_take_part(by: &UserName, approvers: &[UserName]) -> Result<(), OrderError> {
    if !approvers.contains(by) {
        return refused(
            format!("{by} is not among the approvers, and breaking the glass needs two of them"),
            "ask two people who are named under `approvers` in the config repository",
        );
    }
    if approvers.iter().all(|other| same_person(by, other)) {
        return refused(
            format!("{by} is the only approver, and breaking the glass needs two"),
            "name a second person under `approvers` in the config repository",
        );
    }
    Ok(())
}

fn confirm(
    world: &World,
    record: &ReleaseRecord,
    ask: &GlassAsk,
    order: &GlassOrder,
    approvers: &[UserName],
    now: Timestamp,
) -> Result<Turn, OrderError> {
    let GlassOrder { by, release, environment, .. } = order;
    let short = release.0.short();
    if same_person(&ask.by, by) {
        return refused(
            format!("{} asked already, and one person alone does not break the glass", ask.by),
            format!("another approver confirms before {}: `penstock break-glass {short} {environment} --confirm`", ask.lapses),
        );
    }
    if !approvers.contains(&ask.by) {
        return refused(
            format!("{}, who asked, is not among the approvers any more", ask.by),
            format!("the wish lapses at {}; then two approvers ask and confirm again", ask.lapses),
        );
    }
    // an approver is needed even where the environment itself asks for no approval
    let rule = penstock_gate::ApprovalRule { required: 1, expires: penstock_gate::Span::day() };
    let authors = world.authors(record);
    let independent = |user: &UserName| may_approve(user, Some(&rule), &record.pushers, &authors, approvers).is_ok();
    if !independent(&ask.by) && !independent(by) {
        return refused(
            format!("both {} and {by} pushed or wrote a commit of this release", ask.by),
            "one of the two has to be an approver who did neither",
        );
    }
    let wished = Duration::from_millis(ask.lasts_ms);
    let lasts = order.lasts.map_or(wished, |lasts| lasts.min(wished));
    let own = one_line(&order.reason);
    let reason = if own.is_empty() || own == ask.reason { ask.reason.clone() } else { format!("{}; {own}", ask.reason) };
    let said = BreakGlass {
        environment: environment.clone(),
        revision: ask.revision,
        policy: ask.policy,
        people: [ask.by.clone(), by.clone()],
        reason,
        expires: now.after(lasts),
    };
    Ok(Turn::Open { said, key: ask.key(*release, environment) })
}

/// Carries an order out: keeps the wish, or signs the statement of both. The gate sees it and answers again; the team is
/// told of either.
///
/// # Errors
/// Why not, and what to do.
pub async fn break_glass(parts: &Parts, order: &GlassOrder) -> Result<Glassed, OrderError> {
    let actor = || Actor::User(order.by.clone());
    loop {
        let world = parts.journal.world();
        match decide(&world, order, parts.journal.now())? {
            Turn::Ask(_) => {
                let asked = parts
                    .journal
                    .change(&streams::release(order.release), actor(), |world, now| match decide(world, order, now) {
                        Ok(Turn::Ask(ask)) => vec![ReleaseEvent::GlassAsked { environment: order.environment.clone(), ask }],
                        // somebody else was faster: it is looked at again
                        _ => Vec::new(),
                    })
                    .await?;
                if let Some(ReleaseEvent::GlassAsked { ask, .. }) = asked.into_iter().next() {
                    return Ok(Glassed::Asked(ask));
                }
            }
            Turn::Open { said, key } => {
                let record = world.releases.get(&order.release).ok_or_else(|| OrderError::Absent(format!("release {}", order.release)))?;
                let saying = Saying {
                    project: &record.release.project,
                    run: Some(&record.run),
                    subject: Subject::Release(order.release),
                    name: "break-glass",
                    witness: Witness::Observed,
                    key,
                    predicate: &said,
                };
                let envelope = say_for(parts, actor(), saying).await?;
                // of two who confirmed at once the first counts: what its statement says is so
                let opened = parts.journal.world().glasses(record).into_iter().find(|glass| glass.envelope == envelope);
                return opened.map(Glassed::Opened).ok_or_else(|| OrderError::Absent(format!("statement {envelope}")));
            }
        }
    }
}
