//! A directory with copies of what lies elsewhere. Nothing is fetched from the Internet, so what a pipeline file names there has
//! to be put here first, by whoever looks after the server.
//!
//! `remote/HOST/PATH`, `templates/NAME`, `projects/GROUP/NAME@REF/PATH` (without `@REF` for a file that asks for none),
//! `projects/HOST/GROUP/NAME@VERSION/templates/…` for components of other servers, `actions/OWNER/NAME.git`,
//! a bare copy of a repository, or `actions/OWNER/NAME@COMMIT/PATH`.

use std::cmp::Ordering;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use penstock_model::git::GitCopies;
use penstock_pipeline::{FileRef, Found, Source};

/// The most files of a mirrored project that are listed.
const MAX_LISTED: usize = 100_000;

/// The directory.
#[derive(Clone, Debug)]
pub struct Mirror {
    root: PathBuf,
    /// Reads bare copies of repositories.
    git: Option<Arc<dyn GitCopies>>,
    /// The server's own name and port: its components are projects without a host before them.
    host: String,
}

impl Mirror {
    /// A mirror, which may not be there.
    pub fn new(root: PathBuf, server_url: &str) -> Self {
        let host = server_url.split_once("://").map_or(server_url, |(_, host)| host);
        Self { root, git: None, host: host.split('/').next().unwrap_or_default().to_owned() }
    }

    /// The same, with bare copies of repositories.
    #[must_use]
    pub fn with_copies(self, git: Arc<dyn GitCopies>) -> Self {
        Self { git: Some(git), ..self }
    }

    /// The directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What reads bare copies.
    pub(super) fn git(&self) -> Option<&dyn GitCopies> {
        self.git.as_deref()
    }

    /// Whether a component is of this server.
    pub fn is_own(&self, host: &str) -> bool {
        host == self.host
    }

    /// A file, or why it is not there, and what to do.
    ///
    /// # Errors
    /// It is absent, too large, or not text.
    pub fn find(&self, file: &FileRef) -> Result<Found, String> {
        match file {
            FileRef::Local { path } => Err(format!("no repository has it\nhelp: add {path}")),
            FileRef::Project { project, reference, path } => self.read(&[&project_folder(project, reference.as_deref()), path]),
            FileRef::Changes { since } => Err(format!("there is no history to compare with `{since}`\nhelp: plan it in a clone")),
            FileRef::Artifact { job, .. } => Err(format!("`{job}` has not run yet\nhelp: the child pipeline is planned once it has")),
            FileRef::Remote { url } => {
                let address = url.split_once("://").map_or(url.as_str(), |(_, address)| address);
                self.read(&["remote", address])
            }
            FileRef::Template { name } => self.read(&["templates", name]),
            FileRef::Action { repository, reference, path } => self.read(&["actions", &format!("{repository}@{reference}"), path]),
            FileRef::Tag { .. } => Ok(Found::new("")),
            FileRef::Paths { project, reference } => self.listed(&project_folder(project, reference.as_deref())),
            FileRef::Component { host, path, version } => self.component(host, path, version),
        }
    }

    /// `templates/NAME.yml`, or `templates/NAME/template.yml`.
    fn component(&self, host: &str, path: &str, version: &str) -> Result<Found, String> {
        let (project, name) = path.rsplit_once('/').ok_or("it names no project")?;
        let project = if self.is_own(host) { project.to_owned() } else { format!("{host}/{project}") };
        let exact = self.root.join(project_folder(&project, Some(version))).is_dir();
        let reference = if exact { version.to_owned() } else { self.newest(&project, version).unwrap_or_else(|| version.to_owned()) };
        let folder = project_folder(&project, Some(&reference));
        let found = self.read(&[&folder, &format!("templates/{name}.yml")]);
        let found = found.or_else(|absent| self.read(&[&folder, &format!("templates/{name}/template.yml")]).map_err(|_| absent));
        found.map(|found| Found { commit: Some(reference.clone()), version: (!exact || is_version(version)).then_some(reference), ..found })
    }

