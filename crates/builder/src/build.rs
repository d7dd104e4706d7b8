//! The build: stage by stage, step by step, looking for each result before making it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use penstock_image::key::Key;
use penstock_image::manifest::{self, Documents};
use penstock_image::{Base, Copy, CopyFrom, Dockerfile, DockerfileError, Instruction, Run, StageState, Step};
use penstock_model::blob::{Channel, LogLine, LogSink};
use penstock_model::clock::SystemClock;
use penstock_model::container::{BuildStep, LayerRef, Network};
use penstock_model::image::{Descriptor, History, RunConfig, media};
use penstock_model::{Clock, Digest};

use crate::cache::{Cache, Kept};
use crate::context::{Context, MAX_TEXT};
use crate::copy::{self, Match};
use crate::output::Entries;
use crate::tree::Tree;
use crate::{BaseImage, BuildError, BuildRequest, Builder, Built, diff};

/// A layer is no larger, compressed.
const MAX_LAYER: u64 = 16 << 30;

/// Makes the ids of steps unique in this process; a restarted server has removed the old ones.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A stage as far as it is built.
struct StageDone {
    key: Key,
    layers: Vec<LayerRef>,
    history: Vec<History>,
    config: RunConfig,
}

/// Everything about one build that its steps share.
struct Work<'a> {
    builder: &'a Builder,
    request: &'a BuildRequest,
    file: Dockerfile,
    context: Arc<Context>,
    cache: Cache,
    log: Arc<dyn LogSink>,
    done: HashMap<usize, StageDone>,
    images: HashMap<String, BaseImage>,
    materials: Vec<(String, Digest)>,
    cached_steps: usize,
    steps: usize,
    differing: Vec<(String, Vec<String>)>,
}

impl Builder {
    /// Builds an image: its layers, configuration and manifest are in the store afterwards.
    pub async fn build(&self, request: &BuildRequest, progress: Arc<dyn LogSink>) -> Result<Built, BuildError> {
        let began = Instant::now();
        let context = Arc::new(Context::open(&request.context, &request.dockerfile)?);
        let text = context.tree.text(&request.dockerfile, MAX_TEXT).map_err(BuildError::io("reading the Dockerfile"))?;
        let text = text.ok_or_else(|| DockerfileError {
            file: request.dockerfile.clone(),
            line: 1,
            what: "there is no such file in the context, or it is larger than 1 MiB".to_owned(),
            hint: "--file is below --context".to_owned(),
        })?;
        let mut file = self.parse(&request.dockerfile, &text, &request.build_args)?;
        file.run_network = request.network;
        let mut work = Work {
            builder: self,
            request,
            file,
            context,
            cache: Cache(self.dir.join("kept")),
            log: progress,
            done: HashMap::new(),
            images: HashMap::new(),
            materials: Vec::new(),
            cached_steps: 0,
            steps: 0,
            differing: Vec::new(),
        };
        let needed = work.file.needed();
        for number in &needed {
            let stage = work.stage(*number).await?;
            work.done.insert(*number, stage);
        }
        // `needed` ends with the last stage, and there is at least one
        let last = needed.last().and_then(|last| work.done.remove(last));
        let last = last.ok_or_else(|| work.file.error(1, "there is no stage", ""))?;
        let documents = work.documents(last)?;
        let stored = self.blobs.put_bytes(documents.config_bytes.into()).await?;
        debug_assert_eq!(stored, documents.manifest.config.digest);
        let manifest = bytes::Bytes::from(documents.manifest_bytes);
        let manifest_digest = self.blobs.put_bytes(manifest.clone()).await?;
        work.note(format!("built {manifest_digest} in {} ms", began.elapsed().as_millis())).await;
        Ok(Built {
            manifest_digest,
            manifest,
            config: documents.config,
            size: documents.manifest.layers.iter().map(|layer| layer.size).sum(),
            materials: work.materials,
            cached_steps: work.cached_steps,
            steps: work.steps,
            differing: work.differing,
            took: began.elapsed(),
        })
    }
}

impl Builder {
    fn parse(&self, name: &str, text: &str, build_args: &BTreeMap<String, String>) -> Result<Dockerfile, DockerfileError> {
        Dockerfile::parse(name, text, &format!("linux/{}", self.architecture), build_args)
    }

