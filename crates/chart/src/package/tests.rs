use std::io::Read as _;

use flate2::read::GzDecoder;

use super::{
    Entry, Found, Index, IndexError, KnownRepository, PackError, Source, check_lock, digest, lock::digest_of_helm_2, lock_text, locked,
    name_repositories, pack, resolve,
};
use crate::{
    chart::{Chart, Dependency, File, Lock},
    load,
};

fn chart(files: &[(&str, &str)]) -> Chart {
    let file = |(name, data): &(&str, &str)| File { name: (*name).into(), data: (*data).into() };
    load::files(files.iter().map(file).collect()).expect("a chart").chart
}

fn whole() -> Chart {
    let long = format!("files/{}/{}", "d".repeat(90), "f".repeat(60));
    let longer = format!("files/{}", "f".repeat(160));
    chart(&[
        (
            "Chart.yaml",
            "name: c\napiVersion: v2\nversion: 1.2.3+b\nappVersion: 1.10\nkeywords: [b, a]\ndependencies:\n- {name: s, version: '>=0.1', repository: '', import-values: [{child: a, parent: b}, q]}\n",
        ),
        (
            "Chart.lock",
            "generated: '2020-01-01T00:00:00.50Z'\ndigest: sha256:x\ndependencies: [{name: s, version: 0.1.0, repository: ''}]\n",
        ),
        ("values.yaml", "# kept\na: 1\n"),
        ("values.schema.json", "{}"),
        ("templates/a.yaml", "x"),
        ("README.md", "r"),
        (long.as_str(), "l"),
        (longer.as_str(), "m"),
        ("files/é", "u"),
        ("charts/s/Chart.yaml", "apiVersion: v1\nname: s\nversion: 0.1.0\n"),
        ("charts/s/requirements.yaml", "dependencies: [{name: q, version: 1.0, repository: 'http://x'}]\n"),
    ])
}

#[test]
fn a_chart_that_was_packed_is_the_same_when_it_is_loaded() {
    let before = whole();
    let packed = pack(&before, 1_600_000_000).expect("packed");
    assert_eq!(packed.file_name, "c-1.2.3+b.tgz");
    assert_eq!(pack(&before, 1_600_000_000).expect("packed"), packed);
    let after = load::archive(&packed.bytes).expect("a chart").chart;
    assert_eq!(after.metadata, before.metadata);
    assert_eq!((&after.values, &after.schema, &after.lock), (&before.values, &before.schema, &before.lock));
    assert_eq!((&after.templates, &after.files), (&before.templates, &before.files));
    assert_eq!(after.dependencies.first().map(|it| &it.metadata), before.dependencies.first().map(|it| &it.metadata));
}

#[test]
fn an_archive_has_helms_files_in_helms_order_and_words() {
    let packed = pack(&whole(), 1_600_000_000).expect("packed");
    let mut tar = Vec::new();
    GzDecoder::new(packed.bytes.as_slice()).read_to_end(&mut tar).expect("gzip");
    let mut archive = tar::Archive::new(tar.as_slice());
    let mut seen = Vec::new();
    for entry in archive.entries().expect("tar") {
        let mut entry = entry.expect("an entry");
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("a text");
        assert_eq!((entry.header().mode().ok(), entry.header().mtime().ok()), (Some(0o644), Some(1_600_000_000)));
        seen.push((name, text));
    }
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).filter(|name| name.len() < 90).collect();
    assert_eq!(
        names,
        [
            "c/Chart.yaml",
            "c/Chart.lock",
            "c/values.yaml",
            "c/values.schema.json",
            "c/templates/a.yaml",
            "c/README.md",
            "c/files/é",
            "c/charts/s/Chart.yaml",
            "c/charts/s/requirements.yaml"
        ]
    );
    let text = |name: &str| seen.iter().find(|(seen, _)| seen == name).map(|(_, text)| text.as_str());
    assert_eq!(
        text("c/Chart.yaml"),
        Some(
            "apiVersion: v2\nappVersion: \"1.1\"\ndependencies:\n- import-values:\n  - child: a\n    parent: b\n  - q\n  name: s\n  repository: \"\"\n  version: '>=0.1'\nkeywords:\n- b\n- a\nname: c\nversion: 1.2.3+b\n"
        )
    );
    assert_eq!(
        text("c/Chart.lock"),
        Some("dependencies:\n- name: s\n  repository: \"\"\n  version: 0.1.0\ndigest: sha256:x\ngenerated: \"2020-01-01T00:00:00.5Z\"\n")
    );
    assert_eq!(text("c/values.yaml"), Some("# kept\na: 1\n"));
    assert_eq!(text("c/charts/s/Chart.yaml"), Some("apiVersion: v1\nname: s\nversion: 0.1.0\n"));
}

