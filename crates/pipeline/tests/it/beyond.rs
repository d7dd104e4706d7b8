//! Jobs that call for what is beyond them.

use std::collections::BTreeSet;

use penstock_pipeline::Beyond;

use crate::support::{GITLAB, WORKFLOW, beyond_of};

#[track_caller]
fn gitlab(text: &str, expected: &[&str]) {
    assert_eq!(beyond_of(GITLAB, text, &[]), expected, "{text}");
}

#[test]
fn a_docker_command_a_docker_service_and_docker_host_call_for_a_daemon() {
    gitlab(
        "a:\n  script:\n    - make\n    - docker build -t x .\n",
        &["4:7 a: `docker build` calls for a Docker daemon, which jobs do not have"],
    );
    gitlab(
        "a:\n  script: |\n    set -e\n    if true; then\n      sudo docker push x\n    fi\n",
        &["5:7 a: `docker push` calls for a Docker daemon, which jobs do not have"],
    );
    gitlab(
        "a:\n  script: make\n  services: ['docker:24-dind']\n",
        &["3:15 a: the service `docker:24-dind` calls for a Docker daemon, which jobs do not have"],
    );
    gitlab(
        "a:\n  script: make\n  variables: {DOCKER_HOST: tcp://x}\n",
        &["3:15 a: `DOCKER_HOST` calls for a Docker daemon, which jobs do not have"],
    );
    gitlab(
        ".t:\n  before_script: [docker login]\na:\n  extends: .t\n  script: make\n",
        &["2:19 a: `docker login` calls for a Docker daemon, which jobs do not have"],
    );
}

#[test]
fn what_only_speaks_of_docker_calls_for_nothing() {
    for script in [
        "echo docker build",
        "command -v docker",
        "docker --version",
        "make docker",
        "'# docker build'",
        "penstock build --image docker",
        "git commit -m 'docker build'",
    ] {
        gitlab(&format!("a:\n  script: [\"{script}\"]\n  services: [postgres:16]\n"), &[]);
    }
}

#[test]
fn what_changes_a_cluster_is_refused_and_what_looks_or_renders_is_not() {
    for fine in [
        "helm template x .",
        "helm lint .",
        "helm upgrade x . --dry-run",
        "helm repo add a b",
        "helm dependency update",
        "kubectl get pods",
        "kubectl -n x rollout status deploy/y",
        "kubectl apply --dry-run=server -f x",
        "kubectl logs x",
        "kubectl diff -f x",
    ] {
        gitlab(&format!("a:\n  script: ['{fine}']\n"), &[]);
    }
    for (bad, shown) in [
        ("helm upgrade --install x .", "helm upgrade"),
        ("helm -n prod upgrade x .", "helm -n"),
        ("kubectl apply -f x", "kubectl apply"),
        ("kubectl --context p set image a b", "kubectl --context"),
        ("kubectl rollout restart deploy/x", "kubectl rollout"),
        ("cat x | kubectl apply -f -", "kubectl apply"),
        ("kubectl create ns x --dry-run=none", "kubectl create"),
    ] {
        gitlab(
            &format!("a:\n  script: ['{bad}']\n"),
            &[&format!("2:13 a: `{shown}` would change a cluster past the gate of its environment")],
        );
    }
}

#[test]
fn steps_of_a_workflow_are_looked_at_by_their_shell() {
    let text = "on: push
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - run: |
          make
          docker build .
      - {run: import docker, shell: python}
";
    assert_eq!(beyond_of(WORKFLOW, text, &[]), ["8:11 image: `docker build` calls for a Docker daemon, which jobs do not have"]);
}

#[test]
fn whoever_says_that_it_is_meant_is_believed() {
    let text = "a:\n  script: [docker build ., kubectl apply -f x]\nb:\n  script: docker push\n  parallel: 2\n";
    let allow = |job: &str, all: &[Beyond]| (job.to_owned(), all.iter().copied().collect::<BTreeSet<_>>());
    assert_eq!(beyond_of(GITLAB, text, &[]).len(), 3);
    assert_eq!(
        beyond_of(GITLAB, text, &[allow("*", &[Beyond::Docker])]),
        ["2:28 a: `kubectl apply` would change a cluster past the gate of its environment"]
    );
    assert_eq!(beyond_of(GITLAB, text, &[allow("a", &[Beyond::Docker, Beyond::Kubectl])]).len(), 1);
    assert_eq!(
        beyond_of(GITLAB, text, &[allow("a", &[Beyond::Docker, Beyond::Kubectl]), allow("b", &[Beyond::Docker])]),
        Vec::<String>::new()
    );
}