    /// The images that a Dockerfile without build arguments needs, as it calls them.
    ///
    /// # Errors
    /// It cannot be carried out.
    pub fn images_of(&self, name: &str, text: &str) -> Result<Vec<String>, BuildError> {
        let file = self.parse(name, text, &BTreeMap::new())?;
        Ok(file.images().into_iter().map(str::to_owned).collect())
    }
}

impl Work<'_> {
    async fn note(&self, text: String) {
        let line = LogLine { at: SystemClock.now(), channel: Channel::Note, text, ends: true };
        // a log that cannot be written is its owner's trouble, not the build's
        let _ = self.log.write(vec![line]).await;
    }

    async fn image(&mut self, reference: &str, line: usize) -> Result<BaseImage, BuildError> {
        if let Some(image) = self.images.get(reference) {
            return Ok(image.clone());
        }
        let known = self.request.images.get(reference).map_or(reference, String::as_str);
        let Some(image) = self.builder.images.resolve(known).await? else {
            let hint = "push or import it into this registry first, since a build sees no network";
            return Err(self.file.error(line, format!("there is no image `{reference}` here"), hint).into());
        };
        if image.manifest.layers.len() != image.config.rootfs.diff_ids.len() {
            return Err(self
                .file
                .error(line, format!("the image `{reference}` is broken: its layers do not fit its configuration"), "push it again")
                .into());
        }
        self.materials.push((reference.to_owned(), image.digest));
        self.images.insert(reference.to_owned(), image.clone());
        Ok(image)
    }

    async fn stage(&mut self, number: usize) -> Result<StageDone, BuildError> {
        let stage = self.file.stages[number].clone();
        let mut done = match &stage.base {
            Base::Scratch => StageDone { key: Key::scratch(), layers: Vec::new(), history: Vec::new(), config: RunConfig::default() },
            Base::Stage(base) => {
                let base = &self.done[base];
                StageDone { key: base.key, layers: base.layers.clone(), history: base.history.clone(), config: base.config.clone() }
            }
            Base::Image(reference) => {
                let image = self.image(reference, stage.line).await?;
                StageDone {
                    key: Key::image(image.digest),
                    layers: layers_of(&image),
                    history: image.config.history.clone(),
                    config: image.config.config.clone(),
                }
            }
        };
        let mut state = StageState::new(done.config.clone());
        let name = stage.name.clone().unwrap_or_else(|| format!("stage {number}"));
        for instruction in &stage.instructions {
            let step = state.apply(&self.file, number, instruction)?;
            let layer = if step == Step::Config { None } else { self.step(&name, &mut done, instruction, step).await? };
            done.history.push(History {
                created: Some(manifest::created(self.request.source_date_epoch)),
                created_by: Some(instruction.text.clone()),
                empty_layer: layer.is_none(),
            });
            done.layers.extend(layer);
        }
        done.config = state.config;
        Ok(done)
    }

    /// Carries a step out unless its result is kept. The stage's key moves on.
    async fn step(
        &mut self,
        stage: &str,
        done: &mut StageDone,
        instruction: &Instruction,
        step: Step,
    ) -> Result<Option<LayerRef>, BuildError> {
        self.steps += 1;
        let began = Instant::now();
        let label = format!("[{stage}] {}", instruction.text);
        let prepared = self.prepare(instruction, &step).await?;
        done.key = match &step {
            Step::Config => done.key,
            Step::Workdir(path) => done.key.workdir(path),
            Step::Run(run) => done.key.run(run),
            Step::Copy(copy) => done.key.copy(prepared.digest, &copy.dest, copy.chown.as_deref(), copy.chmod),
        };
        let verify = self.request.verify && matches!(step, Step::Run(_));
        if !verify && let Some(kept) = self.kept(done.key).await? {
            self.cached_steps += 1;
            self.note(format!("{label}: kept from before")).await;
            return Ok(kept.layer);
        }
        self.note(label.clone()).await;
        let layer = match step {
            Step::Config => None,
            Step::Workdir(path) => self.workdir(done, path).await?,
            Step::Run(run) => self.run(done, instruction, run).await?,
            Step::Copy(copy) => self.copy(done, instruction, copy, prepared).await?,
        };
        self.cache.put(done.key, &Kept { layer: layer.clone() }).map_err(BuildError::io("keeping a step's result"))?;
        self.note(format!("{label}: {} ms", began.elapsed().as_millis())).await;
        Ok(layer)
    }

    async fn kept(&self, key: Key) -> Result<Option<Kept>, BuildError> {
        let Some(kept) = self.cache.get(key) else { return Ok(None) };
        match &kept.layer {
            Some(layer) if self.builder.blobs.size(layer.blob.digest).await? != Some(layer.blob.size) => Ok(None),
            _ => Ok(Some(kept)),
        }
    }

    /// For a copy: what it takes, if that can be known without unpacking, and the digest for its key.
    async fn prepare(&mut self, instruction: &Instruction, step: &Step) -> Result<Prepared, BuildError> {
        let Step::Copy(copy) = step else { return Ok(Prepared::default()) };
        let named = |what: &str, digest: Digest| Digest::of(serde_json::json!([what, digest, copy.sources]).to_string());
        match &copy.from {
            CopyFrom::Stage(number) => {
                let stage = &self.done[number];
                Ok(Prepared { digest: named("stage", stage.key.0), source: stage.layers.clone(), matches: None })
            }
            CopyFrom::Image(reference) => {
                let image = self.image(reference, instruction.line).await?;
                Ok(Prepared { digest: named("image", image.digest), source: layers_of(&image), matches: None })
            }
            CopyFrom::Context => {
                let (context, copy) = (Arc::clone(&self.context), copy.clone());
                let selected = blocking(move || {
                    let matches = copy::select(&copy, &context.tree, Some(&context))?;
                    let digest = copy::content_digest(&matches).map_err(|error| (error.to_string(), String::new()))?;
                    Ok((matches, digest))
                });
                let (matches, digest) = selected.await?.map_err(|(what, hint)| self.file.error(instruction.line, what, hint))?;
                Ok(Prepared { digest, source: Vec::new(), matches: Some(matches) })
            }
        }
    }

    async fn tree(&self, layers: &[LayerRef]) -> Result<Tree, BuildError> {
        let directories = if layers.is_empty() { Vec::new() } else { self.builder.runtime.unpacked(layers).await? };
        Ok(Tree::new(directories))
    }

    async fn workdir(&self, done: &StageDone, path: String) -> Result<Option<LayerRef>, BuildError> {
        let tree = self.tree(&done.layers).await?;
        let entries = blocking(move || {
            let place = tree.resolve(&path, true)?;
            let mut entries = Entries::default();
            if !place.is_empty() && !tree.at(&place)?.is_some_and(|found| found.is_dir()) {
                entries.put(penstock_image::layer::Entry::directory(&place), None);
                copy::add_parents(&mut entries, &tree, None)?;
            }
            Ok(entries)
        });
        let entries = entries.await?.map_err(BuildError::io("looking for the working directory"))?;
        self.store(entries).await
    }

    async fn copy(
        &self,
        done: &StageDone,
        instruction: &Instruction,
        copy: Copy,
        prepared: Prepared,
    ) -> Result<Option<LayerRef>, BuildError> {
        let stage = self.tree(&done.layers).await?;
        let source = self.tree(&prepared.source).await?;
        let entries = blocking(move || {
            let from_context = prepared.matches.is_some();
            let matches = prepared.matches.map_or_else(|| copy::select(&copy, &source, None), Ok)?;
            copy::entries(&copy, &matches, &stage, from_context)
        });
        let entries = entries.await?.map_err(|(what, hint)| self.file.error(instruction.line, what, hint))?;
        self.store(entries).await
    }

    async fn run(&mut self, done: &StageDone, instruction: &Instruction, run: Run) -> Result<Option<LayerRef>, BuildError> {
        // both directories live until the layer is written
        let (_first, entries) = self.run_once(done, instruction, &run).await?;
        if self.request.verify {
            let (_second, again) = self.run_once(done, instruction, &run).await?;
            let summary = |entries: &Entries| entries.summary().map_err(BuildError::io("comparing two runs"));
            let (one, two) = (summary(&entries)?, summary(&again)?);
            let mut paths: Vec<String> =
                one.iter().filter(|(path, digest)| two.get(*path) != Some(digest)).map(|(path, _)| path.clone()).collect();
            paths.extend(two.keys().filter(|path| !one.contains_key(*path)).cloned());
            if !paths.is_empty() {
                self.note(format!("{}: run twice, these paths differ: {}", instruction.text, paths.join(", "))).await;
                self.differing.push((instruction.text.clone(), paths));
            }
        }
        self.store(entries).await
    }

    async fn run_once(&self, done: &StageDone, instruction: &Instruction, run: &Run) -> Result<(tempfile::TempDir, Entries), BuildError> {
        let dir = tempfile::tempdir_in(self.work_dir()).map_err(BuildError::io("making room for a step"))?;
        let step = BuildStep {
            id: format!("build-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
            layers: done.layers.clone(),
            dir: dir.path().to_owned(),
            args: run.args.clone(),
            env: run.env.clone(),
            user: run.user.clone(),
            working_dir: run.working_dir.clone(),
            network: if run.network { Network::Host } else { Network::None },
            timeout: self.request.step_timeout,
        };
        let code = self.builder.runtime.run_step(&step, Arc::clone(&self.log)).await?;
        if code != 0 {
            let hint = match code {
                124 => ": it took longer than the time limit of a step",
                _ if !run.network => ": a RUN sees no network; if it needs one, write `RUN --network=default …`",
                _ => "",
            };
            let (file, text) = (self.file.file.clone(), instruction.text.clone());
            return Err(BuildError::Step { file, line: instruction.line, text, code, hint });
        }
        let upper = dir.path().join("upper");
        let entries = blocking(move || diff::entries(&upper)).await?.map_err(BuildError::io("reading what a step wrote"))?;
        Ok((dir, entries))
    }

    /// Writes a layer and puts it into the store.
    async fn store(&self, entries: Entries) -> Result<Option<LayerRef>, BuildError> {
        let directory = self.work_dir();
        let written = blocking(move || entries.write(&directory)).await?.map_err(BuildError::io("writing a layer"))?;
        let Some((path, finished)) = written else { return Ok(None) };
        let file = tokio::fs::File::open(&path).await.map_err(BuildError::io("reading a layer"))?;
        let (digest, size) = self.builder.blobs.put(Box::pin(file), Some(finished.digest), MAX_LAYER).await?;
        let blob = Descriptor { media_type: media::LAYER_GZIP.to_owned(), digest, size, artifact_type: None, annotations: BTreeMap::new() };
        Ok(Some(LayerRef { blob, diff_id: finished.diff_id }))
    }

    fn work_dir(&self) -> PathBuf {
        Path::new(&self.builder.dir).join("work")
    }

    fn documents(&self, last: StageDone) -> Result<Documents, BuildError> {
        let mut config = last.config;
        config.labels.extend(self.request.labels.clone());
        let built = manifest::Built {
            config,
            layers: last.layers.into_iter().map(|layer| (layer.blob, layer.diff_id)).collect(),
            history: last.history,
            architecture: self.builder.architecture.clone(),
            created: self.request.source_date_epoch,
        };
        built.documents().map_err(|error| BuildError::io("writing the image's documents")(error.into()))
    }
}

/// What a copy needs.
struct Prepared {
    digest: Digest,
    source: Vec<LayerRef>,
    matches: Option<Vec<Match>>,
}

impl Default for Prepared {
    fn default() -> Self {
        Self { digest: Digest::of(b""), source: Vec::new(), matches: None }
    }
}

fn layers_of(image: &BaseImage) -> Vec<LayerRef> {
    let pairs = image.manifest.layers.iter().zip(&image.config.rootfs.diff_ids);
    pairs.map(|(blob, diff_id)| LayerRef { blob: blob.clone(), diff_id: *diff_id }).collect()
}

/// Work on files beside the runtime's threads; the inner error is the work's own.
async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<Result<T, E>, BuildError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BuildError::io("working on files")(std::io::Error::other(error)))
}
