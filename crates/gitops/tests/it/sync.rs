use penstock_gitops::app::{MAX_ATTEMPTS, Phase};
use penstock_gitops::{Command, HealthStatus, Refusal, next_look, parse_manifests, plan, revision};
use penstock_model::ids::Actor;
use serde_json::{Value, json};

use crate::world::{AUTOMATED, World, application, object};

fn person() -> Actor {
    Actor::User("grace".parse().unwrap())
}
fn plain(kind: &str, name: &str) -> String {
    object(kind, name, &json!({}), "")
}

#[test]
fn everything_is_applied_in_order_and_waves_wait_for_each_other() {
    let mut world = World::new(AUTOMATED);
    let wave = |n: &str| json!({"argocd.argoproj.io/sync-wave": n});
    let hook = |kind: &str| json!({"argocd.argoproj.io/hook": kind});
    world.commit(&[
        object("Job", "smoke", &hook("PostSync"), ""),
        plain("Deployment", "api"),
        object("Deployment", "late", &wave("2"), ""),
        object("ConfigMap", "early", &wave("-1"), ""),
        plain("Service", "api"),
        plain("ConfigMap", "b"),
        plain("Secret", "s"),
        plain("Rollout", "r"),
        object("Job", "migrate", &hook("PreSync"), ""),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}\n".to_owned(),
    ]);
    let mut from = 0;
    world.run(1);
    assert_eq!(world.done, ["apply Job/migrate"], "nothing before it has succeeded");
    world.run(1);
    assert_eq!(world.done.last().unwrap(), "apply ConfigMap/early");
    world.unwell = true;
    world.run(5);
    assert_eq!(
        world.done[2..],
        ["apply Namespace/prod", "apply Secret/s", "apply ConfigMap/b", "apply Service/api", "apply Deployment/api", "apply Rollout/r"]
    );
    world.unwell = false;
    world.run(6);
    assert_eq!(world.done[8..], ["apply Deployment/late", "apply Job/smoke"]);
    assert_eq!(world.told(&mut from), ["sync_started", "synced"]);
    assert!(world.seen().is_settled(&world.state()));
    world.run(20);
    assert_eq!(world.told(&mut from), [] as [&str; 0], "nothing more happens");
    // the next revision runs its hooks again, the old Jobs removed first
    let mut objects: Vec<String> = world.files.values().cloned().collect();
    objects[5] = object("ConfigMap", "b", &json!({}), "data: {x: z}");
    world.commit(&objects);
    world.run(8);
    assert_eq!(world.done[10..], ["delete Job/migrate", "apply Job/migrate", "apply ConfigMap/b", "delete Job/smoke", "apply Job/smoke"]);
}

#[test]
fn a_hook_that_fails_ends_the_sync_before_anything_is_applied() {
    let mut world = World::new(AUTOMATED);
    world.commit(&[object("Job", "migrate", &json!({"argocd.argoproj.io/hook": "PreSync"}), ""), plain("Deployment", "api")]);
    world.failing.push("Job/migrate".into());
    world.run(3);
    assert_eq!(world.done, ["apply Job/migrate"]);
    assert!(matches!(&world.state().phase, Phase::Failed { why, .. } if why == "Job prod/migrate: r: m"), "{:?}", world.state().phase);
}

#[test]
fn what_is_no_longer_wanted_goes_last_in_reverse_order_and_only_with_prune() {
    let all = [
        plain("Deployment", "api"),
        plain("Service", "api"),
        plain("ConfigMap", "c"),
        object("ConfigMap", "stays", &json!({"argocd.argoproj.io/sync-options": "Prune=false"}), ""),
    ];
    let mut world = World::new(AUTOMATED);
    world.commit(&all);
    world.run(3);
    let before = world.done.len();
    world.commit(&[plain("ConfigMap", "new")]);
    world.run(5);
    assert_eq!(world.done[before..], ["apply ConfigMap/new", "delete Deployment/api", "delete Service/api", "delete ConfigMap/c"]);
    assert_eq!(world.plan().kept.values().collect::<Vec<_>>(), ["it says `Prune=false`"]);

    let mut world = World::new("  syncPolicy: {automated: {selfHeal: true}}\n");
    world.commit(&all);
    world.run(3);
    world.commit(&[plain("ConfigMap", "new")]);
    world.run(5);
    assert!(world.done.iter().all(|step| step.starts_with("apply")));
    assert_eq!(world.plan().kept.len(), 4);
    assert!(world.seen().is_settled(&world.state()));
}

