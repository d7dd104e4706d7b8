//! A job's containers when it starts: every text filled in, only the images' digests are still to be found.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::job::EnvValue;
use penstock_model::service::{PortMapping, PullPolicy, Readiness};
use penstock_model::{JobName, Secret};

use super::options::{self, Options};
use super::{PlannedContainer, PlannedService};
use crate::env::{JobContext, known};
use crate::expand::{Expanded, Raw, Scope, expand};
use crate::github::Filler;
use crate::input::Dialect;
use crate::plan::{Plan, PlannedJob};

/// How long GitLab's runner waits for a service's port.
const WAIT: Duration = Duration::from_secs(30);
/// By this variable a service's port is given by hand.
const PORT: &str = "HEALTHCHECK_TCP_PORT";

/// A container, decided but for its image's digest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WantedContainer {
    /// The image's name, as people write it.
    pub image: String,
    /// When its registry is asked; tried in order.
    pub pull_policy: Vec<PullPolicy>,
    /// By whom the registry is asked, if the file says.
    pub credentials: Option<(String, Secret)>,
    /// `OS/ARCHITECTURE`, if the file says.
    pub platform: Option<String>,
    /// Replaces the image's entrypoint; an empty list is none at all.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the image's arguments.
    pub command: Option<Vec<String>>,
    /// User; `None` is the image's.
    pub user: Option<String>,
    /// Its variables.
    pub env: BTreeMap<String, EnvValue>,
    /// Memory limit in bytes.
    pub memory: Option<u64>,
    /// CPU limit in thousandths of a core.
    pub cpu_millis: Option<u32>,
}

/// A service, decided but for its image's digest.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedService {
    /// What people read.
    pub name: String,
    /// Host names.
    pub aliases: Vec<String>,
    /// What runs.
    pub container: WantedContainer,
    /// Ports of the machine's loopback.
    pub ports: Vec<PortMapping>,
    /// When it is ready.
    pub ready: Readiness,
}

/// The image that a job runs in; `None` is the host.
///
/// # Errors
/// In words for people: what cannot be filled in or is not carried out.
pub fn job_container(plan: &Plan, job: &JobName, context: &JobContext) -> Result<Option<WantedContainer>, String> {
    let Some(job) = plan.job(job) else { return Ok(None) };
    let Some(image) = &job.image else { return Ok(None) };
    match plan.dialect {
        Dialect::GitlabCi => Ok(Some(gitlab(image, &known(plan, job, context), BTreeMap::new()))),
        Dialect::GithubWorkflow => {
            let filled = github(image, &Filler::new(plan, job, context))?;
            // an expression that comes to nothing is a job without a container
            Ok(filled.map(|(container, _)| WantedContainer { entrypoint: Some(Vec::new()), ..container }))
        }
    }
}

/// The services beside a job.
///
/// # Errors
/// In words for people: what cannot be filled in or is not carried out.
pub fn job_services(plan: &Plan, job: &JobName, context: &JobContext) -> Result<Vec<WantedService>, String> {
    let Some(job) = plan.job(job).filter(|job| !job.services.is_empty()) else { return Ok(Vec::new()) };
    match plan.dialect {
        Dialect::GitlabCi => {
            let known = known(plan, job, context);
            Ok(job.services.iter().map(|service| gitlab_service(service, &known)).collect())
        }
        Dialect::GithubWorkflow => github_services(plan, job, context),
    }
}

fn gitlab(planned: &PlannedContainer, known: &BTreeMap<String, Expanded>, env: BTreeMap<String, EnvValue>) -> WantedContainer {
    let filled = |text: &String| expand(text, known).text;
    let words = |words: &Option<Vec<String>>| words.as_ref().map(|words| words.iter().map(filled).collect());
    WantedContainer {
        image: filled(&planned.image),
        pull_policy: planned.pull_policy.clone(),
        credentials: None,
        platform: planned.platform.as_ref().map(filled),
        entrypoint: words(&planned.entrypoint),
        command: words(&planned.command),
        user: planned.user.as_ref().map(filled).filter(|user| !user.is_empty()),
        env,
        memory: None,
        cpu_millis: None,
    }
}

/// A service sees what the job sees, with its own variables over it; the job's token it does not.
fn gitlab_service(service: &PlannedService, known: &BTreeMap<String, Expanded>) -> WantedService {
    let mut scope = Scope::default();
    for (name, value) in known.iter().filter(|(name, _)| *name != "CI_JOB_TOKEN") {
        let raw = if value.secret { Raw::Hidden(Secret::new(value.text.clone())) } else { Raw::Literal(value.text.clone()) };
        scope.set(name.clone(), raw);
    }
    scope.variables(&service.container.variables);
    let env: BTreeMap<String, Expanded> = scope.expand_or_keep();
    let port = env.get(PORT).and_then(|port| port.text.parse().ok());
    let env = env.into_iter().map(|(name, value)| (name, value.into_env())).collect();
    let container = gitlab(&service.container, known, env);
    let mut aliases: Vec<String> = service.aliases.iter().map(|alias| expand(alias, known).text).collect();
    aliases.extend(host_names(&container.image));
    aliases.retain(|alias| crate::gitlab::is_host(alias));
    let name = service.aliases.first().map_or_else(|| container.image.clone(), |alias| expand(alias, known).text);
    WantedService { name, aliases, container, ports: Vec::new(), ready: Readiness::Port { port, timeout: WAIT } }
}

