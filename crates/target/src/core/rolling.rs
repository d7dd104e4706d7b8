//! How many pods come and go in a rolling update: the arithmetic of Kubernetes' Deployment controller.

/// Pods of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// That there are and are wanted.
    pub all: u32,
    /// Of these, ready.
    pub ready: u32,
}

/// What to do now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// Pods of the wanted template to create.
    pub create: u32,
    /// Pods of the wanted template to retire.
    pub retire_new: u32,
    /// Pods of other templates to retire, those that are not ready first.
    pub retire_old: u32,
}

/// The next move. `new` are pods of the wanted template, `old` all others.
pub fn roll(replicas: u32, surge: u32, unavailable: u32, new: Count, old: Count) -> Roll {
    let total = new.all + old.all;
    let room = (replicas + surge).saturating_sub(total);
    let create = replicas.saturating_sub(new.all).min(room);
    let retire_new = new.all.saturating_sub(replicas);
    // pods that are not ready yet are not counted twice: they may become ready
    let least = replicas.saturating_sub(unavailable);
    let new_unready = new.all - new.ready;
    let spare_total = total.saturating_sub(least).saturating_sub(new_unready);
    let unready_old = (old.all - old.ready).min(spare_total);
    // of the ready ones, so many that enough stay
    let spare_ready = (new.ready + old.ready).saturating_sub(least).min(old.ready);
    Roll { create, retire_new, retire_old: unready_old + spare_ready }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(all: u32, ready: u32) -> Count {
        Count { all, ready }
    }

    #[test]
    fn one_replica_is_replaced_without_a_gap() {
        assert_eq!(roll(1, 1, 0, count(0, 0), count(1, 1)), Roll { create: 1, retire_new: 0, retire_old: 0 });
        assert_eq!(roll(1, 1, 0, count(1, 0), count(1, 1)), Roll::default());
        assert_eq!(roll(1, 1, 0, count(1, 1), count(1, 1)), Roll { create: 0, retire_new: 0, retire_old: 1 });
    }

    #[test]
    fn broken_old_pods_go_first() {
        // four wanted, one old one broken: it goes, and the rest stays until a new one is ready
        assert_eq!(roll(4, 1, 1, count(0, 0), count(4, 3)), Roll { create: 1, retire_new: 0, retire_old: 1 });
    }

    #[test]
    fn scaling_down_takes_what_is_too_many() {
        assert_eq!(roll(2, 1, 0, count(5, 5), count(0, 0)), Roll { create: 0, retire_new: 3, retire_old: 0 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]
        #[test]
        fn enough_stay_ready_never_too_many_are_there_and_it_ends(
            replicas in 0u32..12, surge in 0u32..6, unavailable in 0u32..6,
            new_all in 0u32..14, new_ready in 0u32..14, old_all in 0u32..14, old_ready in 0u32..14,
        ) {
            prop_assume!(surge + unavailable > 0);
            let (mut new, mut old) = (count(new_all, new_ready.min(new_all)), count(old_all, old_ready.min(old_all)));
            let least = replicas.saturating_sub(unavailable);
            for _ in 0..100 {
                let step = roll(replicas, surge, unavailable, new, old);
                prop_assert!(step.create == 0 || new.all + old.all + step.create <= replicas + surge);
                let ready = new.ready + old.ready;
                // those that are not ready go first
                let unready = step.retire_old.min(old.all - old.ready);
                let lost = step.retire_old - unready;
                let new_unready = step.retire_new.min(new.all - new.ready);
                let after = ready - lost - (step.retire_new - new_unready);
                prop_assert!(after >= least.min(ready), "{ready} -> {after}, least {least}");
                old = count(old.all - step.retire_old, old.ready - lost);
                new = count(new.all + step.create - step.retire_new, new.ready - (step.retire_new - new_unready));
                // whatever was created becomes ready in the end
                new.ready = new.all;
            }
            prop_assert_eq!((new, old), (count(replicas, replicas), count(0, 0)));
        }
    }
}
