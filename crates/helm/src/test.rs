//! A release's tests.

use penstock_chart::release::{HookEvent, Record, RecordedHook};
use penstock_model::cluster::Query;

use crate::{HelmError, Releases, Waiting, check_name};

/// Which tests run.
#[derive(Clone, Debug, Default)]
pub struct TestFilter {
    /// These alone, if there are any.
    pub only: Vec<String>,
    /// All but these.
    pub without: Vec<String>,
}

impl TestFilter {
    fn takes(&self, name: &str) -> bool {
        let listed = |names: &[String]| names.iter().any(|one| one == name);
        !listed(&self.without) && (self.only.is_empty() || listed(&self.only))
    }
}

/// How a release's tests run.
#[derive(Clone, Debug)]
pub struct Test {
    /// The release's name.
    pub name: String,
    /// Which of them.
    pub filter: TestFilter,
    /// How long one may take.
    pub waiting: Waiting,
    /// Whether what they wrote is told.
    pub logs: bool,
}

fn is_test(hook: &RecordedHook) -> bool {
    hook.events.contains(&HookEvent::Test)
}

impl Releases<'_> {
    /// Runs a release's tests. How each ended is in the record, and stored.
    pub async fn test(&self, test: &Test) -> Result<(Record, Result<(), HelmError>), HelmError> {
        check_name(&test.name)?;
        let mut record = self.storage().last(&test.name).await?;
        let (running, mut skipped): (Vec<_>, Vec<_>) =
            std::mem::take(&mut record.hooks).into_iter().partition(|hook| test.filter.takes(&hook.name));
        record.hooks = running;
        for name in test.filter.only.iter().filter(|name| !record.hooks.iter().any(|hook| hook.name == **name && is_test(hook))) {
            self.warn(format!("release {} has no test {name:?}", test.name));
        }
        let ran = self.run_hooks(&mut record, HookEvent::Test, test.waiting).await;
        if test.logs {
            self.test_logs(&record).await?;
        }
        skipped.append(&mut record.hooks);
        record.hooks = skipped;
        self.storage().update(&record).await?;
        Ok((record, ran))
    }

    async fn test_logs(&self, record: &Record) -> Result<(), HelmError> {
        for hook in record.hooks.iter().filter(|hook| is_test(hook)) {
            let fields = format!("metadata.name={}", hook.name);
            let query =
                Query { api_version: "v1".into(), kind: "Pod".into(), namespace: record.namespace.clone(), fields, ..Query::default() };
            for pod in self.cluster.list(&query).await? {
                self.show_pod(&pod).await?;
            }
        }
        Ok(())
    }
}
