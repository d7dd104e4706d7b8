//! Steps in containers of their own, in jobs on the host and in an image.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use penstock_model::image::RunConfig;
use penstock_model::job::{EnvValue, JobEnd, JobRunner as _, Work};
use penstock_model::service::{JobImage, Readiness, ServiceSpec};
use tokio_util::sync::CancellationToken;

use crate::containers::Dock;
use crate::support::{Job, Log, until};

fn shell(script: &str) -> [&str; 3] {
    ["/bin/sh", "-ec", script]
}

#[tokio::test]
async fn a_step_in_a_container_shares_the_checkout_and_leaves_nothing_that_a_step_on_the_host_cannot_remove() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let script = concat!(
        "id -u; pwd; cat seen; mkdir -m 700 deep; echo root > deep/own; touch /github/runner_temp/there; rm gone\n",
        "/bin/busybox ln -s /etc/passwd link; echo theirs > other; /bin/busybox chown app other; mkdir -p $HOME/kept\n"
    );
    let after = "id -u > id; stat -c %u deep deep/own other | grep -vx $(cat id) || echo mine; cat deep/own other\nrm -r deep other link\nrm /tmp/there; ls";
    let job = Job::workflow("echo host > seen; touch gone").then_in(&image, &shell(script)).then(after);
    let said = dock.says(job).await;
    assert_eq!(said, "0\n/github/workspace\nhost\nmine\nroot\ntheirs\nid\nseen\n");
    dock.tear_down().await;
}

#[tokio::test]
async fn an_image_that_is_not_roots_works_in_the_checkout_too() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig { user: Some("app".to_owned()), ..RunConfig::default() }, &[]).await;
    let script = "id -u; echo app > seen; echo new > made; echo a=b >> $GITHUB_OUTPUT; touch $HOME/x $RUNNER_TEMP/y";
    let job =
        Job::workflow("echo host > seen").then_in(&image, &shell(script)).then("cat seen; echo more >> made; rm made seen /tmp/y; ls");
    let seen = job.steps.seen.clone();
    let job = job.env("RUNNER_TEMP", "/tmp");
    assert_eq!(dock.says(job).await, "1000\napp\n");
    assert_eq!(seen.lock().unwrap()[1].outputs["a"], "b");
    dock.tear_down().await;
}

#[tokio::test]
async fn what_a_container_is_told_and_what_it_says_are_as_at_github() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let script = concat!(
        "echo $HOME $GITHUB_WORKSPACE $INPUT_FILE $GITHUB_EVENT_PATH $RUNNER_TEMP; cat $GITHUB_EVENT_PATH; echo\n",
        "echo out=1 >> $GITHUB_OUTPUT; echo LATER=2 >> $GITHUB_ENV; echo /opt/x >> $GITHUB_PATH; echo s=3 >> $GITHUB_STATE\n",
        "echo '# done' >> $GITHUB_STEP_SUMMARY; echo \"$TOKEN\"; echo ::add-mask::hidden-text; echo hidden-text\n",
        "echo '::error file=/github/workspace/a.c,line=3::wrong'; ls /penstock 2> /dev/null || echo none; exit 3\n"
    );
    let job = Job::workflow("true").env("GITHUB_WORKSPACE", "/builds/shop").env("RUNNER_TEMP", "/tmp");
    let mut job = job.secret("TOKEN", "very-secret").then_in(&image, &shell(script));
    job.steps.steps[1].env.insert("INPUT_FILE".to_owned(), EnvValue::Plain("/builds/shop/dist".to_owned()));
    let (seen, log) = (job.steps.seen.clone(), Log::default());
    let report = dock.start(job, &log, &CancellationToken::new()).await.unwrap();
    let event = "{\"ref\":\"refs/heads/main\"}";
    let paths = "/github/home /github/workspace /github/workspace/dist /github/workflow/event.json /github/runner_temp";
    assert_eq!(log.out(), format!("{paths}\n{event}\n[MASKED]\n[MASKED]\n##[error]wrong\nnone\n"), "{}", log.notes());
    assert_eq!((&report.end, report.annotations[0].file.as_deref()), (&JobEnd::Exited { code: 3 }, Some("a.c")));
    let outcome = seen.lock().unwrap()[1].clone();
    let texts = [&outcome.outputs["out"], &outcome.env["LATER"], &outcome.path[0], &outcome.state["s"]];
    assert_eq!(texts.map(String::as_str), ["1", "2", "/opt/x", "3"]);
    dock.tear_down().await;
}

