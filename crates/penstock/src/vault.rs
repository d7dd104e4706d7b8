//! Asking a `HashiCorp` Vault or an `OpenBao` for what jobs name in `secrets`: a login by the job's identity token, one reading,
//! and the login is given back.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use penstock_delivery::Vaults;
use penstock_model::Secret;
use penstock_pipeline::{VaultEngine, VaultRead};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Map, Value, json};
use url::Url;

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How long one may be.
const MAX_ANSWER: usize = 1 << 20;
/// How much of a vault's own words is told.
const MAX_WORDS: usize = 500;

/// Asks vaults over HTTP.
#[derive(Default)]
pub struct VaultClient(OnceLock<Client>);

impl VaultClient {
    fn http(&self) -> Result<&Client, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        // what a job names is asked where it says, and nowhere else
        let client = Client::builder().timeout(LIMIT).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(self.0.get_or_init(|| client))
    }

    fn request(&self, asked: &VaultRead, method: Method, path: &[&str]) -> Result<RequestBuilder, String> {
        let url = address(&asked.server, path)?;
        let request = self.http()?.request(method, url).header("x-vault-request", "true");
        Ok(match &asked.namespace {
            Some(namespace) => request.header("x-vault-namespace", namespace),
            None => request,
        })
    }

    async fn log_in(&self, asked: &VaultRead) -> Result<Secret, String> {
        let mut body = Map::from_iter([("jwt".to_owned(), json!(asked.token.expose()))]);
        body.extend(asked.role.as_ref().map(|role| ("role".to_owned(), json!(role))));
        let request = self.request(asked, Method::POST, &["auth", &asked.auth_path, "login"])?.json(&body);
        let answer =
            answer(request).await.map_err(|why| format!("the login at `auth/{}` of {} failed: {why}", asked.auth_path, asked.server))?;
        let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
        token.map(Secret::new).ok_or_else(|| format!("{} answered a login without a token", asked.server))
    }

    async fn field(&self, asked: &VaultRead, token: &Secret) -> Result<Secret, String> {
        let (path, at) = match asked.engine {
            VaultEngine::KvV2 => (vec![&*asked.mount, "data", &*asked.path], "/data/data"),
            VaultEngine::Plain => (vec![&*asked.mount, &*asked.path], "/data"),
        };
        let place = format!("`{}` in `{}` of {}", asked.path, asked.mount, asked.server);
        let request = self.request(asked, Method::GET, &path)?.header("x-vault-token", token.expose());
        let answer = answer(request).await.map_err(|why| format!("reading {place} failed: {why}"))?;
        let fields = answer.pointer(at).and_then(Value::as_object).ok_or_else(|| format!("there is nothing at {place}"))?;
        match fields.get(&asked.field) {
            Some(Value::String(text)) => Ok(Secret::new(text)),
            Some(Value::Null) | None => Err(format!("{place} has no field `{}`", asked.field)),
            Some(other) => Ok(Secret::new(other.to_string())),
        }
    }
}

#[async_trait]
impl Vaults for VaultClient {
    async fn read(&self, asked: &VaultRead) -> Result<Secret, String> {
        let token = self.log_in(asked).await?;
        let read = self.field(asked, &token).await;
        // a login that is not given back ends by itself
        if let Ok(request) = self.request(asked, Method::POST, &["auth", "token", "revoke-self"]) {
            drop(request.header("x-vault-token", token.expose()).send().await);
        }
        read
    }
}

/// An address below `/v1/` of a vault.
fn address(server: &str, path: &[&str]) -> Result<Url, String> {
    let wrong = || format!("`{server}` is no address of a vault: `https://vault.example.com` is expected in VAULT_SERVER_URL");
    let mut url: Url = server.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() || !url.username().is_empty() {
        return Err(wrong());
    }
    let parts: Vec<&str> = path.iter().flat_map(|part| part.trim_matches('/').split('/')).collect();
    if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
        return Err(format!("`{}` is no path in a vault", path.join("/")));
    }
    url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().push("v1").extend(parts);
    Ok(url)
}

