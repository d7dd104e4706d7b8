//! E2 nodes: set-up, subscription with its indications, control.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sdr_e2::subscription_message::Message;
use sdr_e2::{CellReport, E2SetupRequest, RanFunction, RicIndication, SubscriptionMessage};
use sdr_runtime::Lifecycle;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::problem::Problem;
use crate::routes::Gateway;

/// The longest that a subscription over HTTP may last, in milliseconds.
const MAX_SUBSCRIPTION_MS: u64 = 30_000;

/// How many lines wait for a slow reader.
const BACKLOG: usize = 4;

pub fn router() -> Router<Gateway> {
    Router::new()
        .route("/v1/e2/nodes", get(list).post(set_up))
        .route("/v1/e2/subscriptions", post(subscribe))
        .route("/v1/e2/controls", post(control))
}

#[derive(Serialize)]
struct Nodes {
    nodes: Vec<Node>,
}

#[derive(Serialize)]
struct Node {
    node: String,
    cells: Vec<String>,
    ran_functions: Vec<u32>,
}

async fn list(State(gateway): State<Gateway>) -> Result<Json<Nodes>, Problem> {
    let describe = |node: sdr_e2::Node| Node {
        node: node.global_e2_node_id,
        cells: node.cell_ids,
        ran_functions: node.ran_functions.iter().map(|function| function.id).collect(),
    };
    let nodes = gateway.e2.nodes().await?.into_iter().map(describe).collect();
    Ok(Json(Nodes { nodes }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    node: String,
    cells: Vec<String>,
    ran_functions: Vec<u32>,
}

#[derive(Serialize)]
struct SetUpDone {
    ric: String,
    accepted: Vec<u32>,
    rejected: Vec<Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    ran_function: u32,
    cause: String,
}

async fn set_up(
    State(gateway): State<Gateway>,
    Json(request): Json<SetUp>,
) -> Result<(StatusCode, Json<SetUpDone>), Problem> {
    let function = |id| RanFunction { id, oid: String::new(), revision: 1 };
    let request = E2SetupRequest {
        transaction_id: 1,
        global_e2_node_id: request.node,
        cell_ids: request.cells,
        ran_functions: request.ran_functions.into_iter().map(function).collect(),
    };
    let answer = gateway.e2.set_up(request).await?;
    let rejected = answer.ran_functions_rejected.into_iter();
    let done = SetUpDone {
        ric: answer.global_ric_id,
        accepted: answer.ran_functions_accepted,
        rejected: rejected.map(|function| Rejected { ran_function: function.id, cause: function.cause }).collect(),
    };
    Ok((StatusCode::CREATED, Json(done)))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Control {
    cell: String,
    prb_quota_percent: u32,
}

async fn control(State(gateway): State<Gateway>, Json(request): Json<Control>) -> Result<Json<Control>, Problem> {
    let prb_quota_percent = gateway.e2.control(&request.cell, request.prb_quota_percent).await?;
    Ok(Json(Control { cell: request.cell, prb_quota_percent }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    node: String,
    reporting_period_ms: u32,
    /// After so many indications the subscription is deleted.
    reports: u32,
}

/// Answers with a line of JSON for the subscription and one for each indication.
async fn subscribe(State(gateway): State<Gateway>, Json(request): Json<Subscribe>) -> Result<Response, Problem> {
    let lasts = u64::from(request.reports) * u64::from(request.reporting_period_ms);
    if request.reports == 0 || lasts > MAX_SUBSCRIPTION_MS {
        return Err(Problem::Invalid(format!("a subscription over HTTP lasts up to {MAX_SUBSCRIPTION_MS} ms")));
    }
    let messages = gateway.e2.subscribe(&request.node, request.reporting_period_ms).await?;
    let (sender, lines) = mpsc::channel(BACKLOG);
    let life = gateway.life.clone();
    tokio::spawn(async move {
        if let Err(why) = follow(messages, request.reports, &sender, life).await {
            // The answer has begun, so that it breaks off has to be seen by the reader.
            let _ = sender.send(Err(std::io::Error::other(why))).await;
        }
    });
    let body = Body::from_stream(ReceiverStream::new(lines));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Writes messages as lines until there have been enough, or nobody reads. Ending deletes the subscription.
async fn follow(
    mut messages: Streaming<SubscriptionMessage>,
    mut reports: u32,
    lines: &mpsc::Sender<Result<String, std::io::Error>>,
    life: Lifecycle,
) -> Result<(), String> {
    let mut over = std::pin::pin!(life.streams_over());
    while reports > 0 {
        let message = tokio::select! {
            message = messages.message() => message.map_err(|status| status.message().to_owned())?,
            () = &mut over => return Err("the front door is stopping".to_owned()),
        };
        let line = match message.and_then(|message| message.message) {
            Some(Message::Response(response)) => {
                json!({ "subscription": { "ran_function": response.ran_function_id } })
            }
            Some(Message::Indication(indication)) => {
                reports -= 1;
                indicated(&indication)
            }
            None => return Err("the E2 server ended the subscription".to_owned()),
        };
        if lines.send(Ok(format!("{line}\n"))).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn indicated(indication: &RicIndication) -> Value {
    let cells: Map<String, Value> = indication.cells.iter().map(|cell| (cell.cell_id.clone(), figures(cell))).collect();
    json!({ "indication": { "sequence": indication.sequence_number, "cells": cells } })
}

fn figures(cell: &CellReport) -> Value {
    cell.measurements.iter().map(|measurement| (measurement.name.clone(), json!(measurement.value))).collect()
}
