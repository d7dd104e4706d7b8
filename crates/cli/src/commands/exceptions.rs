//! What people let through on their own word.

use penstock_api::{BreakGlass, GlassView, ImportView, NewImport};

use crate::args;
use crate::context::Context;
use crate::terminal::{bold, dim, plain, red, span, yellow};
use crate::{CliError, exit};

pub(super) async fn import(context: &Context, args: args::Import) -> Result<u8, CliError> {
    let (given, project) = (args.reference, args.project);
    let new = NewImport { reference: given.clone(), reason: args.reason, expires_seconds: args.expires, project };
    let made: ImportView = context.client()?.post("/imports", &new).await?;
    context.show(&made, |made| {
        println!("{} is {}", plain(&given), bold(&made.image.to_string()));
        let until = made.expires.map_or_else(|| "from now on".to_owned(), |at| format!("until {at}"));
        println!("let in {until} by {} for {}: {}", made.by, made.project, plain(&made.reason));
        println!("{}", dim(&format!("name it by this digest in the manifests; statement {}", made.envelope)));
    });
    Ok(exit::OK)
}

pub(super) async fn break_glass(context: &Context, args: args::BreakGlass) -> Result<u8, CliError> {
    let order = BreakGlass {
        environment: args.environment,
        reason: args.reason.unwrap_or_default(),
        expires_seconds: args.expires,
        confirm: args.confirm,
    };
    let path = format!("/releases/{}/break-glass", super::segment(&args.release));
    let glass: GlassView = context.client()?.post(&path, &order).await?;
    context.show(&glass, |glass| print(&args.release, glass));
    Ok(exit::OK)
}

fn print(release: &str, glass: &GlassView) {
    let people: Vec<_> = glass.people.iter().map(ToString::to_string).collect();
    let people = people.join(" and ");
    let reason = plain(&glass.reason);
    if glass.state == "asked" {
        let lasts = span(glass.lasts_seconds.saturating_mul(1000));
        println!("{} {people} asks to open the gate of {} for {lasts}: {reason}", yellow("asked:"), glass.environment);
        println!("nothing is open yet; another approver confirms before {}:", glass.until);
        println!("  penstock break-glass {} {} --confirm", plain(release), glass.environment);
        return;
    }
    println!("{} {people} opened the gate of {} until {}: {reason}", red("glass broken:"), glass.environment, glass.until);
    let statement = glass.envelope.map(|envelope| envelope.to_string()).unwrap_or_default();
    println!("{}", dim(&format!("the team is told; statement {statement}")));
}
