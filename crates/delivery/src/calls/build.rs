//! Building an image for a job.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use penstock_builder::{BuildRequest, Built};
use penstock_model::blob::LogSink;
use penstock_model::evidence::{Subject, Witness};
use penstock_model::ids::Actor;
use penstock_model::release::ImageRef;
use penstock_model::{CommitId, Digest, Timestamp};
use penstock_scan::SyftInput;
use penstock_trust::predicate::{Provenance, ProvenanceInput, Spdx};

use super::{BuildCall, JobCalls, Received, image_name, is_outside, layout, note, run_of};
use crate::events::WorkEvent;
use crate::evidence::{Saying, attach_again, say};
use crate::merge_requests::{self, WITHHELD};
use crate::parts::Parts;
use crate::streams;
use crate::world::RunRecord;

/// The time limit of one RUN.
pub(crate) const STEP: Duration = Duration::from_secs(30 * 60);
/// The builder's name in provenance.
const BUILDER: &str = "https://penstock.dev/builder/v1";

/// Builds, publishes, and says what the image is made of and from. The event comes last: whoever sees the image in the
/// run finds its statements.
pub(super) async fn build(
    calls: &JobCalls,
    parts: &Parts,
    call: &BuildCall,
    received: Received,
    log: Arc<dyn LogSink>,
) -> Result<ImageRef, String> {
    let record = run_of(parts, &call.attempt)?;
    let name = image_name(&record, &call.image)?;
    let started = parts.journal.now();
    let request = BuildRequest {
        context: received.folder.clone(),
        dockerfile: call.dockerfile.clone(),
        build_args: call.args.clone(),
        // what is in an image depends on its content alone: an unchanged service keeps its digest from commit to commit
        source_date_epoch: 0,
        labels: BTreeMap::new(),
        network: false,
        images: BTreeMap::new(),
        verify: false,
        step_timeout: STEP,
    };
    let built = parts.builder.build(&request, log.clone()).await.map_err(|error| crate::chain(&error))?;
    let image = ImageRef { name, digest: built.manifest_digest };
    if is_outside(parts, &call.attempt) {
        note(parts, &*log, format!("built, and not published: {WITHHELD}")).await;
        return Ok(image);
    }
    let tags = tags(&record.push.reference, &record.push.commit);
    parts.registry.put_image(&image.name, built.manifest.clone(), &tags).await.map_err(|error| crate::chain(&error))?;
    let finished = parts.journal.now();
    provenance(parts, &record, call, &image, &built, received.digest, (started, finished)).await?;
    note(parts, &*log, "listing what the image is made of").await;
    bill_of_materials(calls, parts, &record, &image).await?;
    let event = WorkEvent::ImageBuilt {
        job: call.attempt.job.clone(),
        image: image.name.clone(),
        digest: image.digest,
        took_ms: millis(started, parts.journal.now()),
        own_ms: millis(started, finished),
    };
    parts
        .journal
        .change(&streams::run(&record.id), Actor::Job(format!("{}/{}", call.attempt.run, call.attempt.job)), |world, _| {
            let known =
                world.runs.get(&record.id).and_then(|run| run.images.get(&image.name)).is_some_and(|known| known.digest == image.digest);
            if known { Vec::new() } else { vec![event] }
        })
        .await
        .map_err(|error| error.to_string())?;
    Ok(image)
}

/// What an image is called of a run: no merge request moves a name that others follow.
fn tags(reference: &str, commit: &CommitId) -> Vec<String> {
    let mut tags = vec![commit.to_string()];
    if let Some(number) = merge_requests::number_in(reference) {
        tags.push(format!("merge-request-{number}"));
        return tags;
    }
    tags.extend(reference.strip_prefix("refs/heads/").map(tag_of));
    tags.push("latest".to_owned());
    tags
}

/// A branch as a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
fn tag_of(branch: &str) -> String {
    branch.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).take(127).collect()
}

/// A base as the Dockerfile names it, by digest.
fn base(parts: &Parts, written: &str, digest: Digest) -> Option<ImageRef> {
    let own = written.strip_prefix(&format!("{}/", parts.settings.registry)).unwrap_or(written);
    let name = own.split('@').next().unwrap_or(own);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    Some(ImageRef { name: name.parse().ok()?, digest })
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

async fn provenance(
    parts: &Parts,
    record: &RunRecord,
    call: &BuildCall,
    image: &ImageRef,
    built: &Built,
    context: Digest,
    (started, finished): (Timestamp, Timestamp),
) -> Result<(), String> {
    let predicate = Provenance::from(ProvenanceInput {
        project: record.project.clone(),
        repository: format!("{}/git/{}.git", parts.settings.url, record.project),
        commit: record.push.commit.clone(),
        context,
        dockerfile: call.dockerfile.clone(),
        build_args: call.args.clone(),
        bases: built.materials.iter().filter_map(|(name, digest)| base(parts, name, *digest)).collect(),
        run: record.id.clone(),
        job: call.attempt.job.clone(),
        attempt: call.attempt.attempt,
        builder_id: BUILDER.to_owned(),
        builder_version: env!("CARGO_PKG_VERSION").to_owned(),
        started,
        finished,
    });
    let saying = Saying {
        project: &record.project,
        run: Some(&record.id),
        subject: Subject::Image(image.clone()),
        name: "build",
        witness: Witness::Observed,
        key: format!("provenance/{}/{image}", record.id),
        predicate: &predicate,
    };
    say(parts, saying).await.map(drop).map_err(|error| crate::chain(&error))
}

/// What the image is made of, as syft sees it: the same image has the same bill, so it is made once.
async fn bill_of_materials(calls: &JobCalls, parts: &Parts, record: &RunRecord, image: &ImageRef) -> Result<(), String> {
    let key = format!("sbom/{image}");
    let known = parts.journal.world().evidence.get(&record.project).is_some_and(|evidence| evidence.keys.contains_key(&key));
    if known {
        return attach_again(parts, &record.project, image, &key).await.map_err(|error| crate::chain(&error));
    }
    let folder = calls.dir.join("layouts").join(format!("{:032x}", parts.random.bits()));
    let layout = layout::layout(&*parts.blobs, image, folder).await?;
    // named by the image alone: the same image has the same document wherever it is made
    let call = penstock_scan::syft_call(SyftInput::OciLayout, layout.path(), image.name.as_str(), &image.digest.to_string());
    let output = parts.tools.run_tool(&call).await.map_err(|error| crate::chain(&error))?;
    if !output.ran {
        return Err(format!("syft {} ended with {}: {}", output.version, output.exit_code, output.stderr));
    }
    let document = output.result;
    parts.blobs.put_bytes(document.clone()).await.map_err(|error| error.to_string())?;
    let predicate = Spdx::new(&document).ok_or("syft's document is not SPDX")?;
    let saying = Saying {
        project: &record.project,
        run: Some(&record.id),
        subject: Subject::Image(image.clone()),
        name: "syft",
        witness: Witness::Observed,
        key,
        predicate: &predicate,
    };
    say(parts, saying).await.map_err(|error| crate::chain(&error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_merge_request_moves_a_tag_that_others_follow() {
        let commit: CommitId = "a".repeat(40).parse().unwrap();
        let of = |reference: &str| tags(reference, &commit)[1..].to_vec();
        assert_eq!(of("refs/heads/a/b"), ["a-b", "latest"]);
        assert_eq!(of("refs/tags/v1"), ["latest"]);
        assert_eq!(of("refs/merge-requests/7/head"), ["merge-request-7"]);
    }
}
