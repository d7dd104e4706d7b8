//! Jobs: done, failed or under way.

use penstock_model::target::LiveObject;

use super::{Health, HealthStatus, condition, count};

pub fn health(object: &LiveObject) -> Health {
    match (condition(object, "Complete"), condition(object, "Failed"), condition(object, "Suspended")) {
        (Some((true, ..)), _, _) => Health::healthy(),
        (_, Some((true, reason, message)), _) => Health::degraded(format!("{reason}: {message}")),
        (_, _, Some((true, ..))) => Health::new(HealthStatus::Paused, "it is suspended"),
        _ if count(object, "active") > 0 => Health::progressing("it runs"),
        _ => Health::progressing("it has not begun"),
    }
}
