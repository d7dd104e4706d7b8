//! Files that a pipeline file names: of this server's repositories, for whoever may read them, and of the mirror.

use penstock_delivery::library::{Mirror, OnHost, Shelf as _, planned};
use penstock_model::git::GitHost as _;
use penstock_model::{CommitId, UserName};
use penstock_pipeline::{Dialect, FileRef, Library, PushEvent, Source, Trigger};

use crate::house::House;

pub const HOST: &str = "penstock.example:7420";

pub fn event(commit: &CommitId) -> PushEvent {
    PushEvent {
        trigger: Trigger::Push,
        project: "oran".parse().unwrap(),
        repository: "oran".parse().unwrap(),
        reference: "refs/heads/main".to_owned(),
        commit: commit.clone(),
        before: None,
        default_branch: "main".to_owned(),
        message: "change\n".to_owned(),
        facts: Box::default(),
        pusher: "ada".parse().unwrap(),
        changed: None,
        files: Vec::new(),
        variables: std::collections::BTreeMap::default(),
        given: std::collections::BTreeMap::new(),
        open_merge_requests: Vec::new(),
        server_url: format!("http://{HOST}"),
        registry: HOST.to_owned(),
    }
}

/// The jobs of a pipeline file of `oran` that a user started, or what is wrong with it.
async fn jobs(house: &House, who: &str, text: &str) -> String {
    let (oran, who): (_, UserName) = ("oran".parse().unwrap(), who.parse().unwrap());
    let commit = house.git.push(&oran, "main", &[("ci/local.yml", Some("local: {script: l}"))], "ada", "ci");
    let world = house.parts.journal.world();
    let mirror = Mirror::new(house.dir.path().join("mirror"), &format!("http://{HOST}"));
    let shelf = OnHost { git: &*house.git, world: &world, repository: &oran, commit: &commit, who: &who, mirror: &mirror };
    let source = Source { path: ".gitlab-ci.yml", text };
    match planned(Dialect::GitlabCi, &source, &event(&commit), &shelf).await.unwrap() {
        Ok(plan) => plan.jobs.iter().map(|job| job.name.to_string()).collect::<Vec<_>>().join(" "),
        Err(why) => why.lines().filter(|line| line.starts_with("error:") || line.contains("help:")).collect::<Vec<_>>().join("\n"),
    }
}

async fn house() -> House {
    let house = House::with(&[]).await;
    let shared = "shared".parse().unwrap();
    let files = [
        ("ci/a.yml", Some("include: /ci/b.yml\na: {script: a}")),
        ("ci/b.yml", Some("b: {script: b}")),
        ("templates/build.yml", Some("spec:\n  component: [sha, version]\n---\nbuild: {script: 'echo $[[ component.sha ]]'}")),
    ];
    house.git.push(&shared, "main", &files, "ada", "shared");
    house.git.push(&shared, "next", &[("ci/a.yml", Some("next: {script: n}"))], "ada", "next");
    for (path, text) in [("projects/group/ci@v1/a.yml", "far: {script: f}"), ("remote/x.org/a.yml", "remote: {script: r}")] {
        let path = house.dir.path().join("mirror").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    house
}

#[tokio::test]
async fn files_come_from_the_repository_from_others_of_the_server_and_from_the_mirror() {
    let house = house().await;
    for (include, expected) in [
        ("ci/local.yml", "local"),
        ("{project: shared, file: ci/a.yml}", "b a"),
        ("{project: shared, ref: next, file: ci/a.yml}", "next"),
        ("{project: oran, file: ci/local.yml}", "local"),
        ("{component: $CI_SERVER_FQDN/shared/build@main}", "build"),
        ("{project: group/ci, ref: v1, file: a.yml}", "far"),
        ("https://x.org/a.yml", "remote"),
    ] {
        assert_eq!(jobs(&house, "ada", &format!("include: {include}")).await, expected, "{include}");
    }
}

#[tokio::test]
async fn what_is_absent_or_not_for_the_user_is_told_with_what_to_do() {
    let house = house().await;
    let place = house.dir.path().join("mirror/projects/other/ci/a.yml");
    for (who, include, expected) in [
        ("ada", "ci/none.yml", "`oran` has no such file at".to_owned()),
        ("ada", "{project: shared, file: none.yml}", "`shared` has no such file at".to_owned()),
        ("ada", "{project: shared, ref: v9, file: ci/a.yml}", "`shared` has no branch, tag or commit `v9`".to_owned()),
        ("nobody", "{project: shared, file: ci/a.yml}", "nobody may not read `shared`".to_owned()),
        ("nobody", "{project: oran, file: ci/none.yml}", "`oran` has no such file".to_owned()),
        ("ada", "{project: other/ci, file: a.yml}", format!("put a copy at {}", place.display())),
    ] {
        let told = jobs(&house, who, &format!("include: {include}")).await;
        assert!(told.contains(&expected) && told.contains("help:"), "{include}: {told}");
    }
}

#[tokio::test]
async fn changes_are_told_since_two_branches_parted() {
    let house = House::with(&[]).await;
    let oran = "oran".parse().unwrap();
    let (world, mirror) = (house.parts.journal.world(), Mirror::new(house.dir.path().join("mirror"), HOST));
    house.git.push(&oran, "main", &[("docs/a.md", Some("a"))], "ada", "docs");
    let commit = house.git.push(&oran, "main", &[("src/b.rs", Some("b"))], "ada", "source");
    let who = "ada".parse().unwrap();
    let shelf = OnHost { git: &*house.git, world: &world, repository: &oran, commit: &commit, who: &who, mirror: &mirror };
    let first = house.git.commit(&oran, &commit).await.unwrap().parents[0].to_string();
    let listed = async |since: &str| shelf.find(&FileRef::Changes { since: since.to_owned() }).await.unwrap();
    assert_eq!(listed(&first).await.unwrap().text, "src/b.rs\0");
    assert_eq!(listed("main").await.unwrap().text, "");
    assert!(listed("nope").await.unwrap_err().starts_with("`oran` has no branch, tag or commit `nope`"));
}

#[test]
fn a_library_shows_the_line_of_the_file_that_is_wrong() {
    let mut library = Library::new();
    let source = Source { path: ".gitlab-ci.yml", text: "include: a.yml" };
    let file = FileRef::Local { path: "a.yml".to_owned() };
    library.put(file, Ok(penstock_pipeline::Found::new("a:\n  scrpt: x\n")));
    let Err(penstock_pipeline::Unplanned::Refused(problems)) =
        penstock_pipeline::plan(Dialect::GitlabCi, &source, &event(&"a".repeat(40).parse().unwrap()), &library)
    else {
        panic!("it is planned")
    };
    let shown = library.render(&source, &problems);
    assert!(shown.contains(" --> a.yml:2:3 (a.scrpt)\n  |\n2 |   scrpt: x\n  |   ^^^^^\n"), "{shown}");
}
