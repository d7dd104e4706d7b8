//! What jobs published about tags.

use penstock_api::TagReleaseView;

use crate::args::TagRelease;
use crate::context::Context;
use crate::terminal::{bold, dim, plain, table};
use crate::{CliError, exit};

pub(super) async fn tag_release(context: &Context, args: TagRelease) -> Result<u8, CliError> {
    let (TagRelease::List { project } | TagRelease::Show { project, .. }) = &args;
    let all: Vec<TagReleaseView> = context.client()?.get(&format!("/projects/{project}/tag-releases")).await?;
    match args {
        TagRelease::List { .. } => context.show(&all, |all| {
            table(&["TAG", "NAME", "COMMIT", "BY", "MADE"], &all.iter().map(row).collect::<Vec<_>>());
        }),
        TagRelease::Show { project, tag } => {
            let Some(one) = all.into_iter().find(|view| view.release.tag == tag) else {
                let hint = format!("`penstock tag-release list --project {project}` names all");
                return Err(CliError::other(format!("there is no tag release `{tag}`"), hint, exit::NOT_GOOD));
            };
            context.show(&one, print);
        }
    }
    Ok(exit::OK)
}

fn row(view: &TagReleaseView) -> Vec<String> {
    let release = &view.release;
    vec![plain(&release.tag), plain(&release.name), view.commit.short().to_owned(), view.by.to_string(), view.made.rfc3339()]
}

fn print(view: &TagReleaseView) {
    let release = &view.release;
    println!("{} {}", bold(&plain(&release.name)), dim(&format!("tag {} at {}", plain(&release.tag), view.commit)));
    println!("{}", dim(&format!("made by {}/{} for {} at {}", view.run, plain(view.job.as_str()), view.by, view.made.rfc3339())));
    if let Some(at) = release.released_at {
        println!("{}", dim(&format!("out at {}", at.rfc3339())));
    }
    if !release.milestones.is_empty() {
        println!("{}", dim(&format!("milestones: {}", plain(&release.milestones.join(", ")))));
    }
    println!();
    for line in release.description.lines() {
        println!("{}", plain(line));
    }
    for link in &release.links {
        println!("\n{} {}", plain(&link.name), plain(&link.url));
    }
}
