//! Records of releases, where Helm keeps them: Secrets of the release's namespace.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use penstock_chart::release::{Record, SECRET_TYPE, Status, secret_name};
use penstock_model::{
    clock::Clock,
    cluster::{Cluster, ClusterError, ObjectName, Propagation, Query},
};
use serde_json::{Value, json};

use crate::{HelmError, Progress, Releases};

/// The labels of a record's Secret that Helm sets itself.
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// The records of one namespace, or of all of them when its name is empty.
pub struct Storage<'a> {
    cluster: &'a dyn Cluster,
    namespace: &'a str,
    clock: &'a dyn Clock,
    told: &'a (dyn Fn(Progress) + Send + Sync),
}

impl<'a> Storage<'a> {
    pub(crate) fn new(releases: &Releases<'a>) -> Self {
        let Releases { cluster, namespace, clock, told } = *releases;
        Self { cluster, namespace, clock, told }
    }

    /// Every revision of a release, oldest first.
    pub async fn history(&self, name: &str) -> Result<Vec<Record>, HelmError> {
        let mut found = self.query(&format!("name={name},owner=helm")).await?;
        found.sort_by_key(|record| record.revision);
        if found.is_empty() { Err(HelmError::NotFound) } else { Ok(found) }
    }

    /// Every record that a label selector finds. One that cannot be read is left out, as with Helm, but told.
    pub async fn query(&self, labels: &str) -> Result<Vec<Record>, HelmError> {
        let query = Query {
            api_version: "v1".into(),
            kind: "Secret".into(),
            namespace: self.namespace.to_owned(),
            labels: labels.to_owned(),
            fields: format!("type={SECRET_TYPE}"),
        };
        let secrets = self.cluster.list(&query).await.map_err(|error| refused(error, "query: failed to query with labels"))?;
        let readable = secrets.iter().filter_map(|secret| read(secret).inspect_err(|why| self.warn(why)).ok());
        Ok(readable.collect())
    }

    fn warn(&self, why: &HelmError) {
        (self.told)(Progress::Warning(format!("a record is left out that cannot be read: {why}")));
    }

    /// One revision.
    pub async fn get(&self, name: &str, revision: u32) -> Result<Record, HelmError> {
        if let Some(secret) = self.cluster.get(&self.secret(name, revision)).await? {
            return read(&secret);
        }
        // whether it is the release that is not there, or this revision alone
        self.history(name).await?;
        Err(HelmError::NoSuchRevision(revision))
    }

    /// The newest revision.
    pub async fn last(&self, name: &str) -> Result<Record, HelmError> {
        self.history(name).await?.pop().ok_or(HelmError::NotFound)
    }

    /// The newest revision that is deployed.
    pub async fn deployed(&self, name: &str) -> Result<Record, HelmError> {
        let found = self.query(&format!("name={name},owner=helm,status=deployed")).await?;
        found.into_iter().max_by_key(|record| record.revision).ok_or_else(|| HelmError::NothingDeployed(name.to_owned()))
    }

    /// Stores a new revision, and removes the oldest ones so that no more than `most` are left; 0 for as many as there are.
    /// The Secret's name is the lock: who comes second is refused.
    pub async fn create(&self, record: &Record, most: u32) -> Result<(), HelmError> {
        if most > 0 {
            self.make_room(&record.name, most as usize - 1).await?;
        }
        let at = self.seconds();
        match self.cluster.create(&secret(record, ("createdAt", at))?).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_already_exists() => Err(HelmError::RevisionExists),
            Err(error) => Err(refused(error, "create: failed to create")),
        }
    }

    /// Stores a revision again.
    pub async fn update(&self, record: &Record) -> Result<(), HelmError> {
        let at = self.seconds();
        let stored = self.cluster.replace(&secret(record, ("modifiedAt", at))?).await;
        stored.map(drop).map_err(|error| refused(error, "update: failed to update"))
    }

    /// Removes a revision's record.
    pub async fn delete(&self, name: &str, revision: u32) -> Result<(), HelmError> {
        self.cluster.delete(&self.secret(name, revision), Propagation::Background).await?;
        Ok(())
    }

    async fn make_room(&self, name: &str, most: usize) -> Result<(), HelmError> {
        let history = match self.history(name).await {
            Ok(history) => history,
            Err(HelmError::NotFound) => return Ok(()),
            Err(error) => return Err(error),
        };
        for revision in superfluous(&history, most) {
            self.delete(name, revision).await?;
        }
        Ok(())
    }

    fn secret(&self, name: &str, revision: u32) -> ObjectName {
        ObjectName {
            api_version: "v1".into(),
            kind: "Secret".into(),
            namespace: self.namespace.to_owned(),
            name: secret_name(name, revision),
        }
    }

    fn seconds(&self) -> String {
        (self.clock.now().0 / 1000).to_string()
    }
}

