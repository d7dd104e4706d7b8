//! Images of other registries: by whom they are asked for, when, and what a name means for a run.

use std::collections::BTreeMap;

use base64::Engine as _;
use penstock_model::registry::ImageRegistry;
use penstock_model::release::ImageRef;
use penstock_model::remote::{Login, RemoteImage, RemoteImages};
use penstock_model::service::PullPolicy;
use penstock_model::{Digest, ProjectName, RunId, Secret};
use penstock_pipeline::WantedContainer;
use serde::Deserialize;

/// How tags begin that say what a run meant by an image's name.
pub(crate) fn pinned_by(run: &RunId) -> String {
    format!("run-{}-", run.to_string().to_lowercase())
}

/// For whom an image is looked for, and where.
pub(super) struct Place<'a> {
    pub(super) registry: &'a dyn ImageRegistry,
    pub(super) remote: &'a dyn RemoteImages,
    pub(super) project: &'a ProjectName,
    pub(super) run: &'a RunId,
}

impl Place<'_> {
    /// What an image's name meant when the run first asked, by the first of its pull policies that brings it.
    pub(super) async fn find(&self, config: Option<&Secret>, wanted: &WantedContainer, image: &RemoteImage) -> Result<ImageRef, String> {
        let name = image.kept(self.project).map_err(|error| error.to_string())?;
        // one run means one image by one name, whenever its jobs ask
        let pinned = format!("{}{}", pinned_by(self.run), Digest::of(image.to_string()).short());
        let known = async |reference: &str| self.registry.resolve(&name, reference).await.map_err(|error| error.to_string());
        if let Some(digest) = known(&pinned).await? {
            return Ok(ImageRef { name, digest });
        }
        let login = login(config, wanted, image)?;
        let tags = if image.digest.is_some() { vec![pinned.clone()] } else { vec![pinned.clone(), image.tag.clone()] };
        let kept = image.digest.map_or_else(|| image.tag.clone(), |digest| digest.to_string());
        let policies = if wanted.pull_policy.is_empty() { &[PullPolicy::Always][..] } else { &wanted.pull_policy };
        let mut whys = Vec::new();
        for policy in policies {
            if *policy != PullPolicy::Always
                && let Some(digest) = known(&kept).await?
            {
                let manifest = self.registry.manifest(&name, digest).await.map_err(|error| error.to_string())?;
                let (_, bytes) = manifest.ok_or("it went while it was looked for")?;
                self.registry.put_image(&name, bytes, std::slice::from_ref(&pinned)).await.map_err(|error| error.to_string())?;
                return Ok(ImageRef { name, digest });
            }
            if *policy == PullPolicy::Never {
                whys.push("it was never fetched for this project, and `pull_policy: never` says not to".to_owned());
                continue;
            }
            match self.remote.fetch(image, login.as_ref(), &name, &tags).await {
                Ok(image) => return Ok(image),
                Err(error) => whys.push(crate::chain(&error)),
            }
        }
        whys.dedup();
        Err(whys.join("; "))
    }
}

/// By whom a registry is asked: the file's own credentials, or the variable `DOCKER_AUTH_CONFIG`, as GitLab's runner reads it.
fn login(config: Option<&Secret>, wanted: &WantedContainer, image: &RemoteImage) -> Result<Option<Login>, String> {
    if let Some((username, password)) = &wanted.credentials {
        return Ok(Some(Login { username: username.clone(), password: password.clone() }));
    }
    let Some(config) = config else { return Ok(None) };
    in_config(config, &image.registry).map_err(|why| format!("the variable DOCKER_AUTH_CONFIG cannot be read: {why}"))
}

