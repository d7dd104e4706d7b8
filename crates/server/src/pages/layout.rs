//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use crate::auth::Caller;

/// A link of the trail at the top: address and text.
pub(super) type Crumb = (String, String);

/// Where the main menu leads.
const MENU: [(&str, &str); 3] = [("/", "Overview"), ("/runs", "Runs"), ("/audit", "Audit trail")];

/// A page for somebody. What changes while one looks is inside `main`.
pub(super) fn page(caller: &Caller, title: &str, trail: &[Crumb], body: &Markup) -> Markup {
    let who = html! {
        form.who method="post" action="/logout" {
            span { (caller.user) }
            button.plain type="submit" { "Log out" }
        }
    };
    frame(title, &html! { (menu(title)) (who) }, trail, body)
}

/// A page for whoever it may be: an error is shown before it is known who asks.
pub(super) fn failure(title: &str, body: &Markup) -> Markup {
    frame(title, &menu(title), &[], body)
}

/// The page where one logs in.
pub(super) fn door(title: &str, body: &Markup) -> Markup {
    frame(title, &html! {}, &[], body)
}

fn menu(title: &str) -> Markup {
    html! {
        nav aria-label="Main" {
            @for (address, text) in MENU { a href=(address) aria-current=[(text == title).then_some("page")] { (text) } }
        }
    }
}

fn frame(title: &str, top: &Markup, trail: &[Crumb], body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Penstock" }
                link rel="stylesheet" href="/assets/style.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                script src="/assets/live.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { img src="/assets/icon.svg" alt="" width="24" height="24"; "Penstock" }
                    (top)
                }
                main id="main" tabindex="-1" {
                    @if !trail.is_empty() {
                        nav.trail aria-label="Trail" {
                            ol { @for (address, text) in trail { li { a href=(address) { (text) } } } }
                        }
                    }
                    h1 { (title) }
                    (body)
                }
                footer { "Penstock " (env!("CARGO_PKG_VERSION")) " · times in UTC" }
            }
        }
    }
}
