//! Repositories by their names, in the file that the real helm and Penstock share.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Said, chart, cluster, fetched::serve_to, folder, helm};
use crate::house::directory;

/// "ada:secret"
const ADA: &str = "Basic YWRhOnNlY3JldA==";

/// Somebody's home: helm's folders in it, shared by both programs.
pub(super) struct Home(pub(super) PathBuf);

impl Home {
    fn run(&self, mut command: Command, arguments: &[&str], password: &str) -> Said {
        let places = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, self.0.join(name)));
        command.args(arguments).envs(places).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // who reads no password may be gone already
        let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
        Said::of(child.wait_with_output().unwrap())
    }

    pub(super) fn penstock(&self, arguments: &[&str]) -> Said {
        self.run(Command::new(env!("CARGO_BIN_EXE_penstock")), &[&["chart"], arguments].concat(), "secret\n")
    }

    pub(super) fn helm(&self, arguments: &[&str]) -> Said {
        self.run(Command::new(cluster::helm()), arguments, "secret\n")
    }

    pub(super) fn file(&self) -> String {
        std::fs::read_to_string(self.0.join("HELM_CONFIG_HOME/repositories.yaml")).unwrap_or_default()
    }
}

/// A repository of one chart, which only Ada is shown.
fn repository(below: &Path) -> String {
    serve_to(packed(below), Some(ADA))
}

/// The files of a repository of one chart.
pub(super) fn packed(below: &Path) -> PathBuf {
    let place = below.join("repository");
    let part = folder(below, "part", &[("templates/p.yaml", "of: {{ .Chart.Version }}\n")]);
    for version in ["1.0.0", "1.2.0"] {
        chart(&["package", part.to_str().unwrap(), "--version", version, "-d", place.to_str().unwrap()]).fine();
    }
    helm(&["repo", "index", place.to_str().unwrap()]).fine();
    place
}

#[test]
fn a_repository_that_either_program_named_is_known_to_both() {
    let dir = directory();
    let address = repository(dir.path());
    let (home, other) = (Home(dir.path().join("home")), Home(dir.path().join("other")));
    let add = ["repo", "add", "ours", &address, "--username", "ada", "--password-stdin"];
    let said = [home.penstock(&add).fine(), other.helm(&add).fine()];
    assert_eq!(said[0], said[1]);
    assert_eq!((home.penstock(&add).fine(), home.file()), (other.helm(&add).fine(), other.file()), "the same file and words");
    let into = dir.path().join("into");
    let pull = |name: &str| ["pull", name, "--version", "1.0.0", "-d", into.to_str().unwrap()].map(str::to_owned);
    std::fs::create_dir_all(&into).unwrap();
    home.helm(&pull("ours/part").each_ref().map(String::as_str)).fine();
    home.helm(&["repo", "add", "theirs", &address, "--username", "ada", "--password-stdin"]).fine();
    assert!(home.penstock(&["template", "rel", "theirs/part"]).fine().contains("of: 1.2.0"));
    home.penstock(&pull("theirs/part").each_ref().map(String::as_str)).fine();
    let listed = home.penstock(&["repo", "list"]).fine();
    for line in home.helm(&["repo", "list"]).fine().lines().map(|line| line.split_whitespace().collect::<Vec<_>>()) {
        assert!(listed.lines().any(|ours| ours.split_whitespace().collect::<Vec<_>>() == line), "{line:?} is not in {listed}");
    }
    let updated = home.penstock(&["repo", "update"]).fine();
    assert!(updated.contains("...Successfully got an update from the \"ours\" chart repository"), "{updated}");
    home.penstock(&["repo", "remove", "ours", "theirs"]).fine();
    let left = home.helm(&["repo", "list"]);
    assert!(left.err.contains("no repositories to show"), "{left:?}");
    let laid = std::fs::read_dir(home.0.join("HELM_CACHE_HOME/repository")).unwrap();
    let laid: Vec<_> = laid.map(|file| file.unwrap().file_name()).filter(|name| !name.to_string_lossy().ends_with(".tgz")).collect();
    assert!(laid.is_empty(), "{laid:?}");
}

#[test]
fn dependencies_are_found_by_the_names_of_repositories_and_asked_for_with_their_logins() {
    let dir = directory();
    let address = repository(dir.path());
    let home = Home(dir.path().join("home"));
    home.penstock(&["repo", "add", "parts", &address, "--username", "ada", "--password-stdin"]).fine();
    let whole = folder(dir.path(), "whole", &[]);
    let path = whole.to_str().unwrap();
    let slashed = format!("{address}/");
    for repository in ["@parts", "alias:parts", &address, &slashed] {
        let dependency = format!("dependencies:\n  - {{name: part, version: ^1.0, repository: '{repository}'}}\n");
        std::fs::write(whole.join("Chart.yaml"), format!("apiVersion: v2\nname: whole\nversion: 1.0.0\n{dependency}")).unwrap();
        let lock = || -> Vec<String> {
            let text = std::fs::read_to_string(whole.join("Chart.lock")).unwrap();
            std::fs::remove_file(whole.join("Chart.lock")).unwrap();
            text.lines().filter(|line| !line.starts_with("generated")).map(str::to_owned).collect()
        };
        home.penstock(&["dependency", "update", path]).fine();
        assert!(whole.join("charts/part-1.2.0.tgz").is_file());
        home.penstock(&["dependency", "build", path]).fine();
        let ours = lock();
        home.helm(&["dependency", "update", path]).fine();
        assert_eq!(ours, lock(), "{repository}");
        std::fs::remove_dir_all(whole.join("charts")).unwrap();
    }
    let dependency = "dependencies:\n  - {name: part, version: ^1.0, repository: '@nobody'}\n";
    std::fs::write(whole.join("Chart.yaml"), format!("apiVersion: v2\nname: whole\nversion: 1.0.0\n{dependency}")).unwrap();
    let unknown = home.penstock(&["dependency", "update", path]);
    assert!(unknown.code == Some(2) && unknown.err.contains("no repository definition for @nobody"), "{unknown:?}");
}

