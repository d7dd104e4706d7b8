//! The frame of every page.

use maud::{DOCTYPE, Markup, html};

use crate::auth::Caller;

/// A link of the trail at the top: address and text.
pub(super) type Crumb = (String, String);

/// A whole page. What changes while one looks is inside `main`.
pub(super) fn page(caller: Option<&Caller>, title: &str, trail: &[Crumb], body: &Markup) -> Markup {
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
                    @if let Some(caller) = caller {
                        nav aria-label="Main" {
                            a href="/" { "Overview" }
                            a href="/runs" { "Runs" }
                            a href="/audit" { "Audit trail" }
                        }
                        form.who method="post" action="/logout" {
                            span { (caller.user) }
                            button.plain type="submit" { "Log out" }
                        }
                    }
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
            }
        }
    }
}
