//! The client: one call for each route.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use penstock_model::Secret;
use penstock_model::blob::ByteStream;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::io::StreamReader;
use url::Url;

use crate::{PREFIX, Problem};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest answer that is not streamed.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The longest line of a streamed answer.
const MAX_LINE: usize = 1024 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server cannot be reached.
    #[error("the server at {url} cannot be reached: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The server refused.
    #[error("{error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What happened.
        error: String,
        /// What to do.
        hint: String,
    },
    /// The answer is not what this version expects.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
}

/// A client for one server, with one token.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: Option<Secret>,
}

impl Client {
    /// A client. Certificates are those of the system.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: Url, token: Option<Secret>) -> Result<Self, ClientError> {
        // a second installation in the same process is fine
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .no_proxy()
            .build()
            .map_err(|error| ClientError::Unreadable(error.to_string()))?;
        Ok(Self { http, url, token })
    }

    /// The server.
    pub fn url(&self) -> &Url {
        &self.url
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.url.as_str().trim_end_matches('/');
        let request = self.http.request(method, format!("{base}{PREFIX}{path}"));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let unreachable = |error: reqwest::Error| ClientError::Unreachable { url: self.url.to_string(), why: innermost(&error) };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        let problem: Problem = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Problem { error: format!("the server answered {status}"), hint: String::new() });
        Err(ClientError::Refused { status: status.as_u16(), error: problem.error, hint: problem.hint })
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let unreadable = |error: &dyn std::fmt::Display| ClientError::Unreadable(error.to_string());
        let mut body = Vec::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| unreadable(&error))?);
            if body.len() > MAX_ANSWER {
                return Err(ClientError::Unreadable(format!("it is longer than {MAX_ANSWER} bytes")));
            }
        }
        let body = if body.is_empty() { b"null".to_vec() } else { body };
        serde_json::from_slice(&body).map_err(|error| unreadable(&error))
    }

    /// `GET`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        self.read(response).await
    }

    /// `POST` with a JSON body.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<T, ClientError> {
        let response = self.send(self.request(Method::POST, path).json(body)).await?;
        self.read(response).await
    }

    /// `PUT` with a JSON body.
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<T, ClientError> {
        let response = self.send(self.request(Method::PUT, path).json(body)).await?;
        self.read(response).await
    }

    /// `DELETE`.
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.send(self.request(Method::DELETE, path)).await?;
        self.read(response).await
    }

    /// `GET` of an answer that is streamed, one JSON value a line.
    pub async fn stream<T: DeserializeOwned>(&self, path: &str) -> Result<Reader<T>, ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        Ok(Reader::new(response))
    }

    /// `GET` of bytes, with their number if the server tells it.
    pub async fn download(&self, path: &str) -> Result<(Option<u64>, ByteStream), ClientError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        let size = response.headers().get("content-length").and_then(|size| size.to_str().ok()?.parse().ok());
        Ok((size, Box::pin(StreamReader::new(response.bytes_stream().map_err(std::io::Error::other)))))
    }

    /// `POST` of a JSON body, answered by a stream.
    pub async fn post_stream<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<Reader<T>, ClientError> {
        let response = self.send(self.request(Method::POST, path).json(body)).await?;
        Ok(Reader::new(response))
    }

    /// `POST` of a streamed body, answered by a stream.
    pub async fn upload_stream<T, S>(&self, path: &str, query: &(impl Serialize + Sync), body: S) -> Result<Reader<T>, ClientError>
    where
        T: DeserializeOwned,
        S: Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    {
        let query = query_string(query)?;
        let request = self.request(Method::POST, &format!("{path}?{query}")).body(reqwest::Body::wrap_stream(body));
        Ok(Reader::new(self.send(request).await?))
    }
}

fn query_string(query: &impl Serialize) -> Result<String, ClientError> {
    let value = serde_json::to_value(query).map_err(|error| ClientError::Unreadable(error.to_string()))?;
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => pairs.append_pair(key, text),
            other => pairs.append_pair(key, &other.to_string()),
        };
    }
    Ok(pairs.finish())
}

fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

type Lines = tokio::io::Lines<BufReader<std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>>>>;

/// Reads a streamed answer, value by value.
pub struct Reader<T> {
    lines: Lines,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Reader<T> {
    fn new(response: Response) -> Self {
        let bytes = response.bytes_stream().map_err(std::io::Error::other);
        let reader: std::pin::Pin<Box<dyn tokio::io::AsyncRead + Send>> = Box::pin(StreamReader::new(bytes));
        Self { lines: BufReader::with_capacity(64 * 1024, reader).lines(), kind: std::marker::PhantomData }
    }

    /// The next value; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            let line = self.lines.next_line().await.map_err(|error| ClientError::Unreadable(error.to_string()))?;
            let Some(line) = line else { return Ok(None) };
            if line.len() > MAX_LINE {
                return Err(ClientError::Unreadable(format!("a line is longer than {MAX_LINE} bytes")));
            }
            if !line.is_empty() {
                return serde_json::from_str(&line).map(Some).map_err(|error| ClientError::Unreadable(error.to_string()));
            }
        }
    }
}
