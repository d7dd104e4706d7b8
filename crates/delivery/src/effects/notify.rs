//! Telling people.

use penstock_gate::Notification;
use penstock_model::event::StreamId;
use penstock_model::ids::Actor;

use super::EffectError;
use crate::events::NoticeEvent;
use crate::notices::{Notice, Words, channel_name, words};
use crate::parts::Parts;

/// Sends one notice over one channel. A receiver may hear of a thing twice if the server dies in between: the key tells it so.
pub(super) async fn notify(parts: &Parts, notice: &Notice) -> Result<(), EffectError> {
    let world = parts.journal.world();
    let Some(record) = world.releases.get(&notice.release) else { return Ok(()) };
    let project = record.release.project.clone();
    let Some(config) = world.config(&project) else { return Ok(()) };
    let Some(notification) = config.notifications.get(notice.channel) else { return Ok(()) };
    let Some(Words { subject, text }) = words(&world, notice, &parts.settings.url) else { return Ok(()) };
    let key = notice.key();
    let channel = channel_name(notice.channel, notification);
    let event = match notification {
        Notification::Slack(slack) => {
            match parts.secrets.get(&project, &slack.url_secret).await.map_err(|error| EffectError::Other(error.to_string()))? {
                Some(url) => {
                    // Slack's own word for everybody in the channel
                    let said = if notice.matter.is_loud() { format!("<!channel> {text}") } else { text.clone() };
                    parts.messenger.slack(&url, &said, &key).await.map_err(EffectError::Other)?;
                    NoticeEvent::Sent { channel, text }
                }
                None => {
                    let why = format!("secret `{0}` is not set: `penstock secret set --project {project} {0}`", slack.url_secret);
                    NoticeEvent::GivenUp { channel, why }
                }
            }
        }
        Notification::Email(email) => {
            parts.messenger.email(&email.to, &subject, &text, &key).await.map_err(EffectError::Other)?;
            NoticeEvent::Sent { channel, text }
        }
    };
    let stream: StreamId = format!("notice/{key}").parse().map_err(|error| EffectError::Other(format!("{error}")))?;
    parts.journal.record(&stream, Actor::Penstock, event).await?;
    Ok(())
}
