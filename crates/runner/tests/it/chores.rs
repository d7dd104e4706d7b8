//! What the runner does for steps itself: artifacts and caches by name.

use penstock_model::job::{Chore, Fetch, JobEnd, KeptArtifact, StepSpec, Work};

use crate::support::{House, Job};

fn chore(chore: Chore) -> StepSpec {
    StepSpec::of("a chore", Work::Chore(chore))
}

fn keep(name: &str, paths: &[&str]) -> StepSpec {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    chore(Chore::KeepArtifact { name: name.to_owned(), paths, hidden: false, overwrite: false })
}

fn fetch(which: Fetch, into: &str) -> StepSpec {
    chore(Chore::FetchArtifacts { which, into: into.to_owned(), merge: false })
}

/// A job whose steps are these.
fn job(script: &str, steps: impl IntoIterator<Item = StepSpec>) -> Job {
    let mut job = Job::workflow(script);
    job.steps.steps.extend(steps);
    job
}

async fn kept(house: &House, script: &str, steps: Vec<StepSpec>) -> Vec<KeptArtifact> {
    let (report, log) = house.run(job(script, steps)).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
    report.kept
}

#[tokio::test]
async fn an_artifact_starts_below_what_its_paths_have_in_common_and_comes_out_in_another_job() {
    let house = House::new();
    let script = "mkdir -p dist/js /tmp/o; echo 1 > dist/a; echo 2 > dist/js/b; echo no > dist/.env; ln -s js/b dist/link; echo t > /tmp/o/t; chmod +x dist/js/b";
    let kept = kept(&house, script, vec![keep("web", &["dist", "!dist/a"]), keep("one", &["dist/js/b"]), keep("tmp", &["/tmp/o/*"])]).await;
    assert_eq!(kept.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["web", "one", "tmp"]);
    let steps =
        [fetch(Fetch::Name("web".into()), "in/web"), fetch(Fetch::Pattern("[ot]*".into()), "in"), fetch(Fetch::Name("one".into()), "/tmp")];
    let later = job("true", steps).then("cd in; find . -type f -o -type l | sort; ls -l web/js/b | cut -c1-10; cat /tmp/b");
    let (report, log) = house.run(later.with(|spec| spec.kept = kept.clone())).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}{}", log.err(), log.notes());
    assert_eq!(log.out(), "./one/b\n./tmp/t\n./web/js/b\n./web/link\n-rwxr-xr-x\n2\n");
}

#[tokio::test]
async fn a_name_is_taken_once_in_a_run_unless_the_step_says_so() {
    let house = House::new();
    let first = kept(&house, "echo 1 > a", vec![keep("n", &["a"])]).await;
    let (report, log) = house.run(job("echo 2 > a", [keep("n", &["a"])]).with(|spec| spec.kept = first.clone())).await;
    assert_eq!(report.end, JobEnd::Exited { code: 1 });
    assert!(log.notes().contains("##[error]keeping the artifact `n`: the run has an artifact of this name already"), "{}", log.notes());
    let over = chore(Chore::KeepArtifact { name: "n".into(), paths: vec!["a".into()], hidden: false, overwrite: true });
    let (report, _) = house.run(job("echo 2 > a", [over]).with(|spec| spec.kept = first.clone())).await;
    assert!(report.end == JobEnd::Exited { code: 0 } && report.kept[0].digest != first[0].digest);
}

#[tokio::test]
async fn what_is_no_artifact_of_the_run_is_named_with_those_that_are() {
    let house = House::new();
    let first = kept(&house, "echo 1 > a", vec![keep("n", &["a"])]).await;
    let (report, log) = house.run(job("true", [fetch(Fetch::Name("m".into()), ".")]).with(|spec| spec.kept = first)).await;
    assert_eq!(report.end, JobEnd::Exited { code: 1 });
    assert!(log.notes().contains("the run has no artifact `m`; known are `n`"), "{}", log.notes());
    let (report, log) = house.run(job("true", [keep("x", &["/etc"])])).await;
    assert!(
        report.end == JobEnd::Exited { code: 1 } && log.notes().contains("`/etc` is no place whose files a job can keep"),
        "{}",
        log.notes()
    );
    let (report, _) = house.run(job("true", [keep("x", &["nowhere"])])).await;
    assert!(report.end == JobEnd::Exited { code: 0 } && report.kept.is_empty());
}

