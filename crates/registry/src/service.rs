//! The registry itself, for the HTTP side and for whoever is in the same process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_model::blob::{BlobError, BlobStore};
use penstock_model::image::{Descriptor, Manifest, media};
use penstock_model::registry::{Hold, ImageRegistry, Keep, RegistryError, Sifted};
use penstock_model::release::{ImageName, ImageRef};
use penstock_model::{Clock, Digest, Timestamp};
use tokio::sync::RwLock;

use crate::error::Error;
use crate::forms::{self, Facts};
use crate::repository::Repository;
use crate::shelf::Shelf;
use crate::uploads::Uploads;

/// How long a blob may lie without a manifest that names it.
const LOOSE: Duration = Duration::from_secs(24 * 60 * 60);
/// A blob that was pushed or asked for no longer ago need not be noted again.
const FRESH: Duration = Duration::from_secs(30 * 60);
/// The configuration of an artifact that has none.
const NO_CONFIG: &[u8] = b"{}";

/// The registry's bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest manifest (the specification asks for 4 MiB at least).
    pub manifest: u64,
    /// The largest blob.
    pub blob: u64,
    /// How many uploads may be under way.
    pub uploads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { manifest: 4 * 1024 * 1024, blob: 16 * 1024 * 1024 * 1024, uploads: 256 }
    }
}

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub blobs: Arc<dyn BlobStore>,
    pub shelf: Shelf,
    pub uploads: Uploads,
    pub limits: Limits,
    clock: Arc<dyn Clock>,
    /// Held for reading from the look at what is there to the link, for writing while what nobody reaches is removed.
    pub linking: Arc<RwLock<()>>,
}

impl Registry {
    /// Opens a registry whose own files lie in a directory, made if it is absent, over a blob store.
    pub fn open(directory: &Path, blobs: Arc<dyn BlobStore>, clock: Arc<dyn Clock>, limits: Limits) -> Result<Self, Error> {
        let shelf = Shelf::open(directory.join("repositories"))?;
        let uploads = Uploads::open(directory.join("uploads"), Arc::clone(&clock), limits.uploads, limits.blob)?;
        Ok(Self { inner: Arc::new(Inner { blobs, shelf, uploads, limits, clock, linking: Arc::default() }) })
    }

    /// Names a manifest of the repository; moves the tag, unless it names a commit.
    pub async fn tag(&self, name: &ImageName, tag: &str, digest: Digest) -> Result<(), Error> {
        self.inner.repository(name)?;
        self.inner.shelf.change(name, |repository| repository.tag(name, tag, digest)).await
    }

    /// The images of a repository, without what is attached to them.
    pub fn images(&self, name: &ImageName) -> BTreeSet<Digest> {
        let Some(repository) = self.inner.shelf.get(name) else { return BTreeSet::new() };
        repository.manifests.iter().filter(|(_, facts)| facts.subject.is_none()).map(|(digest, _)| *digest).collect()
    }
}

impl Inner {
    pub fn repository(&self, name: &ImageName) -> Result<Arc<Repository>, Error> {
        self.shelf.get(name).ok_or_else(|| Error::NoRepository(name.clone()))
    }

    /// The manifest that a tag or digest names, without its bytes.
    pub fn find(&self, name: &ImageName, reference: &str) -> Result<(Digest, Facts), Error> {
        let repository = self.repository(name)?;
        let absent = || Error::NoManifest { name: name.clone(), reference: reference.chars().take(140).collect() };
        let digest = repository.resolve(reference).ok_or_else(absent)?;
        let facts = repository.manifests.get(&digest).ok_or_else(absent)?;
        Ok((digest, facts.clone()))
    }

    /// A blob's size, if this repository shows it.
    pub async fn blob(&self, name: &ImageName, digest: Digest) -> Result<u64, Error> {
        let absent = || Error::NoBlob { name: name.clone(), digest };
        let repository = self.repository(name)?;
        if !repository.blobs.contains_key(&digest) {
            return Err(absent());
        }
        self.blobs.size(digest).await?.ok_or_else(absent)
    }

    /// A blob's size, if this repository shows it, for whoever counts on it from now on: it is as if pushed again.
    pub async fn count_on(&self, name: &ImageName, digest: Digest) -> Result<u64, Error> {
        let _linking = self.linking.read().await;
        let size = self.blob(name, digest).await?;
        let now = self.clock.now();
        let fresh = |since: &Timestamp| now.since(*since) < FRESH;
        if !self.shelf.get(name).is_some_and(|repository| repository.blobs.get(&digest).is_some_and(fresh)) {
            self.link(name, digest).await?;
        }
        Ok(size)
    }

    /// Makes a blob of the store visible in a repository.
    pub async fn link(&self, name: &ImageName, digest: Digest) -> Result<(), Error> {
        let now = self.clock.now();
        self.shelf
            .change(name, |repository| {
                repository.blobs.insert(digest, now);
                Ok(())
            })
            .await
    }

    /// Takes a manifest: its bytes into the store, then what is known of it into the repository with its tags. With
    /// `own`, blobs that the store has become visible; otherwise those that it names must have been pushed here.
    pub async fn put(
        &self,
        name: &ImageName,
        bytes: Bytes,
        media_type: Option<&str>,
        tags: &[String],
        own: bool,
    ) -> Result<(Digest, Facts), Error> {
        let limit = self.limits.manifest;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: "a manifest", limit });
        }
        let mut facts = forms::read(&bytes, media_type)?;
        let _linking = self.linking.read().await;
        let links: &[Digest] = if own { &facts.blobs } else { &[] };
        for blob in &facts.blobs {
            if self.blobs.size(*blob).await?.is_none() {
                return Err(Error::Incomplete { name: name.clone(), digest: *blob });
            }
        }
        let digest = self.blobs.put_bytes(bytes).await?;
        let now = self.clock.now();
        facts.since = now;
        self.shelf
            .change(name, |repository| {
                repository.blobs.extend(links.iter().map(|blob| (*blob, now)));
                repository.add(name, digest, facts.clone())?;
                tags.iter().try_for_each(|tag| repository.tag(name, tag, digest))
            })
            .await?;
        Ok((digest, facts))
    }
}

