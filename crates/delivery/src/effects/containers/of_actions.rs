//! Images of a job's container actions: found by name, or built from their Dockerfiles, before its first step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use penstock_builder::BuildRequest;
use penstock_model::Digest;
use penstock_model::blob::LogSink;
use penstock_model::job::{ActionTree, AttemptId};
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::remote::RemoteImage;
use penstock_pipeline::{ActionImage, ContainerAction, JobContext, PlannedJob, PlannedStep, WantedContainer};

use super::{pinned_by, resolve};
use crate::calls::build::STEP;
use crate::effects::EffectError;
use crate::effects::job::note;
use crate::parts::Parts;
use crate::world::RunRecord;

/// The largest Dockerfile.
const MAX_DOCKERFILE: u64 = 1 << 20;

/// For whom images are looked for.
pub(super) struct Asking<'a> {
    pub(super) parts: &'a Parts,
    pub(super) record: &'a RunRecord,
    pub(super) id: &'a AttemptId,
    pub(super) context: &'a JobContext,
    pub(super) log: &'a Arc<dyn LogSink>,
}

/// A folder with files that goes when nobody needs it any more.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // what is left over is removed at the next start
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where an action lies whose image is built.
struct Source<'a> {
    /// The folder of its Dockerfile, from the root of its repository.
    folder: &'a str,
    /// The Dockerfile in there.
    file: &'a str,
    /// The tree of its repository on this machine, if it is another one.
    tree: Option<&'a Path>,
}

