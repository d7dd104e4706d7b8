//! Charts fetched from a repository that a plain web server serves, dependencies locked and brought in.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::{chart, folder, helm};
use crate::house::directory;

/// Serves a folder's files over HTTP until the test's process ends.
fn serve(folder: PathBuf) -> String {
    serve_to(folder, None)
}

/// Serves a folder's files over HTTP to whoever shows this login.
pub(super) fn serve_to(folder: PathBuf, login: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            answer(stream, &folder, login);
        }
    });
    address
}

/// Answers one request with a file of a folder.
pub(super) fn answer(mut stream: impl std::io::Read + std::io::Write, folder: &Path, login: Option<&str>) {
    let mut request = [0; 4096];
    let read = stream.read(&mut request).unwrap_or(0);
    let line = String::from_utf8_lossy(&request[..read]).into_owned();
    let path = line.split([' ', '?']).nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
    let shown = line.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization: ")).and_then(|line| line.split_once(": "));
    let (status, body) = match std::fs::read(folder.join(&path)) {
        _ if login.is_some() && shown.map(|(_, login)| login) != login => ("401 Unauthorized", Vec::new()),
        Ok(body) if !path.contains("..") => ("200 OK", body),
        _ => ("404 Not Found", Vec::new()),
    };
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(&body);
    let _ = stream.flush();
}

/// A repository with two versions of a chart, indexed by helm.
fn repository(below: &Path) -> String {
    let place = below.join("repository");
    for version in ["1.0.0", "1.2.0", "2.0.0-rc.1"] {
        let part = folder(
            below,
            "part",
            &[("values.yaml", "size: 1\n"), ("templates/p.yaml", "size: {{ .Values.size }}\nof: {{ .Chart.Version }}\n")],
        );
        let packed = chart(&["package", part.to_str().unwrap(), "--version", version, "-d", place.to_str().unwrap()]);
        packed.fine();
    }
    let address = serve(place.clone());
    helm(&["repo", "index", place.to_str().unwrap(), "--url", &address]).fine();
    address
}

#[test]
fn dependencies_are_found_locked_and_built_as_helm_would() {
    let dir = directory();
    let address = repository(dir.path());
    let whole = folder(dir.path(), "whole", &[("templates/w.yaml", "whole: true\n")]);
    let metadata = format!(
        "apiVersion: v2\nname: whole\nversion: 1.0.0\ndependencies:\n  - name: part\n    version: ^1.0\n    repository: {address}\n"
    );
    std::fs::write(whole.join("Chart.yaml"), metadata).unwrap();
    let path = whole.to_str().unwrap();
    let missing = chart(&["template", path]);
    assert!(missing.code == Some(2) && missing.err.contains("missing in charts/ directory: part"), "{missing:?}");
    chart(&["dependency", "update", path]).fine();
    assert!(whole.join("charts/part-1.2.0.tgz").is_file());
    let lock = || -> Vec<String> {
        let text = std::fs::read_to_string(whole.join("Chart.lock")).unwrap();
        text.lines().filter(|line| !line.starts_with("generated")).map(str::to_owned).collect()
    };
    let ours = lock();
    std::fs::remove_file(whole.join("Chart.lock")).unwrap();
    helm(&["dependency", "update", path]).fine();
    assert_eq!(ours, lock(), "helm writes the same lock");
    std::fs::remove_dir_all(whole.join("charts")).unwrap();
    chart(&["dependency", "build", path]).fine();
    assert_eq!(chart(&["template", "rel", path]).fine(), helm(&["template", "rel", path]).fine());
    assert!(chart(&["dependency", "list", path]).fine().contains("ok"));
    std::fs::write(whole.join("Chart.yaml"), std::fs::read_to_string(whole.join("Chart.yaml")).unwrap().replace("^1.0", "^2.0")).unwrap();
    let stale = chart(&["dependency", "build", path]);
    assert!(stale.err.contains("is out of sync with the dependencies file"), "{stale:?}");
}

#[test]
fn values_are_fetched_by_their_address_as_by_helm() {
    let dir = directory();
    let place = dir.path().join("served");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("more.yaml"), "size: 7\ntext: from the file\n").unwrap();
    std::fs::write(place.join("text.txt"), "a text,\nof two lines\n").unwrap();
    std::fs::write(place.join("bad.yaml"), "size: [\n").unwrap();
    let address = serve(place);
    let part = folder(dir.path(), "part", &[("values.yaml", "size: 1\n"), ("templates/p.yaml", "all: {{ .Values | toJson }}\n")]);
    let (part, more) = (part.to_str().unwrap(), format!("{address}/more.yaml"));
    let text = format!("text={address}/text.txt,more.again={address}/text.txt");
    for flags in [&["-f", &more][..], &["--set-file", &text], &["-f", &more, "--set-file", &text, "--set", "size=8"]] {
        let arguments = [&["template", "rel", part], flags].concat();
        assert_eq!(chart(&arguments).fine(), helm(&arguments).fine(), "{flags:?}");
    }
    let explained = chart(&["explain", "size", part, "-f", &more]).fine();
    assert!(explained.contains("more.yaml:1"), "{explained}");
    assert!(chart(&["lint", part, "-f", &more]).fine().contains("1 chart(s) linted, 0 chart(s) failed"));
    let secret = address.replace("http://", "http://ada:hunter2@");
    let bad = chart(&["template", "rel", part, "-f", &format!("{secret}/bad.yaml?token=hunter2")]);
    assert!(bad.err.contains(&format!("failed to parse {address}/bad.yaml: ")) && !bad.err.contains("hunter2"), "{bad:?}");
    let absent = chart(&["template", "rel", part, "--set-file", &format!("a={secret}/none.txt")]);
    assert!(absent.code == Some(6) && absent.err.contains("404 Not Found") && !absent.err.contains("hunter2"), "{absent:?}");
    let other = chart(&["template", "rel", part, "-f", "s3://bucket/more.yaml"]);
    assert!(other.code == Some(2) && other.err.contains("values are not fetched by s3://"), "{other:?}");
}

#[test]
fn a_chart_is_pulled_by_its_version_and_refused_if_it_is_not_what_the_index_says() {
    let dir = directory();
    let address = repository(dir.path());
    let into = dir.path().join("into");
    let pull = |more: &[&str]| {
        let mut arguments = vec!["pull", "part", "--repo", &address, "-d", into.to_str().unwrap()];
        arguments.extend(more);
        chart(&arguments)
    };
    pull(&[]).fine();
    assert!(into.join("part-1.2.0.tgz").is_file());
    pull(&["--devel"]).fine();
    assert!(into.join("part-2.0.0-rc.1.tgz").is_file());
    pull(&["--version", "~1.0", "--untar"]).fine();
    assert!(into.join("part/Chart.yaml").is_file());
    assert_eq!(pull(&["--version", "9"]).code, Some(6));
    std::fs::copy(dir.path().join("repository/part-1.0.0.tgz"), dir.path().join("repository/part-1.2.0.tgz")).unwrap();
    let changed = pull(&[]);
    assert!(changed.code == Some(1) && changed.err.contains("but the index"), "{changed:?}");
    assert!(chart(&["template", "rel", "part", "--repo", &address, "--version", "1.0.0"]).fine().contains("of: 1.0.0"));
}
