//! `repositories.yaml` as Go reads it into its structs.

use super::draft::{At, Decoded, NEVER, field, object, timestamp};
use crate::{
    package::NamedRepository,
    value::{Data, Table},
};

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) api_version: String,
    pub(crate) generated: String,
    pub(crate) repositories: Vec<NamedRepository>,
}

const FILE: &[&str] = &["apiVersion", "generated", "repositories"];
const ENTRY: &[&str] =
    &["name", "url", "username", "password", "certFile", "keyFile", "caFile", "insecure_skip_tls_verify", "pass_credentials_all"];

/// Reads the file. An entry with nothing in it is left out; Helm dies of one.
pub(crate) fn read_named(document: &Data) -> Decoded<Named> {
    let mut named = Named { generated: NEVER.to_owned(), ..Named::default() };
    let Some(table) = object(document, "repo.File", At::TOP)? else { return Ok(named) };
    let at = At::of("File");
    for (key, value) in table {
        match field(key, FILE) {
            "apiVersion" => at.field("apiVersion").text(value, &mut named.api_version)?,
            "generated" if *value != Data::Null => named.generated = timestamp(value)?,
            "repositories" => {
                let mut entries = Vec::new();
                at.field("repositories").items(value, &mut entries, "repo.Entry", entry)?;
                named.repositories = entries.into_iter().flatten().collect();
            }
            _ => {}
        }
    }
    Ok(named)
}

fn entry(table: &Table, path: &str, into: &mut NamedRepository) -> Decoded<()> {
    let at = At::of("Entry").below(path);
    for (key, value) in table {
        match field(key, ENTRY) {
            "name" => at.field("name").text(value, &mut into.name)?,
            "url" => at.field("url").text(value, &mut into.url)?,
            "username" => at.field("username").text(value, &mut into.username)?,
            "password" => at.field("password").text(value, &mut into.password)?,
            "certFile" => at.field("certFile").text(value, &mut into.cert_file)?,
            "keyFile" => at.field("keyFile").text(value, &mut into.key_file)?,
            "caFile" => at.field("caFile").text(value, &mut into.ca_file)?,
            "insecure_skip_tls_verify" => at.field("insecure_skip_tls_verify").truth(value, &mut into.insecure_skip_tls_verify)?,
            "pass_credentials_all" => at.field("pass_credentials_all").truth(value, &mut into.pass_credentials_all)?,
            _ => {}
        }
    }
    Ok(())
}
