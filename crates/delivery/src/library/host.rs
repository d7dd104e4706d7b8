//! Files of this server's own repositories; whatever they have not is looked for in the mirror.

use async_trait::async_trait;
use penstock_model::git::{GitError, GitHost};
use penstock_model::{CommitId, RepositoryName, UserName};
use penstock_pipeline::{FileRef, Found, Source};

use super::actions::own_name;
use super::mirror::{Mirror, is_version, newest};
use super::{Shelf, text};
use crate::effects::timetable::NOBODY;
use crate::world::World;

/// What a pipeline of one commit may read.
pub struct OnHost<'h> {
    /// The Git host.
    pub git: &'h dyn GitHost,
    /// Who may read, and which branches are the main ones.
    pub world: &'h World,
    /// The commit's repository.
    pub repository: &'h RepositoryName,
    /// The commit.
    pub commit: &'h CommitId,
    /// Who started the pipeline: files of other projects are read in their name.
    pub who: &'h UserName,
    /// Copies of what lies elsewhere.
    pub mirror: &'h Mirror,
}

#[async_trait]
impl Shelf for OnHost<'_> {
    type Fault = GitError;

    async fn find(&self, file: &FileRef) -> Result<Result<Found, String>, GitError> {
        match file {
            FileRef::Local { path } => self.read(self.repository, self.commit, path).await,
            FileRef::Project { project, reference, path } => match self.own(project).await? {
                None => Ok(self.mirrored(file)),
                Some(repository) => match self.at(&repository, reference.as_deref()).await? {
                    Ok(commit) => self.read(&repository, &commit, path).await,
                    Err(why) => Ok(Err(why)),
                },
            },
            FileRef::Paths { project, reference } => match self.own(project).await? {
                None => Ok(self.mirrored(file)),
                Some(repository) => match self.at(&repository, reference.as_deref()).await? {
                    Ok(commit) => {
                        let paths = self.git.files(&repository, &commit, "").await?;
                        Ok(Ok(listed(&paths)))
                    }
                    Err(why) => Ok(Err(why)),
                },
            },
            FileRef::Changes { since } => match self.at(self.repository, Some(since)).await? {
                Ok(other) => {
                    let base = self.git.merge_base(self.repository, &other, self.commit).await?;
                    let paths = self.git.changed(self.repository, base.as_ref(), self.commit).await?;
                    Ok(Ok(listed(&paths)))
                }
                Err(why) => Ok(Err(why)),
            },
            FileRef::Component { host, path, version } if self.mirror.is_own(host) => {
                let (project, name) = path.rsplit_once('/').unwrap_or(("", path));
                match self.own(project).await? {
                    None => Ok(self.mirrored(file)),
                    Some(repository) => self.component(&repository, name, version).await,
                }
            }
            FileRef::Action { repository, reference, path } => match self.of_action(repository, reference).await? {
                Some((repository, Ok(commit))) => self.read(&repository, &commit, path).await,
                Some((_, Err(why))) => Ok(Err(why)),
                None => Ok(self.mirror.look(file).await),
            },
            FileRef::Tag { repository, name } => match self.own_action(repository).await? {
                Some(repository) if self.may_read(&repository) => {
                    let commit = self.git.resolve(&repository, &format!("refs/tags/{name}")).await?;
                    Ok(Ok(Found::new(commit.map(|commit| commit.to_string()).unwrap_or_default())))
                }
                _ => Ok(self.mirror.look(file).await),
            },
            _ => Ok(self.mirrored(file)),
        }
    }
}

/// Paths with a NUL after each.
fn listed(paths: &[String]) -> Found {
    Found::new(paths.iter().flat_map(|path| [path.as_str(), "\0"]).collect::<String>())
}

