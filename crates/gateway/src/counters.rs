//! What was counted, by route and group, since the process began.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use penstock_model::gateway::{Counters, LATENCY_BOUNDS_MS};

use crate::limits::MAX_RETIRED_GROUPS;

const BUCKETS: usize = LATENCY_BOUNDS_MS.len() + 1;

/// The counters of one group of one route.
#[derive(Debug, Default)]
pub struct GroupCounters {
    requests: AtomicU64,
    errors: AtomicU64,
    in_flight: AtomicU64,
    latency: [AtomicU64; BUCKETS],
}

impl GroupCounters {
    /// How it stands now.
    pub fn read(&self) -> Counters {
        // written in the opposite order, so that errors never exceed requests, nor requests what the buckets hold
        let errors = self.errors.load(Ordering::Acquire);
        let requests = self.requests.load(Ordering::Acquire);
        Counters {
            requests,
            errors,
            in_flight: self.in_flight.load(Ordering::Acquire),
            latency: self.latency.iter().map(|bucket| bucket.load(Ordering::Acquire)).collect(),
        }
    }

    fn count(&self, latency: Duration, error: bool) {
        let millis = latency.as_secs_f64() * 1000.0;
        let bucket = LATENCY_BOUNDS_MS.partition_point(|bound| f64::from(*bound) < millis);
        self.latency[bucket].fetch_add(1, Ordering::Release);
        self.requests.fetch_add(1, Ordering::Release);
        if error {
            self.errors.fetch_add(1, Ordering::Release);
        }
        self.in_flight.fetch_sub(1, Ordering::Release);
    }
}

/// A request at one pod, until its answer has ended.
#[derive(Debug)]
pub struct Visit(Arc<AtomicU64>);

impl Visit {
    /// It sets out.
    pub fn begin(visits: &Arc<AtomicU64>) -> Self {
        visits.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(visits))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One request on its way; counted once, when it ends, however it ends.
#[derive(Debug)]
pub struct Ticket {
    counters: Arc<GroupCounters>,
    began: Instant,
    answered: Option<Duration>,
    visit: Option<Visit>,
    open: bool,
}

impl Ticket {
    /// A request sets out.
    pub fn begin(counters: &Arc<GroupCounters>) -> Self {
        counters.in_flight.fetch_add(1, Ordering::AcqRel);
        Self { counters: Arc::clone(counters), began: Instant::now(), answered: None, visit: None, open: true }
    }

    /// The head of its answer came: this is its latency, since an answer may stream for as long as it likes.
    pub fn answered(&mut self, visit: Visit) {
        self.answered = Some(self.began.elapsed());
        self.visit = Some(visit);
    }

    /// It ended.
    pub fn end(mut self, error: bool) {
        self.close(error);
    }

    /// It went nowhere: another group is chosen for it.
    pub fn cancel(mut self) {
        self.open = false;
        self.counters.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    fn close(&mut self, error: bool) {
        if std::mem::take(&mut self.open) {
            self.counters.count(self.answered.unwrap_or_else(|| self.began.elapsed()), error);
        }
    }
}

impl Drop for Ticket {
    /// The user went away. The request counts with the time it took until then, which shows a backend that hangs; the
    /// error is not the backend's.
    fn drop(&mut self) {
        self.close(false);
    }
}

#[derive(Debug, Default)]
struct RouteCounters {
    groups: HashMap<String, Arc<GroupCounters>>,
    /// Groups that left the snapshot, oldest first.
    retired: Vec<String>,
}

/// All counters of the process.
#[derive(Debug, Default)]
pub struct Registry {
    routes: Mutex<HashMap<String, RouteCounters>>,
    /// Requests at each pod, over all routes.
    pods: Mutex<HashMap<String, Arc<AtomicU64>>>,
    /// Requests for which no group had a backend and a weight.
    pub unrouted: AtomicU64,
    /// Connects that were refused, after which another backend of the group was tried.
    pub refused: AtomicU64,
    /// Idle connections that turned out to be closed before anything was sent on them.
    pub stale: AtomicU64,
}

impl Registry {
    /// The counters of a group; a group that comes back goes on where it was.
    pub fn group(&self, route: &str, group: &str) -> Arc<GroupCounters> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let route = routes.entry(route.to_owned()).or_default();
        route.retired.retain(|name| name != group);
        Arc::clone(route.groups.entry(group.to_owned()).or_default())
    }

