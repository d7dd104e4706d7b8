//! The smallest product that travels all the way: two jobs, one image with a web server, staging and production.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use penstock_api::{Client, ClientError, EnvironmentOrder, EventView, NewProject, ReleaseInEnvironment, ReleaseView};
use penstock_testkit::free_port;
use rustix::fs::inotify::WatchFlags;
use serde_json::Value;
use tokio::process::Command;

use crate::house::{House, LIMIT, Person};
use crate::kernel::Watch;

/// The static program that serves.
const BUSYBOX: &str = "/bin/busybox";
/// How long after a change of the log's file its event can be read at the latest.
const SOON: Duration = Duration::from_millis(20);

const PIPELINE: &str = "stages: [test, build]
unit:
  stage: test
  script:
    - test -s www/index.html
    - sleep 0.5
pack:
  stage: build
  script:
    - penstock build --image web --file Dockerfile --context .
";
const DOCKERFILE: &str = r#"FROM scratch
COPY busybox /bin/busybox
COPY www /www
RUN ["/bin/busybox", "sleep", "0.2"]
USER 10001:10001
ENTRYPOINT ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
"#;
const SMOKE: &str = "busybox wget -q -O - \"$PENSTOCK_ENVIRONMENT_URL/\" | grep '^version '\n";
const POLICY: &str = "package penstock.gate
default allow := false
allow if input.release.project == \"PROJECT\"
";
const POD: &str = "  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: PROJECT/web
          ports: [{name: http, containerPort: 8080}]
          readinessProbe:
            httpGet: {path: /, port: http}
            periodSeconds: 1
";
const ANALYSIS: &str = "---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: errors}
spec:
  metrics:
    - name: errors
      interval: 1s
      provider: {plugin: {penstock/gateway: {measure: error-rate, max: 0.01, minRequests: 20}}}
";
const CANARY: &str = "  strategy:
    canary:
      steps:
        - setWeight: 25
        - pause: {duration: 2s}
        - setWeight: 50
        - pause: {duration: 2s}
      analysis: {templates: [{templateName: errors}]}
";

/// A folder that is pushed.
pub struct Repository {
    /// Where it is.
    pub folder: PathBuf,
    url: String,
    token: String,
}

impl Repository {
    /// A new one. `name` is its name on the server.
    pub async fn new(house: &House, name: &str, who: &Person) -> Self {
        let folder = house.dir.path().join("work").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let repository = Self { folder, url: format!("{}/git/{name}.git", house.url), token: who.token.clone() };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]).await.unwrap();
        repository
    }

    /// Of a new project of the first user's, which delivers nothing.
    pub async fn alone(house: &House, name: &str) -> Self {
        let admin = house.admin();
        let new = serde_json::json!({ "name": name, "config": null, "branch": null });
        let made: Value = admin.client.post("/projects", &new).await.unwrap();
        assert_eq!(made["done"], true);
        Self::new(house, name, &admin).await
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// Git, as a developer has it: what it said on both channels.
    pub async fn git(&self, args: &[&str]) -> Result<String, String> {
        let mut git = Command::new("git");
        git.args(args).current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        git.envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "http.extraHeader"),
            ("GIT_CONFIG_VALUE_0", &format!("Authorization: Bearer {}", self.token)),
            ("GIT_TERMINAL_PROMPT", "0"),
        ]);
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "Somebody").env(format!("GIT_{who}_EMAIL"), "somebody@example.org");
        }
        let output = tokio::time::timeout(LIMIT, git.output()).await.map_err(|_| format!("git {args:?} hangs"))?.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// Commits everything.
    pub async fn commit(&self, message: &str) {
        self.git(&["add", "--all"]).await.unwrap();
        self.git(&["commit", "--quiet", "--message", message]).await.unwrap();
    }

    /// Pushes `main`.
    pub async fn push(&self) -> Result<String, String> {
        self.push_to("refs/heads/main").await
    }

    /// Pushes what is checked out to a ref.
    pub async fn push_to(&self, reference: &str) -> Result<String, String> {
        self.git(&["push", &self.url, &format!("HEAD:{reference}")]).await
    }
}

