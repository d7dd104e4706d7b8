//! What jobs can prove of themselves.

use penstock_model::{Secret, Timestamp};
use penstock_pipeline::{
    Issuing, MergeRequest, PushEvent, Trigger, VaultEngine, VaultRead, id_tokens, job_env, vault_reads, workflow_id_token,
    workflow_identity,
};
use serde_json::{Value, json};

use crate::job_environment::context;
use crate::support::{GITLAB, WORKFLOW, must_plan, name, planned, push};

fn issuing() -> Issuing {
    Issuing { issuer: "https://penstock.example.org".to_owned(), now: Timestamp(1_764_000_001_999), nonce: 10 }
}

fn tag() -> PushEvent {
    PushEvent { reference: "refs/tags/v1".into(), ..push() }
}

fn request(fork: Option<&str>) -> PushEvent {
    let request = MergeRequest {
        action: "opened".into(),
        number: 7,
        title: "A".into(),
        description: String::new(),
        source_branch: "topic".into(),
        target_branch: "main".into(),
        base: "b".repeat(40).parse().unwrap(),
        target: None,
        fork: fork.map(str::to_owned),
        draft: false,
        labels: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        author: None,
        label: None,
        of_target: false,
    };
    PushEvent { reference: "refs/heads/topic".into(), trigger: Trigger::MergeRequest(Box::new(request)), ..push() }
}

