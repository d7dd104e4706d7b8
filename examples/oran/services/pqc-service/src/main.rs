//! Post-quantum keys over HTTP: ML-KEM-768 (FIPS 203) and ML-DSA-65 (FIPS 204).
//!
//! The service keeps nothing: keys are made, handed out and forgotten.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod dsa;
mod kem;
mod octets;
mod routes;
mod self_test;

use std::process::ExitCode;

use sdr_runtime::{Context, Failure, Identity, settings};
use tokio::net::TcpListener;

const IDENTITY: Identity = Identity { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

fn main() -> ExitCode {
    sdr_runtime::run(IDENTITY, serve, self_test::run)
}

async fn serve(context: Context) -> Result<(), Failure> {
    let listener = TcpListener::bind(settings::listen()?).await?;
    let routes = routes::router(&context.metrics);
    sdr_runtime::http::serve(listener, routes, &context).await
}
