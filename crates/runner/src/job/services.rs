//! A job's services: containers on a network of the job's own, there before its first step and gone after its last.
//!
//! The job itself stays on the machine's network, from which the services' addresses are reached: in a container by names in its
//! hosts file, on the host likewise, and there by ports of the machine's loopback too.

mod ports;
mod ready;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::container::{ContainerRuntime, ContainerSpec, Network};
use penstock_model::job::{AttemptId, EnvValue, RunnerError};
use penstock_model::service::{ServiceSpec, ServiceUp};

use self::ports::Forward;
use super::Attempt;
use super::container::{LABEL, label, no_runtime};
use crate::runner::{other, whole};

/// The end of a service's output that is shown when a job fails.
const SHOWN: usize = 16 << 10;
/// By this name services reach the machine, where the job is.
const BUILD: &str = "build";
/// The most services of a job: addresses of a /24.
const MAX_SERVICES: usize = 100;

/// The services of an attempt.
pub(super) struct Services {
    runtime: Arc<dyn ContainerRuntime>,
    network: String,
    started: Vec<Started>,
    forwards: Vec<Forward>,
    /// Names by which the job reaches them.
    pub(super) hosts: BTreeMap<String, Ipv4Addr>,
}

/// A service that runs, or has run.
struct Started {
    id: String,
    spec: ServiceSpec,
    address: Ipv4Addr,
}

/// What a job's containers and its network are named by.
pub(super) fn short(id: &AttemptId) -> String {
    Digest::of(format!("{}\0{}\0{}", id.run, id.job, id.attempt)).short()
}

/// Starts what the job asks for and waits until it is ready. Ends whatever it started if it fails.
pub(super) async fn start(attempt: &Attempt<'_>) -> Result<Option<Services>, RunnerError> {
    let wanted = &attempt.spec.services;
    let Some(first) = wanted.first() else { return Ok(None) };
    let Some(runtime) = attempt.runner.hands.containers.clone() else { return Err(no_runtime(&first.image)) };
    if wanted.len() > MAX_SERVICES {
        return Err(other("starting services", format!("a job may have at most {MAX_SERVICES}")));
    }
    let network = format!("job-{}", short(&attempt.spec.id));
    let machine = runtime.make_network(&network).await.map_err(|error| other("making the network of the job's services", error))?;
    let mut services = Services { runtime, network, started: Vec::new(), forwards: Vec::new(), hosts: BTreeMap::new() };
    let outcome = tokio::select! {
        outcome = services.begin(attempt, machine) => outcome,
        () = attempt.cancel.cancelled() => Err(other("starting services", "the job was cancelled")),
    };
    match outcome {
        Ok(()) => Ok(Some(services)),
        Err(error) => {
            let told = services.tell(attempt).await;
            if let Err(also) = services.end(attempt, false).await.and(told) {
                attempt.log.note(&whole(&also)).await;
            }
            Err(error)
        }
    }
}

impl Services {
    async fn begin(&mut self, attempt: &Attempt<'_>, machine: Ipv4Addr) -> Result<(), RunnerError> {
        let mut inside = BTreeMap::from([(BUILD.to_owned(), machine)]);
        let mut addresses = Vec::new();
        for (spec, last) in attempt.spec.services.iter().zip(2..) {
            let [a, b, c, _] = machine.octets();
            let address = Ipv4Addr::new(a, b, c, last);
            addresses.push(address);
            for alias in &spec.aliases {
                // of two services of one name the first has it
                self.hosts.entry(alias.clone()).or_insert(address);
            }
        }
        inside.extend(self.hosts.clone());
        for (index, (spec, address)) in attempt.spec.services.iter().zip(addresses).enumerate() {
            let id = format!("service-{}-{index}", short(&attempt.spec.id));
            attempt.log.note(&format!("starting the service {} ({})", spec.name, spec.image)).await;
            let container = self.container(attempt, spec, &id, address, &inside);
            let started = Started { id, spec: spec.clone(), address };
            self.runtime.start(&container).await.map_err(|error| other(format!("starting the service {}", spec.name), error))?;
            self.started.push(started);
        }
        for started in &self.started {
            ready::wait(attempt, &*self.runtime, &started.id, &started.spec, started.address).await?;
        }
        for started in &self.started {
            for port in &started.spec.ports {
                let to = (started.address, port.container);
                let forward = Forward::open(port.host, to).await;
                let forward = forward.map_err(|error| other(format!("a port of the service {}", started.spec.name), error))?;
                attempt.log.note(&format!("{} answers on localhost:{}", started.spec.name, forward.port)).await;
                self.forwards.push(forward);
            }
        }
        Ok(())
    }

