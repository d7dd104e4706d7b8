//! Decides how much of its resource blocks a cell may use, by the policy that `training/train.py` trained.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod policy;
mod routes;
mod self_test;

use std::process::ExitCode;
use std::sync::Arc;

use sdr_runtime::{Context, Failure, Identity, settings};
use tokio::net::TcpListener;

use crate::policy::Policy;

const IDENTITY: Identity = Identity { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

fn main() -> ExitCode {
    sdr_runtime::run(IDENTITY, serve, self_test::run)
}

async fn serve(context: Context) -> Result<(), Failure> {
    let policy = Arc::new(Policy::load()?);
    tracing::info!(digest = policy.digest(), "the policy is loaded");
    let listener = TcpListener::bind(settings::listen()?).await?;
    let routes = routes::router(policy, &context.metrics);
    sdr_runtime::http::serve(listener, routes, &context).await
}
