//! The cluster trait before an API server that is played: what a real one does only on bad days.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use penstock_model::cluster::{Cluster as _, ClusterError, ObjectName, Until};
use penstock_target::kubernetes::{ClusterSettings, KubernetesCluster};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is answered.
enum Answer {
    Json(u16, Value),
    /// Lines of a watch, then the end.
    Events(Vec<Value>),
    /// Too much to do; again in this many seconds.
    Later(u32),
    /// Nothing, for ever.
    Silence,
}

type Script = Arc<Mutex<VecDeque<(&'static str, Answer)>>>;

struct Played {
    cluster: KubernetesCluster,
    asked: Arc<Mutex<Vec<String>>>,
    script: Script,
    _folder: TempDir,
}

/// Answers discovery by itself, and all else by the script: each answer to a request whose path begins as it says.
async fn play(script: Vec<(&'static str, Answer)>) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, script): (Arc<Mutex<Vec<String>>>, Script) = (Arc::default(), Arc::new(Mutex::new(script.into())));
    let (seen, answers) = (Arc::clone(&asked), Arc::clone(&script));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&answers)));
        }
    });
    let (folder, kubeconfig) = kubeconfig(&format!("http://{address}"));
    let settings = ClusterSettings { kubeconfig: Some(kubeconfig), deadline: Duration::from_secs(2), ..ClusterSettings::default() };
    Played { cluster: KubernetesCluster::open(&settings).await.unwrap(), asked, script, _folder: folder }
}

fn kubeconfig(server: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": server}}], "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "shop"}}],
    });
    std::fs::write(&path, config.to_string()).unwrap();
    (folder, path)
}

async fn serve(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>, script: Script) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let answer = discovery(&path).unwrap_or_else(|| {
        asked.lock().unwrap().push(path.clone());
        let (begins, answer) = script.lock().unwrap().pop_front().unwrap_or_else(|| panic!("nothing is left to say to {path}"));
        assert!(path.starts_with(begins), "{path} was asked where {begins} was expected");
        answer
    });
    let (code, more, body) = match answer {
        Answer::Json(code, value) => (code, String::new(), value.to_string()),
        Answer::Events(events) => (200, String::new(), events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n") + "\n"),
        Answer::Later(seconds) => (429, format!("retry-after: {seconds}\r\n"), "too many requests".into()),
        Answer::Silence => std::future::pending().await,
    };
    let answer = format!("HTTP/1.1 {code} x\r\ncontent-type: application/json\r\nconnection: close\r\n{more}\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// As a server before 1.26 answers.
fn discovery(path: &str) -> Option<Answer> {
    let resources = |list: Value| json!({"kind": "APIResourceList", "resources": list});
    let pods = json!([{"name": "pods", "kind": "Pod", "namespaced": true}, {"name": "pods/log", "kind": "Pod", "namespaced": true}]);
    Some(Answer::Json(
        200,
        match path {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => json!({"kind": "APIGroupList", "groups": [
                {"name": "batch", "versions": [{"groupVersion": "batch/v1"}]}, {"name": "gone", "versions": [{"groupVersion": "gone/v1"}]}]}),
            "/api/v1" => resources(pods),
            "/apis/batch/v1" => resources(json!([{"name": "jobs", "kind": "Job", "namespaced": true}])),
            "/apis/gone/v1" => return Some(Answer::Json(503, json!("the server is currently unable to handle the request"))),
            "/version" => json!({"gitVersion": "v1.24.0", "major": "1", "minor": "24"}),
            _ => return None,
        },
    ))
}

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs?fieldSelector=metadata.name%3Dweb";

fn job(version: &str, condition: Option<&str>) -> Value {
    let conditions: Vec<Value> = condition.into_iter().map(|of| json!({"type": of, "status": "True"})).collect();
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web", "namespace": "shop", "resourceVersion": version}, "status": {"conditions": conditions}})
}

fn list(version: &str) -> Answer {
    Answer::Json(200, json!({"kind": "JobList", "metadata": {"resourceVersion": version}, "items": [job(version, None)]}))
}

#[tokio::test]
async fn a_watch_that_breaks_off_goes_on_where_it_was() {
    let gone =
        json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old", "status": "Failure"}});
    let played = play(vec![
        (JOBS, list("1")),
        (JOBS, Answer::Events(vec![json!({"type": "MODIFIED", "object": job("3", None)})])),
        (JOBS, Answer::Events(vec![gone])),
        (JOBS, list("7")),
        (
            JOBS,
            Answer::Events(vec![
                json!({"type": "BOOKMARK", "object": {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"resourceVersion": "8"}}}),
            ]),
        ),
        (JOBS, Answer::Events(vec![json!({"type": "MODIFIED", "object": job("9", Some("Complete"))})])),
    ])
    .await;
    let name = ObjectName::of(&job("1", None)).unwrap();
    played.cluster.wait(&[name], Until::Completed, Duration::from_secs(30)).await.unwrap();
    let asked = played.asked.lock().unwrap();
    let versions: Vec<Option<&str>> =
        asked.iter().map(|path| path.split('&').find_map(|part| part.strip_prefix("resourceVersion="))).collect();
    assert_eq!(versions, [None, Some("1"), Some("3"), None, Some("7"), Some("8")]);
    assert!(played.script.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_answered_ends_in_time() {
    let played = play(vec![("/api/v1/namespaces/shop/pods/a", Answer::Silence)]).await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
    let pod = played.cluster.place(pod, played.cluster.default_namespace()).await.unwrap();
    let began = Instant::now();
    let error = played.cluster.get(&ObjectName::of(&pod).unwrap()).await.unwrap_err();
    assert!(matches!(error, ClusterError::TimedOut(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}});
    let path = "/api/v1/namespaces/shop/pods/a";
    let played = play(vec![(path, Answer::Later(0)), (path, Answer::Later(0)), (path, Answer::Json(200, pod.clone()))]).await;
    assert_eq!(played.cluster.get(&ObjectName::of(&pod).unwrap()).await.unwrap(), Some(pod));
}

#[tokio::test]
async fn a_server_that_does_not_aggregate_is_asked_group_by_group() {
    let played = play(Vec::new()).await;
    let server = played.cluster.server().await.unwrap();
    assert_eq!(server.minor, "24");
    let versions: Vec<&str> = server.api_versions.iter().map(String::as_str).collect();
    assert_eq!(versions, ["batch/v1", "batch/v1/Job", "gone/v1", "v1", "v1/Pod"]);
}

#[tokio::test]
async fn settings_that_lead_nowhere_are_told() {
    let (_folder, path) = kubeconfig("http://127.0.0.1:1");
    let open = |settings: ClusterSettings| async move { KubernetesCluster::open(&settings).await.err().map(|error| error.to_string()) };
    let given = ClusterSettings { kubeconfig: Some(path.clone()), ..ClusterSettings::default() };
    assert_eq!(open(given.clone()).await, None);
    let other = open(ClusterSettings { context: Some("b".into()), ..given.clone() }).await.unwrap();
    assert!(other.contains(&path.display().to_string()) && other.contains('b'), "{other}");
    let missing = open(ClusterSettings { kubeconfig: Some("/none/such".into()), ..given.clone() }).await.unwrap();
    assert!(missing.starts_with("kubeconfig /none/such: "), "{missing}");
    let server = open(ClusterSettings { server: Some("not a server".into()), ..given }).await.unwrap();
    assert!(server.starts_with("the server `not a server`"), "{server}");
}
