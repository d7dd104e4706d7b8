//! The gRPC service.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use sdr_e2::e2_server::{E2, E2Server};
use sdr_e2::subscription_message::Message;
use sdr_e2::{
    E2SetupRequest, E2SetupResponse, ListNodesRequest, ListNodesResponse, RicControlAcknowledge, RicControlRequest,
    RicIndication, RicQueryRequest, RicQueryResponse, RicRequestId, RicSubscriptionRequest, RicSubscriptionResponse,
    SubscriptionMessage,
};
use sdr_runtime::{Context, Failure, Lifecycle, traces};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::nodes::{Nodes, Refusal};
use crate::radio;

/// How many indications wait for a slow subscriber before the next is left out.
const BACKLOG: usize = 16;

/// The shortest and the longest reporting period, in milliseconds.
const PERIODS: std::ops::RangeInclusive<u32> = 10..=60_000;

/// The name of this RIC.
const RIC: &str = "001-01-ric-1";

/// Serves E2 and health until the service is told to stop, then ends what is under way.
pub async fn serve(listener: TcpListener, context: &Context) -> Result<(), Failure> {
    let life = context.lifecycle.clone();
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<E2Server<Termination>>().await;
    // Whoever asks for health while the service drains is told to go elsewhere.
    let draining = life.clone();
    let leaving = tokio::spawn(async move {
        draining.draining().await;
        reporter.set_not_serving::<E2Server<Termination>>().await;
        reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    });
    tracing::info!(address = %listener.local_addr()?, "listening for E2");
    let server = tonic::transport::Server::builder()
        .add_service(health)
        .add_service(E2Server::new(Termination::new(context)))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), life.clone().stopped());
    let outcome = tokio::select! {
        outcome = server => outcome.map_err(Failure::from),
        () = life.out_of_grace() => Err("calls were still under way when the grace period ended".into()),
    };
    leaving.abort();
    outcome
}

/// E2 termination over a set of nodes.
#[derive(Debug)]
pub struct Termination {
    nodes: Arc<Nodes>,
    life: Lifecycle,
    known: Gauge<i64, AtomicI64>,
    indications: Counter,
    controls: Counter,
}

impl Termination {
    /// A termination with the simulated nodes.
    pub fn new(context: &Context) -> Self {
        let metrics = &context.metrics;
        let this = Self {
            nodes: Arc::new(Nodes::simulated()),
            life: context.lifecycle.clone(),
            known: metrics.register("e2_nodes", "Nodes that have set up", Gauge::default()),
            indications: metrics.register("e2_indications", "Indications sent", Counter::default()),
            controls: metrics.register("e2_controls", "Controls acknowledged", Counter::default()),
        };
        this.count();
        this
    }

    fn count(&self) {
        self.known.set(i64::try_from(self.nodes.count()).unwrap_or(i64::MAX));
    }
}

type Subscription = Pin<Box<dyn Stream<Item = Result<SubscriptionMessage, Status>> + Send>>;

#[tonic::async_trait]
impl E2 for Termination {
    async fn setup(&self, request: Request<E2SetupRequest>) -> Result<Response<E2SetupResponse>, Status> {
        let _span = span("setup", &request).entered();
        let request = request.into_inner();
        let (transaction_id, node) = (request.transaction_id, request.global_e2_node_id.clone());
        let (accepted, rejected) = self.nodes.set_up(request).map_err(status)?;
        self.count();
        tracing::info!(node, accepted = accepted.len(), rejected = rejected.len(), "a node set up");
        Ok(Response::new(E2SetupResponse {
            transaction_id,
            global_ric_id: RIC.to_owned(),
            ran_functions_accepted: accepted,
            ran_functions_rejected: rejected,
        }))
    }

    async fn list_nodes(&self, request: Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        let _span = span("list_nodes", &request).entered();
        Ok(Response::new(ListNodesResponse { nodes: self.nodes.list() }))
    }

    type SubscribeStream = Subscription;

