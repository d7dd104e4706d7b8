//! Which cluster is meant, and as whom: what the flags say, and what they leave unsaid Helm's variables.

use penstock_cli::{CliError, args::chart::Reach, exit};
use penstock_model::Secret;
use penstock_target::kubernetes::ClusterSettings;

/// Where releases are kept, unless it is in Secrets.
const DRIVER: &str = "HELM_DRIVER";
const HISTORY: &str = "HELM_MAX_HISTORY";
/// How many revisions are kept unless somebody says otherwise.
const MOST: u32 = 10;

/// What the environment says of a variable; nothing where it is empty.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The namespace that is meant, if any is named.
pub fn namespace(flag: Option<&String>) -> Option<String> {
    flag.cloned().or_else(|| variable("HELM_NAMESPACE"))
}

/// How the cluster is reached.
pub fn settings(flags: &Reach) -> Result<ClusterSettings, CliError> {
    merged(flags, &variable)
}

/// How many revisions of a release are kept.
pub fn history_max(flag: Option<u32>) -> Result<u32, CliError> {
    match (flag, variable(HISTORY)) {
        (Some(most), _) => Ok(most),
        (None, None) => Ok(MOST),
        (None, Some(text)) => text.parse().map_err(|_| {
            CliError::other(format!("{HISTORY} is {text:?}, and no number of revisions"), "0 is for all of them", exit::USAGE)
        }),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn merged(flags: &Reach, environment: Environment<'_>) -> Result<ClusterSettings, CliError> {
    let driver = environment(DRIVER).unwrap_or_default();
    // Helm takes any of these for Secrets
    if !matches!(driver.as_str(), "" | "secret" | "secrets") {
        return Err(CliError::other(
            format!("{DRIVER} is {driver:?}: Penstock keeps releases in Secrets alone, and would not see those that are there"),
            format!("unset {DRIVER}, or go on with helm"),
            exit::USAGE,
        ));
    }
    let text = |flag: &Option<String>, name: &str| flag.clone().or_else(|| environment(name));
    let groups = || environment("HELM_KUBEASGROUPS").map_or_else(Vec::new, |list| list.split(',').map(str::to_owned).collect());
    // what Go takes for true
    let is_true = |text: String| matches!(text.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True");
    Ok(ClusterSettings {
        kubeconfig: flags.kubeconfig.clone(),
        context: text(&flags.kube_context, "HELM_KUBECONTEXT"),
        server: text(&flags.kube_apiserver, "HELM_KUBEAPISERVER"),
        token: flags.kube_token.clone().or_else(|| environment("HELM_KUBETOKEN").map(Secret::new)),
        ca_file: flags.kube_ca_file.clone().or_else(|| environment("HELM_KUBECAFILE").map(Into::into)),
        tls_server_name: text(&flags.kube_tls_server_name, "HELM_KUBETLS_SERVER_NAME"),
        insecure: flags.kube_insecure_skip_tls_verify || environment("HELM_KUBEINSECURE_SKIP_TLS_VERIFY").is_some_and(is_true),
        as_user: text(&flags.kube_as_user, "HELM_KUBEASUSER"),
        as_groups: if flags.kube_as_group.is_empty() { groups() } else { flags.kube_as_group.clone() },
        ..ClusterSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: &Reach, variables: &[(&str, &str)]) -> Result<ClusterSettings, CliError> {
        merged(flags, &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_flag_goes_over_helms_variable_and_the_variable_over_the_file() {
        let variables = [
            ("HELM_KUBECONTEXT", "home"),
            ("HELM_KUBEAPISERVER", "https://a"),
            ("HELM_KUBETOKEN", "t"),
            ("HELM_KUBECAFILE", "/ca"),
            ("HELM_KUBETLS_SERVER_NAME", "b"),
            ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "1"),
            ("HELM_KUBEASUSER", "eve"),
            ("HELM_KUBEASGROUPS", "x,y"),
        ];
        let said = of(&Reach::default(), &variables).unwrap();
        let texts = (said.context.as_deref(), said.server.as_deref(), said.tls_server_name.as_deref(), said.as_user.as_deref());
        assert_eq!(texts, (Some("home"), Some("https://a"), Some("b"), Some("eve")));
        assert_eq!((said.token, said.as_groups, said.insecure), (Some(Secret::new("t")), vec!["x".to_owned(), "y".into()], true));
        assert_eq!(said.ca_file, Some("/ca".into()));
        let flags = Reach { kube_context: Some("work".into()), kube_as_group: vec!["a,b".into()], ..Reach::default() };
        let said = of(&flags, &variables).unwrap();
        assert_eq!((said.context.as_deref(), said.as_groups), (Some("work"), vec!["a,b".to_owned()]));
    }

    #[test]
    fn releases_that_are_kept_elsewhere_are_refused_and_not_overlooked() {
        assert!(of(&Reach::default(), &[("HELM_DRIVER", "secrets")]).is_ok());
        for driver in ["configmap", "sql", "memory"] {
            let error = of(&Reach::default(), &[("HELM_DRIVER", driver)]).unwrap_err();
            assert!(error.to_string().contains(driver) && error.code() == exit::USAGE, "{error}");
        }
    }
}
