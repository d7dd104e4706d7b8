//! Environments that jobs name.

use penstock_api::NamedEnvironmentView;
use serde_json::{Value, json};

use crate::args::Environment;
use crate::context::Context;
use crate::terminal::{plain, table};
use crate::{CliError, exit};

pub(super) async fn environment(context: &Context, args: Environment) -> Result<u8, CliError> {
    match args {
        Environment::List { project } => {
            let path = format!("/projects/{project}/named-environments");
            let environments: Vec<NamedEnvironmentView> = context.client()?.get(&path).await?;
            context.show(&environments, |environments| {
                let columns = ["ENVIRONMENT", "TIER", "STATE", "DEPLOYED", "JOB", "STOPS", "ADDRESS"];
                table(&columns, &environments.iter().map(row).collect::<Vec<_>>());
            });
        }
        Environment::Stop { project, name } => {
            let path = format!("/projects/{project}/named-environments/{}/stop", super::segment(&name));
            let answer: Value = context.client()?.post(&path, &json!({})).await?;
            context.show(&answer, |_| println!("stopping; `penstock environment list --project {project}` says how it stands"));
        }
    }
    Ok(exit::OK)
}

fn row(environment: &NamedEnvironmentView) -> Vec<String> {
    let deployed = environment.deployed.as_ref();
    let stops = environment.stops_at.map(penstock_model::Timestamp::rfc3339).unwrap_or_default();
    vec![
        plain(&environment.name),
        plain(&environment.tier),
        plain(&environment.state),
        deployed.map(|of| format!("{} {}", of.commit.short(), of.at.rfc3339())).unwrap_or_default(),
        deployed.map(|of| plain(of.job.as_str())).unwrap_or_default(),
        stops,
        plain(&environment.url.clone().unwrap_or_default()),
    ]
}
