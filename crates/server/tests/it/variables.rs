//! How jobs get a project's variables, set through the API.

use penstock_api::{ClientError, VariableType, VariableValue, VariableView};
use penstock_delivery::effects::carry_out;
use penstock_delivery::log_id;
use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::job::{AttemptId, EnvValue};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::project::Project;
use super::small::Small;

fn variable(value: &str) -> VariableValue {
    let (variable_type, environment) = (VariableType::EnvVar, None);
    VariableValue { value: value.to_owned(), variable_type, masked: false, raw: false, all_branches: false, environment }
}

async fn set(small: &Small, name: &str, new: VariableValue) -> Result<(), String> {
    let answer: Result<Value, ClientError> = small.root.put(&format!("/projects/oran/variables/{name}"), &new).await;
    answer.map(drop).map_err(|error| error.to_string())
}

/// What the one job of a run gets.
async fn given(small: &Small, project: &Project, branch: &str, path: &str, pipeline: &str) -> (AttemptId, impl Fn(&str) -> String + use<>) {
    let title = format!("Change {}", project.world().position);
    let run = project.push_file("root", branch, &title, path, pipeline).await;
    let effects = wanted(&project.world(), small.house.parts.journal.now()).effects;
    let job = effects.into_iter().find(|effect| matches!(effect, Effect::Job { run: of, .. } if *of == run)).unwrap();
    carry_out(&small.house.parts, &job, CancellationToken::new()).await.unwrap();
    let attempt = small.runner.attempts().pop().unwrap();
    let env = small.runner.env(&attempt).unwrap();
    (attempt, move |name: &str| match env.get(name) {
        None => "absent".to_owned(),
        Some(EnvValue::Plain(text)) => text.clone(),
        Some(EnvValue::Secret(text)) => format!("masked {}", text.expose()),
    })
}

#[tokio::test]
async fn a_job_gets_variables_as_they_were_set_over_those_of_its_file() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    set(&small, "LEVEL", variable("from $CI_PROJECT_NAME")).await.unwrap();
    set(&small, "RAW", VariableValue { raw: true, ..variable("$CI_PROJECT_NAME") }).await.unwrap();
    set(&small, "KEY", VariableValue { masked: true, raw: true, ..variable("hunter22$x") }).await.unwrap();
    set(&small, "CERT", VariableValue { variable_type: VariableType::File, ..variable("-----BEGIN\nhunter33\n") }).await.unwrap();
    let pipeline = "variables: {LEVEL: file, PLACE: 'at $CERT'}\na: {script: [x], variables: {RAW: job}}\n";
    let (attempt, got) = given(&small, &project, "main", ".gitlab-ci.yml", pipeline).await;
    let all = ["LEVEL", "RAW", "KEY", "CERT", "PLACE"].map(&got);
    let file = "/penstock/files/variables/CERT";
    assert_eq!(all, ["from oran", "$CI_PROJECT_NAME", "masked hunter22$x", file, &format!("at {file}")]);
    assert_eq!(small.runner.files(&attempt).unwrap()["CERT"].expose(), "-----BEGIN\nhunter33\n");
    let (_, got) = given(&small, &project, "topic", ".gitlab-ci.yml", pipeline).await;
    assert_eq!(["LEVEL", "RAW", "KEY", "CERT"].map(&got), ["file", "job", "absent", "absent"], "none is for every branch");
    let events: Value = small.root.get("/events?limit=1000").await.unwrap();
    assert!(!events.to_string().contains("hunter") && !events.to_string().contains("from $CI"), "no event has a value");
    let log = small.house.parts.logs.read(&log_id(&attempt), 0, 1 << 20).await.unwrap();
    assert!(log.lines.iter().all(|line| !line.text.contains("hunter")));
}

#[tokio::test]
async fn rules_see_the_variables_that_reach_the_run_and_no_event_has_a_masked_value() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    set(&small, "DEPLOY", VariableValue { masked: true, ..variable("hunter22") }).await.unwrap();
    set(&small, "LEVEL", VariableValue { all_branches: true, ..variable("deep") }).await.unwrap();
    set(&small, "AT", VariableValue { environment: Some("review/*".to_owned()), ..variable("review") }).await.unwrap();
    let pipeline = "variables: {LEVEL: file}
deploy: {script: x, rules: [{if: '$DEPLOY =~ /^hunter2+$/'}]}
deep: {script: x, rules: [{if: '$LEVEL == \"deep\"'}]}
review: {script: x, environment: review/a, rules: [{if: $AT}]}
last: {script: x}
";
    let planned = async |branch: &str| {
        let run = project.push("root", branch, &format!("Change {branch}"), pipeline).await;
        let world = project.world();
        let plan = world.runs[&run].run.as_ref().unwrap().plan().unwrap();
        plan.jobs.iter().map(|job| job.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(planned("main").await, ["deploy", "deep", "review", "last"]);
    assert_eq!(planned("topic").await, ["deep", "last"], "protected ones reach the delivered branch alone");
    let events: Value = small.root.get("/events?limit=1000").await.unwrap();
    let events = events.to_string();
    assert!(events.contains("[MASKED]"), "what the rule came to is told: {events}");
    assert!(!events.contains("hunter22"), "{events}");
}

#[tokio::test]
async fn the_variable_for_the_jobs_environment_wins() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    for (scope, value) in [(None, "all"), (Some("review/*"), "some review"), (Some("review/a"), "review a")] {
        set(&small, "WHERE", VariableValue { environment: scope.map(str::to_owned), ..variable(value) }).await.unwrap();
    }
    for (environment, expected) in [
        ("", "all"),
        (", environment: production", "all"),
        (", environment: review/$CI_COMMIT_BRANCH", "some review"),
        (", environment: 'review/${LETTER}', variables: {LETTER: a}", "review a"),
    ] {
        let (_, got) = given(&small, &project, "main", ".gitlab-ci.yml", &format!("a: {{script: [x]{environment}}}\n")).await;
        assert_eq!(got("WHERE"), expected, "{environment}");
    }
    let _: Value = small.root.delete("/projects/oran/variables/WHERE?environment=review%2F*").await.unwrap();
    let (_, got) = given(&small, &project, "main", ".gitlab-ci.yml", "a: {script: [x], environment: review/b}\n").await;
    assert_eq!(got("WHERE"), "all");
}

