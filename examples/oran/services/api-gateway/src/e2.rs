//! The E2 server, by gRPC.

use std::time::Duration;

use sdr_e2::e2_client::E2Client;
use sdr_e2::{
    E2SetupRequest, E2SetupResponse, KPM, ListNodesRequest, Node, RC, RicControlRequest, RicQueryRequest,
    RicQueryResponse, RicRequestId, RicSubscriptionRequest, SubscriptionMessage,
};
use sdr_runtime::{Failure, traces};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::problem::Problem;

/// How long an answer may take. A stream's first message is its answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How long to try to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Who this is to the nodes.
const REQUEST: RicRequestId = RicRequestId { requestor_id: 100, instance_id: 0 };

type Traced = InterceptedService<Channel, fn(Request<()>) -> Result<Request<()>, Status>>;

/// A client of the E2 server. Copies share a connection, which is made when it is needed, and again when it is lost.
#[derive(Clone, Debug)]
pub struct E2 {
    client: E2Client<Traced>,
}

impl E2 {
    /// The E2 server at `url`.
    pub fn new(url: &str) -> Result<Self, Failure> {
        let channel = Endpoint::from_shared(url.to_owned())
            .map_err(|error| format!("e2-server: {url} is not a URL: {error}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .connect_lazy();
        Ok(Self { client: E2Client::with_interceptor(channel, traced) })
    }

    /// The nodes that have set up.
    pub async fn nodes(&self) -> Result<Vec<Node>, Problem> {
        Ok(self.client.clone().list_nodes(ListNodesRequest {}).await?.into_inner().nodes)
    }

    /// A node sets up.
    pub async fn set_up(&self, request: E2SetupRequest) -> Result<E2SetupResponse, Problem> {
        Ok(self.client.clone().setup(request).await?.into_inner())
    }

    /// A cell's figures now.
    pub async fn query(&self, cell: &str) -> Result<RicQueryResponse, Problem> {
        let request = RicQueryRequest { ric_request_id: Some(REQUEST), ran_function_id: KPM, cell_id: cell.to_owned() };
        Ok(self.client.clone().query(request).await?.into_inner())
    }

    /// Tells a cell how much of its resource blocks it may use.
    pub async fn control(&self, cell: &str, quota: u32) -> Result<u32, Problem> {
        let request = RicControlRequest {
            ric_request_id: Some(REQUEST),
            ran_function_id: RC,
            cell_id: cell.to_owned(),
            prb_quota_percent: quota,
        };
        Ok(self.client.clone().control(request).await?.into_inner().prb_quota_percent)
    }

    /// A subscription to a node's figures. It is deleted when the stream is dropped.
    pub async fn subscribe(&self, node: &str, period_ms: u32) -> Result<Streaming<SubscriptionMessage>, Problem> {
        let request = RicSubscriptionRequest {
            ric_request_id: Some(REQUEST),
            global_e2_node_id: node.to_owned(),
            ran_function_id: KPM,
            reporting_period_ms: period_ms,
        };
        Ok(self.client.clone().subscribe(request).await?.into_inner())
    }
}

#[allow(clippy::unnecessary_wraps, reason = "an interceptor may refuse")]
fn traced(mut request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(context) = traces::current().and_then(|context| context.parse().ok()) {
        request.metadata_mut().insert(traces::TRACEPARENT, context);
    }
    Ok(request)
}
