//! A release: how far it got, why, and what speaks for it.

use axum::extract::{Path, State};
use maud::{Markup, html};
use penstock_api::{DenialView, GateView, ReleaseInEnvironment, ReleaseView};
use penstock_delivery::events::Role;

use super::parts::{ago, button, digest, moment, prose, span, statements, status, table, title};
use super::{PageFailure, Viewer, glass, layout};
use crate::auth::Caller;
use crate::problem::Failure;
use crate::routes::release_id;
use crate::{App, views};

pub(super) async fn page(State(app): State<App>, Viewer(caller): Viewer, Path(text): Path<String>) -> Result<Markup, PageFailure> {
    let id = release_id(&app, &text)?;
    let world = app.parts.journal.world();
    let record = world.releases.get(&id).ok_or_else(|| Failure::absent(format!("release {text}")))?;
    let release = views::release(&app, record);
    let body = html! {
        ul.lead {
            li { "release " (digest(&release.id.0)) }
            li { "commit " code { (release.commit.short()) } }
            li { "made " (ago(release.created, app.parts.journal.now())) " by " a href={ "/runs/" (release.run) } { "this run" } }
        }
        ol.stations {
            @for place in &release.environments { li { (station(&release, place, &caller)) } }
        }
        (clocks(&release))
        h2 { "Images" }
        (images(&release))
        h2 { "People" }
        dl.facts {
            dt { "Pushed by" } dd { @for pusher in &release.pushers { span.tag { (pusher) } } }
            dt { "Written by" } dd { @for author in &release.authors { span.tag { (author) } } }
        }
        h2 { "Statements" }
        (statements(&release.statements))
    };
    let project = release.project.to_string();
    let trail = [("/".to_owned(), "Overview".to_owned()), (format!("/projects/{project}"), project)];
    let otherwise = format!("Release {}", release.id.0.short());
    Ok(layout::page(&caller, title(&release.title, &otherwise), &trail, &body))
}

fn images(release: &ReleaseView) -> Markup {
    let rows = html! { tbody { @for (name, image) in &release.images { tr { td.main { (name) } td { (digest(image)) } } } } };
    table("Images", &["Image", "Digest"], &rows)
}

fn clocks(release: &ReleaseView) -> Markup {
    let clock = |name: &str, millis: Option<u64>, target: u64, alert: u64| {
        let class = match millis {
            Some(millis) if millis > alert * 60_000 => "bad",
            Some(millis) if millis > target * 60_000 => "wait",
            Some(_) => "good",
            None => "idle",
        };
        html! {
            div class={ "clock " (class) } {
                span { (name) }
                strong { (millis.map_or_else(|| "…".to_owned(), span)) }
                span.hint { "target " (target) " min, alert " (alert) " min" }
            }
        }
    };
    html! {
        div.clocks {
            (clock("Push to the first environment", release.clocks.push_to_first_ms, 5, 10))
            (clock("Approval to the last, less bakes", release.clocks.approval_to_last_ms, 15, 30))
        }
    }
}

fn station(release: &ReleaseView, place: &ReleaseInEnvironment, caller: &Caller) -> Markup {
    let address = format!("/projects/{}/environments/{}", release.project, place.environment);
    html! {
        section.station {
            div.head { h2 { a href=(address) { (place.environment) } } (status(&place.step)) }
            @if place.step == "awaiting_approval" && caller.role >= Role::Developer {
                (button(&format!("/releases/{}/approve", release.id.0.hex()), &format!("Approve for {}", place.environment), "main", &[("environment", place.environment.as_str())]))
                p.hint { "Neither who pushed nor who wrote a commit since the last release may approve." }
            }
            @for one in &place.glass { (glass::shown(one)) }
            @if let Some(why) = &place.trouble {
                div.notice role="status" {
                    strong { "It fails." } pre { (why) }
                    p.hint { "It is tried again by itself, and at once when the config repository changes." }
                }
            }
            @if let Some(why) = &place.refused { p.error { (why) } }
            @if let Some(gate) = &place.gate { (answer(gate, &place.step)) }
            @if matches!(place.step.as_str(), "gate_refused" | "awaiting_approval") && caller.role >= Role::Developer {
                (glass::form(&release.id, place.environment.as_str(), &place.glass))
            }
            @for approval in &place.approvals { p { "Approved by " strong { (approval.approver) } ", until " (moment(approval.expires)) "." } }
            @if !place.checks.is_empty() {
                ul.checks {
                    @for check in &place.checks {
                        li { (status(if check.passed { "passed" } else { "failed" })) span { strong { (check.name) } " " (check.summary) } span.soft { (span(check.took_ms)) } }
                    }
                }
            }
            dl.facts {
                @if let Some(commit) = &place.commit { dt { "Config commit" } dd { code { (commit.short()) } } }
                @if let Some(commit) = &place.reverted { dt { "Revert" } dd { code { (commit.short()) } } }
                @if let Some(at) = place.delivered_at { dt { "Running since" } dd { (moment(at)) } }
            }
        }
    }
}

/// What a gate said.
fn answer(gate: &GateView, step: &str) -> Markup {
    let word = if step == "awaiting_approval" {
        "not yet"
    } else if !gate.allow {
        "refused"
    } else if gate.overridden.is_empty() {
        "passed"
    } else {
        "glass broken"
    };
    html! {
        p { "Gate " (status(word)) " " span.soft { "at " (moment(gate.at)) " over " (gate.statements) " statements, policy " (digest(&gate.policy)) } }
        @if !gate.allow { (denials(&gate.denials)) }
        @if !gate.overridden.is_empty() { p { "Let through by two people although it refused:" } (denials(&gate.overridden)) }
        @if !gate.warnings.is_empty() {
            details { summary { (gate.warnings.len()) @if gate.warnings.len() == 1 { " warning" } @else { " warnings" } } (denials(&gate.warnings)) }
        }
    }
}

fn denials(denials: &[DenialView]) -> Markup {
    html! {
        ul.denials {
            @for denial in denials {
                li {
                    p { span.rule { (denial.rule) } (prose(&denial.message)) }
                    p.hint { (denial.subject) @if !denial.place.is_empty() { " · " code { (denial.place) } } }
                    @if !denial.fix.is_empty() { p.fix { strong { "To do " } (prose(&denial.fix)) } }
                }
            }
        }
    }
}