#[test]
fn a_gitlab_job_says_who_it_is_in_gitlabs_claims_and_for_whom() {
    let text = "
variables: {WHERE: vault, CI_JOB_ID: forged, CI_COMMIT_REF_PROTECTED: 'true', CI_ENVIRONMENT_TIER: forged}
a:
  script: [x]
  timeout: 10m
  environment: {name: review/$CI_COMMIT_REF_SLUG}
  id_tokens: {ONE: {aud: 'https://$WHERE.example.com'}, TWO: {aud: [a, $WHERE]}}
";
    let plan = must_plan(GITLAB, text);
    let tokens = id_tokens(&plan, &name("a"), &context(), &issuing()).unwrap();
    let names: Vec<_> = tokens.iter().map(|(name, claims)| (name.as_str(), claims["aud"].clone())).collect();
    assert_eq!(names, [("ONE", json!("https://vault.example.com")), ("TWO", json!(["a", "vault"]))]);
    assert_ne!(tokens[0].1["jti"], tokens[1].1["jti"]);
    let shown = serde_json::to_string_pretty(&tokens[0].1).unwrap();
    insta::assert_snapshot!(shown, @r#"
    {
      "sub": "project_path:oran:ref_type:branch:ref:main",
      "namespace_path": "oran",
      "project_path": "oran",
      "job_namespace_path": "oran",
      "job_project_path": "oran",
      "project_visibility": "private",
      "user_login": "ada",
      "pipeline_id": "01KAV9FT000000000000000007",
      "pipeline_source": "push",
      "job_id": "01KAV9FT000000000000000007-0-2",
      "ref": "main",
      "ref_type": "branch",
      "ref_path": "refs/heads/main",
      "ref_protected": "true",
      "runner_id": 1,
      "runner_environment": "self-hosted",
      "sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "ci_config_ref_uri": "penstock.example.org/oran//.gitlab-ci.yml@refs/heads/main",
      "ci_config_sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "environment": "review/main",
      "deployment_tier": "development",
      "environment_action": "start",
      "jti": "0000000000000000000000000000000a-0",
      "iss": "https://penstock.example.org",
      "iat": 1764000001,
      "nbf": 1763999996,
      "exp": 1764000601,
      "aud": "https://vault.example.com"
    }
    "#);
}

#[test]
fn a_ref_is_told_as_what_it_is_and_only_the_main_branch_is_protected() {
    let text = "a: {script: [x], rules: [{when: always}], id_tokens: {T: {aud: x}}}\n";
    let branch = PushEvent { reference: "refs/heads/a/main".into(), ..push() };
    for (event, subject, kind, path, protected) in [
        (push(), "project_path:oran:ref_type:branch:ref:main", "branch", "refs/heads/main", "true"),
        (branch, "project_path:oran:ref_type:branch:ref:a/main", "branch", "refs/heads/a/main", "false"),
        (tag(), "project_path:oran:ref_type:tag:ref:v1", "tag", "refs/tags/v1", "false"),
        (request(None), "project_path:oran:ref_type:branch:ref:topic", "branch", "refs/heads/topic", "false"),
    ] {
        let plan = planned(GITLAB, text, &event).unwrap();
        let (_, claims) = id_tokens(&plan, &name("a"), &context(), &issuing()).unwrap().remove(0);
        let said = ["sub", "ref_type", "ref_path", "ref_protected"].map(|name| claims[name].as_str().unwrap());
        assert_eq!(said, [subject, kind, path, protected]);
    }
}

#[test]
fn a_merge_request_from_a_fork_speaks_for_nobody() {
    let plan = planned(
        GITLAB,
        "a: {script: [x], rules: [{when: always}], id_tokens: {T: {aud: x}}}\nb: {script: [x], rules: [{when: always}]}\n",
        &request(Some("mallory/oran")),
    )
    .unwrap();
    let why = id_tokens(&plan, &name("a"), &context(), &issuing()).unwrap_err();
    assert!(why.contains("from a fork (`mallory/oran`)"), "{why}");
    assert_eq!(id_tokens(&plan, &name("b"), &context(), &issuing()), Ok(Vec::new()), "who asks for nothing is not bothered");
    let workflow = "on: pull_request\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: x}]}}\n";
    let plan = planned(WORKFLOW, workflow, &request(Some("mallory/oran"))).unwrap();
    assert!(workflow_identity(&plan, &name("a"), &context()).is_err());
}

#[test]
fn id_tokens_are_secret_variables_below_those_of_the_file_and_come_from_default_too() {
    let text = "
default: {id_tokens: {T: {aud: x}}}
a: {script: [x]}
b: {script: [x], id_tokens: {U: {aud: x}}}
c: {script: [x], inherit: {default: false}}
d: {script: [x], variables: {T: own}}
";
    let plan = must_plan(GITLAB, text);
    for (job, expected) in [("a", vec!["T"]), ("b", vec!["U"]), ("c", vec![]), ("d", vec!["T"])] {
        let given = id_tokens(&plan, &name(job), &context(), &issuing()).unwrap();
        assert_eq!(given.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected, "{job}");
    }
    let mut context = context();
    context.id_tokens.insert("T".to_owned(), Secret::new("eyJ"));
    let shown = |job: &str| format!("{:?}", job_env(&plan, &name(job), &context).get("T"));
    assert_eq!((&*shown("a"), &*shown("d")), ("Some(Secret(Secret(…)))", "Some(Plain(\"own\"))"));
    let kept = serde_json::to_string(&plan).unwrap();
    assert!(
        !kept.contains("eyJ") && kept.contains(r#""id_tokens":{"T":{"aud":"x"}}"#) || kept.contains(r#""id_tokens":{"T":"x"}"#),
        "{kept}"
    );
}

#[test]
fn id_tokens_that_are_for_nobody_are_refused_where_they_stand() {
    for (tokens, said) in [
        ("{T: {}}", "`aud` is missing"),
        ("{T: {aud: []}}", "a token is for 1 to 50"),
        ("{T: {aud: x, sub: y}}", "sub"),
        ("{1T: {aud: x}}", "cannot be a variable's name"),
        ("[T]", "ID tokens are a mapping"),
    ] {
        let refusal = planned(GITLAB, &format!("a:\n  script: [x]\n  id_tokens: {tokens}\n"), &push()).unwrap_err();
        assert!(refusal.contains(said) && refusal.contains(".gitlab-ci.yml:3:"), "{tokens}: {refusal}");
    }
}

#[test]
fn a_workflows_job_says_who_it_is_in_githubs_claims() {
    let text = "
name: CI
on: [push, pull_request]
permissions: {id-token: write}
jobs:
  plain: {runs-on: ubuntu-latest, steps: [{run: x}]}
  placed: {runs-on: ubuntu-latest, environment: 'live:${{ github.ref_name }}', steps: [{run: x}]}
";
    let said = |event: &PushEvent, job: &str, audience: Option<&str>| {
        let plan = planned(WORKFLOW, text, event).unwrap();
        Value::Object(workflow_id_token(workflow_identity(&plan, &name(job), &context()).unwrap(), audience, &issuing()))
    };
    insta::assert_snapshot!(serde_json::to_string_pretty(&said(&push(), "placed", Some("sts.example.com"))).unwrap(), @r#"
    {
      "actor": "ada",
      "base_ref": "",
      "event_name": "push",
      "head_ref": "",
      "ref": "refs/heads/main",
      "ref_type": "branch",
      "repository": "oran/oran",
      "repository_owner": "oran",
      "run_attempt": "2",
      "run_id": "01KAV9FT000000000000000007",
      "run_number": "12",
      "sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "workflow": "CI",
      "workflow_ref": "oran/oran/.github/workflows/ci.yml@refs/heads/main",
      "workflow_sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "environment": "live:main",
      "sub": "repo:oran/oran:environment:live%3Amain",
      "job_workflow_ref": "oran/oran/.github/workflows/ci.yml@refs/heads/main",
      "job_workflow_sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "ref_protected": "true",
      "repository_visibility": "private",
      "runner_environment": "self-hosted",
      "jti": "0000000000000000000000000000000a-0",
      "iss": "https://penstock.example.org",
      "iat": 1764000001,
      "nbf": 1763999996,
      "exp": 1764000301,
      "aud": "sts.example.com"
    }
    "#);
    assert_eq!(said(&push(), "plain", None)["sub"], "repo:oran/oran:ref:refs/heads/main");
    assert_eq!(said(&push(), "plain", None)["aud"], "https://penstock.example.org/oran");
    assert_eq!(said(&request(None), "plain", None)["sub"], "repo:oran/oran:pull_request");
}

#[test]
fn what_a_job_asks_of_a_vault_is_said_whole() {
    let text = "
variables: {VAULT_SERVER_URL: 'https://vault.example.com', VAULT_AUTH_ROLE: reader, STAGE: production}
default: {id_tokens: {VAULT_ID_TOKEN: {aud: 'https://vault.example.com'}}}
a:
  script: [x]
  variables: {VAULT_AUTH_PATH: jwt/ours, VAULT_NAMESPACE: team}
  secrets:
    SHORT: {vault: $STAGE/db/password@ops}
    LONG: {file: false, vault: {engine: {name: kv-v1, path: old}, path: db, field: user}}
    PLAIN: {token: $VAULT_ID_TOKEN, vault: db/password}
b: {script: [x], variables: {VAULT_SERVER_URL: ''}, secrets: {S: {vault: a/b}}}
c: {script: [x], secrets: {S: {vault: {engine: {name: ssh, path: ssh}, path: a, field: b}}}}
d: {script: [x], secrets: {S: {vault: a/b, token: $NOTHING}}}
e: {script: [x]}
";
    let plan = must_plan(GITLAB, text);
    let mut context = context();
    context.id_tokens.insert("VAULT_ID_TOKEN".to_owned(), Secret::new("eyJ"));
    let long = VaultRead {
        name: "LONG".into(),
        file: false,
        server: "https://vault.example.com".into(),
        namespace: Some("team".into()),
        auth_path: "jwt/ours".into(),
        role: Some("reader".into()),
        token: Secret::new("eyJ"),
        engine: VaultEngine::Plain,
        mount: "old".into(),
        path: "db".into(),
        field: "user".into(),
    };
    let kept = |name: &str, mount: &str, path: &str| {
        let (name, mount, path, field) = (name.into(), mount.into(), path.into(), "password".into());
        VaultRead { name, mount, path, field, file: true, engine: VaultEngine::KvV2, ..long.clone() }
    };
    let reads = vault_reads(&plan, &name("a"), &context).unwrap();
    assert_eq!(reads, [long.clone(), kept("PLAIN", "kv-v2", "db"), kept("SHORT", "ops", "production/db")]);
    for (job, said) in [("b", "VAULT_SERVER_URL is not set"), ("c", "names the engine `ssh`"), ("d", "there is no such token")] {
        let why = vault_reads(&plan, &name(job), &context).unwrap_err();
        assert!(why.contains(said), "{job}: {why}");
    }
    assert_eq!(vault_reads(&plan, &name("e"), &context), Ok(Vec::new()));
}

#[test]
fn secrets_that_nobody_can_fetch_are_refused_where_they_stand() {
    for (secrets, said) in [
        ("{S: {vault: a/b}}", "which ID token the vault is asked with is not said"),
        ("{S: {vault: field, token: $T}}", "a path and a field are expected here"),
        ("{S: {vault: {path: a, field: b}, token: $T}}", "`engine` is missing"),
        ("{S: {vault: {engine: {name: kv-v2}, path: a, field: b}, token: $T}}", "`path` is missing"),
        ("{S: {token: $T}}", "`vault` is missing"),
        ("{S: {akeyless: {name: x}}}", "`akeyless` is not carried out"),
        ("{S: {gcp_secret_manager: {name: x}, token: $T}}", "`gcp_secret_manager` is not carried out"),
        ("{1S: {vault: a/b, token: $T}}", "cannot be a variable's name"),
    ] {
        let refusal = planned(GITLAB, &format!("a:\n  script: [x]\n  secrets: {secrets}\n"), &push()).unwrap_err();
        assert!(refusal.contains(said) && refusal.contains(".gitlab-ci.yml:3:"), "{secrets}: {refusal}");
    }
}
