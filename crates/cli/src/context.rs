//! What every command has at hand.

use penstock_api::Client;
use penstock_model::Secret;
use serde::Serialize;
use url::Url;

use crate::{CliError, Login, Output, exit};

/// The form of the output and how to reach the server.
pub(crate) struct Context {
    pub output: Output,
    pub server: Option<Url>,
}

impl Context {
    /// A client for the server: a job's own token first, then the stored login.
    pub fn client(&self) -> Result<Client, CliError> {
        let job = std::env::var("PENSTOCK_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new);
        if let (Some(url), Some(token)) = (&self.server, job) {
            return Ok(Client::new(url.clone(), Some(token))?);
        }
        let login = Login::load()?;
        let url = self.server.clone().unwrap_or_else(|| login.url.clone());
        // a token goes only to the server that it is for
        let token = (url.origin() == login.url.origin()).then_some(login.token);
        if token.is_none() {
            return Err(CliError::other(format!("no token is stored for {url}"), format!("penstock login {url}"), exit::REFUSED));
        }
        Ok(Client::new(url, token)?)
    }

    /// Prints JSON, or lets `text` speak to a person.
    pub fn show<T: Serialize>(&self, value: &T, text: impl FnOnce(&T)) {
        match self.output {
            Output::Json => println!("{}", serde_json::to_string_pretty(value).unwrap_or_default()),
            Output::Text => text(value),
        }
    }
}
