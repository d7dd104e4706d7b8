//! A chart rendered against a cluster: what it is and serves, and what templates look up in it.
//!
//! Rendering is a function and a cluster is asked by waiting, so a render that looks for an object that nobody has fetched yet is
//! given nothing, told what it looked for, and done again once that is there. A render changes nothing, so that it may be repeated.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use penstock_chart::{
    budget::{Budget, Exhausted, Limits, RENDER_TIME, Tells, TimeLimit},
    chart::Chart,
    function::Lookup,
    random::Seeded,
    release::{ComposeError, Composed, Request, compose},
    render::{Capabilities, KubeVersion, Release, RenderError, Surroundings},
    value::{Data, Table},
    values::{Nulls, settle},
};
use penstock_model::{
    clock::over_after,
    cluster::{Cluster, ClusterError, ObjectName, Query},
};
use serde_json::json;

use crate::{HelmError, Releases};

/// How often a chart is rendered anew for objects that it looks for: each may be found by what the one before held.
const ROUNDS: usize = 32;

/// How many objects are fetched between two renders. What is looked for beyond them is found missing by the next one, too.
const AT_ONCE: usize = 4_096;

/// Changes what was rendered before anything is made of it: Helm's post-renderer.
#[async_trait]
pub trait PostRender: Send + Sync {
    /// The documents, hooks apart, changed; or why they are not, in words.
    async fn change(&self, manifest: &str) -> Result<String, String>;
}

/// What is rendered, the release apart.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of Helm's, independent of the others")]
pub struct RenderRequest {
    /// The chart, its dependencies in it.
    pub chart: Chart,
    /// The values that the user gave.
    pub values: Table,
    /// Whether values are checked against the chart's schema.
    pub check_schema: bool,
    /// What templates' randomness is drawn from.
    pub seed: [u8; 32],
    /// What a render may cost.
    pub limits: Limits,
    /// How long a render may take.
    pub time: Duration,
    /// What tells that the operation is given up. It is asked while a template is carried out, when nothing else of this room is.
    pub given_up: Option<Tells>,
    /// Whether templates may look things up.
    pub look_up: bool,
    /// What the cluster is taken for; it is asked what it is and serves unless given.
    pub capabilities: Option<Capabilities>,
    /// What gives the addresses of a host, where templates may ask for them.
    pub hosts: Option<fn(&str) -> Vec<String>>,
    /// Whether what Secrets hold is left out; what is left out is not applied either, so that it is for dry runs.
    pub hide_secrets: bool,
    /// Whether definitions below `crds/` stand before the documents; what is installed has them apart.
    pub include_crds: bool,
    /// Whether the notes of the charts inside are given, too.
    pub sub_notes: bool,
    /// What changes the documents once they are rendered.
    pub post_renderer: Option<Arc<dyn PostRender>>,
}

impl Default for RenderRequest {
    /// Nothing, as Helm would render it.
    fn default() -> Self {
        Self {
            chart: Chart::default(),
            values: Table::new(),
            check_schema: true,
            seed: [0; 32],
            limits: Limits::default(),
            time: RENDER_TIME,
            given_up: None,
            look_up: false,
            capabilities: None,
            hosts: None,
            hide_secrets: false,
            include_crds: false,
            sub_notes: false,
            post_renderer: None,
        }
    }
}

impl RenderRequest {
    /// How long a render that begins now may go on.
    fn time_limit(&self) -> TimeLimit {
        let time = TimeLimit::new(self.time, over_after);
        match &self.given_up {
            Some(given_up) => time.unless_given_up(Tells::clone(given_up)),
            None => time,
        }
    }

    /// The chart with those inside it that are enabled, by the names that they go by.
    pub(crate) fn settled(&self) -> Result<Chart, HelmError> {
        let settled = settle(&self.chart, &self.values, Nulls::Keep, &mut Budget::new(self.limits));
        settled.map(|settled| settled.chart).map_err(|fault| HelmError::Render(fault.to_string()))
    }
}