/// The run that a push began, by what it was answered.
pub fn run_in(said: &str) -> String {
    let run = said.lines().find_map(|line| line.rsplit_once("/runs/").map(|(_, id)| id.trim().to_owned()));
    run.unwrap_or_else(|| panic!("no run: {said}"))
}

/// A house that delivers a web server.
pub struct Shop {
    /// The server.
    pub house: House,
    /// Who pushes.
    pub ada: Person,
    /// Who approves.
    pub grace: Person,
    /// The product.
    pub source: Repository,
    /// Where each environment answers.
    pub ports: BTreeMap<&'static str, u16>,
    /// What happened since the last version was made.
    happened: Vec<EventView>,
    position: u64,
    log: Watch,
}

impl Shop {
    /// A server with the project, whose config repository is pushed. With production, or staging alone.
    pub async fn open(name: &'static str, production: bool) -> Self {
        let house = House::open().await;
        let (ada, grace) = (house.user("ada").await, house.user("grace").await);
        let new = NewProject { name: name.parse().unwrap(), config: None, branch: None };
        let _: Value = house.admin().client.post("/projects", &new).await.unwrap();
        let ports = BTreeMap::from([("staging", free_port()), ("production", free_port())]);
        let config = Repository::new(&house, &format!("{name}-config"), &house.admin()).await;
        describe(&config, name, production, &ports);
        config.commit("Describe the environments").await;
        let said = config.push().await.unwrap();
        assert!(said.contains(&format!("{name} follows")), "{said}");
        let source = Repository::new(&house, name, &ada).await;
        source.write("penstock.yaml", &format!("version: 1\nproject: {{name: {name}, pipeline: .gitlab-ci.yml, config: {name}-config}}\n"));
        for (path, text) in [(".gitlab-ci.yml", PIPELINE), ("Dockerfile", DOCKERFILE), ("smoke.sh", SMOKE)] {
            source.write(path, text);
        }
        std::fs::copy(BUSYBOX, source.folder.join("busybox")).unwrap_or_else(|error| panic!("{BUSYBOX}: {error}; install busybox-static"));
        let log = Watch::on(&house.data(), WatchFlags::MODIFY);
        Self { house, ada, grace, source, ports, happened: Vec::new(), position: 0, log }
    }

    /// Commits another version. `kind` is what `/cgi-bin/kind` answers with, a request that no check sends.
    pub async fn version(&mut self, version: &str, kind: &str) {
        self.position = self.events().await.last().map_or(0, |event| event.position);
        self.happened.clear();
        self.source.write("www/index.html", &format!("version {version}\n"));
        let script = format!("#!/bin/busybox sh\necho 'Status: {kind}'\necho\necho {version}\n");
        self.source.write("www/cgi-bin/kind", &script);
        let program = self.source.folder.join("www/cgi-bin/kind");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        self.source.commit(&format!("Version {version}")).await;
    }

    /// Waits until an event has happened since the last version was made. The log's file tells when there is one.
    pub async fn until(&mut self, what: &str, pick: impl Fn(&EventView) -> bool) -> EventView {
        let client = self.house.admin().client;
        let waiting = async {
            let mut looked = 0;
            loop {
                if let Some(found) = self.happened[looked..].iter().find(|event| pick(event)) {
                    return found.clone();
                }
                looked = self.happened.len();
                let events: Vec<EventView> = client.get(&format!("/events?after={}&limit=1000", self.position)).await.unwrap();
                self.position = events.last().map_or(self.position, |event| event.position);
                self.happened.extend(events);
                if looked == self.happened.len() {
                    // the file changes a moment before its events can be read
                    let _ = tokio::time::timeout(SOON, self.log.next()).await;
                    self.log.all();
                }
            }
        };
        if let Ok(found) = tokio::time::timeout(LIMIT, waiting).await {
            return found;
        }
        panic!("{what}: it did not come; what came last:\n{}", self.last_words().await)
    }