fn restore(key: &str, others: &[&str], paths: &[&str]) -> StepSpec {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    chore(Chore::RestoreCache { key: key.to_owned(), restore_keys: texts(others), paths: texts(paths), lookup_only: false })
}

fn save(key: &str, paths: &[&str]) -> StepSpec {
    chore(Chore::SaveCache { key: key.to_owned(), paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

#[tokio::test]
async fn a_cache_comes_back_by_its_key_or_its_beginning_with_the_times_of_its_files() {
    let house = House::new();
    let paths = ["~/.npm", "modules"];
    let scopes = |branch: &str| vec![branch.to_owned(), "refs/heads/main".to_owned()];
    let script = "mkdir -p ~/.npm modules/.bin; echo 1 > ~/.npm/x; echo 2 > modules/.bin/y; touch -d @1000000000 ~/.npm/x";
    let (report, log) = house
        .run(job(script, [save("npm-1", &paths), save("npm-1", &paths)]).with(|spec| spec.cache_scopes = scopes("refs/heads/main")))
        .await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    assert!(log.notes().contains("the cache `npm-1` is kept already"), "{}", log.notes());
    let look = job("true", [restore("npm-2", &["npm-"], &paths)]).then("cat ~/.npm/x modules/.bin/y; stat -c %Y ~/.npm/x");
    let seen = look.steps.seen.clone();
    let (_, log) = house.run(look.with(|spec| spec.cache_scopes = scopes("refs/heads/other"))).await;
    assert_eq!(log.out(), "1\n2\n1000000000\n", "{}{}", log.err(), log.notes());
    assert_eq!(seen.lock().unwrap()[1].outputs["cache-matched-key"], "npm-1");
}

#[tokio::test]
async fn what_a_branch_keeps_is_its_own_and_other_paths_are_another_cache() {
    let house = House::new();
    let scopes = |branch: &str| vec![branch.to_owned(), "refs/heads/main".to_owned()];
    let (report, _) = house.run(job("echo 1 > a", [save("k", &["a"])]).with(|spec| spec.cache_scopes = scopes("refs/heads/topic"))).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 });
    for (branch, path, expected) in [("refs/heads/topic", "a", "k"), ("refs/heads/topic", "b", ""), ("refs/heads/main", "a", "")] {
        let look = job("true", [restore("k", &[], &[path])]);
        let seen = look.steps.seen.clone();
        house.run(look.with(|spec| spec.cache_scopes = scopes(branch))).await;
        assert_eq!(seen.lock().unwrap()[1].outputs["cache-matched-key"], expected, "{branch} {path}");
    }
}

#[tokio::test]
async fn reports_are_kept_by_kind_and_none_is_no_fault_of_the_runner() {
    let house = House::new();
    let report = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        chore(Chore::Report { kind: "sarif".to_owned(), paths })
    };
    let job = job(
        "mkdir -p out/deep; echo '{}' > out/deep/a.sarif; echo x > out/b.txt",
        [report(&["out/**/*.sarif"]), report(&["../results", "none"])],
    );
    let seen = job.steps.seen.clone();
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    let kept: Vec<_> = report.reports.iter().map(|file| (file.kind.as_str(), file.path.as_str())).collect();
    assert_eq!(kept, [("sarif", "out/deep/a.sarif")]);
    let seen = seen.lock().unwrap();
    assert_eq!((seen[1].outputs["count"].as_str(), seen[2].outputs["count"].as_str()), ("1", "0"));
}
