//! Jobs that run in an image: handed to the container hand, or refused; never on the host.

use penstock_model::job::JobEnd;
use penstock_model::release::ImageRef;
use tokio_util::sync::CancellationToken;

use crate::support::{House, Job, Log};

fn image() -> ImageRef {
    format!("oran/base@sha256:{}", "0".repeat(64)).parse().unwrap()
}

#[tokio::test]
async fn without_a_runtime_a_job_with_an_image_is_refused() {
    let (house, log) = (House::without_containers(), Log::default());
    let job = Job::new("echo on the host").with(|spec| spec.image = Some(image().into()));
    let error = house.start(job, &log, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("remove `image`"), "{error}");
    assert_eq!(log.out(), "");
}

#[tokio::test]
async fn each_step_is_a_container_over_the_checkout_and_no_secret_is_in_its_description() {
    let house = House::new();
    let job = Job::new("echo one")
        .then("echo two")
        .env("A", "plain")
        .secret("TOKEN", "it's secret")
        .with(|spec| spec.image = Some(image().into()));
    let (report, log) = house.run(job).await;
    assert_eq!(report.end, JobEnd::Exited { code: 0 }, "{}", log.notes());
    let ran = house.containers.ran();
    assert_eq!(ran.len(), 2);
    let spec = &ran[0].0;
    assert!(!serde_json::to_string(spec).unwrap().contains("secret"));
    assert_eq!((spec.env["A"].as_str(), spec.user.as_deref()), ("plain", None));
    assert!(spec.mounts.iter().any(|mount| mount.path == "/builds/shop" && mount.writable));
    assert!(spec.id.len() <= 63 && spec.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
}
