//! All routes, and what their handlers share.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use sdr_runtime::{Failure, Lifecycle};

use crate::config::Config;
use crate::e2::E2;
use crate::upstream::Upstream;
use crate::{cells, inference, nodes, pqc};

/// The largest request.
const MAX_BODY: usize = 256 * 1024;

/// What the handlers share. Copies are the same gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Keys, secrets and signatures.
    pub pqc: Upstream,
    /// The resource policy.
    pub drl: Upstream,
    /// The nodes and their cells.
    pub e2: E2,
    /// Whether this service is about to end.
    pub life: Lifecycle,
}

impl Gateway {
    /// A gateway to the services that `config` names. Nothing is connected to yet.
    pub fn new(config: &Config, life: Lifecycle) -> Result<Self, Failure> {
        Ok(Self {
            pqc: Upstream::new("pqc-service", &config.pqc)?,
            drl: Upstream::new("drl-trainer", &config.drl)?,
            e2: E2::new(&config.e2)?,
            life,
        })
    }
}

/// The gateway's routes.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .merge(cells::router())
        .merge(inference::router())
        .merge(nodes::router())
        .merge(pqc::router())
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(gateway)
}
