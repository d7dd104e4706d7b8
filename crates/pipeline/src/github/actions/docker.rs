//! Docker's actions, on Penstock's own builder and registry.

use std::collections::BTreeMap;

use super::act::{Act, Already, Doing, Done, Inputs, Once, quoted};
use super::facts::Facts;
use super::table::{BuiltIn, Known, Refusal, anything};
use crate::reader::shown;

pub(super) const LOGIN: Known = Known {
    name: "docker/login-action",
    built_in: BuiltIn::DockerLogin,
    majors: &[1, 2, 3, 4],
    branches: &["master"],
    inputs: &["registry", "username", "password", "scope", "ecr", "logout", "registry-auth"],
    check: anything,
    begin: |inputs, facts, _| {
        let registry = inputs.or("registry", "docker.io");
        let note = if registry == facts.registry {
            "a job may push to the own registry without a login".to_owned()
        } else {
            format!("no login to {} is made: images go to the own registry, {}", shown(registry), facts.registry)
        };
        Ok(Already::boxed(Done::default().note(note)))
    },
};

pub(super) const BUILDX: Known = Known {
    name: "docker/setup-buildx-action",
    built_in: BuiltIn::DockerBuildx,
    majors: &[1, 2, 3, 4],
    branches: &["master"],
    inputs: &[
        "version",
        "driver",
        "driver-opts",
        "buildkitd-flags",
        "buildkitd-config",
        "buildkitd-config-inline",
        "use",
        "name",
        "endpoint",
        "platforms",
        "append",
        "keep-state",
        "cache-binary",
        "cleanup",
        "install",
        "config",
        "config-inline",
    ],
    check: anything,
    begin: |_, _, _| {
        let outputs = [("name", "penstock"), ("driver", "penstock"), ("platforms", PLATFORM), ("status", "running")];
        let outputs = outputs.map(|(name, value)| (name, value.to_owned()));
        Ok(Already::boxed(Done::well(outputs).note("images are built by Penstock's own builder, which is always there")))
    },
};

pub(super) const QEMU: Known = Known {
    name: "docker/setup-qemu-action",
    built_in: BuiltIn::DockerQemu,
    majors: &[1, 2, 3, 4],
    branches: &["master"],
    inputs: &["image", "platforms", "reset", "cache-image"],
    check: anything,
    begin: |_, _, _| {
        let outputs = [("platforms", PLATFORM.to_owned())];
        Ok(Already::boxed(Done::well(outputs).note(format!("images are built for {PLATFORM} alone: no other processor is emulated"))))
    },
};

pub(super) const BUILD: Known = Known {
    name: "docker/build-push-action",
    built_in: BuiltIn::DockerBuild,
    majors: &[2, 3, 4, 5, 6, 7],
    branches: &["master"],
    inputs: &[
        "add-hosts",
        "allow",
        "annotations",
        "attests",
        "build-args",
        "build-contexts",
        "builder",
        "cache-from",
        "cache-to",
        "call",
        "cgroup-parent",
        "context",
        "file",
        "github-token",
        "labels",
        "load",
        "network",
        "no-cache",
        "no-cache-filters",
        "outputs",
        "platforms",
        "provenance",
        "pull",
        "push",
        "sbom",
        "secret-envs",
        "secret-files",
        "secrets",
        "shm-size",
        "ssh",
        "tags",
        "target",
        "ulimit",
    ],
    check,
    begin,
};

#[cfg(target_arch = "aarch64")]
const PLATFORM: &str = "linux/arm64";
#[cfg(not(target_arch = "aarch64"))]
const PLATFORM: &str = "linux/amd64";

/// Inputs that would make another image than the builder makes.
const REFUSED: &[(&str, &str)] = &[
    ("target", "build the last stage, or put the other into a Dockerfile of its own"),
    ("secrets", "an image must not need a secret; fetch what it needs in a step before"),
    ("secret-envs", "an image must not need a secret; fetch what it needs in a step before"),
    ("secret-files", "an image must not need a secret; fetch what it needs in a step before"),
    ("ssh", "an image must not need a key; fetch what it needs in a step before"),
    ("build-contexts", "put the files into the one context"),
    ("call", "use `run: penstock build`"),
    ("add-hosts", "name them where they are used"),
];

