//! A small server with three people and one project, for one test alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use penstock_api::{Client, NewUser, NewUserToken};
use penstock_delivery::events::Role;
use penstock_delivery::keeper::Keeper;
use penstock_delivery::{JobCalls, Journal, orders};
use penstock_model::ids::Actor;
use penstock_model::log::Epoch;
use penstock_model::{Clock, Secret, Timestamp};
use penstock_server::App;
use penstock_testkit::{FakeClock, FakeRunner, FakeTarget, MemoryEvents, MemoryGit};
use tokio::net::TcpListener;

use super::hands::{Nobody, parts};
use super::project::{House, user};

/// It answers as long as this lives.
pub struct Small {
    pub house: House,
    pub runner: Arc<FakeRunner>,
    /// The first administrator.
    pub root: Client,
    pub root_token: String,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Small {
    pub async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp(1_770_019_200_000)));
        let epoch = Epoch { lease: "delivery".to_owned(), number: 1 };
        let journal = Journal::open(Arc::new(MemoryEvents::default()), epoch, clock.clone()).await.unwrap();
        let (git, target, runner) = (Arc::new(MemoryGit::default()), Arc::new(FakeTarget::default()), Arc::new(FakeRunner::default()));
        let mut parts = parts(dir.path(), journal, clock.clone(), git.clone(), target.clone());
        parts.runner = runner.clone();
        let house = House { parts: Arc::new(parts), clock: clock.clone(), git, target };
        let token = orders::add_user(&house.parts, Actor::Penstock, &user("root"), Role::Admin, Vec::new()).await.unwrap();
        let app = App {
            parts: house.parts.clone(),
            keeper: Arc::new(Keeper::default()),
            calls: Arc::new(JobCalls::open(dir.path().join("calls")).unwrap()),
            git: Arc::new(Nobody),
            since: clock.now(),
            version: "0.0.0",
            secure: false,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, penstock_server::router(app, Router::new())).await.unwrap() });
        let token = token.expose().to_owned();
        Self { house, runner, root: client(address, &token), root_token: token, address, serving, _dir: dir }
    }

    /// Somebody else: their calls and their token.
    pub async fn user(&self, name: &str, role: &str) -> (Client, String) {
        let new = NewUser { name: user(name), role: role.to_owned(), emails: vec![format!("{name}@example.org")] };
        let added: NewUserToken = self.root.post("/users", &new).await.unwrap();
        (self.client(&added.token), added.token)
    }

    /// Calls with a token.
    pub fn client(&self, token: &str) -> Client {
        client(self.address, token)
    }

    /// An address.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn client(address: SocketAddr, token: &str) -> Client {
    Client::new(format!("http://{address}").parse().unwrap(), Some(Secret::new(token))).unwrap()
}

impl Drop for Small {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
