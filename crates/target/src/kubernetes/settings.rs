//! How to reach a cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use penstock_model::Secret;
use penstock_model::cluster::ClusterError;

/// What is sent that late has found no server.
const CONNECT: Duration = Duration::from_secs(10);

/// How to reach a cluster, and as whom. What is not said is as the kubeconfig says.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The kubeconfig. Without one: `$KUBECONFIG`, `~/.kube/config`, else the pod that this runs in.
    pub kubeconfig: Option<PathBuf>,
    /// Which of its contexts.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// A bearer token.
    pub token: Option<Secret>,
    /// Certificates that vouch for the server.
    pub ca_file: Option<PathBuf>,
    /// The name that the server's certificate has to have.
    pub tls_server_name: Option<String>,
    /// Whether any certificate of the server's will do.
    pub insecure: bool,
    /// The user to act as.
    pub as_user: Option<String>,
    /// The groups to act as.
    pub as_groups: Vec<String>,
    /// Under which name fields are owned that are written without an apply.
    pub manager: String,
    /// After what time a call that takes no deadline has failed.
    pub deadline: Duration,
    /// Told what the server warns of, each warning once.
    pub warned: Option<fn(&str)>,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            server: None,
            token: None,
            ca_file: None,
            tls_server_name: None,
            insecure: false,
            as_user: None,
            as_groups: Vec::new(),
            manager: "penstock".into(),
            deadline: Duration::from_secs(30),
            warned: None,
        }
    }
}

impl ClusterSettings {
    pub(super) async fn config(&self) -> Result<Config, ClusterError> {
        let mut config = self.found().await?;
        if let Some(server) = &self.server {
            config.cluster_url = server.parse().map_err(|error| ClusterError::Settings(format!("the server `{server}`: {error}")))?;
        }
        if let Some(token) = &self.token {
            config.auth_info.token = Some(token.expose().to_owned().into());
        }
        if let Some(file) = &self.ca_file {
            config.root_cert_file = Some(file.clone());
        }
        config.tls_server_name = self.tls_server_name.clone().or(config.tls_server_name);
        config.accept_invalid_certs |= self.insecure;
        config.auth_info.impersonate = self.as_user.clone().or(config.auth_info.impersonate);
        if !self.as_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(self.as_groups.clone());
        }
        config.connect_timeout = Some(CONNECT);
        // kube's own would try again what is no server's wish, and take the time that a call has
        config.default_retry = false;
        Ok(config)
    }

    /// A context that is asked for has to be one of the file's.
    fn context_is_there(&self, file: &Kubeconfig) -> Result<(), String> {
        let Some(wanted) = &self.context else { return Ok(()) };
        let names: Vec<&str> = file.contexts.iter().map(|context| context.name.as_str()).collect();
        if names.contains(&wanted.as_str()) {
            return Ok(());
        }
        Err(format!("context {wanted:?} does not exist; there are: {}", names.join(", ")))
    }

    async fn found(&self) -> Result<Config, ClusterError> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        if let Some(path) = &self.kubeconfig {
            let unreadable = |error: &dyn std::error::Error| ClusterError::Settings(format!("kubeconfig {}: {error}", path.display()));
            let read = Kubeconfig::read_from(path).map_err(|error| unreadable(&error))?;
            self.context_is_there(&read).map_err(|why| ClusterError::Settings(format!("kubeconfig {}: {why}", path.display())))?;
            return Config::from_custom_kubeconfig(read, &options).await.map_err(|error| unreadable(&error));
        }
        let missing = match usual() {
            Ok(read) => {
                let read = read?;
                self.context_is_there(&read).map_err(|why| ClusterError::Settings(format!("kubeconfig: {why}")))?;
                match Config::from_custom_kubeconfig(read, &options).await {
                    Ok(config) => return Ok(config),
                    // a file without a context says nothing; what it says wrongly is no reason to ask somebody else
                    Err(KubeconfigError::CurrentContextNotSet) => "the kubeconfig names no current context".to_owned(),
                    Err(error) => return Err(ClusterError::Settings(format!("kubeconfig: {error}"))),
                }
            }
            Err(missing) => missing,
        };
        // who names a server needs no file
        if self.server.is_some() && self.context.is_none() {
            return Ok(Config::new(http::Uri::default()));
        }
        // a context is one of a file's: a pod's own account is no answer to it
        match Config::incluster() {
            Ok(config) if self.context.is_none() => Ok(config),
            _ => Err(ClusterError::Settings(format!("no kubeconfig that can be used, and not in a pod: {missing}"))),
        }
    }
}

