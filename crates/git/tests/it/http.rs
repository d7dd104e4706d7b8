use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{Path as UrlPath, Request};
use axum::response::{IntoResponse, Response};
use penstock_git::{GitHttp, HookServer, Offered, PushListener, RefUpdate, hook_main};
use penstock_model::git::{GitHost, MayPush};
use penstock_model::{CommitId, RepositoryName, UserName};

use crate::fixture::{Fixture, fixture, git, said, try_git};

const HOOK: &str = "PENSTOCK_TEST_HOOK";

/// Not a test by itself: the process that git starts as hook.
#[test]
fn acts_as_hook() {
    if let Ok(hook) = std::env::var(HOOK) {
        if hook == "proc-receive" {
            let ended = hook_main([hook]);
            std::process::exit(i32::from(format!("{ended:?}") != format!("{:?}", ExitCode::SUCCESS)));
        }
        assert_eq!(format!("{:?}", hook_main([hook])), format!("{:?}", ExitCode::SUCCESS));
    }
}

/// The program that the host starts as hook: this test binary, by way of a script.
pub fn hook_program(directory: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("hook program");
    let exe = std::env::current_exe().unwrap();
    // what the harness says first (`running 1 test`, between two line ends) would not be Git's protocol
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = git-hook ] || exit 9\nexport {HOOK}=$2\nset -- {} --exact http::acts_as_hook --nocapture\n\
         [ \"${HOOK}\" = proc-receive ] || exec \"$@\"\n\"$@\" | {{ dd bs=1 count=16 of=/dev/null 2>/dev/null; cat; }}\n",
        exe.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Refuses forced changes of `main`, and remembers the rest.
#[derive(Default)]
pub struct Listener {
    pushed: Mutex<Vec<(String, Vec<RefUpdate>)>>,
    found: AtomicUsize,
    pub options: Mutex<Vec<String>>,
    /// What was offered: by whom, where, and with which options.
    pub offers: Mutex<Vec<(String, String, Vec<String>)>>,
}

#[async_trait]
impl PushListener for Listener {
    async fn allowed(&self, _: &RepositoryName, _: &UserName, updates: &[RefUpdate], options: &[String]) -> Result<(), Vec<String>> {
        self.options.lock().unwrap().extend_from_slice(options);
        let bad = |update: &&RefUpdate| update.reference == "refs/heads/main" && (update.forced || update.new.is_none());
        match updates.iter().find(bad) {
            None => Ok(()),
            Some(_) => Err(vec!["penstock: main is protected".to_owned(), "merge, and push again".to_owned()]),
        }
    }
    async fn offered(
        &self,
        _: &RepositoryName,
        who: &UserName,
        updates: Vec<RefUpdate>,
        options: Vec<String>,
    ) -> (Vec<Offered>, Vec<String>) {
        let take = |update: RefUpdate| {
            self.offers.lock().unwrap().push((who.to_string(), update.reference.clone(), options.clone()));
            let taken = match &*update.reference {
                "refs/for/main" => Ok(("refs/merge-requests/7/head".to_owned(), None)),
                _ => Err("there is no such branch".to_owned()),
            };
            Offered { reference: update.reference, taken }
        };
        (updates.into_iter().map(take).collect(), vec!["penstock: thank you".to_owned()])
    }
    async fn pushed(&self, repository: &RepositoryName, who: &UserName, updates: Vec<RefUpdate>) -> Vec<String> {
        self.pushed.lock().unwrap().push((who.to_string(), updates));
        vec![format!("run: http://127.0.0.1/{repository}/runs/01J")]
    }
    async fn found(&self) {
        self.found.fetch_add(1, Ordering::SeqCst);
    }
}

pub struct Served {
    pub it: Fixture,
    pub listener: Arc<Listener>,
    hooks: Option<Arc<HookServer>>,
    url: String,
    /// What the clients said they speak, and how they compressed.
    protocols: Arc<Mutex<Vec<String>>>,
    pub work: PathBuf,
}

/// Serves the fixture's repository; a user called `reader` may not write, and one called `guest` may offer.
pub async fn served() -> Served {
    let it = fixture().await;
    let listener = Arc::new(Listener::default());
    let hooks = HookServer::start(&it.dir.path().join("hook.sock"), Arc::<Listener>::clone(&listener)).unwrap();
    let git_http = GitHttp::new(it.host.clone(), Arc::clone(&hooks)).max_push(64 * 1024 * 1024);
    let protocols = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&protocols);
    let handler = async move |UrlPath((user, repository, _)): UrlPath<(String, String, String)>, request: Request| -> Response {
        let (parts, body) = request.into_parts();
        let protocol = parts.headers.get("git-protocol").map(|value| value.to_str().unwrap().to_owned());
        let encoding = parts.headers.get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        seen.lock().unwrap().extend(protocol.into_iter().chain(encoding));
        let repository: RepositoryName = repository.trim_end_matches(".git").parse().unwrap();
        let rest = parts.uri.path_and_query().unwrap().as_str().splitn(4, '/').nth(3).map(|rest| format!("/{rest}")).unwrap();
        let who: UserName = user.parse().unwrap();
        let may = match &*user {
            "reader" => MayPush::Nothing,
            "guest" => MayPush::Offers,
            _ => MayPush::Everything,
        };
        let answer = git_http.serve(&repository, &rest, &parts.method, &parts.headers, body.into_data_stream(), &who, may);
        answer.await.map(Body::new).into_response()
    };
    let app = axum::Router::new().route("/{user}/{repository}/{*rest}", axum::routing::any(handler));
    let bound = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", bound.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(bound, app).await });
    let work = it.dir.path().join("work");
    Served { it, listener, hooks: Some(hooks), url, protocols, work }
}

