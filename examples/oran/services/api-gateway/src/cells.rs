//! What a cell does: its key performance indicators.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use sdr_e2::{CellReport, RicQueryResponse};
use serde::Serialize;

use crate::problem::Problem;
use crate::routes::Gateway;

/// The longest name of a cell.
const MAX_NAME: usize = 64;

pub fn router() -> Router<Gateway> {
    Router::new().route("/v1/cells/{cell}/kpi", get(kpi))
}

async fn kpi(State(gateway): State<Gateway>, Path(cell): Path<String>) -> Result<Json<Kpi>, Problem> {
    if cell.len() > MAX_NAME {
        return Err(Problem::NotFound("cell with such a name".to_owned()));
    }
    let answer = gateway.e2.query(&cell).await?;
    Ok(Json(Kpi::from(answer)))
}

/// A cell's key performance indicators, as they were at one moment.
#[derive(Debug, Serialize)]
pub struct Kpi {
    cell: String,
    node: String,
    collected_at_ms: u64,
    prb_used_percent: f64,
    user_throughput_kbps: f64,
    connected_users: f64,
}

impl From<RicQueryResponse> for Kpi {
    fn from(answer: RicQueryResponse) -> Self {
        let report = answer.report.unwrap_or_default();
        Self {
            prb_used_percent: measured(&report, "RRU.PrbTotDl"),
            user_throughput_kbps: measured(&report, "DRB.UEThpDl"),
            connected_users: measured(&report, "RRC.ConnMean"),
            collected_at_ms: report.collection_start_unix_ms,
            cell: report.cell_id,
            node: answer.global_e2_node_id,
        }
    }
}

/// One figure of a report; a figure that a node does not report is 0.
fn measured(report: &CellReport, name: &str) -> f64 {
    report.measurements.iter().find(|measurement| measurement.name == name).map_or(0.0, |found| found.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdr_e2::Measurement;

    #[test]
    fn a_report_becomes_indicators() {
        let measurements = vec![Measurement { name: "RRU.PrbTotDl".to_owned(), value: 41.5 }];
        let report = CellReport { cell_id: "cell-11".to_owned(), collection_start_unix_ms: 7, measurements };
        let answer = RicQueryResponse {
            ric_request_id: None,
            global_e2_node_id: "001-01-gnb-1".to_owned(),
            report: Some(report),
        };
        let kpi = Kpi::from(answer);
        assert_eq!((kpi.cell.as_str(), kpi.node.as_str(), kpi.collected_at_ms), ("cell-11", "001-01-gnb-1", 7));
        assert!((kpi.prb_used_percent - 41.5).abs() < f64::EPSILON);
        assert!(kpi.connected_users.abs() < f64::EPSILON);
    }
}
