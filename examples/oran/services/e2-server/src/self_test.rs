//! Starts the server on loopback and goes through every procedure as a client.

use std::net::Ipv4Addr;
use std::time::Duration;

use sdr_e2::e2_client::E2Client;
use sdr_e2::subscription_message::Message;
use sdr_e2::{
    E2SetupRequest, KPM, ListNodesRequest, RC, RanFunction, RicControlRequest, RicQueryRequest, RicRequestId,
    RicSubscriptionRequest, SubscriptionMessage,
};
use sdr_runtime::{Checks, Context, Failure};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::{IDENTITY, server};

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(20);

const REQUEST: RicRequestId = RicRequestId { requestor_id: 123, instance_id: 1 };
const NODE: &str = "001-01-gnb-test";
const CELL: &str = "cell-test";

pub async fn run(checks: &mut Checks) {
    let context = Context::detached(IDENTITY);
    match start(&context).await {
        Err(error) => {
            checks.note::<(), _>("the server starts", Err(error));
        }
        Ok((server, channel)) => {
            let outcome = tokio::time::timeout(LIMIT, procedures(checks, channel)).await;
            checks.note("every procedure answers in time", outcome);
            context.lifecycle.stop();
            let ended = tokio::time::timeout(LIMIT, server).await;
            checks.note("the server ends when it is told to", ended);
        }
    }
}

async fn start(context: &Context) -> Result<(tokio::task::JoinHandle<Result<(), Failure>>, Channel), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let endpoint = Endpoint::from_shared(format!("http://{}", listener.local_addr()?))?;
    let context = context.clone();
    let server = tokio::spawn(async move { server::serve(listener, &context).await });
    Ok((server, endpoint.connect().await?))
}

async fn procedures(checks: &mut Checks, channel: Channel) {
    health(checks, channel.clone()).await;
    let mut client = E2Client::new(channel);
    set_up(checks, &mut client).await;
    subscription(checks, &mut client).await;
    control(checks, &mut client).await;
}

async fn health(checks: &mut Checks, channel: Channel) {
    let mut client = HealthClient::new(channel);
    for service in ["", "sdr.e2.v1.E2"] {
        let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
        let seen = answer.map(|answer| answer.into_inner().status());
        checks.equal(&format!("health of {service:?}"), &seen.ok(), &Some(ServingStatus::Serving));
    }
}

async fn set_up(checks: &mut Checks, client: &mut E2Client<Channel>) {
    let function = |id| RanFunction { id, oid: String::new(), revision: 1 };
    let request = E2SetupRequest {
        transaction_id: 7,
        global_e2_node_id: NODE.to_owned(),
        cell_ids: vec![CELL.to_owned()],
        ran_functions: vec![function(KPM), function(RC), function(99)],
    };
    let answer = client.setup(request).await.map(tonic::Response::into_inner);
    if let Some(answer) = checks.note("E2 setup", answer) {
        checks.equal("the transaction is the one that was asked", &answer.transaction_id, &7);
        checks.equal("known RAN functions are accepted", &answer.ran_functions_accepted, &vec![KPM, RC]);
        let rejected: Vec<u32> = answer.ran_functions_rejected.iter().map(|function| function.id).collect();
        checks.equal("an unknown RAN function is rejected", &rejected, &vec![99]);
    }
    let nodes = client.list_nodes(ListNodesRequest {}).await.map(|answer| answer.into_inner().nodes);
    let known = nodes.is_ok_and(|nodes| nodes.iter().any(|node| node.global_e2_node_id == NODE));
    checks.equal("the node is listed", &known, &true);
}

async fn subscription(checks: &mut Checks, client: &mut E2Client<Channel>) {
    let request = |node: &str, function| RicSubscriptionRequest {
        ric_request_id: Some(REQUEST),
        global_e2_node_id: node.to_owned(),
        ran_function_id: function,
        reporting_period_ms: 20,
    };
    let answer = client.subscribe(request(NODE, KPM)).await.map(tonic::Response::into_inner);
    if let Some(mut messages) = checks.note("RIC subscription", answer) {
        let first = next(&mut messages).await;
        checks.equal("the subscription is admitted first", &matches!(first, Some(Message::Response(_))), &true);
        for expected in 0..3 {
            let seen = match next(&mut messages).await {
                Some(Message::Indication(indication)) => {
                    Some((indication.sequence_number, indication.ric_request_id, indication.cells.len()))
                }
                _ => None,
            };
            checks.equal("RIC indication", &seen, &Some((expected, Some(REQUEST), 1)));
        }
    }
    for (name, node, function, code) in [
        ("a subscription to an unknown node is refused", "nobody", KPM, Code::NotFound),
        ("a subscription to an unknown function is refused", NODE, 99, Code::FailedPrecondition),
    ] {
        let refused = client.subscribe(request(node, function)).await.err().map(|status| status.code());
        checks.equal(name, &refused, &Some(code));
    }
}

async fn control(checks: &mut Checks, client: &mut E2Client<Channel>) {
    let request = |quota| RicControlRequest {
        ric_request_id: Some(REQUEST),
        ran_function_id: RC,
        cell_id: CELL.to_owned(),
        prb_quota_percent: quota,
    };
    let acknowledged = client.control(request(5)).await.map(|answer| answer.into_inner().prb_quota_percent);
    checks.equal("RIC control", &acknowledged.ok(), &Some(5));
    let refused = client.control(request(101)).await.err().map(|status| status.code());
    checks.equal("a quota over 100 % is refused", &refused, &Some(Code::InvalidArgument));
    let query = RicQueryRequest { ric_request_id: Some(REQUEST), ran_function_id: KPM, cell_id: CELL.to_owned() };
    let report = client.query(query).await.map(|answer| answer.into_inner().report.unwrap_or_default());
    if let Some(report) = checks.note("RIC query", report) {
        let used = report.measurements.iter().find(|measurement| measurement.name == "RRU.PrbTotDl");
        checks.equal("the cell keeps to its quota", &used.is_some_and(|used| used.value <= 5.0), &true);
    }
}

async fn next(messages: &mut Streaming<SubscriptionMessage>) -> Option<Message> {
    messages.message().await.ok().flatten().and_then(|message| message.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_self_test_passes() {
        let mut checks = Checks::default();
        run(&mut checks).await;
        checks.finish().unwrap();
    }
}