/// What a vault answers, or why not, in its own words.
async fn answer(request: RequestBuilder) -> Result<Value, String> {
    let mut response =
        request.send().await.map_err(|error| format!("it cannot be reached: {}", penstock_delivery::chain(&error.without_url())))?;
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if bytes.len() + part.len() > MAX_ANSWER {
            return Err(format!("it answered with more than {MAX_ANSWER} bytes"));
        }
        bytes.extend_from_slice(&part);
    }
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if status.is_success() {
        return Ok(value);
    }
    let words: Vec<&str> = value.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let words: String = words.join("; ").chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect();
    Err(if words.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {words}") })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::extract::{Path, State};
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::{get, post};
    use axum::{Json, Router};

    use super::*;

    /// A double of the documented HTTP API, with one login and one secret.
    async fn vault() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let (told, heard) = tokio::sync::mpsc::unbounded_channel();
        let login = |Path(mount): Path<String>, headers: HeaderMap, Json(body): Json<Value>| async move {
            let space = headers.get("x-vault-namespace").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
            if (&*mount, &body["jwt"], &body["role"], &*space) == ("jwt", &json!("eyJ"), &json!("reader"), "team") {
                return (StatusCode::OK, Json(json!({"auth": {"client_token": "s.1"}})));
            }
            (StatusCode::BAD_REQUEST, Json(json!({"errors": ["claim \"ref_protected\" does not match\n"]})))
        };
        let read = |Path(path): Path<String>, headers: HeaderMap| async move {
            if headers.get("x-vault-token").is_none_or(|token| token != "s.1") {
                return (StatusCode::FORBIDDEN, Json(json!({"errors": ["permission denied"]})));
            }
            match &*path {
                "ops/data/production/db" => (StatusCode::OK, Json(json!({"data": {"data": {"password": "hunter2", "port": 5432}}}))),
                "old/production/db" => (StatusCode::OK, Json(json!({"data": {"password": "hunter1"}}))),
                _ => (StatusCode::NOT_FOUND, Json(json!({"errors": []}))),
            }
        };
        let revoke = |State(told): State<tokio::sync::mpsc::UnboundedSender<String>>, headers: HeaderMap| async move {
            told.send(headers["x-vault-token"].to_str().unwrap().to_owned()).unwrap();
            StatusCode::NO_CONTENT
        };
        let router = Router::new()
            .route("/v1/auth/{mount}/login", post(login))
            .route("/v1/auth/token/revoke-self", post(revoke))
            .route("/v1/{*path}", get(read))
            .with_state(told);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (address, heard)
    }

    fn asked(address: SocketAddr) -> VaultRead {
        VaultRead {
            name: "PASSWORD".into(),
            file: false,
            server: format!("http://{address}/"),
            namespace: Some("team".into()),
            auth_path: "jwt".into(),
            role: Some("reader".into()),
            token: Secret::new("eyJ"),
            engine: VaultEngine::KvV2,
            mount: "ops".into(),
            path: "production/db".into(),
            field: "password".into(),
        }
    }

    #[tokio::test]
    async fn a_secret_is_read_by_the_jobs_own_login_which_is_given_back() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (address, mut given_back) = vault().await;
        let client = VaultClient::default();
        assert_eq!(client.read(&asked(address)).await.unwrap().expose(), "hunter2");
        assert_eq!(given_back.try_recv().unwrap(), "s.1");
        let port = VaultRead { field: "port".into(), ..asked(address) };
        assert_eq!(client.read(&port).await.unwrap().expose(), "5432");
        let old = VaultRead { engine: VaultEngine::Plain, mount: "/old/".into(), ..asked(address) };
        assert_eq!(client.read(&old).await.unwrap().expose(), "hunter1");
    }

    #[tokio::test]
    async fn what_cannot_be_had_is_told_in_the_vaults_words_and_without_the_token() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (address, _heard) = vault().await;
        let closed = penstock_testkit::free_address();
        let of = || asked(address);
        for (read, said) in [
            (VaultRead { role: None, ..of() }, "claim \"ref_protected\" does not match"),
            (VaultRead { auth_path: "other".into(), ..of() }, "the login at `auth/other`"),
            (VaultRead { path: "production/other".into(), ..of() }, "reading `production/other` in `ops`"),
            (VaultRead { field: "user".into(), ..of() }, "has no field `user`"),
            (VaultRead { path: "../sys/mounts".into(), ..of() }, "is no path in a vault"),
            (VaultRead { server: "file:///etc".into(), ..of() }, "is no address of a vault"),
            (VaultRead { server: format!("http://{closed}"), ..of() }, "cannot be reached"),
        ] {
            let why = VaultClient::default().read(&read).await.unwrap_err();
            assert!(why.contains(said) && !why.contains("eyJ") && !why.contains("s.1"), "{said}: {why}");
        }
    }
}