    /// A group left the snapshot: its counters stay readable, within a bound.
    pub fn retire(&self, route: &str, group: &str) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(route) = routes.get_mut(route) else { return };
        route.retired.retain(|name| name != group);
        route.retired.push(group.to_owned());
        if route.retired.len() > MAX_RETIRED_GROUPS {
            let oldest = route.retired.remove(0);
            route.groups.remove(&oldest);
        }
    }

    /// The count of requests at a pod.
    pub fn pod(&self, pod: &str) -> Arc<AtomicU64> {
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pods.entry(pod.to_owned()).or_default())
    }

    /// Pods with requests under way. Those that are in no snapshot and have none are forgotten.
    pub fn visits(&self) -> BTreeMap<String, u64> {
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        pods.retain(|_, visits| Arc::strong_count(visits) > 1);
        let counts = pods.iter().map(|(pod, visits)| (pod.clone(), visits.load(Ordering::SeqCst)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// How all of it stands now.
    pub fn read(&self) -> BTreeMap<String, BTreeMap<String, Counters>> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let groups = |route: &RouteCounters| route.groups.iter().map(|(name, counters)| (name.clone(), counters.read())).collect();
        routes.iter().map(|(name, route)| (name.clone(), groups(route))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_once_however_it_ends() {
        let registry = Registry::default();
        let group = registry.group("r", "g");
        Ticket::begin(&group).end(true);
        Ticket::begin(&group).end(false);
        let open = Ticket::begin(&group);
        drop(Ticket::begin(&group));
        let seen = group.read();
        assert_eq!((seen.requests, seen.errors, seen.in_flight), (3, 1, 1));
        assert_eq!(seen.latency.iter().sum::<u64>(), 3);
        drop(open);
    }

    #[test]
    fn a_pod_without_visits_is_absent_and_forgotten_when_nobody_names_it() {
        let registry = Registry::default();
        let pod = registry.pod("p");
        let visit = Visit::begin(&pod);
        drop(pod);
        assert_eq!(registry.visits(), BTreeMap::from([("p".to_owned(), 1)]));
        drop(visit);
        assert!(registry.visits().is_empty() && registry.pods.lock().unwrap().is_empty());
    }

    #[test]
    fn a_latency_at_its_bound_belongs_to_the_bucket_of_that_bound() {
        let counters = GroupCounters::default();
        for (millis, bucket) in [(0, 0), (1, 0), (2, 1), (500, 16), (501, 17), (10_000, 21), (60_000, 22)] {
            counters.in_flight.fetch_add(1, Ordering::Relaxed);
            let before = counters.read().latency[bucket];
            counters.count(Duration::from_millis(millis), false);
            assert_eq!(counters.read().latency[bucket], before + 1, "{millis} ms");
        }
    }

    #[test]
    fn retired_groups_are_kept_within_a_bound_and_return_where_they_were() {
        let registry = Registry::default();
        for n in 0..=MAX_RETIRED_GROUPS {
            let name = format!("g{n}");
            Ticket::begin(&registry.group("r", &name)).end(false);
            registry.retire("r", &name);
        }
        let seen = registry.read();
        assert_eq!(seen["r"].len(), MAX_RETIRED_GROUPS);
        assert!(!seen["r"].contains_key("g0"));
        assert_eq!(registry.group("r", "g1").read().requests, 1);
    }
}