    async fn last_words(&self) -> String {
        let events = self.events().await;
        let line = |event: &EventView| format!("{} {} {}", event.stream, event.kind, event.data).chars().take(800).collect::<String>();
        events[events.len().saturating_sub(8)..].iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Waits for an event of a kind.
    pub async fn kind(&mut self, kind: &str) -> EventView {
        self.until(kind, |event| event.kind == kind).await
    }

    /// Waits for an event of a kind in an environment.
    pub async fn event(&mut self, kind: &str, environment: &str) -> EventView {
        self.until(&format!("{kind} in {environment}"), |event| event.kind == kind && event.data["environment"] == environment).await
    }

    /// Everything that happened.
    pub async fn events(&self) -> Vec<EventView> {
        let mut all: Vec<EventView> = Vec::new();
        loop {
            let after = all.last().map_or(0, |event| event.position);
            let page: Vec<EventView> = self.house.admin().client.get(&format!("/events?after={after}&limit=1000")).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The release that comes next.
    pub async fn release(&mut self) -> String {
        let event = self.kind("release.created").await;
        event.stream.strip_prefix("release/").unwrap().to_owned()
    }

    /// How a release stands in an environment.
    pub async fn stands(&self, release: &str, environment: &str) -> ReleaseInEnvironment {
        let view: ReleaseView = self.ada.client.get(&format!("/releases/{release}")).await.unwrap();
        view.environments.into_iter().find(|place| place.environment.as_str() == environment).unwrap()
    }

    /// Lets a release into production.
    pub async fn approve(&self, release: &str) -> Result<(), ClientError> {
        approve(self.grace.client.clone(), release).await
    }

    /// Waits until nothing but an approval is missing.
    pub async fn awaits_approval(&mut self) {
        self.until("the gate of production", |event| {
            event.kind == "release.gated" && event.data["environment"] == "production" && event.data["decision"]["allow"] == false
        })
        .await;
    }

    /// Git on a repository of the server, read as a person with access to the disk would.
    pub fn server_git(&self, repository: &str, args: &[&str]) -> String {
        let folder = self.house.repository(repository);
        let output = std::process::Command::new("git").arg("-c").arg("safe.directory=*").arg("--git-dir").arg(folder).args(args).output();
        let output = output.unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// An approval for production.
pub async fn approve(by: Client, release: &str) -> Result<(), ClientError> {
    let order = EnvironmentOrder { environment: "production".parse().unwrap() };
    by.post::<Value>(&format!("/releases/{release}/approve"), &order).await.map(drop)
}

fn describe(config: &Repository, name: &str, production: bool, ports: &BTreeMap<&'static str, u16>) {
    let mut text = "version: 1\nenvironments:\n".to_owned();
    text.push_str(
        "  - {name: staging, application: applications/staging.yaml, gate: [gate.rego], checks: [{name: smoke, run: [sh, smoke.sh]}]}\n",
    );
    if production {
        text.push_str("  - {name: production, after: staging, application: applications/production.yaml, gate: [gate.rego], approvals: {required: 1}}\n");
    }
    text.push_str("approvers: [grace]\n");
    config.write("penstock.yaml", &text);
    config.write("gate.rego", &POLICY.replace("PROJECT", name));
    for (environment, port) in ports {
        let namespace = format!("{name}-{environment}");
        let application = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {namespace}, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: {name}-config, targetRevision: main, path: {environment}}}\n  destination: {{name: in-cluster, namespace: {namespace}}}\n  syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}\n"
        );
        config.write(&format!("applications/{environment}.yaml"), &application);
        let pod = POD.replace("PROJECT", name);
        let workload = if *environment == "staging" {
            format!("---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n{pod}")
        } else {
            let head = "---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  replicas: 2\n";
            format!("{ANALYSIS}{head}{CANARY}{pod}")
        };
        let service = format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec:\n  type: NodePort\n  selector: {{app: web}}\n  ports: [{{name: http, port: 8080, targetPort: http, nodePort: {port}}}]\n"
        );
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n");
        config.write(&format!("{environment}/web.yaml"), &format!("{namespace}{workload}{service}"));
    }
}
