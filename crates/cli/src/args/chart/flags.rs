//! Flags that several of the chart's commands take.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{OsStringValueParser, TypedValueParser as _},
};
use penstock_model::Secret;

/// The values that a user gives. Later kinds win over earlier ones, in this order; within a kind, what comes later wins.
#[derive(Clone, Debug, Default, Args)]
pub struct Values {
    /// A values file or its `https://` address, `-` for standard input; may be given again, or several with commas.
    // as with Helm, an empty name is none: `-f "$MORE"` where there is nothing more
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',', value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub values: Vec<PathBuf>,
    /// A value as JSON: `KEY=JSON`; may be given again.
    #[arg(long, value_name = "KEY=JSON")]
    pub set_json: Vec<String>,
    /// A value: `KEY=VALUE`, several with commas; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A value that is a text whatever it looks like; may be given again.
    #[arg(long, value_name = "KEY=TEXT")]
    pub set_string: Vec<String>,
    /// A value that is what a file holds: `KEY=FILE`, or `KEY=https://…`; may be given again.
    #[arg(long, value_name = "KEY=FILE")]
    pub set_file: Vec<String>,
    /// A value that is a text, with no syntax of its own; may be given again.
    #[arg(long, value_name = "KEY=TEXT")]
    pub set_literal: Vec<String>,
}

/// What becomes of the values that a release was given before.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OldValues {
    /// Start from the last revision's values instead of the chart's.
    #[arg(long, conflicts_with_all = ["reset_values", "reset_then_reuse_values"])]
    pub reuse_values: bool,
    /// Start from the chart's values, whatever was given before.
    #[arg(long, conflicts_with = "reset_then_reuse_values")]
    pub reset_values: bool,
    /// Start from the new chart's values, then what was given before.
    #[arg(long)]
    pub reset_then_reuse_values: bool,
}

/// Who asks a repository or a registry, and how each knows the other.
#[derive(Clone, Debug, Default, Args)]
pub struct Access {
    /// The user of the repository or registry.
    #[arg(long)]
    pub username: Option<String>,
    /// Read the user's password from standard input.
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// Certificates of authorities that are trusted instead of the system's.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to servers.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,
    /// Take whatever certificate a server shows.
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
}

/// Who fetches and how.
#[derive(Clone, Debug, Default, Args)]
pub struct Credentials {
    /// As whom.
    #[command(flatten)]
    pub access: Access,
    /// Speak plain HTTP to an OCI registry.
    #[arg(long)]
    pub plain_http: bool,
}

/// Where a chart is.
#[derive(Clone, Debug, Default, Args)]
pub struct ChartSource {
    /// The chart's version, or a range of them; the newest unless given.
    #[arg(long)]
    pub version: Option<String>,
    /// Take versions that are not finished, too.
    #[arg(long)]
    pub devel: bool,
    /// The repository that the chart's name is looked for in.
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
    /// Show user and password to other hosts that the repository's index names, too.
    #[arg(long)]
    pub pass_credentials: bool,
    /// Check the chart against its provenance file before it is used.
    #[arg(long)]
    pub verify: bool,
    /// The keys that may have signed; `~/.gnupg/pubring.gpg` unless given.
    #[arg(long, value_name = "FILE", requires = "verify")]
    pub keyring: Option<PathBuf>,
    /// Who fetches it.
    #[command(flatten)]
    pub credentials: Credentials,
}

/// What templates see of the cluster, and how strictly they are read.
#[derive(Clone, Debug, Default, Args)]
pub struct RenderFlags {
    /// The namespace; `$HELM_NAMESPACE` or `default` unless given, and the context's where a cluster is asked.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The version of Kubernetes.
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<String>,
    /// An API version that the cluster has: `VERSION` or `VERSION/KIND`; may be given again, or several with commas.
    #[arg(short, long, value_name = "API", value_delimiter = ',')]
    pub api_versions: Vec<String>,
    /// Do not check values against the chart's schema.
    #[arg(long)]
    pub skip_schema_validation: bool,
    /// Fetch the chart's dependencies first, if some are missing.
    #[arg(long)]
    pub dependency_update: bool,
    /// Let templates ask for hosts' addresses.
    #[arg(long)]
    pub enable_dns: bool,
}

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, Args)]
pub struct Cluster {
    /// The namespace; `$HELM_NAMESPACE` or the context's unless given.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// How it is reached.
    #[command(flatten)]
    pub reach: Reach,
}

/// How a cluster is reached.
#[derive(Clone, Debug, Default, Args)]
pub struct Reach {
    /// The file that says how the cluster is reached; `$KUBECONFIG`, `~/.kube/config` or the pod's own account unless given.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of that file.
    #[arg(long, value_name = "NAME")]
    pub kube_context: Option<String>,
    /// The API server's address, instead of the file's.
    #[arg(long, value_name = "URL")]
    pub kube_apiserver: Option<String>,
    /// The token that is shown to the server; the machine's users can see it here, and not in `$HELM_KUBETOKEN`.
    #[arg(long, value_name = "TOKEN", value_parser = secret)]
    pub kube_token: Option<Secret>,
    /// The user to act as.
    #[arg(long, value_name = "NAME")]
    pub kube_as_user: Option<String>,
    /// A group to act as; may be given again.
    #[arg(long, value_name = "NAME")]
    pub kube_as_group: Vec<String>,
    /// Certificates of authorities that vouch for the server, instead of the file's.
    #[arg(long, value_name = "FILE")]
    pub kube_ca_file: Option<PathBuf>,
    /// The name that the server's certificate has to have.
    #[arg(long, value_name = "NAME")]
    pub kube_tls_server_name: Option<String>,
    /// Take whatever certificate the server shows.
    #[arg(long)]
    pub kube_insecure_skip_tls_verify: bool,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}