impl Asking<'_> {
    /// Finds them all, each by the name that steps have it by. The log says what each is.
    pub(super) async fn find(&self, planned: &PlannedJob, trees: &[ActionTree]) -> Result<BTreeMap<String, ImageRef>, EffectError> {
        let mut found: BTreeMap<String, ImageRef> = BTreeMap::new();
        for action in planned.steps.iter().flat_map(PlannedStep::containers) {
            let name = action.image_name();
            if found.contains_key(&name) {
                continue;
            }
            let image = match &action.image {
                ActionImage::Registry { name } => self.by_name(name).await?,
                ActionImage::Dockerfile { path } => {
                    let built = self.built(action, path, trees).await;
                    built.map_err(|why| EffectError::Other(format!("job `{}`: the image of {name}: {why}", self.id.job)))?
                }
            };
            note(self.parts, &**self.log, &format!("{name} is {image}")).await?;
            found.insert(name, image);
        }
        Ok(found)
    }

    async fn by_name(&self, name: &str) -> Result<ImageRef, EffectError> {
        let wanted = WantedContainer { image: name.to_owned(), ..WantedContainer::default() };
        resolve(self.parts, self.record, self.id, self.context, &wanted).await
    }

    /// Builds an image unless the same was built before, of the same files on the same images.
    async fn built(&self, action: &ContainerAction, path: &str, trees: &[ActionTree]) -> Result<ImageRef, String> {
        let tree = action.origin.as_ref().map(|origin| {
            let tree = trees.iter().find(|tree| tree.place == origin.place()).map(|tree| tree.tree.as_path());
            tree.ok_or_else(|| format!("the tree of {} is not here", origin.repository))
        });
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let source = Source { folder, file, tree: tree.transpose()? };
        let text = self.dockerfile(path, &source).await?;
        let mut images = BTreeMap::new();
        for name in self.parts.builder.images_of(path, &text).map_err(|error| crate::chain(&error))? {
            let image = self.by_name(&name).await.map_err(|error| crate::chain(&error))?;
            images.insert(name, image.to_string());
        }
        let content = self.content(action, &source, &images).await?;
        let tags = [format!("{}{}", pinned_by(&self.record.id), content.short()), format!("content-{}", content.hex())];
        let name = RemoteImage::kept_for_action(&self.record.project, &action.image_name()).map_err(|error| error.to_string())?;
        if let Some(image) = self.kept(&name, &tags).await.map_err(|error| error.to_string())? {
            return Ok(image);
        }
        self.build(&source, images, &name, &tags).await
    }

    async fn dockerfile(&self, path: &str, source: &Source<'_>) -> Result<String, String> {
        let absent = || format!("there is no `{path}`\nhelp: `image` in the action's `action.yml` is from its own folder");
        let bytes = match source.tree {
            None => {
                let (repository, commit) = (self.record.project.clone().into(), &self.record.push.commit);
                let found = self.parts.git.read(&repository, commit, path, MAX_DOCKERFILE).await.map_err(|error| crate::chain(&error))?;
                found.ok_or_else(absent)?
            }
            Some(tree) => {
                let file = within(tree, path).ok_or_else(absent)?;
                if file.metadata().map_err(|error| error.to_string())?.len() > MAX_DOCKERFILE {
                    return Err(format!("`{path}` is larger than 1 MiB"));
                }
                std::fs::read(file).map_err(|error| error.to_string())?
            }
        };
        String::from_utf8(bytes).map_err(|_| format!("`{path}` is not UTF-8"))
    }

    /// What the image depends on: the files of its folder, and the images that it is made of.
    async fn content(&self, action: &ContainerAction, source: &Source<'_>, images: &BTreeMap<String, String>) -> Result<Digest, String> {
        let files = match &action.origin {
            Some(origin) => serde_json::json!([origin.commit, source.folder]),
            None => {
                let (repository, commit) = (self.record.project.clone().into(), &self.record.push.commit);
                let all = self.parts.git.contents(&repository, commit).await.map_err(|error| crate::chain(&error))?;
                let inside =
                    |path: &str| source.folder.is_empty() || path.strip_prefix(source.folder).is_some_and(|rest| rest.starts_with('/'));
                serde_json::json!(all.into_iter().filter(|(path, _)| inside(path)).collect::<Vec<_>>())
            }
        };
        Ok(Digest::of(serde_json::json!([files, source.file, images, env!("CARGO_PKG_VERSION")]).to_string()))
    }

    /// The image that was built of the same before; the run keeps it from now on.
    async fn kept(&self, name: &ImageName, tags: &[String]) -> Result<Option<ImageRef>, penstock_model::registry::RegistryError> {
        for tag in tags {
            if let Some(digest) = self.parts.registry.resolve(name, tag).await?
                && let Some((_, bytes)) = self.parts.registry.manifest(name, digest).await?
            {
                self.parts.registry.put_image(name, bytes, tags).await?;
                return Ok(Some(ImageRef { name: name.clone(), digest }));
            }
        }
        Ok(None)
    }

    async fn build(
        &self,
        source: &Source<'_>,
        images: BTreeMap<String, String>,
        name: &ImageName,
        tags: &[String],
    ) -> Result<ImageRef, String> {
        let parts = self.parts;
        let _turn = parts.builder.turn().await.ok_or("nothing is built any more")?;
        let checkout = Temporary(parts.settings.dir.join("action-contexts").join(format!("{:032x}", parts.random.bits())));
        let tree = match source.tree {
            Some(tree) => tree,
            None => {
                let (repository, commit) = (self.record.project.clone().into(), &self.record.push.commit);
                parts.git.checkout(&repository, commit, &checkout.0, &[]).await.map_err(|error| crate::chain(&error))?;
                &checkout.0
            }
        };
        let context = if source.folder.is_empty() { Some(tree.to_owned()) } else { within(tree, source.folder) };
        let request = BuildRequest {
            context: context.ok_or_else(|| format!("there is no folder `{}`", source.folder))?,
            dockerfile: source.file.to_owned(),
            build_args: BTreeMap::new(),
            source_date_epoch: 0,
            labels: BTreeMap::new(),
            // as Docker builds it; the job that it is for has it too
            network: true,
            images,
            verify: false,
            step_timeout: STEP,
        };
        let built = parts.builder.build(&request, self.log.clone()).await.map_err(|error| crate::chain(&error))?;
        parts.registry.put_image(name, built.manifest, tags).await.map_err(|error| crate::chain(&error))?;
        Ok(ImageRef { name: name.clone(), digest: built.manifest_digest })
    }
}

/// What is at a path of a tree, if no link leads out of it.
fn within(tree: &Path, path: &str) -> Option<PathBuf> {
    let (root, found) = (std::fs::canonicalize(tree).ok()?, std::fs::canonicalize(tree.join(path)).ok()?);
    found.starts_with(root).then_some(found)
}
