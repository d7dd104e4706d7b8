//! A Kubernetes cluster.

pub mod patch;
