//! A Kubernetes cluster as [`penstock_model::cluster::Cluster`] wants it.
//!
//! The only room that knows kube, and of it no more than how to reach a cluster (kubeconfig, certificates, plugins for
//! credentials) and how its watches stream. Objects stay JSON, so that a field that this program never heard of comes
//! through whole.

mod client;
mod cluster;
mod credentials;
mod discovery;
pub mod patch;
mod ready;
mod selector;
mod settings;
mod trouble;
mod update;
mod wait;
mod watch;

pub use cluster::KubernetesCluster;
pub use settings::ClusterSettings;