#[test]
fn a_chart_that_says_wrong_things_is_not_packed() {
    let mut wrong = whole();
    wrong.metadata.version = "x".to_owned();
    let said = pack(&wrong, 0).unwrap_err().to_string();
    assert_eq!(said, "chart validation: validation: chart.metadata.version \"x\" is invalid");
    let mut wrong = whole();
    wrong.schema = Some("{".into());
    assert_eq!(pack(&wrong, 0).unwrap_err(), PackError::Schema);
    let mut wrong = whole();
    wrong.dependencies[0].metadata.name = "../x".to_owned();
    assert_eq!(pack(&wrong, 0).unwrap_err().to_string(), "\"../x\" is not a valid chart name");
}

/// `helm dependency update` wrote this digest of these dependencies.
#[test]
fn the_digest_of_a_lock_is_helms() {
    let asked = chart(&[(
        "Chart.yaml",
        "apiVersion: v2\nname: d\nversion: 0.1.0\ndependencies:\n- name: a\n  version: \">=1.0.0 <2\"\n  repository: file://../a\n  condition: a.enabled\n  tags: [x, \"<&>\"]\n  alias: other\n  import-values:\n  - data\n  - {parent: \"p\", child: c.d, n: 1.5}\n",
    )]);
    let asked_for = &asked.metadata.dependencies;
    assert_eq!(resolve(asked_for).expect("needs")[0].source, Source::Directory("../a".to_owned()));
    let found = locked(asked_for, &[Found::Versions(vec!["1.2.3".to_owned()])]).expect("a lock");
    let digest = digest(asked_for, &found).expect("a digest");
    assert_eq!(digest, "sha256:eaf2bc8f56da1322390fde6baf6071884cdab6d75ad0d886dc2d9233c61484a9");
    let lock = Lock { generated: "2026-11-26T21:17:52.916795311Z".to_owned(), digest: digest.clone(), dependencies: found };
    assert_eq!(
        lock_text(&lock).expect("a text"),
        format!(
            "dependencies:\n- name: a\n  repository: file://../a\n  version: 1.2.3\ndigest: {digest}\ngenerated: \"2026-11-26T21:17:52.916795311Z\"\n"
        )
    );
}

#[test]
fn a_lock_of_other_dependencies_is_stale() {
    let mut it = whole();
    let asked = it.metadata.dependencies.clone();
    let stale = "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies";
    assert_eq!(check_lock(&it, &asked).unwrap_err().to_string(), stale);
    let lock = it.lock.as_mut().expect("a lock");
    lock.digest = digest(&asked, &lock.dependencies).expect("a digest");
    assert_eq!(check_lock(&it, &asked), Ok(()));
    it.metadata.api_version = "v1".to_owned();
    it.lock.as_mut().expect("a lock").digest = digest_of_helm_2(&asked).expect("a digest");
    assert_eq!(check_lock(&it, &asked), Ok(()));
    it.lock = None;
    assert_eq!(check_lock(&it, &asked), Ok(()));
}

fn dependency(name: &str, version: &str, repository: &str) -> Dependency {
    Dependency { name: name.to_owned(), version: version.to_owned(), repository: repository.to_owned(), ..Dependency::default() }
}

#[test]
fn the_names_of_repositories_become_their_addresses() {
    let known = [
        KnownRepository { name: "one".to_owned(), url: "https://one.example/charts/".to_owned() },
        KnownRepository { name: "two".to_owned(), url: "https://two.example".to_owned() },
    ];
    let mut asked = [
        dependency("a", "*", "@one"),
        dependency("b", "*", "alias:two"),
        dependency("c", "*", "https://one.example/charts"),
        dependency("d", "*", "https://three.example"),
        dependency("e", "*", "oci://four.example/x"),
        dependency("f", "*", ""),
    ];
    let names = name_repositories(&mut asked, &known).expect("names");
    let names: Vec<_> = names.iter().map(|(name, repository)| (name.as_str(), repository.as_str())).collect();
    assert_eq!(names, [("a", "one"), ("b", "two"), ("c", "one")]);
    assert_eq!([asked[0].repository.as_str(), &asked[1].repository], ["https://one.example/charts/", "https://two.example"]);
    let mut asked = [dependency("a", "*", "stable"), dependency("b", "*", "@nope"), dependency("c", "*", "alias:nope")];
    assert_eq!(
        name_repositories(&mut asked, &known).unwrap_err().to_string(),
        "no repository definition for stable, @nope. Please add them via 'helm repo add'\nNote that repositories must be URLs or aliases. For example, to refer to the \"example\"\nrepository, use \"https://charts.example.com/\" or \"@example\" instead of\n\"example\". Don't forget to add the repo, too ('helm repo add')."
    );
}