    fn container(
        &self,
        attempt: &Attempt<'_>,
        spec: &ServiceSpec,
        id: &str,
        address: Ipv4Addr,
        hosts: &BTreeMap<String, Ipv4Addr>,
    ) -> ContainerSpec {
        let (mut env, mut secrets) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in &spec.env {
            match value {
                EnvValue::Plain(text) => drop(env.insert(name.clone(), text.clone())),
                EnvValue::Secret(secret) => drop(secrets.insert(name.clone(), secret.clone())),
            }
        }
        ContainerSpec {
            id: id.to_owned(),
            image: spec.image.clone(),
            command: spec.entrypoint.clone(),
            args: spec.command.clone(),
            env,
            secrets,
            user: spec.user.clone(),
            working_dir: None,
            network: Network::Own { network: self.network.clone(), address },
            mounts: Vec::new(),
            tmpfs: BTreeMap::new(),
            hosts: hosts.clone(),
            read_only_root: false,
            written: None,
            building: true,
            memory: spec.memory,
            cpu_millis: spec.cpu_millis,
            labels: BTreeMap::from([(LABEL.to_owned(), label(&attempt.spec.id))]),
        }
    }

    /// What the job's expressions may know of them.
    pub(super) fn up(&self) -> Vec<ServiceUp> {
        let mut forwards = self.forwards.iter();
        let mut up = Vec::new();
        for started in &self.started {
            let ports = started.spec.ports.iter().zip(forwards.by_ref()).map(|(port, forward)| (port.container, forward.port));
            up.push(ServiceUp {
                name: started.spec.name.clone(),
                id: started.id.clone(),
                network: self.network.clone(),
                ports: ports.collect(),
            });
        }
        up
    }

    /// The ends of their outputs, into the job's log.
    async fn tell(&self, attempt: &Attempt<'_>) -> Result<(), RunnerError> {
        for started in &self.started {
            let name = &started.spec.name;
            let said = self.runtime.logs(&started.id, SHOWN).await.map_err(|error| other(format!("reading the log of {name}"), error))?;
            let said = if said.trim().is_empty() { "it said nothing".to_owned() } else { said };
            attempt.log.note(&format!("the service {name}:")).await;
            for line in said.lines() {
                attempt.log.note(&format!("  {line}")).await;
            }
        }
        Ok(())
    }

    /// Ends them and removes their network. `tell`: first what they said.
    pub(super) async fn end(mut self, attempt: &Attempt<'_>, tell: bool) -> Result<(), RunnerError> {
        // nobody is to find a port open behind which there is nothing
        self.forwards.clear();
        let told = if tell { self.tell(attempt).await } else { Ok(()) };
        let failed = |what: &str, name: &str, error| other(format!("{what} the service {name}"), error);
        let stopped = self.started.iter().map(|started| async {
            let name = &started.spec.name;
            // as both dialects' runners do: nothing of a service is kept
            self.runtime.stop(&started.id, Duration::ZERO).await.map_err(|error| failed("stopping", name, error))?;
            self.runtime.remove(&started.id).await.map_err(|error| failed("removing", name, error))
        });
        let stopped: Result<Vec<()>, RunnerError> = futures::future::join_all(stopped).await.into_iter().collect();
        stopped?;
        self.runtime.remove_network(&self.network).await.map_err(|error| other("removing the network of the job's services", error))?;
        told
    }
}
