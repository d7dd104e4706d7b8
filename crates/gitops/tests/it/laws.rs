//! What must never happen, in random histories with a driver that dies at random.

use penstock_gitops::app::{AppState, Phase};
use penstock_gitops::{Command, wanted};
use penstock_model::ids::Actor;
use penstock_model::release::Revision;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{AUTOMATED, World, object};

#[derive(Clone, Debug)]
enum Happening {
    Commit(Vec<(usize, u8)>),
    /// So many seconds, the driver dying after so many steps in each.
    Time(u64, usize),
    Refuse,
    Meddle(usize),
    Break(bool),
    Unwell(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => prop::collection::vec((0usize..6, 0u8..3), 0..6).prop_map(Happening::Commit),
        6 => (1u64..20, 0usize..4).prop_map(|(seconds, most)| Happening::Time(seconds, most)),
        1 => Just(Happening::Refuse),
        1 => (0usize..6).prop_map(Happening::Meddle),
        1 => any::<bool>().prop_map(Happening::Break),
        1 => any::<bool>().prop_map(Happening::Unwell),
    ]
}

fn objects(which: &[(usize, u8)]) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::new();
    for (n, content) in which {
        let kind = ["ConfigMap", "Service", "Deployment", "Rollout", "Job", "Secret"][*n];
        let annotations = match (n, content) {
            (4, _) => json!({"argocd.argoproj.io/hook": "PreSync"}),
            (0, _) => json!({"argocd.argoproj.io/sync-wave": "1"}),
            (5, 2) => json!({"argocd.argoproj.io/sync-options": "Prune=false"}),
            _ => json!({}),
        };
        seen.insert(*n, object(kind, "x", &annotations, &format!("spec: {{content: {content}}}")));
    }
    seen.into_values().collect()
}

fn happen(world: &mut World, happening: &Happening, refused: &mut Vec<Revision>) {
    match happening {
        Happening::Commit(which) => world.commit(&objects(which)),
        Happening::Time(seconds, most) => {
            for _ in 0..*seconds {
                world.look();
                check(world, refused);
                world.act(*most);
                world.wait(1);
            }
        }
        Happening::Refuse => {
            let revision = world.plan().revision;
            refused.push(revision);
            world.say(Command::Refuse { revision, why: "bad".into(), by: Actor::Penstock }).unwrap();
        }
        Happening::Meddle(n) => {
            if let Some(key) = world.live.keys().nth(*n).cloned() {
                world.live.remove(&key);
            }
        }
        Happening::Break(broken) => world.broken = if *broken { vec!["Service/x".into()] } else { Vec::new() },
        Happening::Unwell(unwell) => world.unwell = *unwell,
    }
}

fn check(world: &World, refused: &[Revision]) {
    let (state, plan) = (world.state(), world.plan());
    let steps = wanted(&state, &plan, &world.parts());
    if refused.contains(&plan.revision) {
        assert!(steps.is_empty(), "a refused revision is wanted: {steps:?}");
        assert!(!matches!(&state.phase, Phase::Syncing { revision, .. } if *revision == plan.revision));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_refused_revision_is_applied_and_every_history_folds_to_one_state(happenings in prop::collection::vec(happening(), 1..25)) {
        let mut world = World::new(AUTOMATED);
        let mut refused = Vec::new();
        for happening in &happenings {
            happen(&mut world, happening, &mut refused);
            check(&world, &refused);
        }
        let mut state = AppState::default();
        for event in &world.events {
            state.evolve(&serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap());
        }
        prop_assert_eq!(state, world.state());
    }

    #[test]
    fn whatever_happened_a_good_commit_is_reached_and_then_all_is_quiet(happenings in prop::collection::vec(happening(), 0..15), last in prop::collection::vec((0usize..6, 0u8..3), 1..6)) {
        let mut world = World::new(AUTOMATED);
        for happening in &happenings {
            happen(&mut world, happening, &mut Vec::new());
        }
        (world.broken, world.unwell) = (Vec::new(), false);
        let mut texts = objects(&last);
        texts.push(object("ConfigMap", "last", &json!({}), ""));
        world.commit(&texts);
        world.run(40);
        prop_assert!(world.seen().is_settled(&world.state()), "{:?} {:?}", world.state().phase, world.plan());
        let (events, done) = (world.events.len(), world.done.len());
        world.run(60);
        prop_assert_eq!((world.events.len(), world.done.len()), (events, done));
        prop_assert!(world.manifests().iter().all(|manifest| world.live.contains_key(&manifest.key)));
    }

    #[test]
    fn plans_do_not_depend_on_the_order_of_files(which in prop::collection::vec((0usize..6, 0u8..3), 1..6)) {
        let (mut a, mut b) = (World::new(AUTOMATED), World::new(AUTOMATED));
        let mut texts = objects(&which);
        a.commit(&texts);
        texts.reverse();
        b.commit(&[texts.join("---\n")]);
        prop_assert_eq!(a.plan(), b.plan());
    }
}