impl Served {
    pub fn remote(&self, user: &str) -> String {
        format!("{}/{user}/app.git", self.url)
    }

    /// A clone with one commit that is not pushed yet.
    pub async fn cloned(&self) {
        self.git(self.it.dir.path(), &["clone", "--quiet", &self.remote("ada"), "work"]).await;
        fs::write(self.work.join("a"), "1").unwrap();
        self.git(&self.work, &["add", "."]).await;
        self.git(&self.work, &["commit", "--quiet", "-m", "one"]).await;
    }

    pub async fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let (ok, text) = self.try_git(directory, arguments).await;
        assert!(ok, "git {arguments:?}: {text}");
        text
    }

    pub async fn try_git(&self, directory: &Path, arguments: &[&str]) -> (bool, String) {
        let directory = directory.to_owned();
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let output = try_git(&directory, &arguments);
            (output.status.success(), said(&output))
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    pub async fn main(&self) -> Option<CommitId> {
        self.it.host.resolve(&self.it.name, "refs/heads/main").await.unwrap()
    }

    fn pushes(&self) -> usize {
        self.listener.pushed.lock().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_kept_told_with_its_pusher_and_answered_with_the_runs_address() {
    let served = served().await;
    served.cloned().await;
    let said = served.git(&served.work, &["push", "origin", "HEAD:main"]).await;
    assert!(said.contains("remote: run: http://127.0.0.1/app/runs/01J"), "{said}");
    let main = served.main().await.unwrap();
    let pushed = served.listener.pushed.lock().unwrap().clone();
    let update = RefUpdate { reference: "refs/heads/main".to_owned(), old: None, new: Some(main), forced: false };
    assert_eq!(pushed, [("ada".to_owned(), vec![update])]);
    // and back, by protocol 2
    served.git(served.it.dir.path(), &["clone", "--quiet", &served.remote("reader"), "other"]).await;
    assert_eq!(fs::read_to_string(served.it.dir.path().join("other/a")).unwrap(), "1");
    assert!(served.protocols.lock().unwrap().iter().any(|protocol| protocol.contains("version=2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_of_more_than_a_mebibyte_comes_in_chunks_and_is_whole() {
    let served = served().await;
    served.cloned().await;
    // bytes that do not compress
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    });
    let bytes: Vec<u8> = noise.take(8 * 1024 * 1024).collect();
    fs::write(served.work.join("large"), &bytes).unwrap();
    served.git(&served.work, &["add", "."]).await;
    served.git(&served.work, &["commit", "--quiet", "-m", "large"]).await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    let main = served.main().await.unwrap();
    assert_eq!(served.it.host.read(&served.it.name, &main, "large", 1 << 30).await.unwrap().unwrap(), bytes);
    served.git(served.it.dir.path(), &["clone", "--quiet", &served.remote("ada"), "other"]).await;
    assert_eq!(fs::read(served.it.dir.path().join("other/large")).unwrap(), bytes);
    git(&served.it.bare(), &["fsck", "--strict"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_client_compresses_is_understood() {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    // many refs and many haves make the client's request long enough to be compressed (over 1024 bytes)
    for n in 0..60 {
        served.git(&served.work, &["commit", "--quiet", "--allow-empty", "-m", &n.to_string()]).await;
        served.git(&served.work, &["tag", &format!("v{n}")]).await;
    }
    served.git(&served.work, &["push", "--quiet", "--tags", "origin", "HEAD:main"]).await;
    served.git(served.it.dir.path(), &["-c", "protocol.version=0", "clone", "--quiet", &served.remote("ada"), "other"]).await;
    assert_eq!(git(&served.it.dir.path().join("other"), &["tag"]).lines().count(), 60);
    assert!(served.protocols.lock().unwrap().iter().any(|seen| seen == "gzip"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_push_to_a_protected_branch_is_refused_with_the_listeners_words_and_keeps_nothing() {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    let before = served.main().await;
    served.git(&served.work, &["commit", "--quiet", "--amend", "-m", "other"]).await;
    for arguments in [["push", "--force", "origin", "HEAD:main"], ["push", "--quiet", "origin", ":main"]] {
        let (ok, said) = served.try_git(&served.work, &arguments).await;
        assert!(!ok && said.contains("remote: penstock: main is protected"), "{said}");
    }
    assert_eq!(served.main().await, before);
    assert_eq!(served.pushes(), 1);
    served.git(&served.work, &["push", "--quiet", "--force", "origin", "HEAD:topic"]).await;
    assert_eq!(served.pushes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_write_is_refused_at_both_requests() {
    let served = served().await;
    served.cloned().await;
    let (ok, said) = served.try_git(&served.work, &["push", &served.remote("reader"), "HEAD:main"]).await;
    assert!(!ok && said.contains("403"), "{said}");
    assert_eq!(served.main().await, None);
    let (ok, said) = served.try_git(&served.work, &["ls-remote", &format!("{}/ada/absent.git", served.url)]).await;
    assert!(!ok && said.contains("not found"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_pushes_at_once_to_one_branch_one_is_kept() {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    for n in 0..4 {
        let name = format!("work{n}");
        served.git(served.it.dir.path(), &["clone", "--quiet", &served.remote("ada"), &name]).await;
        let work = served.it.dir.path().join(name);
        served.git(&work, &["commit", "--quiet", "--allow-empty", "-m", &n.to_string()]).await;
    }
    let work = |n: usize| served.it.dir.path().join(format!("work{n}"));
    let (works, arguments) = ([work(0), work(1), work(2), work(3)], ["push", "--quiet", "origin", "HEAD:main"]);
    let all = futures::future::join_all(works.iter().map(|work| served.try_git(work, &arguments))).await;
    assert_eq!(all.iter().filter(|(ok, _)| *ok).count(), 1, "{all:?}");
    assert_eq!(served.pushes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_too_large_is_refused() {
    let served = served().await;
    served.cloned().await;
    let small = GitHttp::new(served.it.host.clone(), served.hooks.clone().unwrap()).max_push(1000);
    let body = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b'0'; 100]))));
    let headers = [("content-type", "application/x-git-receive-pack-request")];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let who: UserName = "ada".parse().unwrap();
    let answer = small.serve(&served.it.name, "/git-receive-pack", &http::Method::POST, &headers, body, &who, MayPush::Everything);
    tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap();
    assert_eq!(served.main().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_listener_a_push_is_refused_and_says_why() {
    let mut served = served().await;
    served.cloned().await;
    // the server's own handle keeps the socket: another process's push cannot use a ticket that it was not given
    fs::remove_file(served.it.dir.path().join("hook.sock")).unwrap();
    let (ok, said) = served.try_git(&served.work, &["push", "origin", "HEAD:main"]).await;
    assert!(!ok && said.contains("refused, since the server cannot be asked"), "{said}");
    let bare = format!("file://{}", served.it.bare().display());
    served.hooks = None;
    let (ok, _) = served.try_git(&served.work, &["push", &bare, "HEAD:topic"]).await;
    assert!(ok, "a push by the owner of the files is the owner's own business: it has no hooks of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pushed_stands_in_gits_own_log() {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    let pushed = served.main().await.unwrap();
    let mover = async |commit: &CommitId| served.it.host.mover(&served.it.name, "refs/heads/main", commit).await.unwrap();
    assert_eq!(mover(&pushed).await, Some("ada".parse().unwrap()));
    assert_eq!(mover(&"a".repeat(40).parse().unwrap()).await, None, "it moved to another commit");
    // a commit that the server makes is nobody's push, whatever its author is called
    let made = served.it.commit(&[("b", Some("2"))]).await;
    assert_eq!(mover(&made).await, None);
    assert_eq!(served.it.host.mover(&served.it.name, "refs/heads/none", &made).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_outlives_its_server_is_noticed_by_the_next_and_lets_nothing_in() {
    let served = served().await;
    let hook = async |name: &str| {
        let mut hook = std::process::Command::new(served.it.dir.path().join("hook program"));
        hook.args(["git-hook", name]).env("PENSTOCK_HOOK_SOCKET", served.it.dir.path().join("hook.sock"));
        hook.env("PENSTOCK_HOOK_TICKET", "of another server").stdin(std::process::Stdio::null());
        tokio::task::spawn_blocking(move || hook.output().unwrap()).await.unwrap()
    };
    let after = hook("post-receive").await;
    assert!(after.status.success(), "{after:?}");
    assert_eq!((served.listener.found.load(Ordering::SeqCst), served.pushes()), (1, 0));
    let before = hook("pre-receive").await;
    assert!(!before.status.success() && said(&before).contains("did not come through this server"), "{before:?}");
    assert_eq!((served.listener.found.load(Ordering::SeqCst), served.pushes()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_no_process_behind() {
    let served = served().await;
    served.cloned().await;
    served.git(&served.work, &["push", "--quiet", "origin", "HEAD:main"]).await;
    let (feed, body) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
    let body = futures::stream::unfold(body, async |mut body| body.recv().await.map(|piece| (piece, body)));
    let headers = [("content-type", "application/x-git-upload-pack-request")];
    let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let git_http = GitHttp::new(served.it.host.clone(), served.hooks.clone().unwrap());
    let who: UserName = "ada".parse().unwrap();
    let asked = git_http.serve(&served.it.name, "/git-upload-pack", &http::Method::POST, &headers, body, &who, MayPush::Nothing);
    // the client sends nothing and goes
    drop(tokio::time::timeout(Duration::from_millis(500), asked).await);
    drop(feed);
    let root = served.it.dir.path().join("git");
    let running = || {
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("environ")).ok());
        let mark = format!("GIT_PROJECT_ROOT={}", root.display());
        all.filter(|environ| environ.split(|b| *b == 0).any(|line| line == mark.as_bytes())).count()
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while running() > 0 {
        assert!(std::time::Instant::now() < deadline, "{} left", running());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