/// The host names that follow from an image's: without registry port, tag and digest, `/` as `__` and as `-`.
fn host_names(image: &str) -> Vec<String> {
    let name = image.split('@').next().unwrap_or_default();
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    let name = match name.split_once('/') {
        Some((registry, rest)) => format!("{}/{rest}", registry.split(':').next().unwrap_or_default()),
        None => name.to_owned(),
    };
    let mut names = vec![name.replace('/', "__"), name.replace('/', "-")];
    names.dedup();
    names
}

fn github_services(plan: &Plan, job: &PlannedJob, context: &JobContext) -> Result<Vec<WantedService>, String> {
    let filler = Filler::new(plan, job, context);
    let mut out = Vec::new();
    for service in &job.services {
        let name = service.key.clone().unwrap_or_default();
        let named = |why: String| format!("the service `{name}`: {why}");
        let Some((container, options)) = github(&service.container, &filler).map_err(named)? else { continue };
        let ports = service.container.ports.iter().map(|port| port_mapping(&filler.text(port)?));
        let ports = ports.collect::<Result<Vec<_>, String>>().map_err(named)?;
        let aliases = [name.clone()].into_iter().chain(options.aliases).collect();
        let ready = if options.no_health { Readiness::Health(None) } else { Readiness::Health(options.health) };
        out.push(WantedService { name, aliases, container, ports, ready });
    }
    Ok(out)
}

/// A workflow's container; `None` if its image comes to nothing.
fn github(planned: &PlannedContainer, filler: &Filler) -> Result<Option<(WantedContainer, Options)>, String> {
    let image = filler.text(&planned.image)?;
    if image.trim().is_empty() {
        return Ok(None);
    }
    // how people write an image that may as well be one of Docker's
    let image = image.trim().strip_prefix("docker://").unwrap_or(image.trim()).to_owned();
    if let Some(volume) = planned.volumes.first() {
        return Err(format!("the volume `{}` is not carried out: remove `volumes`", crate::reader::shown(volume)));
    }
    let options = options::read(&filler.text(planned.options.as_deref().unwrap_or_default())?)?;
    // each is one text with words in it
    let words = |given: &Option<Vec<String>>| match given {
        None => Ok(None),
        Some(texts) => options::words(&filler.text(&texts.join(" "))?).map(Some),
    };
    let mut env = BTreeMap::new();
    for (name, variable) in &planned.variables {
        env.insert(name.clone(), filler.value(&variable.value)?);
    }
    env.extend(options.env.iter().cloned());
    let credentials = match &planned.credentials {
        Some(credentials) => {
            let (username, password) = (filler.text(&credentials.username)?, filler.text(&credentials.password)?);
            (!username.is_empty()).then(|| (username, Secret::new(password)))
        }
        None => None,
    };
    let container = WantedContainer {
        image,
        pull_policy: Vec::new(),
        credentials,
        platform: None,
        entrypoint: words(&planned.entrypoint)?.or_else(|| options.entrypoint.clone()),
        command: words(&planned.command)?,
        user: options.user.clone(),
        env,
        memory: options.memory,
        cpu_millis: options.cpu_millis,
    };
    Ok(Some((container, options)))
}

/// What is wrong with a port.
pub(crate) fn check_port(text: &str) -> Result<(), String> {
    port_mapping(text).map(drop)
}

/// `8080`, `80:8080`, `127.0.0.1:80:8080`, each perhaps with `/tcp`.
fn port_mapping(text: &str) -> Result<PortMapping, String> {
    let wrong = || format!("the port `{}` is not carried out: write `CONTAINER` or `HOST:CONTAINER`, for TCP", crate::reader::shown(text));
    let plain = text.trim();
    let plain = plain.strip_suffix("/tcp").unwrap_or(plain);
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
    let parts: Vec<&str> = plain.split(':').collect();
    match parts[..] {
        [container] => Ok(PortMapping { host: None, container: number(container)? }),
        [host, container] | ["127.0.0.1" | "0.0.0.0" | "localhost", host, container] => {
            let host = if host.is_empty() { None } else { Some(number(host)?) };
            Ok(PortMapping { host, container: number(container)? })
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_from_an_image_as_gitlabs_runner_has_them() {
        for (image, names) in [
            ("postgres", &["postgres"][..]),
            ("postgres:16.1", &["postgres"]),
            ("tutum/wordpress:latest", &["tutum__wordpress", "tutum-wordpress"]),
            ("registry.example.org:5000/team/db:1@sha256:00", &["registry.example.org__team__db", "registry.example.org-team-db"]),
        ] {
            assert_eq!(host_names(image), names, "{image}");
        }
    }

    #[test]
    fn ports_are_those_of_tcp() {
        let port = |host, container| Ok(PortMapping { host, container });
        assert_eq!(port_mapping("6379"), port(None, 6379));
        assert_eq!(port_mapping("5433:5432/tcp"), port(Some(5433), 5432));
        assert_eq!(port_mapping("127.0.0.1:80:8080"), port(Some(80), 8080));
        for wrong in ["53/udp", "1:2:3", "0", "x", "8000-8010:80", "70000"] {
            assert!(port_mapping(wrong).is_err(), "{wrong}");
        }
    }
}
