//! Deployments: all pods of the wanted template, available, and no old ones.

use penstock_model::target::LiveObject;

use super::{Health, condition, count, has_status, wanted_replicas};

pub fn health(object: &LiveObject) -> Health {
    if let Some((false, reason, message)) = condition(object, "Progressing") {
        return Health::degraded(format!("{reason}: {message}"));
    }
    if !has_status(object) {
        return Health::progressing("nothing is known of it yet");
    }
    let wanted = wanted_replicas(object);
    let (updated, all, available) = (count(object, "updatedReplicas"), count(object, "replicas"), count(object, "availableReplicas"));
    if updated < wanted {
        Health::progressing(format!("{updated} of {wanted} pods are of the wanted template"))
    } else if all > updated {
        Health::progressing(format!("{} old pods are still there", all - updated))
    } else if available < wanted {
        Health::progressing(format!("{available} of {wanted} pods are available"))
    } else {
        Health::healthy()
    }
}
