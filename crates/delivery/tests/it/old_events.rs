//! Events as earlier versions wrote them are read for ever, and mean no more than they did.

use penstock_delivery::World;
use penstock_delivery::events::{Handling, ProjectEvent, SettingEvent, UserEvent};
use penstock_model::event::{DomainEvent, EventType, NewEvent, Recorded};
use penstock_model::ids::Actor;
use penstock_model::{Digest, Timestamp};
use serde_json::{Value, json};

/// Folds events that lay in a log, each with its stream, type and version.
fn folded(stored: &[(&str, &str, u16, Value)]) -> World {
    let mut world = World::default();
    for (number, (stream, kind, version, data)) in (1u64..).zip(stored) {
        let event = Recorded {
            position: number,
            stream: stream.parse().unwrap(),
            version: world.versions.get(&stream.parse().unwrap()).copied().unwrap_or(0),
            kind: EventType { name: (*kind).to_owned(), version: *version },
            actor: Actor::User("root".parse().unwrap()),
            at: Timestamp(i64::try_from(number).unwrap()),
            data: data.clone(),
            previous: None,
            hash: Digest::of(b""),
        };
        world.apply(&event);
    }
    assert!(world.unknown.is_empty(), "{:?}", world.unknown);
    world
}

fn project() -> (&'static str, &'static str, u16, Value) {
    ("project/oran", "project.created", 1, json!({"event": "created", "project": "oran", "config": "oran-config", "branch": "main"}))
}

#[test]
fn a_secret_that_was_set_before_branches_counted_is_protected() {
    let world = folded(&[
        project(),
        ("settings/oran", "setting.secret_set", 1, json!({"event": "secret_set", "name": "old"})),
        ("settings/oran", "setting.secret_set", 2, json!({"event": "secret_set", "name": "wide", "all_branches": true})),
        ("settings/oran", "setting.secret_set", 2, json!({"event": "secret_set", "name": "gone", "all_branches": false})),
        ("settings/oran", "setting.secret_removed", 1, json!({"event": "secret_removed", "name": "gone"})),
    ]);
    let secrets = &world.projects[&"oran".parse().unwrap()].secrets;
    let listed: Vec<_> = secrets.iter().map(|((name, _), secret)| (name.as_str(), secret.how.all_branches, secret.set.0)).collect();
    assert_eq!(listed, [("old", false, 2), ("wide", true, 3)]);
}

#[test]
fn users_as_they_were_written_log_in_and_go() {
    let token = |text: &str| Digest::of(text);
    let added = |name: &str, role: &str, hash: Digest| json!({"event": "added", "role": role, "token": hash, "emails": [format!("{name}@example.org")]});
    let world = folded(&[
        ("user/ada", "user.added", 1, added("ada", "reader", token("a"))),
        ("user/eve", "user.added", 1, added("eve", "developer", token("b"))),
        ("user/ada", "user.added", 1, added("ada", "developer", token("c"))),
        ("user/eve", "user.removed", 1, json!({"event": "removed"})),
        ("user/ada", "user.token_changed", 1, json!({"event": "token_changed", "token": token("d")})),
    ]);
    let users: Vec<_> = world.users.values().map(|user| (user.name.as_str(), user.token, user.since.0, user.token_since.0)).collect();
    assert_eq!(users, [("ada", token("d"), 1, 5)]);
    assert_eq!(world.former[&"eve".parse().unwrap()], ["eve@example.org".to_owned()].into());
}

#[test]
fn what_is_written_now_is_what_the_samples_say() {
    fn written<E: DomainEvent>(event: &E) -> (String, u16, Value) {
        let new = NewEvent::of(event, Actor::Penstock, Timestamp(0)).unwrap();
        (new.kind.name, new.kind.version, new.data)
    }
    let sample = |kind: &str, version: u16, data: Value| (kind.to_owned(), version, data);
    let set = SettingEvent::SecretSet { name: "key".to_owned(), how: Handling::default() };
    let data = json!({"event": "secret_set", "name": "key", "all_branches": false});
    assert_eq!(written(&set), sample("setting.secret_set", 2, data));
    let removed = SettingEvent::SecretRemoved { name: "key".to_owned(), environment: None };
    assert_eq!(written(&removed), sample("setting.secret_removed", 1, json!({"event": "secret_removed", "name": "key"})));
    let changed = UserEvent::TokenChanged { token: Digest::of(b"") };
    let data = json!({"event": "token_changed", "token": Digest::of(b"")});
    assert_eq!(written(&changed), sample("user.token_changed", 1, data));
    let (_, kind, version, data) = project();
    let created: ProjectEvent = serde_json::from_value(data.clone()).unwrap();
    assert_eq!(written(&created), sample(kind, version, data));
}
