//! Telling people: a web hook in Slack's form, and e-mail.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use penstock_delivery::Messenger;
use penstock_model::Secret;
use serde_json::json;

use crate::config::Smtp;

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Posts and sends.
pub struct Post {
    /// Made when it is first needed: it reads the machine's certificates, a hundred files.
    http: OnceLock<reqwest::Client>,
    smtp: Option<Smtp>,
}

impl Post {
    /// A messenger with the server's own settings.
    pub fn new(smtp: Option<Smtp>) -> Self {
        Self { http: OnceLock::new(), smtp }
    }

    fn http(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder().timeout(LIMIT).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(self.http.get_or_init(|| client))
    }
}

#[async_trait]
impl Messenger for Post {
    async fn slack(&self, url: &Secret, text: &str, key: &str) -> Result<(), String> {
        let request = self.http()?.post(url.expose()).header("idempotency-key", key).json(&json!({ "text": text }));
        // the address is a secret: an error must not repeat it
        let response = request.send().await.map_err(|error| format!("the web hook cannot be reached: {}", error.without_url()))?;
        if response.status().is_success() { Ok(()) } else { Err(format!("the web hook answered {}", response.status())) }
    }

    async fn email(&self, to: &[String], subject: &str, text: &str, key: &str) -> Result<(), String> {
        let Some(smtp) = &self.smtp else {
            return Err("no mail server is configured: set `server.smtp` in the server's penstock.yaml".to_owned());
        };
        let from = smtp.from.parse().map_err(|error| format!("`{}` is no address: {error}", smtp.from))?;
        let mut message =
            Message::builder().from(from).subject(subject).message_id(Some(format!("<{key}@penstock>"))).header(ContentType::TEXT_PLAIN);
        for address in to {
            message = message.to(address.parse().map_err(|error| format!("`{address}` is no address: {error}"))?);
        }
        let message = message.body(text.to_owned()).map_err(|error| error.to_string())?;
        let transport = if smtp.tls {
            AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.host).map_err(|error| error.to_string())?
        } else {
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        };
        let transport = transport.port(smtp.port).timeout(Some(LIMIT)).build();
        transport.send(message).await.map(drop).map_err(|error| format!("{}:{}: {error}", smtp.host, smtp.port))
    }
}