/// What was looked for and is fetched already, and what is not.
#[derive(Default)]
pub struct Render {
    found: BTreeMap<Wanted, Result<Option<Data>, String>>,
    missing: RefCell<BTreeSet<Wanted>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

impl Lookup for Render {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Option<Data>, String> {
        let [api_version, kind, namespace, name] = [api_version, kind, namespace, name].map(str::to_owned);
        let wanted = Wanted { api_version, kind, namespace, name };
        if let Some(found) = self.found.get(&wanted) {
            return found.clone();
        }
        // a loop may look for one thing a million times, and it is fetched once
        let mut missing = self.missing.borrow_mut();
        if missing.len() < AT_ONCE {
            missing.insert(wanted);
        }
        Ok(None)
    }
}

impl Releases<'_> {
    /// Renders a chart as this cluster has it.
    pub async fn render(&self, request: &RenderRequest, release: Release) -> Result<Composed, HelmError> {
        let capabilities = match &request.capabilities {
            Some(given) => given.clone(),
            None => self.capabilities().await?,
        };
        let now = jiff_now(self.clock.now().0)?;
        let whole = Request {
            values: request.values.clone(),
            release,
            capabilities,
            check_schema: request.check_schema,
            include_crds: request.include_crds,
            hide_secrets: request.hide_secrets,
            sub_notes: request.sub_notes,
            ..Request::default()
        };
        let mut render = Render::default();
        for _ in 0..ROUNDS {
            let composed = {
                let mut random = Seeded::new(request.seed);
                let lookup: Option<&dyn Lookup> = if request.look_up { Some(&render) } else { None };
                let hosts = request.hosts.as_ref().map(|hosts| hosts as &dyn Fn(&str) -> Vec<String>);
                let time = Some(request.time_limit());
                let mut around = Surroundings { lookup, hosts, limits: request.limits, time, ..Surroundings::new(&now, &mut random) };
                compose(&request.chart, &whole, &mut around)
            };
            let missing = render.missing.take();
            if missing.is_empty() {
                let mut composed = composed.map_err(unrendered)?;
                composed.warnings.iter().for_each(|warning| self.warn(warning));
                if let Some(program) = &request.post_renderer {
                    let changed = program.change(&composed.manifest).await;
                    composed.manifest =
                        changed.map_err(|why| HelmError::Render(format!("error while running post render on files: {why}")))?;
                }
                return Ok(composed);
            }
            for wanted in missing {
                let found = fetch(self.cluster, &wanted).await?;
                render.found.insert(wanted, found);
            }
        }
        Err(HelmError::Render(format!("templates look for objects, by what they found, more than {ROUNDS} times")))
    }
}

impl Releases<'_> {
    async fn capabilities(&self) -> Result<Capabilities, HelmError> {
        let server = self.cluster.server().await?;
        Ok(Capabilities {
            kube_version: KubeVersion { version: server.version, major: server.major, minor: server.minor },
            api_versions: server.api_versions.into_iter().collect(),
            ..Capabilities::default()
        })
    }
}

fn unrendered(error: ComposeError) -> HelmError {
    match error {
        ComposeError::Render(RenderError::Limit(Exhausted::GivenUp)) => HelmError::RenderInterrupted,
        error => HelmError::Render(error.to_string()),
    }
}

/// Fetches an object or a list. What the cluster does not know is nothing; what it refuses is the template's error.
async fn fetch(cluster: &dyn Cluster, wanted: &Wanted) -> Result<Result<Option<Data>, String>, HelmError> {
    let Wanted { api_version, kind, namespace, name } = wanted.clone();
    let found = if name.is_empty() {
        let query = Query { api_version: api_version.clone(), kind: kind.clone(), namespace, ..Query::default() };
        cluster.list(&query).await.map(|items| Some(json!({ "apiVersion": api_version, "kind": format!("{kind}List"), "items": items })))
    } else {
        let resource = cluster.resource(&api_version, &kind).await;
        let namespace = match &resource {
            Ok(resource) if !resource.namespaced => String::new(),
            _ => namespace,
        };
        match resource {
            Ok(_) => cluster.get(&ObjectName { api_version, kind, namespace, name }).await,
            Err(error) => Err(error),
        }
    };
    match found {
        Ok(found) => Ok(Ok(found.map(|object| penstock_chart::json::data(&object)))),
        Err(error) if error.is_not_found() => Ok(Ok(None)),
        Err(error @ (ClusterError::Refused(_) | ClusterError::NoSuchKind(_))) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

fn jiff_now(milliseconds: i64) -> Result<jiff::ZonedDateTime, HelmError> {
    let at = jiff::Timestamp::from_millisecond(milliseconds).map_err(|error| HelmError::Render(error.to_string()))?;
    Ok(at.to_zoned_datetime(jiff::tz::TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_again_and_again_is_fetched_once_and_no_more_than_some_at_a_time() {
        let render = Render::default();
        for _ in 0..100 {
            assert_eq!(render.lookup("v1", "Secret", "shop", "same"), Ok(None));
        }
        assert_eq!(render.missing.take().len(), 1);
        (0..2 * AT_ONCE).for_each(|number| assert_eq!(render.lookup("v1", "Secret", "shop", &number.to_string()), Ok(None)));
        assert_eq!(render.missing.take().len(), AT_ONCE);
    }
}
