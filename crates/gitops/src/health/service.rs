//! Services: well, unless they wait for a load balancer's address.

use penstock_model::target::LiveObject;
use serde_json::Value;

use super::Health;

pub fn health(object: &LiveObject) -> Health {
    let balanced = object.applied.pointer("/spec/type").and_then(Value::as_str) == Some("LoadBalancer");
    let addresses = object.status.pointer("/loadBalancer/ingress").and_then(Value::as_array).map_or(0, Vec::len);
    if balanced && addresses == 0 { Health::progressing("its load balancer has no address yet") } else { Health::healthy() }
}
