//! Volumes and where they are mounted.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::quantity::Quantity;
use crate::refuse::{Read, Refusal};

/// Bytes of an emptyDir without a `sizeLimit`: it lies in memory here.
pub const DEFAULT_EMPTY_DIR: u64 = 64 << 20;

/// Files for a pod.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Volume {
    /// Its name in the pod.
    pub name: String,
    /// The keys of a `ConfigMap` as files.
    pub config_map: Option<ConfigVolume>,
    /// The keys of a Secret as files.
    pub secret: Option<SecretVolume>,
    /// An empty directory.
    pub empty_dir: Option<EmptyDir>,
}

/// A `ConfigMap` as files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfigVolume {
    /// The `ConfigMap`.
    pub name: String,
    /// Only these keys.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Fine if it is absent.
    #[serde(default)]
    pub optional: bool,
    /// The files' mode.
    pub default_mode: Option<u32>,
}

/// A Secret as files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretVolume {
    /// The Secret.
    pub secret_name: String,
    /// Only these keys.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Fine if it is absent.
    #[serde(default)]
    pub optional: bool,
    /// The files' mode.
    pub default_mode: Option<u32>,
}

/// A key under a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The key.
    pub key: String,
    /// The file below the mount.
    pub path: String,
}

/// An empty directory, in memory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmptyDir {
    medium: Option<String>,
    size_limit: Option<Quantity>,
}

/// Where a volume is seen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeMount {
    /// The volume.
    pub name: String,
    /// Where in the container.
    pub mount_path: String,
    /// One file of it.
    pub sub_path: Option<String>,
    #[serde(default)]
    #[allow(dead_code, reason = "files are always read-only; an emptyDir that is read-only is of no use and refused")]
    read_only: Option<bool>,
}

impl EmptyDir {
    /// Its limit in bytes.
    pub fn limit(&self, path: &str) -> Read<u64> {
        self.size_limit.as_ref().map_or(Ok(DEFAULT_EMPTY_DIR), |limit| limit.bytes(&format!("{path}.sizeLimit")))
    }
}

/// True for a relative path that stays below its directory.
pub fn stays_below(path: &str) -> bool {
    !path.is_empty() && !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Refuses volumes that cannot be made and mounts of what is not there.
pub fn check(volumes: &[Volume], mounts: &[VolumeMount], pod: &str, container: &str) -> Read<()> {
    let mut names = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let path = format!("{pod}.volumes[{index}]");
        let sources = [volume.config_map.is_some(), volume.secret.is_some(), volume.empty_dir.is_some()];
        if sources.iter().filter(|there| **there).count() != 1 {
            return Err(Refusal::new(format!("`{path}` without exactly one source"), "write one of configMap, secret, emptyDir"));
        }
        let good_name = stays_below(&volume.name) && !volume.name.contains('/');
        if !good_name || !names.insert(volume.name.as_str()) {
            return Err(Refusal::new(format!("the name `{}` of `{path}`", volume.name), "each volume has a name of its own"));
        }
        if let Some(empty) = &volume.empty_dir {
            if empty.medium.as_deref().is_some_and(|medium| !matches!(medium, "" | "Memory")) {
                return Err(Refusal::new(format!("`{path}.emptyDir.medium`"), "`Memory` or nothing is expected"));
            }
            empty.limit(&format!("{path}.emptyDir"))?;
        }
        let items = volume.config_map.iter().flat_map(|v| &v.items).chain(volume.secret.iter().flat_map(|v| &v.items));
        if items.into_iter().any(|item| !stays_below(&item.path)) {
            return Err(Refusal::new(format!("a path of `{path}`"), "paths stay below the mount, without `..`"));
        }
    }
    let mut places = BTreeSet::new();
    for (index, mount) in mounts.iter().enumerate() {
        let path = format!("{container}.volumeMounts[{index}]");
        let Some(volume) = volumes.iter().find(|volume| volume.name == mount.name) else {
            return Err(Refusal::new(format!("`{path}.name` {}", mount.name), "there is no volume of that name"));
        };
        let place = mount.mount_path.trim_end_matches('/');
        let absolute = place.strip_prefix('/').is_some_and(stays_below);
        let taken = matches!(place, "/proc" | "/sys" | "/dev" | "/etc/hosts") || place.starts_with("/proc/") || place.starts_with("/sys/");
        if !absolute || taken || !places.insert(place) {
            return Err(Refusal::new(format!("`{path}.mountPath` {}", mount.mount_path), "an absolute path of its own is expected"));
        }
        if mount.sub_path.as_deref().is_some_and(|sub| !stays_below(sub)) || (mount.sub_path.is_some() && volume.empty_dir.is_some()) {
            return Err(Refusal::new(format!("`{path}.subPath`"), "a file of a ConfigMap or Secret is expected"));
        }
        if volume.empty_dir.is_some() && mount.read_only == Some(true) {
            return Err(Refusal::new(format!("`{path}.readOnly`"), "an empty directory that nobody can write to is of no use: remove it"));
        }
    }
    Ok(())
}