impl OnHost<'_> {
    /// A repository of this server, by a project's whole path.
    async fn own(&self, project: &str) -> Result<Option<RepositoryName>, GitError> {
        let Ok(name) = project.parse::<RepositoryName>() else { return Ok(None) };
        Ok(self.git.repositories().await?.contains(&name).then_some(name))
    }

    /// A repository of this server by the name that actions have it by.
    async fn own_action(&self, repository: &str) -> Result<Option<RepositoryName>, GitError> {
        match own_name(repository) {
            Some(name) => self.own(name.as_str()).await,
            None => Ok(None),
        }
    }

    /// The commit of this server's repository that an action is of; `None` if there is none here.
    async fn of_action(&self, repository: &str, reference: &str) -> Result<Option<(RepositoryName, Result<CommitId, String>)>, GitError> {
        let Some(own) = self.own_action(repository).await? else { return Ok(None) };
        let commit = self.at(&own, Some(reference)).await?;
        // the mirror may have what the own repository has not
        let readable = self.may_read(&own);
        Ok(if commit.is_err() && readable { None } else { Some((own, commit)) })
    }

    fn mirrored(&self, file: &FileRef) -> Result<Found, String> {
        let found = self.mirror.find(file);
        if let FileRef::Project { project, .. } | FileRef::Paths { project, .. } = file {
            return found.map_err(|why| format!("this server has no project `{project}`, and {why}"));
        }
        found
    }

    /// Whether whoever started the pipeline may read a repository: users read all. So does what a time starts, since users wrote its file.
    fn may_read(&self, repository: &RepositoryName) -> bool {
        repository == self.repository || self.world.users.contains_key(self.who) || self.who.as_str() == NOBODY
    }

    /// The commit that a reference of a repository stands for, if whoever started the pipeline may read it.
    async fn at(&self, repository: &RepositoryName, reference: Option<&str>) -> Result<Result<CommitId, String>, GitError> {
        if !self.may_read(repository) {
            let who = self.who;
            return Ok(Err(format!(
                "{who} may not read `{repository}`\nhelp: files of other projects are read in the name of whoever pushed"
            )));
        }
        let main = || {
            let project = self.world.projects.values().find(|project| project.name.as_str() == repository.as_str());
            project.map_or("main", |project| &project.branch).to_owned()
        };
        let name = reference.filter(|reference| *reference != "HEAD").map_or_else(main, str::to_owned);
        for full in [format!("refs/heads/{name}"), format!("refs/tags/{name}"), name.clone()] {
            if full.starts_with("refs/")
                && let Some(commit) = self.git.resolve(repository, &full).await?
            {
                return Ok(Ok(commit));
            }
        }
        if let Ok(commit) = name.parse::<CommitId>() {
            match self.git.commit(repository, &commit).await {
                Ok(_) => return Ok(Ok(commit)),
                Err(GitError::Absent { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(Err(format!("`{repository}` has no branch, tag or commit `{name}`\nhelp: push it, or name another `ref`")))
    }

    async fn read(&self, repository: &RepositoryName, commit: &CommitId, path: &str) -> Result<Result<Found, String>, GitError> {
        let limit = u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX);
        match self.git.read(repository, commit, path, limit).await {
            Ok(Some(bytes)) => Ok(text(bytes).map(|found| Found { commit: Some(commit.to_string()), ..found })),
            Ok(None) => {
                Ok(Err(format!("`{repository}` has no such file at {}\nhelp: add {path}, or look at its spelling", commit.short())))
            }
            // trying again changes nothing
            Err(GitError::Refused { why, .. }) => Ok(Err(why)),
            Err(fault) => Err(fault),
        }
    }

    /// `templates/NAME.yml`, or `templates/NAME/template.yml`, at a commit, branch or tag, or the newest version that fits.
    async fn component(&self, repository: &RepositoryName, name: &str, version: &str) -> Result<Result<Found, String>, GitError> {
        let tags = self.git.refs(repository).await?;
        let tags = tags.keys().filter_map(|name| name.strip_prefix("refs/tags/")).map(str::to_owned);
        let tag = newest(tags, version);
        let commit = match self.at(repository, Some(tag.as_deref().unwrap_or(version))).await? {
            Ok(commit) => commit,
            Err(why) => return Ok(Err(why)),
        };
        let released = tag.or_else(|| is_version(version).then(|| version.to_owned()));
        let mut absent = None;
        for path in [format!("templates/{name}.yml"), format!("templates/{name}/template.yml")] {
            match self.read(repository, &commit, &path).await? {
                Ok(found) => return Ok(Ok(Found { version: released, ..found })),
                Err(why) => absent = absent.or(Some(why)),
            }
        }
        Ok(Err(absent.unwrap_or_default()))
    }
}
