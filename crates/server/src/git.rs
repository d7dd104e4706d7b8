//! Git over HTTP: who may, and the mount. Git's own protocol is the `git` room's business.

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use penstock_delivery::events::Role;
use penstock_model::git::MayPush;
use penstock_model::{RepositoryName, UserName};

use crate::App;
use crate::auth::{Unauthorized, caller_of};
use crate::problem::Failure;

/// Answers Git's requests.
#[async_trait]
pub trait GitService: Send + Sync {
    /// Serves one request below a repository, such as `info/refs?service=git-upload-pack`.
    async fn serve(
        &self,
        repository: &RepositoryName,
        path: &str,
        request: Request,
        who: &UserName,
        may: MayPush,
    ) -> Result<Response<Body>, String>;
}

/// `/git/NAME.git/…`. Rights are checked on each request of a conversation.
pub(crate) fn router() -> Router<App> {
    Router::new().route("/git/{repository}/{*path}", any(serve)).layer(DefaultBodyLimit::disable())
}

async fn serve(State(app): State<App>, Path((repository, path)): Path<(String, String)>, request: Request) -> Response {
    let world = app.parts.journal.world();
    let Some(caller) = caller_of(&world, request.headers()) else { return Unauthorized.into_response() };
    let name = repository.strip_suffix(".git").unwrap_or(&repository);
    let Ok(repository) = name.parse::<RepositoryName>() else {
        return Failure::absent(format!("repository `{}`", name.chars().take(80).collect::<String>())).into_response();
    };
    // whoever may look at a project may offer commits for its branches, of its sources alone
    let source = world.projects.keys().any(|project| RepositoryName::from(project.clone()) == repository);
    let may = match caller.role {
        Role::Developer | Role::Admin => MayPush::Everything,
        Role::Reader if source => MayPush::Offers,
        Role::Reader => MayPush::Nothing,
    };
    match app.git.serve(&repository, &path, request, &caller.user, may).await {
        Ok(response) => response,
        Err(error) => Failure::internal(error).into_response(),
    }
}
