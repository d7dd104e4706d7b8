//! A registry in memory that anybody may use, for trying clients and the specification's conformance suite by hand:
//! `cargo run -p penstock-registry --example serve -- 127.0.0.1:5000`.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

use std::sync::Arc;

use async_trait::async_trait;
use penstock_model::clock::SystemClock;
use penstock_model::release::ImageName;
use penstock_registry::{Access, Action, Credentials, Limits, Registry, RegistryAuth, router};
use penstock_testkit::MemoryBlobs;

struct Anybody;

#[async_trait]
impl RegistryAuth for Anybody {
    async fn access(&self, _: &Credentials, _: Option<&ImageName>, _: Action) -> Access {
        Access::Granted
    }
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    let dir = std::env::temp_dir().join(format!("penstock-registry-{}", std::process::id()));
    let registry = Registry::open(&dir, Arc::new(MemoryBlobs::default()), Arc::new(SystemClock), Limits::default()).unwrap();
    let bound = tokio::net::TcpListener::bind(&address).await.unwrap();
    println!("serving on {address}, with files in {}", dir.display());
    axum::serve(bound, router(registry, Arc::new(Anybody))).await.unwrap();
}
