//! What is well as soon as it is there, but for a namespace that is going.

use penstock_model::target::LiveObject;
use serde_json::Value;

use super::Health;

pub fn health(object: &LiveObject) -> Health {
    let phase = object.status.get("phase").and_then(Value::as_str);
    if object.key.kind == "Namespace" && phase == Some("Terminating") {
        Health::progressing("it is being removed")
    } else {
        Health::healthy()
    }
}