/// The login for a registry in a Docker client's configuration.
fn in_config(config: &Secret, registry: &str) -> Result<Option<Login>, String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        auths: BTreeMap<String, Auth>,
    }
    #[derive(Deserialize)]
    struct Auth {
        auth: Option<String>,
        username: Option<String>,
        password: Option<String>,
    }
    // where a value does not fit, the parser's own words might show it
    let config: Config =
        serde_json::from_str(config.expose()).map_err(|error| format!("line {}, column {}", error.line(), error.column()))?;
    let host = |key: &str| {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest);
        let host = key.split('/').next().unwrap_or_default().to_ascii_lowercase();
        if matches!(&*host, "index.docker.io" | "registry-1.docker.io") { "docker.io".to_owned() } else { host }
    };
    let Some((_, auth)) = config.auths.into_iter().find(|(key, _)| host(key) == registry) else { return Ok(None) };
    match (auth.auth.filter(|auth| !auth.is_empty()), auth.username, auth.password) {
        (Some(auth), ..) => {
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(auth.trim()).map_err(|_| format!("`auth` of {registry} is not base64"))?;
            let text = String::from_utf8(bytes).map_err(|_| format!("`auth` of {registry} is not text"))?;
            let (username, password) = text.split_once(':').ok_or_else(|| format!("`auth` of {registry} is not `NAME:PASSWORD`"))?;
            Ok(Some(Login { username: username.to_owned(), password: Secret::new(password) }))
        }
        (None, Some(username), Some(password)) => Ok(Some(Login { username, password: Secret::new(password) })),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use bytes::Bytes;
    use penstock_model::release::ImageName;
    use penstock_model::remote::RemoteError;
    use penstock_registry::{Limits, Registry};
    use penstock_testkit::{FakeClock, MemoryBlobs};

    use super::*;

    /// Another registry, whose tag can be moved, and which can be cut off.
    struct Elsewhere {
        registry: Registry,
        content: Mutex<Option<&'static str>>,
        asked: Mutex<Vec<Option<Login>>>,
    }

    #[async_trait]
    impl RemoteImages for Elsewhere {
        async fn fetch(&self, _: &RemoteImage, login: Option<&Login>, into: &ImageName, tags: &[String]) -> Result<ImageRef, RemoteError> {
            self.asked.lock().unwrap().push(login.cloned());
            let content = *self.content.lock().unwrap();
            let content = content.ok_or_else(|| RemoteError::Unreachable { registry: "r".to_owned(), why: "cut off".to_owned() })?;
            let index = format!(
                r#"{{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [], "annotations": {{"a": "{content}"}}}}"#
            );
            let digest = self.registry.put_image(into, Bytes::from(index), tags).await.unwrap();
            Ok(ImageRef { name: into.clone(), digest })
        }
    }

    fn wanted(policies: &[PullPolicy]) -> WantedContainer {
        WantedContainer {
            image: "r.example.org/team/a:1".to_owned(),
            pull_policy: policies.to_vec(),
            credentials: None,
            platform: None,
            entrypoint: None,
            command: None,
            user: None,
            env: BTreeMap::new(),
            memory: None,
            cpu_millis: None,
        }
    }

    #[tokio::test]
    async fn a_name_means_one_image_for_a_run_and_pull_policies_say_when_the_registry_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let registry =
            Registry::open(dir.path(), Arc::new(MemoryBlobs::default()), Arc::new(FakeClock::default()), Limits::default()).unwrap();
        let elsewhere = Elsewhere { registry: registry.clone(), content: Mutex::new(Some("one")), asked: Mutex::default() };
        let (project, config) = ("shop".parse().unwrap(), Secret::new("{}"));
        let find = async |run: u128, policies: &[PullPolicy]| {
            let run = RunId::from_parts(1, run);
            let wanted = wanted(policies);
            let place = Place { registry: &registry, remote: &elsewhere, project: &project, run: &run };
            place.find(Some(&config), &wanted, &wanted.image.parse().unwrap()).await
        };
        assert!(find(1, &[PullPolicy::Never]).await.unwrap_err().contains("never fetched"));
        let first = find(1, &[]).await.unwrap();
        *elsewhere.content.lock().unwrap() = Some("two");
        assert_eq!(find(1, &[]).await.unwrap(), first, "the run has asked");
        assert_eq!(find(2, &[PullPolicy::IfNotPresent]).await.unwrap(), first);
        let second = find(3, &[]).await.unwrap();
        assert_ne!(second, first);
        assert_eq!(elsewhere.asked.lock().unwrap().len(), 2);
        *elsewhere.content.lock().unwrap() = None;
        assert_eq!(find(2, &[PullPolicy::Always]).await.unwrap(), first, "the run has asked");
        assert!(find(4, &[PullPolicy::Always]).await.unwrap_err().contains("cannot be reached: cut off"));
        assert_eq!(find(4, &[PullPolicy::Always, PullPolicy::IfNotPresent]).await.unwrap(), second);
        // what one project fetched is not there for another
        let other = Place { registry: &registry, remote: &elsewhere, project: &"other".parse().unwrap(), run: &RunId::from_parts(1, 9) };
        let never = wanted(&[PullPolicy::Never]);
        assert!(other.find(Some(&config), &never, &never.image.parse().unwrap()).await.is_err());
    }

    #[test]
    fn a_registrys_login_is_found_as_docker_clients_write_it() {
        // ada:p:w
        let config = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YWRhOnA6dw=="}, "GHCR.io": {"username": "bob", "password": "x"},
            "localhost:5000": {"auth": ""}, "bad.example.org": {"auth": "%"}}, "credsStore": "pass"}"#;
        let found = |registry: &str| in_config(&Secret::new(config), registry);
        let login = |username: &str, password: &str| Ok(Some(Login { username: username.to_owned(), password: Secret::new(password) }));
        assert_eq!(found("docker.io"), login("ada", "p:w"));
        assert_eq!(found("ghcr.io"), login("bob", "x"));
        assert_eq!((found("localhost:5000"), found("quay.io")), (Ok(None), Ok(None)));
        assert_eq!(found("bad.example.org"), Err("`auth` of bad.example.org is not base64".to_owned()));
        assert_eq!(in_config(&Secret::new("{\"auths\": \"hunter2\"}"), "x"), Err("line 1, column 19".to_owned()));
    }
}