#[test]
fn the_index_that_was_laid_counts_where_none_is_to_be_asked_for() {
    let dir = directory();
    let place = packed(dir.path());
    let home = Home(dir.path().join("home"));
    home.penstock(&["repo", "add", "parts", &serve_to(place.clone(), None)]).fine();
    let part = dir.path().join("part");
    chart(&["package", part.to_str().unwrap(), "--version", "1.3.0", "-d", place.to_str().unwrap()]).fine();
    helm(&["repo", "index", place.to_str().unwrap()]).fine();
    let dependency = "dependencies: [{name: part, version: ^1.0, repository: '@parts'}]\n";
    let metadata = format!("apiVersion: v2\nname: whole\nversion: 1.0.0\n{dependency}");
    let whole = folder(dir.path(), "whole", &[("Chart.yaml", &metadata)]);
    let (path, lock) = (whole.to_str().unwrap(), whole.join("Chart.lock"));
    for (flags, version) in [(&["--skip-refresh"][..], "1.2.0"), (&[], "1.3.0")] {
        let update = [&["dependency", "update", path], flags].concat();
        // helm lays the new index where it asks for one
        for program in [Home::penstock, Home::helm] {
            program(&home, &update).fine();
            assert!(std::fs::read_to_string(&lock).unwrap().contains(&format!("version: {version}\n")), "{flags:?}");
            std::fs::remove_file(&lock).unwrap();
        }
    }
    home.penstock(&["dependency", "update", path]).fine();
    home.penstock(&["dependency", "build", path, "--skip-refresh"]).fine();
    std::fs::remove_file(home.0.join("HELM_CACHE_HOME/repository/parts-index.yaml")).unwrap();
    let absent = home.penstock(&["dependency", "build", path, "--skip-refresh"]);
    assert!(absent.code == Some(6) && absent.err.contains("`penstock chart repo update` lays it"), "{absent:?}");
}

#[test]
fn a_repository_is_not_named_without_its_index_nor_renamed_nor_asked_with_another_s_login() {
    let dir = directory();
    let address = repository(dir.path());
    let home = Home(dir.path().join("home"));
    let refused = home.penstock(&["repo", "add", "parts", &address]);
    assert!(refused.code == Some(1) && refused.err.contains("is not a valid chart repository or cannot be reached"), "{refused:?}");
    assert_eq!(home.file(), "", "nothing was written");
    let seen = home.penstock(&["repo", "add", "parts", &address.replace("http://", "http://ada:secret@")]);
    assert!(seen.code == Some(2) && seen.err.contains("--password-stdin") && !seen.err.contains("ada:secret"), "{seen:?}");
    assert_eq!(home.penstock(&["repo", "add", "a/b", &address]).code, Some(2));
    home.penstock(&["repo", "add", "parts", &address, "--username", "ada", "--password-stdin"]).fine();
    let elsewhere = serve_to(dir.path().join("nothing"), None);
    let taken = home.penstock(&["repo", "add", "parts", &elsewhere]);
    assert!(taken.err.contains("repository name (parts) already exists, please specify a different name"), "{taken:?}");
    for (arguments, expected) in [
        (&["pull", "nobody/part"][..], "repo nobody not found"),
        (&["pull", "parts/none"], "no chart name found"),
        (&["repo", "remove", "nobody"], "no repo named \"nobody\" found"),
    ] {
        let said = home.penstock(arguments);
        assert!(said.code != Some(0) && said.err.contains(expected), "{said:?}");
    }
}

#[test]
fn an_index_that_cannot_be_read_keeps_none_of_the_others_from_being_updated() {
    let dir = directory();
    let address = repository(dir.path());
    let home = Home(dir.path().join("home"));
    for name in ["gone", "there", "more"] {
        home.penstock(&["repo", "add", name, &address, "--username", "ada", "--password-stdin"]).fine();
    }
    let elsewhere = serve_to(dir.path().join("nothing"), None);
    let file = home.file().replacen(&address, &elsewhere, 1);
    std::fs::write(home.0.join("HELM_CONFIG_HOME/repositories.yaml"), file).unwrap();
    // each line of its own, in any order, and why there is no index in other words
    let told = |said: &Said| {
        let mut lines: Vec<String> = said.out.lines().filter(|line| !line.starts_with('\t')).map(str::to_owned).collect();
        let last = lines.pop();
        lines.sort();
        (lines, last, said.code)
    };
    for arguments in [&["repo", "update"][..], &["repo", "update", "there"], &["repo", "update", "gone", "there"]] {
        let (ours, theirs) = (home.penstock(arguments), home.helm(arguments));
        assert_eq!(told(&ours), told(&theirs), "{arguments:?}: {}", ours.err);
        assert_eq!(ours.out.lines().count(), theirs.out.lines().count(), "{ours:?}");
    }
    for arguments in [&["repo", "update", "--fail-on-repo-update-fail"][..], &["repo", "update", "nobody", "there"]] {
        let (ours, theirs) = (home.penstock(arguments), home.helm(arguments));
        let why = theirs.err.trim_start_matches("Error: ").trim();
        assert!(ours.code != Some(0) && ours.err.contains(why), "{arguments:?}: {why} is not in {}", ours.err);
    }
}
