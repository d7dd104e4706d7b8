//! Images and services of jobs: read from the file, and filled in when the job starts.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::job::EnvValue;
use penstock_model::service::{PullPolicy, Readiness};
use penstock_pipeline::{WantedService, job_container, job_services};

use crate::job_environment::context;
use crate::support::{GITLAB, must_plan, name, problems};

const FILE: &str = "
variables: {TAG: '16', DB: shop}
default:
  image: {name: 'ruby:$TAG', entrypoint: [''], docker: {user: $WHO}, pull_policy: [if-not-present, never]}
  services: [redis]
test:
  variables: {WHO: app}
  services:
    - tutum/wordpress:latest
    - name: registry.example.org:5000/team/postgres:$TAG
      alias: db,main pg
      entrypoint: [/enter, $DB]
      command: [postgres, -c, 'name=$DB']
      variables: {POSTGRES_DB: $DB, POSTGRES_PASSWORD: $PASSWORD, HEALTHCHECK_TCP_PORT: '5433'}
  script: [x]
plain:
  inherit: {default: [image]}
  script: [x]
usual:
  script: [x]
";

#[test]
fn a_jobs_image_is_filled_in_with_its_entrypoint_user_and_pull_policy() {
    let plan = must_plan(GITLAB, FILE);
    let image = job_container(&plan, &name("test"), &context()).unwrap().unwrap();
    assert_eq!((image.image.as_str(), image.entrypoint, image.user.as_deref()), ("ruby:16", Some(Vec::new()), Some("app")));
    assert_eq!(image.pull_policy, [PullPolicy::IfNotPresent, PullPolicy::Never]);
    // a user that comes to nothing is the image's
    assert_eq!(job_container(&plan, &name("usual"), &context()).unwrap().unwrap().user, None);
}

#[test]
fn services_have_gitlabs_host_names_and_see_the_jobs_variables_but_not_its_token() {
    let plan = must_plan(GITLAB, FILE);
    let services = job_services(&plan, &name("test"), &context()).unwrap();
    let aliases: Vec<Vec<&str>> = services.iter().map(|service| service.aliases.iter().map(String::as_str).collect()).collect();
    assert_eq!(
        aliases,
        [
            vec!["tutum__wordpress", "tutum-wordpress"],
            vec!["db", "main", "pg", "registry.example.org__team__postgres", "registry.example.org-team-postgres"]
        ]
    );
    let db = &services[1];
    assert_eq!(db.container.entrypoint.as_ref().unwrap(), &["/enter", "shop"]);
    assert_eq!(db.container.command.as_ref().unwrap(), &["postgres", "-c", "name=shop"]);
    assert_eq!(db.container.env["POSTGRES_DB"], EnvValue::Plain("shop".to_owned()));
    assert_eq!(db.container.env["POSTGRES_PASSWORD"], EnvValue::Secret(Secret::new("hunter2")));
    assert_eq!(db.container.env["CI_JOB_NAME"], EnvValue::Plain("test".to_owned()));
    assert!(!db.container.env.contains_key("CI_JOB_TOKEN"));
    let port = |service: &WantedService| match service.ready {
        Readiness::Port { port, timeout } => (port, timeout),
        Readiness::Health(_) => panic!("{service:?}"),
    };
    assert_eq!((port(&services[0]), port(db)), ((None, Duration::from_secs(30)), (Some(5433), Duration::from_secs(30))));
}

#[test]
fn services_are_inherited_from_the_default_and_not_where_inherit_says_so() {
    let plan = must_plan(GITLAB, FILE);
    let names = |job: &str| -> Vec<String> {
        job_services(&plan, &name(job), &context()).unwrap().into_iter().map(|service| service.container.image).collect()
    };
    assert_eq!(names("usual"), ["redis"]);
    assert!(names("plain").is_empty());
    let top = must_plan(GITLAB, "services: [{name: a, alias: b}]\na: {script: [x]}\nb: {script: [x], services: []}\n");
    let services: BTreeMap<&str, usize> = top.jobs.iter().map(|job| (job.name.as_str(), job.services.len())).collect();
    assert_eq!(services, BTreeMap::from([("a", 1), ("b", 0)]));
}

#[test]
fn what_cannot_be_a_service_is_told_with_its_place() {
    for (services, expected) in [
        ("x", "3:13 a.services: services are a list, not text"),
        ("[{alias: x}]", "3:14 a.services: `name` is missing"),
        ("[{name: x, alias: 'a b/c'}]", "3:31 a.services.alias: `b/c` cannot be a host name"),
        ("[{name: x, command: run}]", "3:33 a.services.command: a list of texts is expected here, not text"),
        ("[{name: x, pull_policy: maybe}]", "3:37 a.services.pull_policy: `maybe` is not carried out here"),
        ("[{name: x, docker: {network: y}}]", "3:33 a.services.docker.network: `network` is not a key of this place"),
    ] {
        assert_eq!(problems(GITLAB, &format!("a:\n  script: [x]\n  services: {services}\n")), expected, "{services}");
    }
}
