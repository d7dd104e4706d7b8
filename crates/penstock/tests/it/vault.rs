//! `secrets: vault` against a real one: an `OpenBao` that trusts this server's identity tokens by its own keys.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use penstock_testkit::free_address;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::house::{House, LIMIT};
use crate::shop::{Repository, run_in};

/// The token that a server of `bao server -dev` is told to take.
const ROOT: &str = "root";

fn program() -> PathBuf {
    let folder = std::env::var_os("PENSTOCK_VAULT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/vault"), PathBuf::from);
    let program = folder.join("bao");
    assert!(program.is_file(), "{} is absent: `setup/setup.sh vault` installs OpenBao there", program.display());
    program
}

/// A vault that keeps all in memory, and ends with this.
struct Vault {
    url: String,
    client: reqwest::Client,
    _server: Child,
    _dir: tempfile::TempDir,
}

impl Vault {
    async fn open() -> Self {
        let (dir, listen) = (tempfile::tempdir().unwrap(), free_address().to_string());
        let mut server = Command::new(program());
        server.args(["server", "-dev", "-dev-no-store-token"]).arg(format!("-dev-root-token-id={ROOT}"));
        server.arg(format!("-dev-listen-address={listen}")).env("HOME", dir.path()).current_dir(dir.path());
        server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut server = server.spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("Root Token:") {
                    return;
                }
            }
            panic!("the vault ended");
        };
        tokio::time::timeout(LIMIT, ready).await.expect("the vault does not start");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url: format!("http://{listen}"), client, _server: server, _dir: dir }
    }

    async fn write(&self, path: &str, body: Value) {
        let request = self.client.post(format!("{}/v1/{path}", self.url)).header("x-vault-token", ROOT).json(&body);
        let answer = request.send().await.unwrap();
        let (status, words) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {words}");
    }

    /// Takes identity tokens of jobs of the project's delivered branch, for what lies below `ops`.
    async fn trust(&self, issuer: &str) {
        self.write("sys/auth/jwt", json!({"type": "jwt"})).await;
        self.write("auth/jwt/config", json!({"jwks_url": format!("{issuer}/.well-known/jwks.json"), "bound_issuer": issuer})).await;
        let policy = "path \"ops/data/*\" { capabilities = [\"read\"] }\npath \"old/*\" { capabilities = [\"read\"] }";
        self.write("sys/policies/acl/reader", json!({"policy": policy})).await;
        let claims = json!({"project_path": "shop", "ref": "main", "ref_protected": "true"});
        let role = json!({"role_type": "jwt", "user_claim": "sub", "bound_audiences": [self.url], "bound_claims": claims, "token_policies": ["reader"], "token_ttl": "5m"});
        self.write("auth/jwt/role/reader", role).await;
        self.write("sys/mounts/ops", json!({"type": "kv", "options": {"version": "2"}})).await;
        self.write("sys/mounts/old", json!({"type": "kv", "options": {"version": "1"}})).await;
        self.write("ops/data/production/db", json!({"data": {"password": "hunter2-of-ops"}})).await;
        self.write("old/db", json!({"password": "hunter1-of-old"})).await;
    }
}

fn pipeline(vault: &Vault) -> String {
    format!(
        "read:
  variables: {{VAULT_SERVER_URL: '{url}', VAULT_AUTH_ROLE: reader}}
  id_tokens: {{ID: {{aud: '{url}'}}}}
  secrets:
    NEW: {{vault: production/db/password@ops}}
    OLD: {{vault: {{engine: {{name: kv-v1, path: old}}, path: db, field: password}}, file: false}}
  script: ['test \"$(cat $NEW)\" = hunter2-of-ops', 'test \"$OLD\" = hunter1-of-old', 'cat $NEW', 'echo $OLD']
absent:
  variables: {{VAULT_SERVER_URL: '{url}', VAULT_AUTH_ROLE: reader}}
  id_tokens: {{ID: {{aud: '{url}'}}}}
  secrets: {{NONE: {{vault: production/nothing/password@ops}}}}
  script: [echo never]
  allow_failure: true
stranger:
  variables: {{VAULT_SERVER_URL: '{url}', VAULT_AUTH_ROLE: reader}}
  id_tokens: {{ID: {{aud: 'https://elsewhere.example'}}}}
  secrets: {{NEW: {{vault: production/db/password@ops}}}}
  script: [echo never]
  allow_failure: true
",
        url = vault.url
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_vault_gives_a_job_its_secrets_by_the_jobs_own_identity_and_nobody_elses() {
    let mut house = House::open().await;
    let vault = Vault::open().await;
    vault.trust(&house.url).await;
    let admin = house.admin();
    let made: Value = admin.client.post("/projects", &json!({ "name": "shop", "config": null, "branch": null })).await.unwrap();
    assert_eq!(made["done"], true);
    let clone = Repository::new(&house, "shop", &admin).await;
    clone.write(".gitlab-ci.yml", &pipeline(&vault));
    clone.commit("first").await;
    let run = run_in(&clone.push().await.unwrap());
    let view = house.ended(&run).await;
    let words: Vec<_> = view.jobs.iter().map(|job| (job.name.as_str(), job.status.as_str())).collect();
    let log = async |job: &str| {
        let output = house.said(&run, job).await;
        assert!(!output.contains("hunter"), "{job}: {output}");
        output
    };
    let read = log("read").await;
    assert_eq!(words, [("read", "success"), ("absent", "failed, allowed"), ("stranger", "failed, allowed")], "{read}");
    // in the commands as they are said, and in what they print
    assert_eq!(read.matches("[MASKED]").count(), 4, "{read}");
    let absent = log("absent").await;
    assert!(absent.contains("the secret `NONE` cannot be had: reading `production/nothing`"), "{absent}");
    let stranger = log("stranger").await;
    assert!(stranger.contains("the login at `auth/jwt`") && stranger.contains("invalid audience (aud) claim"), "{stranger}");
    house.stop().await;
}
