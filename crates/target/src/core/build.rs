//! From a pod's template to the container that is started, with the files that are bound into it.

use std::collections::BTreeMap;
use std::path::Path;

use penstock_model::container::{ContainerSpec, FileMount, Network};
use penstock_model::target::ObjectKey;

use crate::manifest::Kind;
use crate::manifest::data::Data;
use crate::manifest::env::{EnvFrom, EnvVar, expand};
use crate::manifest::pod::{Container, PodTemplate};
use crate::manifest::volume::Volume;
use crate::state::{Pod, State};

/// Labels by which the target knows its containers again.
pub mod label {
    /// The pod.
    pub const POD: &str = "penstock.dev/pod";
    /// Its namespace.
    pub const NAMESPACE: &str = "penstock.dev/namespace";
    /// Its workload, as `Deployment/api-gateway`.
    pub const OWNER: &str = "penstock.dev/owner";
    /// Its application.
    pub const APPLICATION: &str = "penstock.dev/application";
}

/// A file to write before the container starts.
#[derive(Clone, PartialEq, Eq)]
pub struct VolumeFile {
    /// Below the pod's directory: `volume/path`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its mode.
    pub mode: u32,
}

/// What is started.
pub struct Build {
    /// The container.
    pub spec: ContainerSpec,
    /// Directories of volumes, also where they hold nothing.
    pub volumes: Vec<String>,
    /// Files in them.
    pub files: Vec<VolumeFile>,
}

/// Readable by everybody in the container, writable by nobody.
const FILE_MODE: u32 = 0o444;

/// Makes a container of a pod; `dir` is where its files will lie. An error is a line for people: something is missing.
pub fn build(state: &State, pod: &Pod, dir: &Path) -> Result<Build, String> {
    let object = state.objects.get(&pod.owner).ok_or("its workload is gone")?;
    let template = object.templates.get(&pod.template).ok_or("its template is gone")?;
    let container = template.container();
    let image = container.image().ok_or_else(|| format!("`{}` names no digest", container.image_text()))?;
    let env = environment(state, pod, container)?;
    let known = |name: &str| env.get(name).map(String::as_str);
    let words = |list: &Option<Vec<String>>| list.as_ref().map(|words| words.iter().map(|word| expand(word, known)).collect());
    let (command, args) = (words(&container.command), words(&container.args));
    let mut volumes = Vec::new();
    let mut files = Vec::new();
    for volume in &template.spec.volumes {
        if volume.empty_dir.is_none() {
            volumes.push(volume.name.clone());
            files.extend(volume_files(state, pod, volume)?);
        }
    }
    let (mounts, tmpfs) = mounts(template, dir)?;
    let labels = BTreeMap::from([
        (label::POD.to_owned(), pod.name.clone()),
        (label::NAMESPACE.to_owned(), pod.owner.namespace.clone()),
        (label::OWNER.to_owned(), format!("{}/{}", pod.owner.kind, pod.owner.name)),
        (label::APPLICATION.to_owned(), pod.scope.application.clone()),
    ]);
    let spec = ContainerSpec {
        id: pod.container(),
        image,
        command,
        args,
        env,
        secrets: BTreeMap::new(),
        user: template.user(),
        working_dir: container.working_dir.clone(),
        network: Network::Bridge(pod.address),
        mounts,
        tmpfs,
        hosts: state.hosts(&pod.owner.namespace),
        read_only_root: true,
        written: None,
        building: false,
        memory: container.memory(),
        cpu_millis: container.cpu_millis(),
        labels,
    };
    Ok(Build { spec, volumes, files })
}

fn data<'a>(state: &'a State, pod: &Pod, kind: &str, name: &str) -> Option<&'a Data> {
    let key = ObjectKey { group: String::new(), kind: kind.to_owned(), namespace: pod.owner.namespace.clone(), name: name.to_owned() };
    match &state.objects.get(&key)?.kind {
        Kind::ConfigMap(data) | Kind::Secret(data) => Some(data),
        _ => None,
    }
}

fn text(bytes: &[u8], kind: &str, name: &str, key: &str) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| format!("{kind} `{name}`: the value of `{key}` is no text, so it cannot be a variable"))
}

fn environment(state: &State, pod: &Pod, container: &Container) -> Result<BTreeMap<String, String>, String> {
    let mut env = BTreeMap::new();
    for from in &container.env_from {
        all_keys(state, pod, from, &mut env)?;
    }
    for var in &container.env {
        if let Some(value) = value_of(state, pod, var, &env)? {
            env.insert(var.name.clone(), value);
        }
    }
    Ok(env)
}

