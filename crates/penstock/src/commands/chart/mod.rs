//! `penstock chart …`: charts rendered, looked at, packed, fetched and installed, without Helm.

mod compare;
mod dependency;
mod explain;
mod fetch;
mod folder;
mod given;
mod helm_home;
mod lint;
mod naming;
mod package;
mod post_renderer;
mod release;
mod repo;
mod show;
mod sign;
mod source;
mod template;

use std::io::Read;
use std::process::ExitCode;

use penstock_chart::{
    budget::{Budget, Limits, RENDER_TIME, TimeLimit},
    json, yaml,
};
use penstock_cli::{CliError, Form, args::chart::Chart, exit};
use penstock_model::clock::over_after;

/// Carries one out.
pub async fn chart(command: &Chart, form: Form) -> Result<ExitCode, CliError> {
    let code = match command {
        Chart::Template(args) => template::template(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Lint(args) => lint::lint(args, form.plain()?).await,
        Chart::Show(args) => show::show(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Package(args) => package::package(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Pull(args) => fetch::pull(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Push(args) => fetch::push(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Dependency(args) => dependency::dependency(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Repo(args) => repo::repo(args, form.plain()?).await.map(|()| exit::OK),
        Chart::Verify(args) => package::verify(args, form.plain()?).map(|()| exit::OK),
        Chart::Diff(args) => compare::diff(args, form.plain()?).await,
        Chart::Explain(args) => explain::explain(args, form.plain()?).await.map(|()| exit::OK),
        other => release::release(other, form).await,
    };
    code.map(ExitCode::from)
}

/// A value as a YAML document.
fn document(value: &serde_json::Value) -> Result<String, CliError> {
    let mut budget = Budget::new(Limits::default());
    let written =
        yaml::write_data(&json::data(value), &mut budget).map_err(|fault| CliError::other(fault.to_string(), "", exit::FAILED))?;
    Ok(written.lossy().into_owned())
}

/// Reads all that there is, unless that is more than `most` bytes.
fn read_all(from: impl Read, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if from.take(most + 1).read_to_end(&mut bytes)? as u64 > most {
        return Err(std::io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// How long a render may take.
fn time_limit() -> TimeLimit {
    TimeLimit::new(RENDER_TIME, over_after)
}

/// The time, as templates see it.
fn now() -> jiff::ZonedDateTime {
    jiff::ZonedDateTime::now()
}

/// A time that is always the same, for renders that are compared.
fn start_of_time() -> jiff::ZonedDateTime {
    jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC)
}

/// Randomness for a render.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    // without the system's randomness nothing that is secret may be made
    getrandom::fill(&mut seed).expect("the system has randomness");
    seed
}

/// The addresses of a host, for `getHostByName` where it is enabled.
fn addresses(name: &str) -> Vec<String> {
    use std::net::ToSocketAddrs as _;
    (name, 0).to_socket_addrs().map_or_else(|_| Vec::new(), |found| found.map(|address| address.ip().to_string()).collect())
}
