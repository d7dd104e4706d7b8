//! Why a kubeconfig's user has no credentials, in words that say whose fault that is.

use kube::client::AuthError;
use kube::config::AuthInfo;
use penstock_model::cluster::ClusterError;

/// What is told where a client cannot be made as this user.
pub(super) fn refused(error: &kube::Error, user: &AuthInfo) -> ClusterError {
    ClusterError::Settings(told(error, user).unwrap_or_else(|| error.to_string()))
}

fn told(error: &kube::Error, user: &AuthInfo) -> Option<String> {
    let kube::Error::Auth(error) = error else { return None };
    if let Some(provider) = &user.auth_provider {
        let name = &provider.name;
        return Some(format!("the auth-provider `{name}` of the kubeconfig's user is not known here, a program (`exec`) is: {error}"));
    }
    let exec = user.exec.as_ref()?;
    let program = format!("the program `{}`, which gives the credentials of the kubeconfig's user", exec.command.as_deref()?);
    match error {
        AuthError::AuthExecStart(why) => {
            let hint = exec.install_hint.as_ref().map(|hint| format!("\n{}", hint.trim())).unwrap_or_default();
            Some(format!("{program}, cannot be started: {why}{hint}"))
        }
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
            Some(format!("{program}, failed with {}{said}", out.status))
        }
        other => Some(format!("{program}, gave none: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::kubernetes::{ClusterSettings, KubernetesCluster};

    async fn opened_as(user: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        let text = format!(
            "clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\nusers: [{{name: u, user: {user}}}]\n\
             contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\ncurrent-context: x\n"
        );
        std::fs::write(&path, text).unwrap();
        let settings = ClusterSettings { kubeconfig: Some(path), ..ClusterSettings::default() };
        KubernetesCluster::open(&settings).await.err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn exec(rest: &str) -> String {
        format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, {rest}}}}}")
    }

    #[tokio::test]
    async fn a_program_that_gives_no_credentials_is_named_with_what_it_said() {
        let of = "the program `no-such-program`, which gives the credentials of the kubeconfig's user, cannot be started: ";
        let told = opened_as(&exec("command: no-such-program, installHint: 'fetch it\n'")).await;
        assert!(told.starts_with(of) && told.ends_with("\nfetch it"), "{told}");
        let told = opened_as(&exec("command: sh, args: ['-c', 'echo your session is over >&2; exit 3']")).await;
        assert!(told.ends_with("failed with exit status: 3: your session is over"), "{told}");
        let told = opened_as(&exec("command: echo, args: [hello]")).await;
        assert!(told.starts_with("the program `echo`, which gives the credentials of the kubeconfig's user, gave none: "), "{told}");
    }

    #[tokio::test]
    async fn an_auth_provider_that_is_not_known_is_named() {
        let told = opened_as("{auth-provider: {name: gcp}}").await;
        assert!(told.starts_with("the auth-provider `gcp` of the kubeconfig's user is not known here, a program (`exec`) is: "), "{told}");
    }
}