#[async_trait]
impl ImageRegistry for Registry {
    async fn put_image(&self, name: &ImageName, manifest: Bytes, tags: &[String]) -> Result<Digest, RegistryError> {
        self.inner.put(name, manifest, None, tags, true).await.map(|(digest, _)| digest).map_err(|e| e.of(name))
    }

    async fn resolve(&self, name: &ImageName, reference: &str) -> Result<Option<Digest>, RegistryError> {
        Ok(self.inner.shelf.get(name).and_then(|repository| repository.resolve(reference)))
    }

    async fn manifest(&self, name: &ImageName, digest: Digest) -> Result<Option<(String, Bytes)>, RegistryError> {
        let Ok((_, facts)) = self.inner.find(name, &digest.to_string()) else { return Ok(None) };
        let bytes = self.inner.blobs.get_bytes(digest, facts.size).await?;
        Ok(Some((facts.media_type, bytes)))
    }

    async fn attach(
        &self,
        name: &ImageName,
        subject: Digest,
        artifact_type: &str,
        media_type: &str,
        bytes: Bytes,
        annotations: BTreeMap<String, String>,
    ) -> Result<Digest, RegistryError> {
        let (_, facts) = self.inner.find(name, &subject.to_string()).map_err(|e| e.of(name))?;
        let size = bytes.len() as u64;
        let config = self.inner.blobs.put_bytes(Bytes::from_static(NO_CONFIG)).await?;
        let content = self.inner.blobs.put_bytes(bytes).await?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: media::MANIFEST.to_owned(),
            artifact_type: Some(artifact_type.to_owned()),
            config: descriptor(media::EMPTY, config, NO_CONFIG.len() as u64),
            layers: vec![descriptor(media_type, content, size)],
            subject: Some(descriptor(&facts.media_type, subject, facts.size)),
            annotations,
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|e| forms::invalid(e.to_string()).of(name))?;
        self.put_image(name, bytes.into(), &[]).await
    }

    async fn referrers(&self, name: &ImageName, subject: Digest) -> Result<Vec<Descriptor>, RegistryError> {
        Ok(self.inner.shelf.get(name).map(|repository| repository.referrers(subject, None)).unwrap_or_default())
    }

    async fn repositories(&self) -> Result<Vec<ImageName>, RegistryError> {
        Ok(self.inner.shelf.all().into_iter().map(|(name, _)| name).collect())
    }

    async fn tags(&self, name: &ImageName) -> Result<BTreeMap<String, Digest>, RegistryError> {
        Ok(self.inner.shelf.get(name).map(|repository| repository.tags.clone()).unwrap_or_default())
    }

    async fn remove(&self, name: &ImageName, digest: Digest) -> Result<(), RegistryError> {
        if self.inner.shelf.get(name).is_none() {
            return Ok(());
        }
        let removed = self.inner.shelf.change(name, |repository| Ok(repository.remove(digest, false)));
        removed.await.map(drop).map_err(|e| e.of(name))
    }

    async fn reachable(&self) -> Result<BTreeSet<Digest>, RegistryError> {
        let all = self.inner.shelf.all();
        Ok(reachable(&all))
    }

    async fn hold(&self) -> Hold {
        Box::new(Arc::clone(&self.inner.linking).write_owned().await)
    }

    async fn sift(&self, keep: &Keep, dry_run: bool) -> Result<Sifted, RegistryError> {
        let loose = Timestamp(self.inner.clock.now().0.saturating_sub(i64::try_from(LOOSE.as_millis()).unwrap_or(i64::MAX)));
        let mut sifted = Sifted::default();
        let mut left = Vec::new();
        for (name, now) in self.inner.shelf.all() {
            let needed = keep.images.iter().filter(|image| image.name == name).map(|image| image.digest).collect();
            let none = BTreeSet::new();
            let spent = keep.spent.get(&name).unwrap_or(&none);
            let change = |repository: &mut Repository| {
                let gone = repository.sift(&needed, spent, keep.since);
                repository.forget_loose(loose);
                gone
            };
            let (gone, after) = if dry_run {
                let mut after = Repository::clone(&now);
                (change(&mut after), Arc::new(after))
            } else {
                let gone = self.inner.shelf.change(&name, |repository| Ok(change(repository))).await.map_err(|e| e.of(&name))?;
                (gone, self.inner.shelf.get(&name).unwrap_or_default())
            };
            sifted.gone.extend(gone.into_iter().map(|digest| ImageRef { name: name.clone(), digest }));
            left.push((name, after));
        }
        sifted.reachable = reachable(&left);
        Ok(sifted)
    }
}

fn reachable(all: &[(ImageName, Arc<Repository>)]) -> BTreeSet<Digest> {
    all.iter().flat_map(|(_, repository)| repository.manifests.keys().chain(repository.blobs.keys()).copied()).collect()
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor { media_type: media_type.to_owned(), digest, size, artifact_type: None, annotations: BTreeMap::new() }
}

/// The store says so in its own words.
pub(crate) fn is_mismatch(error: &Error) -> bool {
    matches!(error, Error::Blob(BlobError::Mismatch { .. }))
}
