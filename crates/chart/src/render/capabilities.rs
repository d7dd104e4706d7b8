//! What templates are told of the cluster, and what they are told without one.

use crate::functions::semver::Version;

/// What templates are told of the cluster and of who renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The API versions that there are: `apps/v1`, and from a cluster `apps/v1/Deployment` besides.
    pub api_versions: Vec<String>,
    /// The version of Helm that templates are to believe in: `v3.18.4`.
    pub helm_version: String,
    /// The version of Go that they are to believe in.
    pub go_version: String,
}

/// The version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    /// As the server writes it: `v1.33.0`.
    pub version: String,
    /// `1`.
    pub major: String,
    /// `33`, on some clouds `33+`.
    pub minor: String,
}

impl KubeVersion {
    /// Reads a version that a user gives. The error is Helm's text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = Version::parse(text).map_err(|error| format!("invalid kube version '{text}': {error}"))?;
        Ok(Self { version: format!("v{read}"), major: read.major.to_string(), minor: read.minor.to_string() })
    }
}

impl Default for Capabilities {
    /// What Helm 3.18.4 tells templates without a cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion { version: "v1.33.0".into(), major: "1".into(), minor: "33".into() },
            api_versions: KNOWN_API_VERSIONS.iter().map(|version| (*version).to_owned()).collect(),
            helm_version: "v3.18.4".into(),
            go_version: "go1.24.4".into(),
        }
    }
}

/// The API versions that Helm 3.18.4 knows without a cluster, in its order (client-go 0.33's, then those of definitions of resources).
pub const KNOWN_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1alpha1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1alpha1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
