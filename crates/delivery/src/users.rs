//! Who may log in: added, given another token, removed.

use penstock_model::ids::Actor;
use penstock_model::{Digest, Secret, UserName};

use crate::events::{Role, UserEvent};
use crate::orders::{OrderError, refused};
use crate::parts::Parts;
use crate::streams;
use crate::world::World;

/// Adds a user and gives their token, which is shown once. Nobody is called as the audit trail calls the server itself.
pub async fn add_user(parts: &Parts, by: Actor, name: &UserName, role: Role, emails: Vec<String>) -> Result<Secret, OrderError> {
    if name.as_str().eq_ignore_ascii_case(&Actor::Penstock.to_string()) {
        return refused(format!("`{name}` is what the server calls itself"), "give the user another name");
    }
    let token = parts.random.token();
    let event = UserEvent::Added { role, token: Digest::of(token.expose()), emails };
    change(parts, by, name, |world| if role < Role::Admin { not_the_last(world, name).map(|()| event) } else { Ok(event) }).await?;
    Ok(token)
}

/// Removes a user: their token and with it their sessions end at once. What they did keeps their name.
pub async fn remove_user(parts: &Parts, by: &UserName, name: &UserName) -> Result<(), OrderError> {
    change(parts, Actor::User(by.clone()), name, |world| {
        if !world.users.contains_key(name) {
            return Err(OrderError::Absent(format!("user `{name}`")));
        }
        not_the_last(world, name).map(|()| UserEvent::Removed)
    })
    .await
}

/// Gives a user another token, which is shown once; the one before ends at once. Everybody may for themselves, administrators
/// for all. `shown` is what the caller logged in with: if that has ended meanwhile, whoever ended it has the last word.
pub async fn renew_token(parts: &Parts, by: &UserName, shown: &Digest, name: &UserName) -> Result<Secret, OrderError> {
    let token = parts.random.token();
    let event = UserEvent::TokenChanged { token: Digest::of(token.expose()) };
    change(parts, Actor::User(by.clone()), name, |world| {
        if !world.users.contains_key(name) {
            return Err(OrderError::Absent(format!("user `{name}`")));
        }
        let caller = world.users.get(by).filter(|caller| caller.token.same(shown));
        match caller {
            Some(caller) if by == name || caller.role == Role::Admin => Ok(event),
            Some(_) => refused(format!("the token of {name} is not for {by} to change"), "ask an administrator"),
            None => refused("your own token has ended meanwhile", "`penstock login` stores another one"),
        }
    })
    .await?;
    Ok(token)
}

/// Nothing else is written between the look and the append, so that two administrators do not remove each other.
async fn change(
    parts: &Parts,
    by: Actor,
    name: &UserName,
    decide: impl FnOnce(&World) -> Result<UserEvent, OrderError> + Send,
) -> Result<(), OrderError> {
    let mut refusal = None;
    let decide = |world: &World, _| match decide(world) {
        Ok(event) => vec![event],
        Err(error) => {
            refusal = Some(error);
            Vec::new()
        }
    };
    parts.journal.change(&streams::user(name), by, decide).await?;
    refusal.map_or(Ok(()), Err)
}

/// Without an administrator nobody could make another one.
fn not_the_last(world: &World, name: &UserName) -> Result<(), OrderError> {
    let mut admins = world.users.values().filter(|user| user.role == Role::Admin);
    if admins.next().is_some_and(|first| first.name == *name) && admins.next().is_none() {
        return refused(format!("{name} is the last administrator"), "make another one first: `penstock user add NAME --role admin`");
    }
    Ok(())
}
