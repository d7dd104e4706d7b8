//! Containers of a workflow's jobs: read from the file, and filled in when the job starts.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::Secret;
use penstock_model::job::EnvValue;
use penstock_model::service::{PortMapping, Readiness};
use penstock_pipeline::{job_container, job_services};

use crate::job_environment::context;
use crate::support::{WORKFLOW, must_plan, name, problems};

const FILE: &str = "on: push
env: {USER_NAME: app}
jobs:
  a:
    runs-on: ubuntu-latest
    strategy: {matrix: {tag: ['16']}}
    container:
      image: registry.example.org/node:${{ matrix.tag }}
      env: {NODE_ENV: test, KEY: '${{ secrets.PASSWORD }}'}
      options: --user 1001 --cpus 2
      credentials: {username: '${{ env.USER_NAME }}', password: '${{ secrets.PASSWORD }}'}
    services:
      db:
        image: postgres:${{ matrix.tag }}
        env: {POSTGRES_PASSWORD: x}
        ports: [5432, '8080:80']
        options: >-
          --health-cmd pg_isready --health-interval 10s --health-retries 5
        command: postgres -c 'a b'
      cache: redis
      none: ${{ github.ref == 'x' && 'image' || '' }}
    steps: [{run: x}]
";

#[test]
fn a_container_is_filled_in_when_the_job_starts() {
    let plan = must_plan(WORKFLOW, FILE);
    let mut context = context();
    context.secrets = BTreeMap::from([("PASSWORD".to_owned(), Secret::new("hunter2"))]);
    let container = job_container(&plan, &name("a (16)"), &context).unwrap().unwrap();
    assert_eq!((container.image.as_str(), container.user.as_deref()), ("registry.example.org/node:16", Some("1001")));
    assert_eq!(container.cpu_millis, Some(2000));
    assert_eq!(container.env["KEY"], EnvValue::Secret(Secret::new("hunter2")));
    let (username, password) = container.credentials.unwrap();
    assert_eq!((username.as_str(), password.expose()), ("app", "hunter2"));
}

#[test]
fn services_are_known_by_their_keys_and_ready_by_their_health() {
    let services = job_services(&must_plan(WORKFLOW, FILE), &name("a (16)"), &context()).unwrap();
    // an image that comes to nothing is no service
    assert_eq!(services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["db", "cache"]);
    let db = &services[0];
    assert_eq!(db.container.image, "postgres:16");
    assert_eq!(db.aliases, ["db"]);
    assert_eq!(db.ports, [PortMapping { host: None, container: 5432 }, PortMapping { host: Some(8080), container: 80 }]);
    assert_eq!(db.container.command.as_ref().unwrap(), &["postgres", "-c", "a b"]);
    let Readiness::Health(Some(health)) = &db.ready else { panic!("{:?}", db.ready) };
    assert_eq!((health.interval, health.retries), (Duration::from_secs(10), 5));
}

#[test]
fn what_is_wrong_with_a_container_is_told_where_it_stands() {
    for (keys, expected) in [
        ("container: node:20", "a plan of 1 jobs"),
        ("container: {image: ''}", "a plan of 1 jobs"),
        ("container: {env: {A: b}}", "3:42 jobs.a.container: the container has no `image`"),
        ("container: {image: a, ports: [80]}", "3:60 jobs.a.container.ports: `ports` of a job's container is not carried out"),
        ("container: {image: a, volumes: ['/a:/b']}", "3:62 jobs.a.container.volumes: `volumes` is not carried out"),
        ("container: {image: a, options: --privileged}", "3:62 jobs.a.container.options: `--privileged` in `options` is not carried out"),
        ("container: {image: a, credentials: {username: u}}", "3:66 jobs.a.container.credentials: `credentials` has no `password`"),
        (
            "container: {image: a, credentials: {username: u, password: hunter2}}",
            "3:90 jobs.a.container.credentials.password: a password in the file is no secret",
        ),
        ("container: {image: '${{ secrets.A }}'}", "3:55 jobs.a.container.image: `secrets` is not known in a container"),
        ("container: {image: a, entrypoint: b}", "3:53 jobs.a.container.entrypoint: `entrypoint` is not a key of this place"),
        ("services: [redis]", "3:41 jobs.a.services: services are a mapping, not a list"),
        ("services: {1a: redis}", "3:42 jobs.a.services.1a: `1a` cannot be a service's name"),
        ("services: {db: {image: a, ports: ['53/udp']}}", "3:65 jobs.a.services.db.ports: the port `53/udp` is not carried out"),
    ] {
        let told = problems(WORKFLOW, &format!("on: push\njobs:\n  a: {{runs-on: ubuntu-latest, {keys}, steps: [{{run: x}}]}}\n"));
        assert_eq!(told, expected, "{keys}");
    }
}
