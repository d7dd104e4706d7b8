//! Users and secrets. Whoever is logged in may look: names and times are in the audit trail too, tokens and values nowhere.

use axum::Json;
use axum::extract::{Path, State};
use penstock_api::{NewUser, NewUserToken, SecretValue, SecretView, UserView};
use penstock_delivery::events::{Handling, Role};
use penstock_delivery::{SecretRecord, UserRecord, orders};
use penstock_model::ids::Actor;
use penstock_model::{ProjectName, Secret, UserName};

use super::orders::{Answer, done};
use crate::App;
use crate::auth::Caller;
use crate::problem::Failure;

/// Each role and the word for it.
const ROLES: [(Role, &str); 3] = [(Role::Reader, "reader"), (Role::Developer, "developer"), (Role::Admin, "admin")];

pub(super) async fn users(State(app): State<App>, _: Caller) -> Json<Vec<UserView>> {
    Json(app.parts.journal.world().users.values().map(|user| user_view(user)).collect())
}

fn user_view(user: &UserRecord) -> UserView {
    let role = ROLES.iter().find(|(role, _)| *role == user.role).map_or("", |(_, word)| word);
    UserView { name: user.name.clone(), role: role.to_owned(), since: user.since, token_since: user.token_since }
}

pub(super) async fn add_user(State(app): State<App>, caller: Caller, Json(new): Json<NewUser>) -> Result<Json<NewUserToken>, Failure> {
    caller.must_be(Role::Admin)?;
    let role = ROLES.iter().find(|(_, word)| *word == new.role).map(|(role, _)| *role);
    let role = role.ok_or_else(|| Failure::bad(format!("`{}` is no role: `reader`, `developer` or `admin`", new.role)))?;
    let token = orders::add_user(&app.parts, Actor::User(caller.user), &new.name, role, new.emails).await?;
    Ok(Json(NewUserToken { name: new.name, token: token.expose().to_owned() }))
}

pub(super) async fn remove_user(State(app): State<App>, caller: Caller, Path(name): Path<UserName>) -> Answer {
    caller.must_be(Role::Admin)?;
    orders::remove_user(&app.parts, &caller.user, &name).await?;
    done()
}

pub(super) async fn renew_token(State(app): State<App>, caller: Caller, Path(name): Path<UserName>) -> Result<Json<NewUserToken>, Failure> {
    if caller.user != name {
        caller.must_be(Role::Admin)?;
    }
    let token = orders::renew_token(&app.parts, &caller.user, &caller.token, &name).await?;
    Ok(Json(NewUserToken { name, token: token.expose().to_owned() }))
}

pub(super) async fn secrets(State(app): State<App>, _: Caller, Path(project): Path<ProjectName>) -> Result<Json<Vec<SecretView>>, Failure> {
    let world = app.parts.journal.world();
    let record = world.projects.get(&project).ok_or_else(|| Failure::absent(format!("project `{project}`")))?;
    let view = |((name, _), secret): (&(String, Option<String>), &SecretRecord)| SecretView {
        name: name.clone(),
        set: secret.set,
        by: secret.by.to_string(),
        all_branches: secret.how.all_branches,
    };
    // the others are variables: `penstock variable list` has them all
    let secrets = record.secrets.iter().filter(|(_, known)| Handling { all_branches: false, ..known.how.clone() } == Handling::default());
    Ok(Json(secrets.map(view).collect()))
}

pub(super) async fn set_secret(
    State(app): State<App>,
    caller: Caller,
    Path((project, name)): Path<(ProjectName, String)>,
    Json(secret): Json<SecretValue>,
) -> Answer {
    caller.must_be(Role::Admin)?;
    let how = Handling { all_branches: secret.all_branches, ..Handling::default() };
    orders::set_secret(&app.parts, &caller.user, &project, &name, Secret::new(secret.value), how).await?;
    done()
}

pub(super) async fn remove_secret(State(app): State<App>, caller: Caller, Path((project, name)): Path<(ProjectName, String)>) -> Answer {
    caller.must_be(Role::Admin)?;
    orders::remove_secret(&app.parts, &caller.user, &project, &name, None).await?;
    done()
}