/// The kubeconfig where none is named: that of `$KUBECONFIG`, else `~/.kube/config`; otherwise which file is missing.
fn usual() -> Result<Result<Kubeconfig, ClusterError>, String> {
    let listed = std::env::var_os("KUBECONFIG").filter(|listed| !listed.is_empty());
    match listed {
        Some(listed) => merged(std::env::split_paths(&listed)).ok_or_else(|| format!("KUBECONFIG is {}", listed.display())),
        None => {
            let home = std::env::home_dir().map(|home| home.join(".kube/config"));
            merged(home.into_iter()).ok_or_else(|| "there is no ~/.kube/config, and KUBECONFIG is not set".to_owned())
        }
    }
}

/// Several files as one, of which the first that says something counts. Those that are not there are left out, as kubectl does; nothing
/// where none is.
fn merged(paths: impl Iterator<Item = PathBuf>) -> Option<Result<Kubeconfig, ClusterError>> {
    let told = |path: &Path, error: &KubeconfigError| ClusterError::Settings(format!("kubeconfig {}: {error}", path.display()));
    let read = |path: PathBuf| {
        let read = Kubeconfig::read_from(&path).map_err(|error| told(&path, &error));
        (path, read)
    };
    let files = paths.filter(|path| path.exists()).map(read);
    let merged = files.reduce(|(_, first), (path, next)| {
        let both = first.and_then(|first| first.merge(next?).map_err(|error| told(&path, &error)));
        (path, both)
    });
    merged.map(|(_, read)| read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_files_those_that_are_there_count_and_the_first_of_them_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, context: &str| {
            let path = dir.path().join(name);
            let text = format!("contexts: [{{name: {context}, context: {{cluster: c}}}}]\ncurrent-context: {context}\n");
            std::fs::write(&path, text).unwrap();
            path
        };
        let (home, work) = (file("home", "home"), file("work", "work"));
        let read = merged([dir.path().join("absent"), work, home].into_iter()).unwrap().unwrap();
        let names: Vec<&str> = read.contexts.iter().map(|context| context.name.as_str()).collect();
        assert_eq!((read.current_context.as_deref(), names), (Some("work"), vec!["work", "home"]));
        assert!(merged([dir.path().join("absent")].into_iter()).is_none());
        let broken = dir.path().join("broken");
        std::fs::write(&broken, "clusters: [\n").unwrap();
        let error = merged([dir.path().join("home"), broken].into_iter()).unwrap().unwrap_err().to_string();
        assert!(error.starts_with(&format!("kubeconfig {}", dir.path().join("broken").display())), "{error}");
    }

    #[test]
    fn a_context_that_is_not_there_is_told_with_those_that_are() {
        let file = Kubeconfig::from_yaml("contexts: [{name: home, context: {cluster: c}}, {name: work, context: {cluster: d}}]").unwrap();
        let of = |context: &str| ClusterSettings { context: Some(context.into()), ..ClusterSettings::default() }.context_is_there(&file);
        assert_eq!(of("work"), Ok(()));
        assert_eq!(of("wrok").unwrap_err(), "context \"wrok\" does not exist; there are: home, work");
        assert_eq!(ClusterSettings::default().context_is_there(&file), Ok(()));
    }
}