#[test]
fn an_empty_directory_removes_nothing_unless_it_may() {
    for (policy, left) in [(AUTOMATED, 1), ("  syncPolicy: {automated: {prune: true, allowEmpty: true}}\n", 0)] {
        let mut world = World::new(policy);
        world.commit(&[plain("ConfigMap", "a")]);
        world.run(3);
        world.commit(&[]);
        world.run(5);
        assert_eq!(world.live.len(), left, "{policy}");
    }
}

#[test]
fn what_somebody_changed_at_the_target_is_healed() {
    let mut world = World::new(AUTOMATED);
    world.commit(&[object("Deployment", "api", &json!({}), "spec: {replicas: 1}"), plain("ConfigMap", "c")]);
    world.run(10);
    let mut from = world.events.len();
    world.live.retain(|key, _| key.kind != "ConfigMap");
    world.live.values_mut().next().unwrap().applied["spec"]["replicas"] = json!(7);
    world.run(3);
    assert_eq!(world.told(&mut from), ["sync_started", "synced"]);
    assert_eq!(world.live.len(), 2);
    assert!(world.live.values().all(|object| object.applied["spec"]["replicas"] != 7));
}

#[test]
fn without_self_heal_the_difference_is_told_once() {
    let mut world = World::new("  syncPolicy: {automated: {}}\n");
    world.commit(&[plain("ConfigMap", "c")]);
    world.run(10);
    let mut from = world.events.len();
    let taken = std::mem::take(&mut world.live);
    world.run(20);
    assert_eq!(world.told(&mut from), ["drifted"]);
    world.live = taken;
    world.run(3);
    assert_eq!(world.told(&mut from), ["synced"]);
}

#[test]
fn without_automation_a_person_asks() {
    let mut world = World::new("");
    world.commit(&[plain("ConfigMap", "c")]);
    let mut from = 0;
    world.run(5);
    assert_eq!(world.told(&mut from), ["drifted"]);
    let (commit, revision) = (world.commit_id(), world.plan().revision);
    world.say(Command::Sync { commit: commit.clone(), revision, by: person() }).unwrap();
    assert_eq!(world.say(Command::Sync { commit, revision, by: person() }), Err(Refusal::Syncing));
    world.run(3);
    assert_eq!(world.told(&mut from), ["sync_started", "synced"]);
}

#[test]
fn a_refused_revision_is_never_applied_by_nobody() {
    let mut world = World::new(AUTOMATED);
    let good = [object("Rollout", "api", &json!({}), "spec: {image: good}")];
    let bad = [object("Rollout", "api", &json!({}), "spec: {image: bad}")];
    world.commit(&good);
    world.run(3);
    world.commit(&bad);
    world.run(1);
    assert_eq!(world.done.len(), 2);
    let mut from = world.events.len();
    let refused = world.plan().revision;
    let refuse = |_: &World| Command::Refuse { revision: refused, why: "errors: 6 of 90".into(), by: Actor::Penstock };
    world.look();
    world.say(refuse(&world)).unwrap();
    world.say(refuse(&world)).unwrap();
    world.run(300);
    // the difference that somebody makes at the target is not healed towards it, either
    world.live.clear();
    world.run(300);
    assert_eq!(world.done.len(), 2, "nothing was applied: {:?}", world.done);
    let told = world.told(&mut from);
    assert_eq!(told.iter().filter(|name| *name == "refused").count(), 1);
    assert_eq!(told.iter().filter(|name| *name == "withheld").count(), 1);
    let (commit, revision) = (world.commit_id(), refused);
    let asked = world.say(Command::Sync { commit, revision, by: person() }).unwrap_err();
    assert!(asked.to_string().contains("was refused (errors: 6 of 90); change it"), "{asked}");
    // Git is reverted: the old revision is a new one to the target
    world.commit(&good);
    world.run(3);
    assert_eq!(world.done.len(), 3);
    // and the bad one, tried again under other names and comments, is the same
    world.commit(&[format!("# once more\n{}", bad[0])]);
    world.run(60);
    assert_eq!(world.done.len(), 3);
    assert_eq!(world.told(&mut from).last().unwrap(), "withheld");
}