#[tokio::test]
async fn workflows_have_them_as_vars_and_secrets() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    set(&small, "PLAIN", VariableValue { all_branches: true, ..variable("plain $HOME") }).await.unwrap();
    set(&small, "KEY", VariableValue { masked: true, ..variable("hunter22") }).await.unwrap();
    set(&small, "CERT", VariableValue { variable_type: VariableType::File, masked: true, ..variable("hunter33") }).await.unwrap();
    let pipeline = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    env: {P: '${{ vars.PLAIN }}', K: '${{ secrets.KEY }}', C: '${{ secrets.CERT }}', V: '${{ vars.KEY }}'}\n    steps: [{run: x}]\n";
    let (_, got) = given(&small, &project, "main", ".github/workflows/ci.yml", pipeline).await;
    assert_eq!(["P", "K", "C", "V"].map(&got), ["plain $HOME", "masked hunter22", "masked hunter33", ""]);
    let (_, got) = given(&small, &project, "topic", ".github/workflows/ci.yml", pipeline).await;
    assert_eq!(["P", "K"].map(&got), ["plain $HOME", ""]);
}

#[tokio::test]
async fn what_cannot_be_set_is_told_and_what_is_masked_is_not_given_back() {
    let small = Small::open().await;
    Project::create(&small.house, "oran").await;
    let (ada, _) = small.user("ada", "developer").await;
    for (name, new, said) in [
        ("KEY", VariableValue { masked: true, ..variable("short") }, "at least 8 characters"),
        ("KEY", VariableValue { masked: true, ..variable("has a blank") }, "without blanks"),
        ("KEY", VariableValue { masked: true, ..variable("hunter22$x") }, "set it raw"),
        ("1KEY", variable("x"), "cannot name a variable"),
        ("A-B", variable("x"), "cannot name a variable"),
        ("KEY", VariableValue { environment: Some("a\nb".to_owned()), ..variable("x") }, "cannot name environments"),
    ] {
        let refusal = set(&small, name, new).await.unwrap_err();
        assert!(refusal.contains(said), "{name}: {refusal}");
    }
    set(&small, "KEY", VariableValue { masked: true, ..variable("hunter22") }).await.unwrap();
    set(&small, "PLAIN", VariableValue { environment: Some("*".to_owned()), ..variable("seen") }).await.unwrap();
    let listed: Vec<VariableView> = ada.get("/projects/oran/variables").await.unwrap();
    let listed: Vec<_> = listed.iter().map(|known| (known.name.as_str(), known.masked, known.environment.as_str())).collect();
    assert_eq!(listed, [("KEY", true, "*"), ("PLAIN", false, "*")]);
    let value: Value = small.root.get("/projects/oran/variables/PLAIN").await.unwrap();
    assert_eq!(value["value"], "seen");
    let status = |answer: Result<Value, ClientError>| match answer {
        Err(ClientError::Refused { status, .. }) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(small.root.get("/projects/oran/variables/KEY").await), 409);
    assert_eq!(status(ada.get("/projects/oran/variables/PLAIN").await), 403);
    assert_eq!(status(ada.put("/projects/oran/variables/PLAIN", &variable("x")).await), 403);
    assert_eq!(status(ada.delete("/projects/oran/variables/PLAIN").await), 403);
    assert_eq!(status(small.root.delete("/projects/oran/variables/NOTHING").await), 404);
}

#[tokio::test]
async fn a_job_finds_what_a_vault_keeps_for_it_or_does_not_begin() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    let pipeline = |path: &str| {
        format!(
            "a:\n  script: [x]\n  variables: {{VAULT_SERVER_URL: 'https://vault.example.com', AT: 'at $CERT'}}\n  id_tokens: {{T: {{aud: x}}}}\n  \
             secrets: {{CERT: {{vault: {path}/field}}, WORD: {{file: false, vault: word/field}}}}\n"
        )
    };
    let (attempt, got) = given(&small, &project, "topic", ".gitlab-ci.yml", &pipeline("cert")).await;
    let file = "/penstock/files/variables/CERT";
    assert_eq!(["CERT", "AT", "WORD"].map(&got), [file, &format!("at {file}"), "masked from word"]);
    assert_eq!(small.runner.files(&attempt).unwrap()["CERT"].expose(), "from cert");
    let begun = small.runner.attempts().len();
    let run = project.push("root", "topic", "No such secret", &pipeline("absent")).await;
    let effects = wanted(&project.world(), small.house.parts.journal.now()).effects;
    let job = effects.into_iter().find(|effect| matches!(effect, Effect::Job { run: of, .. } if *of == run)).unwrap();
    carry_out(&small.house.parts, &job, CancellationToken::new()).await.unwrap();
    assert_eq!(small.runner.attempts().len(), begun, "no step of it ran");
    let state = format!("{:?}", project.world().runs[&run].run.as_ref().unwrap().job(&"a".parse().unwrap()));
    assert!(state.contains("the secret `CERT` cannot be had: it answered 404 Not Found"), "{state}");
}