/// The revisions that go so that `most` are left: the oldest, but never the one that is deployed.
fn superfluous(history: &[Record], most: usize) -> Vec<u32> {
    let deployed = history.iter().filter(|record| record.info.status == Status::Deployed).map(|record| record.revision).max();
    let excess = history.len().saturating_sub(most);
    history.iter().map(|record| record.revision).filter(|revision| Some(*revision) != deployed).take(excess).collect()
}

/// What the cluster refused, at what. That it does not answer at all is told as it is.
fn refused(error: ClusterError, doing: &str) -> HelmError {
    match error {
        ClusterError::Refused(_) => error.during(doing).into(),
        error => error.into(),
    }
}

fn secret(record: &Record, stamp: (&str, String)) -> Result<Value, HelmError> {
    let mut labels = record.secret_labels();
    labels.insert(stamp.0.to_owned(), stamp.1);
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": SECRET_TYPE,
        "metadata": { "name": record.secret_name(), "namespace": record.namespace, "labels": labels },
        "data": { "release": STANDARD.encode(record.encode()?) },
    }))
}

fn read(secret: &Value) -> Result<Record, HelmError> {
    let text = |path: &str| secret.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let fault = |source| HelmError::Record { secret: text("/metadata/name").to_owned(), source };
    let entry = STANDARD.decode(text("/data/release")).map_err(|error| fault(error.into()))?;
    let mut record = Record::decode(&entry).map_err(fault)?;
    let labels: BTreeMap<String, String> =
        secret.pointer("/metadata/labels").and_then(|labels| serde_json::from_value(labels.clone()).ok()).unwrap_or_default();
    record.labels = labels.into_iter().filter(|(key, _)| !SYSTEM_LABELS.contains(&key.as_str())).collect();
    Ok(record)
}

#[cfg(test)]
mod tests {
    use penstock_chart::release::Info;

    use super::*;

    fn history(statuses: &[Status]) -> Vec<Record> {
        let record = |(at, status): (usize, &Status)| Record {
            revision: u32::try_from(at + 1).unwrap(),
            info: Info { status: *status, ..Info::default() },
            ..Record::default()
        };
        statuses.iter().enumerate().map(record).collect()
    }

    #[test]
    fn the_oldest_revisions_go_but_never_the_one_that_is_deployed() {
        use Status::{Deployed, Failed, Superseded};
        assert_eq!(superfluous(&history(&[Superseded, Superseded, Deployed]), 2), [1]);
        assert_eq!(superfluous(&history(&[Deployed, Failed, Failed, Failed]), 2), [2, 3]);
        assert_eq!(superfluous(&history(&[Deployed]), 9), [0; 0]);
    }

    #[test]
    fn a_secret_gives_back_the_record_and_the_users_labels() {
        let mut record = history(&[Status::Deployed]).remove(0);
        record.name = "web".into();
        record.labels.insert("team".into(), "ran".into());
        let secret = secret(&record, ("createdAt", "17".into())).unwrap();
        assert_eq!(secret["metadata"]["labels"]["createdAt"], "17");
        assert_eq!(read(&secret).unwrap(), record);
    }
}
