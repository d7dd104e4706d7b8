//! Broken glass on pages: loud, and the forms by which it is asked for and confirmed.

use maud::{Markup, html};
use penstock_api::GlassView;
use penstock_model::release::ReleaseId;

use super::parts::{digest, moment};

/// One gate that was opened or is wanted open. Nobody overlooks it.
pub(super) fn shown(glass: &GlassView) -> Markup {
    let people: Vec<_> = glass.people.iter().map(ToString::to_string).collect();
    let people = people.join(" and ");
    let class = if glass.state == "open" { "glass open" } else { "glass" };
    html! {
        div class=(class) role="status" {
            @if glass.state == "asked" {
                strong { (people) " asks to break the glass of " (glass.environment) "." }
                p { (glass.reason) }
                p.hint { "Nothing is open: another approver has to confirm before " (moment(glass.until)) "." }
            } @else {
                strong { "! Glass broken: " (people) " opened the gate of " (glass.environment) "." }
                p { (glass.reason) }
                p.hint {
                    @if glass.state == "open" { "Open until " } @else { "It was open until " }
                    (moment(glass.until)) "."
                    @if let Some(envelope) = &glass.envelope { " Signed: " a href={ "/api/v1/statements/" (envelope) } { (digest(envelope)) } "." }
                }
            }
        }
    }
}

/// The form for whoever asks, or for whoever confirms.
pub(super) fn form(release: &ReleaseId, environment: &str, glass: &[GlassView]) -> Markup {
    let action = format!("/releases/{}/break-glass", release.0.hex());
    let asked = glass.iter().find(|glass| glass.state == "asked");
    html! {
        @if asked.is_some() {
            form.inline method="post" action=(action) {
                input type="hidden" name="environment" value=(environment);
                input type="hidden" name="confirm" value="true";
                button.danger type="submit" { "Confirm: break the glass of " (environment) }
            }
        } @else if glass.iter().all(|glass| glass.state != "open") {
            details id={ "glass-" (environment) } {
                summary { "Break the glass" }
                form.fields method="post" action=(action) {
                    p.hint { "Two approvers open the gate for a time, and everybody hears of it. You ask; another one confirms within the hour." }
                    input type="hidden" name="environment" value=(environment);
                    label { "Why" input name="reason" required maxlength="1000" autocomplete="off"; }
                    label { "For how many hours" input name="hours" type="number" min="1" max="24" value="4" required; }
                    button.danger type="submit" { "Ask to break the glass of " (environment) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use penstock_model::{Digest, Timestamp};

    use super::*;

    fn glass(state: &str, reason: &str) -> GlassView {
        GlassView {
            environment: "production".parse().unwrap(),
            state: state.to_owned(),
            people: vec!["grace".parse().unwrap(), "linus".parse().unwrap()],
            reason: reason.to_owned(),
            until: Timestamp(1_767_225_600_000),
            lasts_seconds: 3600,
            envelope: None,
        }
    }

    #[test]
    fn the_form_asks_then_confirms_and_is_gone_while_the_gate_is_open() {
        let release = ReleaseId(Digest::of("release"));
        let form = |glass: &[GlassView]| form(&release, "production", glass).into_string();
        assert!(form(&[]).contains("name=\"reason\"") && form(&[glass("expired", "x")]).contains("name=\"reason\""));
        let confirming = form(&[glass("asked", "x"), glass("expired", "x")]);
        assert!(confirming.contains("name=\"confirm\"") && !confirming.contains("name=\"reason\""));
        assert_eq!(form(&[glass("open", "x")]), "");
    }

    #[test]
    fn broken_glass_is_loud_and_a_reason_stays_text() {
        let open = shown(&glass("open", "<script>")).into_string();
        assert!(open.contains("glass open") && open.contains("grace and linus opened the gate of production"));
        assert!(open.contains("&lt;script&gt;") && !open.contains("<script>"));
        assert!(shown(&glass("asked", "x")).into_string().contains("Nothing is open"));
    }
}
