//! An image under test: run by digest, as it will run, without a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use penstock_model::Digest;
use penstock_model::blob::LogSink;
use penstock_model::container::{ContainerSpec, Network};
use penstock_model::evidence::{Subject, Witness};
use penstock_model::release::ImageRef;
use penstock_trust::predicate::{Outcome, TestResult};
use serde_json::json;

use super::{TestImageCall, built_image, note, run_of};
use crate::evidence::{Saying, say};
use crate::parts::Parts;

/// Room for scratch files.
const TMP: u64 = 64 * 1024 * 1024;
/// Memory.
const MEMORY: u64 = 1024 * 1024 * 1024;

/// The same run with the same end is said once; a later one that fails is not hidden by an earlier one that passed.
fn key(call: &TestImageCall, image: &ImageRef, code: i32) -> String {
    let TestImageCall { attempt, args, .. } = call;
    format!("test-image/{}/{}/{}/{image}/{}/{code}", attempt.run, attempt.job, attempt.attempt, Digest::of(format!("{args:?}")))
}

/// Runs the image and records the outcome as an observed statement on its digest.
pub(super) async fn test_image(parts: &Parts, call: &TestImageCall, log: Arc<dyn LogSink>) -> Result<(i32, String), String> {
    let record = run_of(parts, &call.attempt)?;
    let image = built_image(&record, &call.image)?;
    let unique = Digest::of(format!("{}/{}/{}/{:?}", call.attempt.run, call.attempt.job, call.attempt.attempt, call.args));
    let spec = ContainerSpec {
        id: format!("test-{}-{:08x}", unique.short(), parts.random.bits() & 0xffff_ffff),
        image: image.clone(),
        command: None,
        args: Some(call.args.clone()),
        env: BTreeMap::new(),
        secrets: BTreeMap::new(),
        user: None,
        working_dir: None,
        network: Network::None,
        mounts: Vec::new(),
        tmpfs: BTreeMap::from([("/tmp".to_owned(), TMP)]),
        hosts: BTreeMap::new(),
        read_only_root: true,
        written: None,
        building: false,
        memory: Some(MEMORY),
        cpu_millis: None,
        labels: BTreeMap::new(),
    };
    note(parts, &*log, format!("running {image} {}", call.args.join(" "))).await;
    let started = parts.journal.now();
    let code = parts.runtime.run(&spec, call.timeout, log).await.map_err(|error| crate::chain(&error))?;
    let took = u64::try_from(parts.journal.now().since(started).as_millis()).unwrap_or(u64::MAX);
    let name = call.args.first().map_or("run", String::as_str);
    let predicate = TestResult {
        result: if code == 0 { Outcome::Passed } else { Outcome::Failed },
        configuration: Vec::new(),
        passed_tests: if code == 0 { vec![name.to_owned()] } else { Vec::new() },
        warned_tests: Vec::new(),
        failed_tests: if code == 0 { Vec::new() } else { vec![name.to_owned()] },
        figures: BTreeMap::from([
            ("exitCode".to_owned(), json!(code)),
            ("tookMs".to_owned(), json!(took)),
            ("arguments".to_owned(), json!(call.args)),
        ]),
    };
    let saying = Saying {
        project: &record.project,
        run: Some(&record.id),
        subject: Subject::Image(image.clone()),
        name,
        witness: Witness::Observed,
        key: key(call, &image, code),
        predicate: &predicate,
    };
    say(parts, saying).await.map_err(|error| crate::chain(&error))?;
    Ok((code, format!("{image}: {} in {took} ms", if code == 0 { "passed" } else { "failed" })))
}