fn all_keys(state: &State, pod: &Pod, from: &EnvFrom, env: &mut BTreeMap<String, String>) -> Result<(), String> {
    let sources = [("ConfigMap", &from.config_map_ref), ("Secret", &from.secret_ref)];
    for (kind, reference) in sources {
        let Some(reference) = reference else { continue };
        match data(state, pod, kind, &reference.name) {
            Some(data) => {
                for (key, bytes) in &data.0 {
                    env.insert(format!("{}{key}", from.prefix), text(bytes, kind, &reference.name, key)?);
                }
            }
            None if reference.optional => {}
            None => return Err(format!("there is no {kind} `{}` in {}", reference.name, pod.owner.namespace)),
        }
    }
    Ok(())
}

fn value_of(state: &State, pod: &Pod, var: &EnvVar, env: &BTreeMap<String, String>) -> Result<Option<String>, String> {
    let Some(from) = &var.value_from else {
        let value = var.value.as_deref().unwrap_or_default();
        return Ok(Some(expand(value, |name| env.get(name).map(String::as_str))));
    };
    if let Some(field) = &from.field_ref {
        return Ok(Some(match field.field_path.as_str() {
            "metadata.name" => pod.name.clone(),
            "metadata.namespace" => pod.owner.namespace.clone(),
            _ => pod.address.to_string(),
        }));
    }
    let sources = [("ConfigMap", &from.config_map_key_ref), ("Secret", &from.secret_key_ref)];
    for (kind, reference) in sources {
        let Some(reference) = reference else { continue };
        return match data(state, pod, kind, &reference.name).and_then(|data| data.0.get(&reference.key)) {
            Some(bytes) => text(bytes, kind, &reference.name, &reference.key).map(Some),
            None if reference.optional => Ok(None),
            None => Err(format!("there is no key `{}` in the {kind} `{}` of {}", reference.key, reference.name, pod.owner.namespace)),
        };
    }
    Ok(None)
}

fn volume_files(state: &State, pod: &Pod, volume: &Volume) -> Result<Vec<VolumeFile>, String> {
    let config = volume.config_map.as_ref().map(|v| ("ConfigMap", &v.name, &v.items, v.optional, v.default_mode));
    let secret = volume.secret.as_ref().map(|v| ("Secret", &v.secret_name, &v.items, v.optional, v.default_mode));
    let Some((kind, name, items, optional, mode)) = config.or(secret) else { return Ok(Vec::new()) };
    let mode = mode.unwrap_or(FILE_MODE) & 0o777;
    let Some(data) = data(state, pod, kind, name) else {
        let missing = format!("there is no {kind} `{name}` in {}", pod.owner.namespace);
        return if optional { Ok(Vec::new()) } else { Err(missing) };
    };
    let file = |path: &str, bytes: &[u8]| VolumeFile { path: format!("{}/{path}", volume.name), bytes: bytes.to_vec(), mode };
    if items.is_empty() {
        return Ok(data.0.iter().map(|(key, bytes)| file(key, bytes)).collect());
    }
    let mut files = Vec::new();
    for item in items {
        match data.0.get(&item.key) {
            Some(bytes) => files.push(file(&item.path, bytes)),
            None if optional => {}
            None => return Err(format!("there is no key `{}` in the {kind} `{name}` of {}", item.key, pod.owner.namespace)),
        }
    }
    Ok(files)
}

fn mounts(template: &PodTemplate, dir: &Path) -> Result<(Vec<FileMount>, BTreeMap<String, u64>), String> {
    let mut mounts = Vec::new();
    let mut tmpfs = BTreeMap::new();
    for mount in &template.container().volume_mounts {
        let Some(volume) = template.spec.volumes.iter().find(|volume| volume.name == mount.name) else { continue };
        let path = mount.mount_path.trim_end_matches('/').to_owned();
        if let Some(empty) = &volume.empty_dir {
            tmpfs.insert(path, empty.limit("sizeLimit").map_err(|refusal| refusal.what)?);
            continue;
        }
        let mut source = dir.join(&volume.name);
        if let Some(sub) = &mount.sub_path {
            source.push(sub);
        }
        mounts.push(FileMount { path, source, writable: false, changes: None });
    }
    Ok((mounts, tmpfs))
}
