//! The server under test: the real router over the story, once for all tests of this program.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use axum::Router;
use penstock_delivery::keeper::Keeper;
use penstock_delivery::{JobCalls, Journal};
use penstock_model::Clock;
use penstock_model::Timestamp;
use penstock_model::log::Epoch;
use penstock_server::App;
use penstock_testkit::{FakeClock, FakeTarget, MemoryEvents, MemoryGit};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::hands::{Nobody, parts};
use super::project::House;
use super::story::{self, Story};

/// 2026-02-02T08:00:00Z.
const BEGIN: Timestamp = Timestamp(1_770_019_200_000);
/// How long anything is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// A server that answers.
pub struct Site {
    /// Where.
    pub address: SocketAddr,
    /// What it shows.
    pub story: Story,
    /// What is behind it.
    pub house: House,
    /// Where what is behind it runs.
    pub runtime: tokio::runtime::Handle,
}

impl Site {
    /// A page's address.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The page of that name.
    pub fn page(&self, name: &str) -> String {
        let (_, path) = self.story.pages.iter().find(|(page, _)| *page == name).unwrap();
        self.url(path)
    }
}

/// The one server.
pub fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let (ready, built) = mpsc::channel();
        std::thread::spawn(move || {
            super::net::enter();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let (site, serving) = build().await;
                ready.send(site).unwrap();
                serving.await;
            });
        });
        built.recv().expect("the server could not be built: the panic above says why")
    })
}

async fn build() -> (Site, impl Future<Output = ()>) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(FakeClock::at(BEGIN));
    let epoch = Epoch { lease: "delivery".to_owned(), number: 1 };
    let journal = Journal::open(Arc::new(MemoryEvents::default()), epoch, clock.clone()).await.unwrap();
    let (git, target) = (Arc::new(MemoryGit::default()), Arc::new(FakeTarget::default()));
    let parts = Arc::new(parts(dir.path(), journal, clock.clone(), git.clone(), target.clone()));
    let house = House { parts: parts.clone(), clock: clock.clone(), git, target };
    let keeper = Arc::new(Keeper::default());
    let story = story::tell(&house, keeper.clone()).await;
    let app = App {
        parts,
        keeper,
        calls: Arc::new(JobCalls::open(dir.path().join("calls")).unwrap()),
        git: Arc::new(Nobody),
        since: clock.now(),
        version: "0.0.0",
        secure: false,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async move {
        let _kept = dir;
        axum::serve(listener, penstock_server::router(app, Router::new())).await.unwrap();
    };
    (Site { address, story, house, runtime: tokio::runtime::Handle::current() }, serving)
}

/// Waits for a condition that can only change when `changes` does.
pub async fn until(what: &str, changes: &mut watch::Receiver<u64>, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what} did not come within {LIMIT:?}"));
}