#[test]
fn an_empty_commit_makes_no_sync() {
    let mut world = World::new(AUTOMATED);
    world.commit(&[plain("ConfigMap", "c")]);
    world.run(3);
    let (mut from, done) = (world.events.len(), world.done.len());
    world.commit(&[format!("# hello\n{}", plain("ConfigMap", "c"))]);
    world.run(3);
    assert_eq!((world.told(&mut from), world.done.len()), (vec!["synced".to_owned()], done));
    assert_eq!(world.state().synced.unwrap().commit, world.commit_id());
}

#[test]
fn a_failed_sync_is_tried_again_within_bounds() {
    let mut world = World::new(AUTOMATED);
    world.commit(&[plain("Deployment", "api")]);
    world.broken.push("Deployment/api".into());
    world.run(1);
    let state = world.state();
    assert!(matches!(&state.phase, Phase::Failed { why, attempt: 1, .. } if why == "Deployment prod/api: it will not"));
    assert_eq!(next_look(&state).unwrap().since(world.now).as_secs(), 4);
    world.run(2000);
    let failures = world.events.iter().filter(|event| matches!(event, penstock_gitops::AppEvent::SyncFailed { .. })).count();
    assert_eq!(failures, MAX_ATTEMPTS as usize);
    // another revision gets its own tries
    world.broken.clear();
    world.commit(&[object("Deployment", "api", &json!({}), "spec: {a: b}")]);
    world.run(3);
    assert!(world.seen().is_settled(&world.state()));
}

#[test]
fn a_new_commit_during_a_sync_takes_over() {
    let mut world = World::new(AUTOMATED);
    world.commit(&[plain("Deployment", "api"), object("ConfigMap", "z", &json!({"argocd.argoproj.io/sync-wave": "1"}), "")]);
    world.unwell = true;
    world.run(3);
    world.commit(&[plain("Deployment", "api")]);
    let mut from = world.events.len();
    world.run(2);
    assert_eq!(world.told(&mut from), ["sync_started", "synced"]);
    assert_eq!(world.done, ["apply Deployment/api"]);
    assert_eq!(world.seen().health.status, HealthStatus::Progressing);
    assert!(!world.seen().is_settled(&world.state()));
}

#[test]
fn the_namespace_is_made_if_asked_for() {
    let mut world = World::new("  syncPolicy: {automated: {prune: true}, syncOptions: [CreateNamespace=true]}\n");
    world.commit(&[plain("ConfigMap", "c")]);
    world.run(4);
    assert_eq!(world.done, ["apply Namespace/prod", "apply ConfigMap/c"]);
    assert!(world.plan().is_done());
    world.application.create_namespace = false;
    world.run(4);
    assert_eq!(world.done.len(), 2, "and is not removed with the option");
}

#[test]
fn annotations_that_are_not_carried_out_are_refused_with_their_line() {
    let refused = [
        ("ConfigMap", json!({"argocd.argoproj.io/hook": "PreSync"})),
        ("Job", json!({"argocd.argoproj.io/hook": "SyncFail"})),
        ("Job", json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"})),
        ("ConfigMap", json!({"argocd.argoproj.io/sync-wave": "first"})),
        ("ConfigMap", json!({"argocd.argoproj.io/sync-options": "Prune=false,Replace=true"})),
        ("ConfigMap", json!({"argocd.argoproj.io/compare-options": "IgnoreExtraneous"})),
    ];
    let tell = |(kind, annotations): &(&str, Value)| {
        let files = [("a.yaml".to_owned(), object(kind, "x", annotations, ""))].into();
        let manifests = parse_manifests(&files, "prod").unwrap();
        plan(&application(AUTOMATED), &manifests, revision(&manifests), &[]).unwrap_err()[0].to_string()
    };
    let text: Vec<String> = refused.iter().map(tell).collect();
    insta::assert_snapshot!(text.join("\n"));
}
