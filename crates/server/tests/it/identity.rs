//! Identity tokens of jobs, verified as somebody outside does: by what the server publishes, and with another library.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock_delivery::effects::carry_out;
use penstock_delivery::log_id;
use penstock_delivery::wanted::{Effect, wanted};
use penstock_model::RunId;
use penstock_model::job::{AttemptId, EnvValue};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::project::Project;
use super::small::Small;

/// An answer of the server to somebody without a token, or with one.
async fn got(small: &Small, path: &str, token: Option<&str>) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(small.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

/// What a token says, once it is verified by a key that is found by discovery.
async fn verified(small: &Small, token: &str) -> Option<Map<String, Value>> {
    let (_, configuration) = got(small, "/.well-known/openid-configuration", None).await;
    let issuer = configuration["issuer"].as_str().unwrap();
    let keys = configuration["jwks_uri"].as_str().unwrap().strip_prefix(issuer).unwrap().to_owned();
    let (_, keys) = got(small, &keys, None).await;
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let parts: Vec<Value> = signed.split('.').map(|part| serde_json::from_slice(&decoded(part)).unwrap()).collect();
    assert!(configuration["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&parts[0]["alg"]));
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == parts[0]["kid"])?;
    let coordinate = |name: &str| decoded(key[name].as_str().unwrap());
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &decoded(signature)).ok()?;
    let claims = parts[1].as_object().unwrap().clone();
    (claims["iss"] == issuer).then_some(claims)
}

async fn ran(small: &Small, project: &Project, path: &str, pipeline: &str) -> AttemptId {
    let title = format!("Change {}", project.world().position);
    let run: RunId = project.push_file("root", "main", &title, path, pipeline).await;
    let effects = wanted(&project.world(), small.house.parts.journal.now()).effects;
    let job = effects.into_iter().find(|effect| matches!(effect, Effect::Job { run: of, .. } if *of == run)).unwrap();
    carry_out(&small.house.parts, &job, CancellationToken::new()).await.unwrap();
    small.runner.attempts().pop().unwrap()
}

#[tokio::test]
async fn a_job_has_a_token_that_others_verify_by_what_the_server_publishes() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    let attempt = ran(
        &small,
        &project,
        ".gitlab-ci.yml",
        "deploy: {script: [x], timeout: 10m, id_tokens: {VAULT: {aud: 'https://vault.example.com'}}}\n",
    )
    .await;
    let env = small.runner.env(&attempt).unwrap();
    let Some(EnvValue::Secret(token)) = env.get("VAULT") else { panic!("no token, or not masked: {env:?}") };
    let claims = verified(&small, token.expose()).await.unwrap();
    let now = small.house.parts.journal.now().0 / 1000;
    assert_eq!(
        ["sub", "aud", "user_login", "exp"].map(|name| claims[name].clone()),
        [json!("project_path:oran:ref_type:branch:ref:main"), json!("https://vault.example.com"), json!("root"), json!(now + 600)]
    );
    let (signed, signature) = token.expose().rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert!(verified(&small, &format!("{signed}.{other}{}", &signature[1..])).await.is_none());
    let events: Value = small.root.get("/events?limit=1000").await.unwrap();
    assert!(!events.to_string().contains("eyJ"), "no event has a token");
    let log = small.house.parts.logs.read(&log_id(&attempt), 0, 1 << 20).await.unwrap();
    assert!(log.lines.iter().all(|line| !line.text.contains("eyJ")));
}

#[tokio::test]
async fn a_workflows_job_may_ask_if_its_permissions_say_so_and_as_long_as_it_runs() {
    let small = Small::open().await;
    let project = Project::create(&small.house, "oran").await;
    let job = |permissions: &str| format!("on: push\n{permissions}jobs: {{a: {{runs-on: ubuntu-latest, steps: [{{run: x}}]}}}}\n");
    for (permissions, may) in [
        ("", false),
        ("permissions: {contents: write}\n", false),
        ("permissions: read-all\n", false),
        ("permissions: write-all\n", true),
        ("permissions: {id-token: write}\n", true),
    ] {
        let attempt = ran(&small, &project, ".github/workflows/ci.yml", &job(permissions)).await;
        let env = small.runner.env(&attempt).unwrap();
        let asked = env.get("ACTIONS_ID_TOKEN_REQUEST_URL").zip(env.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        assert_eq!(asked.is_some(), may, "{permissions}");
        let Some((EnvValue::Plain(url), EnvValue::Secret(token))) = asked else { continue };
        assert_eq!(url, "https://penstock.example.org/api/v1/job/id-token?api-version=2.0");
        let (status, _) = got(&small, "/api/v1/job/id-token?api-version=2.0", Some(token.expose())).await;
        assert_eq!(status, 401, "the job is over, and its token with it");
    }
    let parts = &small.house.parts;
    let attempt = AttemptId { run: parts.journal.world().runs.keys().next().unwrap().clone(), job: "a".parse().unwrap(), attempt: 1 };
    let (token, alive) = parts.tokens.issue(&*parts.random, attempt);
    let path = "/api/v1/job/id-token?api-version=2.0&audience=sts.example.com";
    assert_eq!(got(&small, path, Some(token.expose())).await.0, 403, "it may not ask");
    parts.tokens.prove(&token, Map::from_iter([("sub".to_owned(), json!("repo:oran/oran:ref:refs/heads/main"))]));
    let (status, answer) = got(&small, path, Some(token.expose())).await;
    assert_eq!(status, 200);
    let claims = verified(&small, answer["value"].as_str().unwrap()).await.unwrap();
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("sts.example.com"), &json!("repo:oran/oran:ref:refs/heads/main")));
    assert_eq!(got(&small, path, None).await.0, 401);
    assert_eq!(got(&small, path, Some(&small.root_token)).await.0, 401, "no person asks in a job's name");
    drop(alive);
    assert_eq!(got(&small, path, Some(token.expose())).await.0, 401);
}