    async fn subscribe(&self, request: Request<RicSubscriptionRequest>) -> Result<Response<Subscription>, Status> {
        let span = span("subscribe", &request);
        let request = request.into_inner();
        if !PERIODS.contains(&request.reporting_period_ms) {
            return Err(status(Refusal::Semantic("a reporting period is 10 to 60000 ms")));
        }
        self.nodes.cells(&request.global_e2_node_id, request.ran_function_id).map_err(status)?;
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let reports = report(sender, request, self.nodes.clone(), self.indications.clone());
        let life = self.life.clone();
        // A subscription has no end of its own and would keep the service from ending.
        let bounded = async move {
            tokio::select! { () = reports => {}, () = life.streams_over() => {} }
        };
        tokio::spawn(bounded.instrument(span));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn query(&self, request: Request<RicQueryRequest>) -> Result<Response<RicQueryResponse>, Status> {
        let _span = span("query", &request).entered();
        let request = request.into_inner();
        let (node, quota) = self.nodes.find(&request.cell_id, request.ran_function_id).map_err(status)?;
        Ok(Response::new(RicQueryResponse {
            ric_request_id: request.ric_request_id,
            global_e2_node_id: node,
            report: Some(radio::report(&request.cell_id, unix_ms(), quota)),
        }))
    }

    async fn control(&self, request: Request<RicControlRequest>) -> Result<Response<RicControlAcknowledge>, Status> {
        let _span = span("control", &request).entered();
        let request = request.into_inner();
        let quota = request.prb_quota_percent;
        self.nodes.limit(&request.cell_id, request.ran_function_id, quota).map_err(status)?;
        self.controls.inc();
        tracing::info!(cell = request.cell_id, quota, "a cell was told its quota");
        Ok(Response::new(RicControlAcknowledge { ric_request_id: request.ric_request_id, prb_quota_percent: quota }))
    }
}

/// Admits the subscription, then reports at every tick until nobody listens or the node is gone.
async fn report(
    sender: mpsc::Sender<Result<SubscriptionMessage, Status>>,
    request: RicSubscriptionRequest,
    nodes: Arc<Nodes>,
    sent: Counter,
) {
    let ric_request_id: Option<RicRequestId> = request.ric_request_id;
    let function = request.ran_function_id;
    let wrap = |message| Ok(SubscriptionMessage { message: Some(message) });
    let response = RicSubscriptionResponse { ric_request_id, ran_function_id: function, actions_admitted: vec![1] };
    if sender.send(wrap(Message::Response(response))).await.is_err() {
        return;
    }
    let mut ticks = interval(Duration::from_millis(u64::from(request.reporting_period_ms)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for sequence_number in 0.. {
        tokio::select! { _ = ticks.tick() => {}, () = sender.closed() => return }
        let cells = match nodes.cells(&request.global_e2_node_id, function) {
            Ok(cells) => cells,
            Err(refusal) => {
                drop(sender.send(Err(status(refusal))).await);
                return;
            }
        };
        let now = unix_ms();
        let cells = cells.iter().map(|(cell, quota)| radio::report(cell, now, *quota)).collect();
        let indication =
            RicIndication { ric_request_id, ran_function_id: function, action_id: 1, sequence_number, cells };
        // A subscriber that does not keep up misses indications, and sees it by the sequence number.
        match sender.try_send(wrap(Message::Indication(indication))) {
            Ok(()) => {
                sent.inc();
            }
            Err(mpsc::error::TrySendError::Full(_)) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        }
    }
}

fn span<T>(procedure: &'static str, request: &Request<T>) -> tracing::Span {
    let span = tracing::info_span!("e2", otel.kind = "server", rpc.system = "grpc", rpc.method = procedure);
    traces::adopt(&span, request.metadata().get(traces::TRACEPARENT).and_then(|value| value.to_str().ok()));
    span
}

#[allow(clippy::needless_pass_by_value, reason = "to be named in map_err")]
fn status(refusal: Refusal) -> Status {
    let words = refusal.to_string();
    match refusal {
        Refusal::Semantic(_) => Status::invalid_argument(words),
        Refusal::Unknown { .. } => Status::not_found(words),
        Refusal::RanFunction(_) => Status::failed_precondition(words),
        Refusal::Full => Status::resource_exhausted(words),
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