#[tokio::test]
async fn an_entrypoint_takes_the_place_of_the_images_and_its_arguments_too() {
    let dock = Dock::new().await;
    let config = RunConfig {
        entrypoint: Some(vec!["/bin/echo".to_owned(), "entry".to_owned()]),
        cmd: Some(vec!["words".to_owned()]),
        ..RunConfig::default()
    };
    let image = dock.image(config, &[("srv/own", "#!/bin/sh\necho own $*\n")]).await;
    for (entrypoint, args, expected) in [
        (None, None, "entry words\n"),
        (None, Some(vec!["a b", ""]), "entry a b \n"),
        (Some("/srv/own"), None, "own\n"),
        (Some("/srv/own"), Some(vec!["x"]), "own x\n"),
    ] {
        let mut job = Job::workflow("true").then_in(&image, &[]);
        if let Work::Container(container) = &mut job.steps.steps[1].work {
            container.entrypoint = entrypoint.map(str::to_owned);
            container.args = args.map(|args| args.into_iter().map(str::to_owned).collect());
        }
        assert_eq!(dock.says(job).await, expected);
    }
    dock.tear_down().await;
}

#[tokio::test]
async fn a_job_in_an_image_has_steps_in_others() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let other = dock.image(RunConfig::default(), &[("srv/other", "other\n")]).await;
    let app = JobImage { user: Some("app".to_owned()), ..JobImage::from(image.clone()) };
    let job = Job::workflow("echo one > file; ls /srv 2> /dev/null || echo no srv")
        .then_in(&other, &shell("cat /srv/other file; echo two > file; mkdir -m 700 made"))
        .then("id -u; cat file; rm -r made file")
        .with(|spec| spec.image = Some(app));
    assert_eq!(dock.says(job).await, "no srv\nother\none\n1000\ntwo\n");
    let job = Job::workflow("mkdir -p /tmp; echo one > /tmp/file")
        .then_in(&other, &shell("cat $RUNNER_TEMP/file; echo two > $RUNNER_TEMP/file"))
        .then("cat /tmp/file")
        .env("RUNNER_TEMP", "/tmp")
        .with(|spec| spec.image = Some(image.into()));
    assert_eq!(dock.says(job).await, "one\ntwo\n");
    dock.tear_down().await;
}

#[tokio::test]
async fn a_link_in_place_of_the_jobs_temporary_folder_leads_nowhere() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let job = Job::workflow("/bin/busybox ln -s /etc /tmp")
        .then_in(&image, &shell("ls /github/runner_temp; touch /github/runner_temp/x"))
        .with(|spec| spec.image = Some(image.clone().into()));
    assert_eq!(dock.says(job).await, "");
    dock.tear_down().await;
}

#[tokio::test]
async fn a_step_in_a_container_reaches_the_jobs_services_by_name() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[("srv/index.html", "served\n")]).await;
    let service = ServiceSpec {
        name: "web".to_owned(),
        aliases: vec!["web".to_owned()],
        image: image.clone(),
        entrypoint: Some(["/bin/httpd", "-f", "-p", "8080", "-h", "/srv"].map(str::to_owned).to_vec()),
        command: None,
        env: BTreeMap::new(),
        user: None,
        ports: Vec::new(),
        ready: Readiness::Port { port: Some(8080), timeout: Duration::from_secs(20) },
        memory: None,
        cpu_millis: None,
    };
    let job = Job::workflow("true").then_in(&image, &shell("/bin/busybox wget -qO- http://web:8080/index.html"));
    assert_eq!(dock.says(job.with(|spec| spec.services = vec![service])).await, "served\n");
    assert!(dock.is_empty().await);
    dock.tear_down().await;
}

#[tokio::test]
async fn a_step_in_a_container_is_ended_when_its_time_is_over_or_the_job_is_cancelled_and_its_files_are_the_jobs() {
    let dock = Dock::new().await;
    let image = dock.image(RunConfig::default(), &[]).await;
    let script = "trap 'echo asked; exit 1' TERM; mkdir -m 700 made; echo began; while true; do sleep 0.1; done";
    let mut job = Job::workflow("true").then_in(&image, &shell(script)).at_last("ls made; rmdir made");
    job.steps.steps[1].timeout = Some(Duration::from_secs(2));
    let log = Log::default();
    let report = dock.start(job, &log, &CancellationToken::new()).await.unwrap();
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Exited { code: 1 }, "began\nasked\n"), "{}", log.notes());
    assert!(log.notes().contains("the step's time limit was reached"), "{}", log.notes());

    let job = Job::workflow("true").then_in(&image, &shell(script)).at_last("rmdir made; echo removed");
    let (log, cancel) = (Log::default(), CancellationToken::new());
    let (runner, seen, stop) = (dock.runner.clone(), log.clone(), cancel.clone());
    let running = tokio::spawn(async move { runner.run(job.spec, Box::new(job.steps), Arc::new(seen), stop).await });
    until("the step says that it began", || log.out().contains("began")).await;
    cancel.cancel();
    let report = tokio::time::timeout(Duration::from_secs(30), running).await.expect("it ends").unwrap().unwrap();
    assert_eq!((report.end, log.out().as_str()), (JobEnd::Cancelled, "began\nasked\nremoved\n"), "{}", log.notes());
    dock.tear_down().await;
}
