//! Rollouts: Argo's own `phase`.

use penstock_model::target::LiveObject;
use serde_json::Value;

use super::{Health, HealthStatus};

pub fn health(object: &LiveObject) -> Health {
    let text = |field: &str| object.status.get(field).and_then(Value::as_str).unwrap_or_default();
    match text("phase") {
        "Healthy" => Health::healthy(),
        "Paused" => Health::new(HealthStatus::Paused, text("message")),
        "Degraded" => Health::degraded(text("message")),
        "Progressing" => Health::progressing(text("message")),
        "" => Health::progressing("nothing is known of it yet"),
        other => Health::progressing(format!("`{other}`")),
    }
}
