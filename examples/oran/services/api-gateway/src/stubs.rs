//! Services behind the front door that say what they were asked, for the self-test and the tests.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use sdr_e2::e2_server::{E2, E2Server};
use sdr_e2::subscription_message::Message;
use sdr_e2::{
    CellReport, E2SetupRequest, E2SetupResponse, ListNodesRequest, ListNodesResponse, Measurement, Node,
    RicControlAcknowledge, RicControlRequest, RicIndication, RicQueryRequest, RicQueryResponse, RicSubscriptionRequest,
    RicSubscriptionResponse, SubscriptionMessage,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Response, Status};

use crate::config::Config;

/// Starts a stub of each service on loopback.
pub async fn start() -> std::io::Result<Config> {
    let http = || Router::new().fallback(echo);
    Ok(Config { pqc: serve_http(http()).await?, drl: serve_http(http()).await?, e2: serve_e2().await? })
}

async fn bind() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves `router` on a free port of loopback, and says where.
pub async fn serve_http(router: Router) -> std::io::Result<String> {
    let (listener, address) = bind().await?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

async fn serve_e2() -> std::io::Result<String> {
    let (listener, address) = bind().await?;
    let server = tonic::transport::Server::builder().add_service(E2Server::new(Stub));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(format!("http://{address}"))
}

/// A teapot, so that nobody takes a stub's answer for the gateway's own.
async fn echo(request: Request) -> (StatusCode, String) {
    (StatusCode::IM_A_TEAPOT, format!("{} {}", request.method(), request.uri().path()))
}

struct Stub;

#[tonic::async_trait]
impl E2 for Stub {
    async fn setup(&self, request: tonic::Request<E2SetupRequest>) -> Result<Response<E2SetupResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(E2SetupResponse {
            transaction_id: request.transaction_id,
            global_ric_id: "stub".to_owned(),
            ran_functions_accepted: request.ran_functions.iter().map(|function| function.id).collect(),
            ran_functions_rejected: Vec::new(),
        }))
    }

    async fn list_nodes(&self, _: tonic::Request<ListNodesRequest>) -> Result<Response<ListNodesResponse>, Status> {
        let node = Node { global_e2_node_id: "stub".to_owned(), ..Node::default() };
        Ok(Response::new(ListNodesResponse { nodes: vec![node] }))
    }

    type SubscribeStream = ReceiverStream<Result<SubscriptionMessage, Status>>;

    async fn subscribe(
        &self,
        request: tonic::Request<RicSubscriptionRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        if request.into_inner().global_e2_node_id != "stub" {
            return Err(Status::not_found("ric-request/unspecified: no such node"));
        }
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let first = Message::Response(RicSubscriptionResponse { ran_function_id: 2, ..Default::default() });
            let rest = (0..).map(|sequence_number| {
                Message::Indication(RicIndication { sequence_number, ..RicIndication::default() })
            });
            for message in std::iter::once(first).chain(rest) {
                if sender.send(Ok(SubscriptionMessage { message: Some(message) })).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn query(&self, request: tonic::Request<RicQueryRequest>) -> Result<Response<RicQueryResponse>, Status> {
        let cell_id = request.into_inner().cell_id;
        if cell_id != "cell" {
            return Err(Status::not_found("ric-request/unspecified: no such cell"));
        }
        let measurements = vec![Measurement { name: "RRU.PrbTotDl".to_owned(), value: 41.5 }];
        let report = CellReport { cell_id, collection_start_unix_ms: 7, measurements };
        let global_e2_node_id = "stub".to_owned();
        Ok(Response::new(RicQueryResponse { ric_request_id: None, global_e2_node_id, report: Some(report) }))
    }

    async fn control(
        &self,
        request: tonic::Request<RicControlRequest>,
    ) -> Result<Response<RicControlAcknowledge>, Status> {
        let prb_quota_percent = request.into_inner().prb_quota_percent;
        Ok(Response::new(RicControlAcknowledge { ric_request_id: None, prb_quota_percent }))
    }
}
