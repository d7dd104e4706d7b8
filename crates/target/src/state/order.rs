//! Orders of the rollout room.

use penstock_model::target::{ObjectKey, RolloutOrder, TargetError};

use super::State;

impl State {
    /// Takes an order in; it is carried out by the reconciliation that follows. True if anything changed.
    pub fn order(&mut self, key: &ObjectKey, template: &str, order: &RolloutOrder) -> Result<bool, TargetError> {
        let failed = |what: String| Err(TargetError::Failed { what });
        let Some(object) = self.objects.get(key) else { return failed(format!("{key}: there is no such Rollout")) };
        if object.rollout().is_none() {
            return failed(format!("{key} is no Rollout: orders are for Rollouts"));
        }
        let canary = &object.record.canary;
        let (wanted, stable) = (object.wanted == template, canary.stable.as_deref() == Some(template));
        let aborted = canary.aborted.as_deref() == Some(template);
        let mut next = canary.clone();
        match order {
            RolloutOrder::SetWeight { percent } if *percent > 100 => {
                return failed(format!("{key}: a weight of {percent} %: 0 to 100 is expected"));
            }
            // what is stable has all the traffic, and what is not wanted has none
            RolloutOrder::Promote if stable => {}
            RolloutOrder::Abort if !wanted || aborted => {}
            RolloutOrder::SetWeight { percent: 100 } if stable => {}
            RolloutOrder::Abort | RolloutOrder::SetWeight { .. } if stable => {
                return failed(format!("{key}: template {template} is stable: there is no other that could take its traffic"));
            }
            RolloutOrder::SetWeight { .. } | RolloutOrder::Promote if !wanted => {
                return failed(format!("{key}: template {template} is not wanted any more: {} is", object.wanted));
            }
            RolloutOrder::SetWeight { .. } | RolloutOrder::Promote if aborted => {
                return failed(format!("{key}: template {template} was aborted and is kept out until the manifest changes"));
            }
            RolloutOrder::SetWeight { percent } => {
                next.weight = *percent;
                next.promoted = false;
            }
            RolloutOrder::Promote => {
                next.weight = 100;
                next.promoted = true;
            }
            RolloutOrder::Abort => {
                next.aborted = Some(template.to_owned());
                next.weight = 0;
                next.reached = 0;
                next.promoted = false;
            }
        }
        if next == *canary {
            return Ok(false);
        }
        if let Some(object) = self.object_mut(key) {
            object.record.canary = next;
        }
        Ok(true)
    }
}
