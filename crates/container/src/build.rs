//! Steps of image builds: the same containers, with a place for what they write.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use penstock_model::blob::LogSink;
use penstock_model::container::{BuildRuntime, BuildStep, ContainerError, LayerRef};

use crate::image::with_path;
use crate::launch::{Launch, Root};
use crate::one_shot::Streams;
use crate::rootfs::MAX_LAYERS;
use crate::runtime::{Runtime, is_word, runtime_error};

#[async_trait]
impl BuildRuntime for Runtime {
    async fn run_step(&self, step: &BuildStep, log: Arc<dyn LogSink>) -> Result<i32, ContainerError> {
        if !is_word(&step.id, 63) || step.args.is_empty() {
            return Err(runtime_error(&step.id, "a build step needs an id of [a-z0-9-] and a program"));
        }
        let using = Arc::clone(&self.using_layers).read_owned().await;
        let mut env = step.env.clone();
        with_path(&mut env);
        let launch = Launch {
            id: step.id.clone(),
            instance: self.settings.instance.clone(),
            layers_dir: self.layers.dir.clone(),
            layers: self.names(&step.id, &step.layers).await?,
            root: Root::Writable(step.dir.clone()),
            args: step.args.clone(),
            env,
            cwd: step.working_dir.clone(),
            user: step.user.clone().unwrap_or_default(),
            network: step.network.clone(),
            mounts: Vec::new(),
            tmpfs: std::collections::BTreeMap::new(),
            hosts: std::collections::BTreeMap::new(),
            stop_signal: None,
            memory: None,
            cpu_millis: None,
            building: true,
            attached: true,
            terminal: false,
        };
        self.one_shot(&step.id, using).run(launch, step.timeout, Streams::Kept(log)).await
    }

    async fn unpacked(&self, layers: &[LayerRef]) -> Result<Vec<PathBuf>, ContainerError> {
        let _using = self.using_layers.read().await;
        let names = self.names("build", layers).await?;
        Ok(names.into_iter().map(|name| self.layers.dir.join(name)).collect())
    }
}

impl Runtime {
    async fn names(&self, id: &str, layers: &[LayerRef]) -> Result<Vec<String>, ContainerError> {
        if layers.len() > MAX_LAYERS {
            return Err(runtime_error(id, format!("more than {MAX_LAYERS} layers: join some RUN or COPY instructions")));
        }
        let mut names = Vec::with_capacity(layers.len());
        for layer in layers {
            let name = self.layers.ensure(&layer.blob, layer.diff_id).await;
            names.push(name.map_err(|error| runtime_error(id, error.to_string()))?);
        }
        Ok(names)
    }
}