    /// The newest version that is there and that `~latest`, `1` or `1.2` mean.
    fn newest(&self, project: &str, wanted: &str) -> Option<String> {
        let folder = self.root.join("projects").join(project);
        let prefix = format!("{}@", folder.file_name()?.to_str()?);
        let entries = std::fs::read_dir(folder.parent()?).ok()?.flatten().take(MAX_LISTED);
        let names = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_prefix(&prefix)?.to_owned()));
        newest(names, wanted)
    }

    fn read(&self, parts: &[&str]) -> Result<Found, String> {
        let relative: PathBuf = parts.iter().collect();
        let absent = || {
            let shown = relative.display();
            format!(
                "the mirror has no `{shown}`, and nothing is fetched from the Internet\nhelp: put a copy at {}",
                self.root.join(&relative).display()
            )
        };
        let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        let whole = std::fs::canonicalize(self.root.join(&relative)).ok();
        let root = std::fs::canonicalize(&self.root).ok();
        let Some(whole) = whole.filter(|whole| inside && root.is_some_and(|root| whole.starts_with(root)) && whole.is_file()) else {
            return Err(absent());
        };
        read_text(&whole)
    }

    fn listed(&self, folder: &str) -> Result<Found, String> {
        let top = self.root.join(folder);
        if !top.is_dir() {
            return Err(format!("the mirror has no `{folder}`\nhelp: put a copy at {}", top.display()));
        }
        let (mut text, mut open, mut count) = (String::new(), vec![top.clone()], 0);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                count += 1;
                if count > MAX_LISTED {
                    return Err(format!("it has more than {MAX_LISTED} files\nhelp: mirror what is needed of it"));
                }
                // a link is not followed
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => open.push(path),
                    Ok(kind) if kind.is_file() => {
                        if let Some(path) = path.strip_prefix(&top).ok().and_then(Path::to_str) {
                            text.push_str(path);
                            text.push('\0');
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(Found::new(text))
    }
}

fn project_folder(project: &str, reference: Option<&str>) -> String {
    match reference {
        Some(reference) => format!("projects/{project}@{reference}"),
        None => format!("projects/{project}"),
    }
}

/// A file of this machine as text, if it is not too large.
///
/// # Errors
/// Why it cannot be read, for people.
pub fn read_text(path: &Path) -> Result<Found, String> {
    let size = std::fs::metadata(path).map_or(0, |data| data.len());
    if size > u64::try_from(Source::MAX_BYTES).unwrap_or(u64::MAX) {
        return Err(format!("it has {size} bytes; at most {} are read\nhelp: split it", Source::MAX_BYTES));
    }
    super::text(std::fs::read(path).map_err(|error| format!("it cannot be read: {error}\nhelp: look at its rights"))?)
}

/// Whether a text is a version of three numbers.
pub(super) fn is_version(text: &str) -> bool {
    numbers(text).is_some_and(|numbers| numbers.0.len() == 3)
}

/// The newest of some tags that `~latest`, `1` or `1.2` mean; nothing for what is none of these.
pub(super) fn newest(tags: impl Iterator<Item = String>, wanted: &str) -> Option<String> {
    let prefix = match wanted {
        "~latest" => Vec::new(),
        _ => numbers(wanted).filter(|(numbers, before)| numbers.len() < 3 && !before)?.0,
    };
    let fits = |tag: &String| numbers(tag).is_some_and(|(numbers, before)| numbers.len() == 3 && !before && numbers.starts_with(&prefix));
    tags.filter(fits).max_by(|a, b| numbers(a).partial_cmp(&numbers(b)).unwrap_or(Ordering::Equal))
}

/// The numbers of a version, and whether it is one before the real one (`1.0.0-rc1`).
fn numbers(text: &str) -> Option<(Vec<u64>, bool)> {
    let text = text.strip_prefix('v').unwrap_or(text).split('+').next()?;
    let (text, before) = text.split_once('-').map_or((text, false), |(text, _)| (text, true));
    let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    numbers.filter(|numbers| numbers.len() <= 3).map(|numbers| (numbers, before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mirror() -> (tempfile::TempDir, Mirror) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("remote/x.org/ci/a.yml", "remote"),
            ("remote/x.org:8443/a.yml?ref=main", "query"),
            ("templates/Jobs/Build.gitlab-ci.yml", "template"),
            ("projects/group/ci@main/a.yml", "main"),
            ("projects/group/ci/a.yml", "head"),
            ("projects/group/ci@main/b/c.yml", "c"),
            ("projects/gitlab.com/org/ci@1.2.0/templates/build.yml", "1.2.0"),
            ("projects/gitlab.com/org/ci@1.10.1/templates/build/template.yml", "1.10.1"),
            ("projects/gitlab.com/org/ci@2.0.0-rc1/templates/build.yml", "rc"),
            ("projects/gitlab.com/org/ci@main/templates/build.yml", "branch"),
            ("projects/own/ci@1.0.0/templates/build.yml", "own"),
            ("actions/actions/cache@v4/action.yml", "action"),
        ] {
            let path = folder.path().join("mirror").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink("../../secret", folder.path().join("mirror/templates/link.gitlab-ci.yml")).unwrap();
        let mirror = Mirror::new(folder.path().join("mirror"), "http://127.0.0.1:7420/");
        (folder, mirror)
    }

    fn project(project: &str, reference: Option<&str>, path: &str) -> FileRef {
        FileRef::Project { project: project.to_owned(), reference: reference.map(str::to_owned), path: path.to_owned() }
    }

    #[test]
    fn every_kind_of_file_has_its_place() {
        let (_folder, mirror) = mirror();
        for (file, expected) in [
            (FileRef::Remote { url: "https://x.org/ci/a.yml".to_owned() }, "remote"),
            (FileRef::Remote { url: "http://x.org:8443/a.yml?ref=main".to_owned() }, "query"),
            (FileRef::Template { name: "Jobs/Build.gitlab-ci.yml".to_owned() }, "template"),
            (project("group/ci", Some("main"), "a.yml"), "main"),
            (project("group/ci", None, "a.yml"), "head"),
            (FileRef::Action { repository: "actions/cache".into(), reference: "v4".into(), path: "action.yml".into() }, "action"),
        ] {
            assert_eq!(mirror.find(&file).unwrap().text, expected, "{file}");
        }
        let paths = mirror.find(&FileRef::Paths { project: "group/ci".to_owned(), reference: Some("main".to_owned()) }).unwrap();
        let mut paths: Vec<&str> = paths.text.split_terminator('\0').collect();
        paths.sort_unstable();
        assert_eq!(paths, ["a.yml", "b/c.yml"]);
    }

    #[test]
    fn what_is_absent_is_told_with_where_to_put_it_and_nothing_leads_out() {
        let (folder, mirror) = mirror();
        let told = mirror.find(&FileRef::Remote { url: "https://x.org/none.yml".to_owned() }).unwrap_err();
        let place = folder.path().join("mirror/remote/x.org/none.yml");
        assert_eq!(
            told,
            format!(
                "the mirror has no `remote/x.org/none.yml`, and nothing is fetched from the Internet\nhelp: put a copy at {}",
                place.display()
            )
        );
        for name in ["../../secret", "link.gitlab-ci.yml", "/etc/passwd"] {
            assert!(mirror.find(&FileRef::Template { name: name.to_owned() }).unwrap_err().contains("the mirror has no"), "{name}");
        }
    }

    #[test]
    fn a_component_is_of_the_newest_version_that_fits() {
        let (_folder, mirror) = mirror();
        for (address, expected, version) in [
            ("gitlab.com/org/ci/build@1.2.0", "1.2.0", Some("1.2.0")),
            ("gitlab.com/org/ci/build@1", "1.10.1", Some("1.10.1")),
            ("gitlab.com/org/ci/build@1.2", "1.2.0", Some("1.2.0")),
            ("gitlab.com/org/ci/build@~latest", "1.10.1", Some("1.10.1")),
            ("gitlab.com/org/ci/build@main", "branch", None),
            ("127.0.0.1:7420/own/ci/build@1.0.0", "own", Some("1.0.0")),
        ] {
            let (path, wanted) = address.split_once('@').unwrap();
            let (host, path) = path.split_once('/').unwrap();
            let found = mirror.find(&FileRef::Component { host: host.into(), path: path.into(), version: wanted.into() }).unwrap();
            assert_eq!((found.text.as_str(), found.version.as_deref()), (expected, version), "{address}");
        }
        let absent = FileRef::Component { host: "gitlab.com".into(), path: "org/ci/build".into(), version: "3".into() };
        assert!(mirror.find(&absent).unwrap_err().starts_with("the mirror has no `projects/gitlab.com/org/ci@3/templates/build.yml`"));
    }
}