#[test]
fn the_newest_version_that_a_constraint_takes_is_chosen() {
    let versions = || Found::Versions(["2.0.0-rc.1", "1.10.0", "1.2.3", "x"].map(str::to_owned).to_vec());
    let asked = [dependency("a", "*", "https://x"), dependency("b", "~1.2", "oci://x/y"), dependency("c", ">1 <2", "")];
    let chosen = locked(&asked, &[versions(), versions(), Found::AsAsked]).expect("a lock");
    let chosen: Vec<&str> = chosen.iter().map(|it| it.version.as_str()).collect();
    assert_eq!(chosen, ["1.10.0", "1.2.3", ">1 <2"]);
    let needed = resolve(&asked).expect("needs");
    assert_eq!((&needed[1].source, needed[1].is_exact), (&Source::Oci("x/y".to_owned()), false));
    let error = |asked: Dependency, found: Found| locked(&[asked], &[found]).unwrap_err().to_string();
    assert_eq!(
        error(dependency("a", "^3", "https://x"), versions()),
        "can't get a valid version for 1 subchart(s): \"a\" (repository \"https://x\", version \"^3\"). Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml"
    );
    assert_eq!(error(dependency("a", "^3", "https://x"), Found::NoEntry), "a chart not found in repo https://x");
    assert_eq!(
        resolve(&[dependency("a", "nope", "")]).unwrap_err().to_string(),
        "dependency \"a\" has an invalid version/constraint format: improper constraint: nope"
    );
}

const INDEX: &str = "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.2.3, apiVersion: v2, urls: [a-1.2.3.tgz], digest: d, created: '2020-01-01T00:00:00Z'}\n  - {name: a, version: 2.0.0-rc.1, urls: [x]}\n  - {name: a, version: 1.10.0, urls: []}\n  - {name: a, version: nope, urls: [x]}\n  - null\ngenerated: '2020-01-01T00:00:00Z'\n";

#[test]
fn an_index_lists_the_newest_first_and_leaves_out_what_is_no_chart() {
    let (index, warnings) = Index::read(INDEX.as_bytes(), "here").expect("an index");
    let listed: Vec<&str> = index.entries["a"].iter().map(|entry| entry.metadata.version.as_str()).collect();
    assert_eq!(listed, ["2.0.0-rc.1", "1.10.0", "1.2.3"]);
    assert_eq!(
        warnings,
        [
            "skipping loading invalid entry for chart \"a\" \"nope\" from here: validation: chart.metadata.version \"nope\" is invalid",
            "skipping loading invalid entry for chart \"a\" from here: empty entry",
        ]
    );
    let version = |asked: &str| index.get("a", asked).map(|entry| entry.metadata.version.clone());
    assert_eq!(version(""), Ok("1.10.0".to_owned()));
    assert_eq!(version("~1.2"), Ok("1.2.3".to_owned()));
    assert_eq!(version("2.0.0-rc.1"), Ok("2.0.0-rc.1".to_owned()));
    assert_eq!(version("3").unwrap_err().to_string(), "no chart version found for a-3");
    assert_eq!(index.get("b", "").unwrap_err(), IndexError::NoName);
    assert_eq!(index.versions("a").expect("versions"), ["2.0.0-rc.1", "1.2.3"]);
    assert_eq!(index.locked("a", "v1.2.3").map(|entry| entry.urls.clone()), Some(vec!["a-1.2.3.tgz".to_owned()]));
}

#[test]
fn an_index_that_is_wrong_is_refused_in_helms_words() {
    let error = |text: &str| Index::read(text.as_bytes(), "here").unwrap_err().to_string();
    assert_eq!(error(""), "empty index.yaml file");
    assert_eq!(error("entries: {}"), "no API version specified");
    let strict = "error unmarshaling JSON: while decoding JSON: json: unknown field \"x\"";
    assert_eq!(error("apiVersion: v1\nx: 1"), strict);
    assert_eq!(error("apiVersion: v1\nentries: {a: [{x: 1}]}"), strict);
    assert!(Index::read(br#"{"apiVersion":"v1","x":1,"entries":{"a":[{"x":1}]}}"#, "here").is_ok());
}

#[test]
fn an_index_that_was_made_is_the_same_when_it_is_read() {
    let chart = whole();
    let mut index = Index { api_version: "v1".to_owned(), generated: "2020-01-01T00:00:00Z".to_owned(), ..Index::default() };
    index.add(Entry {
        metadata: chart.metadata,
        urls: vec!["https://x/c.tgz".to_owned()],
        created: "2020-01-01T00:00:00.5Z".to_owned(),
        digest: "d".to_owned(),
        removed: false,
    });
    let (other, _) = Index::read(INDEX.as_bytes(), "here").expect("an index");
    index.merge(other.clone());
    index.merge(other);
    index.sort();
    assert_eq!(index.entries["a"].len(), 3);
    let text = index.text().expect("a text");
    assert_eq!(Index::read(text.as_bytes(), "there"), Ok((index, Vec::new())));
}
