//! The front door: HTTP/1 in, the services behind it by HTTP and gRPC.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod cells;
mod config;
mod e2;
mod inference;
mod nodes;
mod pqc;
mod problem;
mod routes;
mod self_test;
mod stubs;
mod upstream;

use std::process::ExitCode;

use sdr_runtime::{Context, Failure, Identity, settings};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::routes::Gateway;

const IDENTITY: Identity = Identity { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

fn main() -> ExitCode {
    sdr_runtime::run(IDENTITY, serve, self_test::run)
}

async fn serve(context: Context) -> Result<(), Failure> {
    let gateway = Gateway::new(&Config::from_environment(), context.lifecycle.clone())?;
    let listener = TcpListener::bind(settings::listen()?).await?;
    sdr_runtime::http::serve(listener, routes::router(gateway), &context).await
}
