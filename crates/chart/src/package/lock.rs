//! `Chart.lock`: which versions a chart's dependencies were found at, with a digest over both.

use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{hashed_json, written};
use crate::{
    chart::{Chart, Dependency, Lock},
    function::Fault,
    value::Data,
};

/// The digest over what was asked for and what was found.
pub fn digest(asked: &[Dependency], found: &[Dependency]) -> Result<String, Fault> {
    Ok(hashed(&format!("[{},{}]", list(asked)?, list(found)?)))
}

/// The digest that Helm 2 wrote: over what was asked for alone.
pub fn digest_of_helm_2(asked: &[Dependency]) -> Result<String, Fault> {
    Ok(hashed(&format!("{{\"dependencies\":{}}}", list(asked)?)))
}

fn hashed(text: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

/// Dependencies as Go's JSON has them: the fields of each in the order of its struct, the keys of mappings in order of their names.
fn list(dependencies: &[Dependency]) -> Result<String, Fault> {
    if dependencies.is_empty() {
        return Ok("null".to_owned());
    }
    let each = dependencies.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", each.join(",")))
}

fn one(dependency: &Dependency) -> Result<String, Fault> {
    let Ok(Json::Object(fields)) = serde_json::to_value(dependency) else { return Ok("null".to_owned()) };
    let mut text = String::from("{");
    for (name, value) in &fields {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&hashed_json(&Data::Text(name.as_str().into()))?);
        text.push(':');
        text.push_str(&hashed_json(&crate::json::data(value))?);
    }
    text.push('}');
    Ok(text)
}

/// The text of a lock.
pub fn lock_text(lock: &Lock) -> Result<String, Fault> {
    #[derive(Serialize)]
    struct Written<'a> {
        generated: &'a str,
        digest: &'a str,
        dependencies: Option<&'a [Dependency]>,
    }
    let dependencies = Some(lock.dependencies.as_slice()).filter(|list| !list.is_empty());
    written(&Written { generated: &lock.generated, digest: &lock.digest, dependencies })
}

/// What was locked is not what is asked for any more.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the lock file ({lock}) is out of sync with the dependencies file ({asked}). Please update the dependencies")]
pub struct Stale {
    lock: &'static str,
    asked: &'static str,
}

/// Refuses a lock that was made of other dependencies. `asked` is what the chart asks for once its repositories are named by their
/// addresses; `helm dependency build` checks so before it fetches anything. Without a lock there is nothing to refuse.
pub fn check_lock(chart: &Chart, asked: &[Dependency]) -> Result<(), Stale> {
    let Some(lock) = &chart.lock else { return Ok(()) };
    let is_v1 = chart.metadata.api_version == "v1";
    let is_current = digest(asked, &lock.dependencies).is_ok_and(|digest| digest == lock.digest)
        || (is_v1 && digest_of_helm_2(&chart.metadata.dependencies).is_ok_and(|digest| digest == lock.digest));
    match (is_current, is_v1) {
        (true, _) => Ok(()),
        (false, true) => Err(Stale { lock: "requirements.lock", asked: "requirements.yaml" }),
        (false, false) => Err(Stale { lock: "Chart.lock", asked: "Chart.yaml" }),
    }
}
