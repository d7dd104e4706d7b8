use std::collections::BTreeMap;

use penstock_model::log::{EventLog, LogError};
use proptest::prelude::*;

use crate::fixture::{lease, numbered, open, stream};

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any sequence of appends, right and wrong ones, leaves a log that verifies, without gaps, with each stream whole.
    #[test]
    fn any_appends_leave_whole_chains(appends in prop::collection::vec((0usize..4, 0usize..5, -1i64..2), 1..40)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut log = open(dir.path()).await;
            let epoch = lease(&log).await;
            let mut versions: BTreeMap<usize, u64> = BTreeMap::new();
            for (index, (name, count, off)) in appends.into_iter().enumerate() {
                let version = versions.entry(name).or_default();
                let expected = version.saturating_add_signed(off);
                let result = log.append(&epoch, &stream(&format!("run/{name}")), expected, numbered(0..count)).await;
                if expected == *version {
                    *version += result.unwrap().len() as u64;
                } else {
                    let conflict = matches!(result, Err(LogError::Conflict { actual, .. }) if actual == *version);
                    assert!(conflict);
                }
                if index % 7 == 6 {
                    log.checkpoint().await.unwrap();
                }
                if index % 11 == 10 {
                    log.close().await.unwrap();
                    log = open(dir.path()).await;
                }
            }
            log.verify().await.unwrap();
            let all = log.after(0, 1000).await.unwrap();
            assert!(all.iter().map(|event| event.position).eq(1..=all.len() as u64));
            for (name, version) in versions {
                let events = log.stream(&stream(&format!("run/{name}")), 0).await.unwrap();
                assert!(events.iter().map(|event| event.version).eq(0..version));
                let chained = events.windows(2).all(|pair| pair[1].previous == Some(pair[0].hash));
                assert!(chained && events.first().is_none_or(|first| first.previous.is_none()));
            }
        });
    }
}
