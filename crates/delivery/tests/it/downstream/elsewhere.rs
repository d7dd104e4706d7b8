//! Pipelines and artifacts of other projects.

use super::*;

async fn other_project(family: &Family, files: Files<'_>) -> RunId {
    let shop: ProjectName = "shop".parse().unwrap();
    orders::create_project(&family.house.parts, &user("root"), &shop, &"shop-config".parse().unwrap(), "main").await.unwrap();
    let commit = family.commit(&shop, files);
    let run = orders::pushed(&family.house.parts, &shop, &user("grace"), "refs/heads/main", &commit).await.unwrap().unwrap();
    family.go_on().await;
    run
}

#[tokio::test]
async fn a_job_starts_a_pipeline_of_another_project_in_the_name_of_whoever_pushed() {
    let family = Family::new().await;
    let api = "spec: {inputs: {n: {type: number}}}\n---\na: {script: [\"echo $[[ inputs.n ]]\"], rules: [{if: $CI_PIPELINE_SOURCE == \"pipeline\"}]}\n";
    other_project(&family, &[(".gitlab-ci.yml", api)]).await;
    let text = "go: {trigger: {project: shop, strategy: depend, inputs: {n: 3}}, variables: {FROM: $CI_PROJECT_NAME}}\n";
    let run = family.push(&[(".gitlab-ci.yml", text)]).await;
    family.go_on().await;
    family.check(&run, "success: go success [success: a success]");
    let started = family.child(&run);
    let record = family.record(&started);
    assert_eq!((record.project.as_str(), &record.push.pusher, &*record.push.reference), ("shop", &user("ada"), "refs/heads/main"));
    assert_eq!(family.env(&started, "a").get("FROM").cloned(), plain("oran"));
    for (trigger, why) in [
        ("none", "this server has no project `none`"),
        ("oran", "a project starts no pipeline of its own by its name"),
        ("{project: shop, branch: gone}", "`shop` has no branch or tag `gone`"),
    ] {
        let run = family.push(&[(".gitlab-ci.yml", &format!("go: {{trigger: {trigger}}}\n"))]).await;
        family.go_on().await;
        family.check(&run, "failed: go failed");
        assert!(family.log(&run, "go", 1).await.contains(why));
    }
}

#[tokio::test]
async fn who_may_not_start_pipelines_starts_none_elsewhere() {
    let family = Family::new().await;
    other_project(&family, &[(".gitlab-ci.yml", "a: {script: [x]}\n")]).await;
    let run = family.push(&[(".gitlab-ci.yml", "b: {script: [x]}\ngo: {stage: deploy, trigger: shop}\n")]).await;
    family.go_on_but(&["b"]).await;
    orders::remove_user(&family.house.parts, &user("root"), &user("ada")).await.unwrap();
    family.go_on().await;
    family.check(&run, "failed: b success, go failed");
    assert!(family.log(&run, "go", 1).await.contains("ada may not start pipelines of `shop`"));
}

#[tokio::test]
async fn a_job_gets_artifacts_of_another_projects_last_success_and_stands_for_its_pipeline() {
    let family = Family::leaving(|id, report| {
        if id.job.as_str() == "a" {
            report.dotenv = BTreeMap::from([("VERSION".to_owned(), "9".to_owned())]);
        }
    })
    .await;
    other_project(&family, &[(".gitlab-ci.yml", "a: {script: [x]}\nc: {script: [fail always]}\n")]).await;
    let get = |needs: &str| format!("b: {{script: [x], needs: [{{project: shop, {needs}, artifacts: true}}]}}\n");
    let run = family.push(&[(".gitlab-ci.yml", &get("ref: main, job: a"))]).await;
    family.go_on().await;
    assert_eq!(family.env(&run, "b").get("VERSION").cloned(), plain("9"));
    for needs in ["ref: main, job: c", "ref: gone, job: a"] {
        let run = family.push(&[(".gitlab-ci.yml", &get(needs))]).await;
        family.go_on().await;
        family.check(&run, "failed: b failed");
        assert!(family.log(&run, "b", 1).await.contains("has it with success"));
    }
    let run = family.push(&[(".gitlab-ci.yml", "b: {needs: [{pipeline: shop}]}\nd: {needs: [{pipeline: none}]}\n")]).await;
    family.go_on().await;
    family.check(&run, "failed: b failed, d failed");
    assert!(family.log(&run, "b", 1).await.contains("failed: `c`"));
    assert!(family.log(&run, "d", 1).await.contains("no project `none`"));
}