fn check(inputs: &Inputs) -> Result<(), Refusal> {
    if let Some((name, help)) = REFUSED.iter().find(|(name, _)| inputs.get(name).is_some()) {
        return Err(Refusal::input(name, format!("`{name}` is not carried out"), *help));
    }
    let other = inputs.get("platforms").into_iter().flat_map(|all| all.split([',', '\n'])).map(str::trim);
    if let Some(other) = other.into_iter().find(|platform| !platform.is_empty() && *platform != PLATFORM) {
        let help = format!("write {PLATFORM}, or remove it");
        return Err(Refusal::input("platforms", format!("an image for {} cannot be built here", shown(other)), help));
    }
    if let Some(output) = inputs.get("outputs").filter(|output| !output.starts_with("type=image") && !output.starts_with("type=registry")) {
        return Err(Refusal::input(
            "outputs",
            format!("the output `{}` is not carried out", shown(output)),
            "images go to the own registry",
        ));
    }
    Ok(())
}

fn begin(inputs: Inputs, facts: &Facts, _: &BTreeMap<String, String>) -> Result<Box<dyn Act>, String> {
    let context = context(inputs.or("context", "."))?;
    let file = match inputs.get("file") {
        None => "Dockerfile".to_owned(),
        Some(file) => below(file, &context)?,
    };
    let names = names(&inputs, facts);
    let mut command = format!("penstock build --context {} --file {}", quoted(&context), quoted(&file));
    for argument in inputs.lines("build-args") {
        command.push_str(&format!(" --build-arg {}", quoted(&argument)));
    }
    let mut notes = Vec::new();
    if !inputs.lines("labels").is_empty() || !inputs.lines("annotations").is_empty() {
        notes.push(
            "labels and annotations are left out: the same files make the same image; its provenance says where it is from".to_owned(),
        );
    }
    if inputs.flag("load", false)? {
        notes.push("the image is in the own registry; there is no Docker daemon to load it into".to_owned());
    }
    let scripts: Vec<String> =
        names.iter().map(|name| format!("out=$({command} --image {})\nprintf '%s\\n' \"$out\"\n", quoted(name))).collect();
    let script = format!(
        "set -e\n{}digest=$(printf '%s' \"$out\" | grep -o 'sha256:[0-9a-f]\\{{64\\}}' | head -n 1)\necho \"digest=$digest\" >> \"$GITHUB_OUTPUT\"\necho \"imageid=$digest\" >> \"$GITHUB_OUTPUT\"\n",
        scripts.concat()
    );
    let (tags, name) = (inputs.lines("tags").join(","), names[0].clone());
    let mut doing = Doing::script(script);
    doing.notes = notes;
    Ok(Once::boxed(doing, move |last| {
        let digest = last.outputs.get("digest").cloned().unwrap_or_default();
        let metadata = serde_json::json!({ "containerimage.digest": digest, "image.name": if tags.is_empty() { name } else { tags } });
        Done::well([("metadata", metadata.to_string())])
    }))
}

/// The folder that is sent, below the checkout.
fn context(given: &str) -> Result<String, String> {
    let given = given.replace("{{defaultContext}}", ".").replace(".:", "./");
    if given.contains("://") || given.starts_with("git@") {
        return Err(format!("the context `{}` is not in the checkout\nhelp: name a folder of it", shown(&given)));
    }
    let trimmed = given.trim_start_matches("./").trim_end_matches('/');
    Ok(if trimmed.is_empty() { ".".to_owned() } else { trimmed.to_owned() })
}

/// The Dockerfile, below the context: the action names it below the checkout.
fn below(file: &str, context: &str) -> Result<String, String> {
    let file = file.trim_start_matches("./");
    if context == "." {
        return Ok(file.to_owned());
    }
    let inside = file.strip_prefix(context).and_then(|rest| rest.strip_prefix('/'));
    inside.map(str::to_owned).ok_or_else(|| {
        format!("`{}` does not lie in the context `{}`\nhelp: move it there, or make `.` the context", shown(file), shown(context))
    })
}

/// What the tags call the image, without registry, owner and tag, each once; the repository's name if there are none.
fn names(inputs: &Inputs, facts: &Facts) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let tags = inputs.lines("tags");
    for tag in tags.iter().flat_map(|line| line.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
        let last = tag.rsplit('/').next().unwrap_or(tag);
        let name = last.split([':', '@']).next().unwrap_or(last).to_lowercase();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push(facts.repository.rsplit('/').next().unwrap_or("image").to_lowercase());
    }
    names
}
