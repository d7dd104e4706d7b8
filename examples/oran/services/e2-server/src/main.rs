//! E2 termination: nodes set up with it; applications of the RIC subscribe, query and control through it.
//!
//! gRPC for E2 and for health, HTTP for metrics. The radio behind a node is simulated (see [`radio`]): a node is known
//! by what its set-up said, and its cells' figures are computed.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod nodes;
mod radio;
mod self_test;
mod server;

use std::process::ExitCode;

use sdr_runtime::{Context, Failure, Identity, settings};
use tokio::net::TcpListener;

const IDENTITY: Identity = Identity { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

fn main() -> ExitCode {
    sdr_runtime::run(IDENTITY, serve, self_test::run)
}

async fn serve(context: Context) -> Result<(), Failure> {
    let grpc = TcpListener::bind(settings::address("GRPC_LISTEN", "0.0.0.0:50051")?).await?;
    let http = TcpListener::bind(settings::listen()?).await?;
    let (e2, operations) =
        tokio::join!(server::serve(grpc, &context), sdr_runtime::http::serve(http, axum::Router::new(), &context),);
    e2.and(operations)
}
