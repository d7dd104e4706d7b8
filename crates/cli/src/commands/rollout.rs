//! Rollouts.

use penstock_api::{EnvironmentView, RolloutView};
use serde_json::{Value, json};

use crate::args::{Rollout, RolloutVerb};
use crate::context::Context;
use crate::terminal::{bold, dim, plain, status as word};
use crate::{CliError, exit};

/// The width of the bar that shows a weight.
const BAR: usize = 40;

pub(super) async fn rollout(context: &Context, args: &Rollout) -> Result<u8, CliError> {
    let path = format!("/projects/{}/environments/{}", args.place.project, args.place.environment);
    let client = context.client()?;
    let verb = match args.order {
        RolloutVerb::Show => None,
        RolloutVerb::Pause => Some("pause"),
        RolloutVerb::Resume => Some("resume"),
        RolloutVerb::Promote => Some("promote"),
        RolloutVerb::Abort => Some("abort"),
    };
    if let Some(verb) = verb {
        let answer: Value = client.post(&format!("{path}/rollout/{verb}"), &json!({})).await?;
        context.show(&answer, |_| println!("{verb}: taken"));
        if !args.follow {
            return Ok(exit::OK);
        }
    }
    // the answer to each change; the server says when there is one
    let mut changes = if args.follow { Some(client.stream::<Value>("/live?form=lines").await?) } else { None };
    loop {
        let view: EnvironmentView = client.get(&path).await?;
        let rollouts: Vec<&RolloutView> = view.rollouts.iter().take(4).collect();
        context.show(&rollouts, |rollouts| rollouts.iter().for_each(|rollout| print(rollout)));
        let going = rollouts.iter().any(|rollout| matches!(rollout.phase.as_str(), "progressing" | "paused"));
        let Some(changes) = changes.as_mut().filter(|_| going) else {
            let aborted = rollouts.first().is_some_and(|rollout| rollout.phase == "aborted");
            return Ok(if aborted { exit::NOT_GOOD } else { exit::OK });
        };
        if changes.next().await?.is_none() {
            return Ok(exit::OK);
        }
    }
}

fn print(rollout: &RolloutView) {
    let filled = BAR * usize::try_from(rollout.weight.min(100)).unwrap_or(0) / 100;
    let bar = format!("{}{}", "█".repeat(filled), dim(&"░".repeat(BAR - filled)));
    println!("{} {} {bar} {:>3} %  {}", bold(&rollout.name), word(&rollout.phase), rollout.weight, plain(&rollout.message));
    if let Some(figure) = rollout.figures.last() {
        println!(
            "  {} requests, {:.2} % errors, p95 {:.0} ms   {}",
            figure.requests,
            figure.error_rate * 100.0,
            figure.p95_ms,
            dim(&format!("stable: {:.2} %, {:.0} ms", figure.stable_error_rate * 100.0, figure.stable_p95_ms)),
        );
    }
}
