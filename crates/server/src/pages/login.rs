//! Logging in and out.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use maud::{Markup, html};
use penstock_model::Secret;
use serde::Deserialize;

use super::layout;
use crate::App;
use crate::auth::{COOKIE, user_of};

/// A session's longest life, in seconds.
const LIFE: u32 = 12 * 60 * 60;

/// Where one wanted to go.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// The token that was typed.
#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    #[serde(default)]
    next: String,
}

/// The page's address, remembering where one wanted to go.
pub(super) fn address(next: &str) -> String {
    let next: String = next
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"/-_.".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("/login?next={next}")
}

/// Only a path of this server.
fn path(next: &str) -> &str {
    // browsers leave tabs and line ends out of an address before they read it
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.contains(char::is_control);
    if own { next } else { "/" }
}

fn form(next: &str, error: Option<&str>) -> Markup {
    let body = html! {
        form.login.card method="post" action="/login" {
            @if let Some(error) = error { p.error role="alert" { (error) } }
            input type="hidden" name="next" value=(next);
            label for="token" { "Token" }
            input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
            p.hint { "The server printed the first one's file when it started; an administrator adds users with " code { "penstock user add" } "." }
            button.main type="submit" { "Log in" }
        }
    };
    layout::door("Log in", &body)
}

pub(super) async fn page(Query(query): Query<Next>) -> Markup {
    form(path(&query.next), None)
}

pub(super) async fn enter(State(app): State<App>, Form(typed): Form<Typed>) -> Response {
    let next = path(&typed.next).to_owned();
    let token = Secret::new(typed.token.trim());
    if user_of(&app.parts.journal.world(), &token).is_none() {
        return form(&next, Some("No user has this token.")).into_response();
    }
    let secure = if app.secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={LIFE}{secure}", token.expose());
    ([(SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
}

pub(super) async fn leave() -> Response {
    ([(SET_COOKIE, format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"))], Redirect::to("/login")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!([path("/\t/evil"), path("/\n/evil"), path("/\u{b}/evil")], ["/"; 3]);
        assert_eq!([path("/runs/1"), path("//evil"), path("https://evil"), path("/a\r\nb")], ["/runs/1", "/", "/", "/"]);
        assert_eq!(address("/runs?x=1"), "/login?next=/runs%3Fx%3D1");
    }
}
