//! Merge requests.

use penstock_api::{AllowCommit, BegunRun, MergeOrder, MergeRequestView, MergedAt, NewMergeRequest};
use serde_json::json;

use super::order_and_say;
use crate::args::{MergeRequest, Numbered};
use crate::context::Context;
use crate::terminal::{plain, table};
use crate::{CliError, exit};

pub(super) async fn merge_request(context: &Context, args: MergeRequest) -> Result<u8, CliError> {
    match args {
        MergeRequest::Create { project, source, target, title, description, draft } => {
            let new = NewMergeRequest { source, target, title, description, draft };
            let opened: MergeRequestView = context.client()?.post(&format!("/projects/{project}/merge-requests"), &new).await?;
            context.show(&opened, |opened| println!("{}", opened.number));
        }
        MergeRequest::List { project } => {
            let all: Vec<MergeRequestView> = context.client()?.get(&format!("/projects/{project}/merge-requests")).await?;
            let heads = ["NUMBER", "TITLE", "SOURCE", "TARGET", "STATE", "PIPELINE", "COMMIT", "BY"];
            context.show(&all, |all| table(&heads, &all.iter().map(row).collect::<Vec<_>>()));
        }
        MergeRequest::Show(which) => {
            let view: MergeRequestView = context.client()?.get(&path(&which, "")).await?;
            context.show(&view, show);
        }
        MergeRequest::Allow { which, commit } => {
            let client = context.client()?;
            let commit = match commit {
                Some(commit) => commit,
                None => client.get::<MergeRequestView>(&path(&which, "")).await?.commit,
            };
            let begun: BegunRun = client.post(&path(&which, "/allow"), &AllowCommit { commit: commit.clone() }).await?;
            context.show(&begun, |begun| println!("allowed for {}: run {}", commit.short(), begun.run));
        }
        MergeRequest::Merge { which, force } => {
            let merged: MergedAt = context.client()?.post(&path(&which, "/merge"), &MergeOrder { force }).await?;
            context.show(&merged, |merged| println!("merged: {}", merged.commit));
        }
        MergeRequest::Ready(which) => return order_and_say(context, &path(&which, "/ready"), &json!({}), "it is no draft any more").await,
        MergeRequest::Close(which) => return order_and_say(context, &path(&which, "/close"), &json!({}), "closed").await,
        MergeRequest::Reopen(which) => return order_and_say(context, &path(&which, "/reopen"), &json!({}), "open again").await,
    }
    Ok(exit::OK)
}

fn path(which: &Numbered, order: &str) -> String {
    format!("/projects/{}/merge-requests/{}{order}", which.project, which.number)
}

fn state(view: &MergeRequestView) -> String {
    let words = [(true, view.state.as_str()), (view.draft && view.state == "open", "draft"), (is_outside(view), "from outside")];
    words.into_iter().filter(|(holds, _)| *holds).map(|(_, word)| word).collect::<Vec<_>>().join(", ")
}

/// Whether its last commit is from outside and nobody allowed it.
fn is_outside(view: &MergeRequestView) -> bool {
    view.outside && view.allowed_by.is_none()
}

fn row(view: &MergeRequestView) -> Vec<String> {
    vec![
        view.number.to_string(),
        plain(&view.title),
        plain(&view.source),
        plain(&view.target),
        state(view),
        plain(&view.pipeline),
        view.commit.short().to_owned(),
        view.author.to_string(),
    ]
}

fn show(view: &MergeRequestView) {
    println!("{} {}", view.number, plain(&view.title));
    println!("{} -> {}, {}", plain(&view.source), plain(&view.target), state(view));
    println!("commit {} by {}, opened by {} at {}", view.commit, view.pusher, view.author, view.opened.rfc3339());
    if let Some(by) = &view.ended_by {
        println!("{} by {by} at {}", view.state, view.changed.rfc3339());
    }
    if let Some(by) = &view.allowed_by {
        println!("its pipeline was allowed by {by}");
    } else if view.outside && view.state == "open" {
        println!("from outside: its jobs have no secrets until `penstock merge-request allow {} --project {}`", view.number, view.project);
    }
    if !view.description.is_empty() {
        println!();
        view.description.lines().for_each(|line| println!("    {}", plain(line)));
    }
    println!();
    let rows: Vec<_> = view
        .runs
        .iter()
        .map(|run| vec![run.id.to_string(), run.status.clone(), run.commit.short().to_owned(), run.pusher.to_string()])
        .collect();
    table(&["RUN", "STATUS", "COMMIT", "BY"], &rows);
}
