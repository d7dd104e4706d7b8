//! A job's `.git`, with the real git as the judge, run as another user over objects that it can only read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use penstock_git::{BareRepositories, HostSettings};
use penstock_model::CommitId;
use penstock_model::git::{GitHost, History, WorkTree};

use crate::fixture::{Fixture, fixture, git, try_git};

/// A user that has no right here.
const JOB: u32 = 150_000;

struct Job {
    tree: PathBuf,
    origin: PathBuf,
}

/// A work tree as a job finds it, which is another user's.
async fn job(it: &Fixture, commit: &CommitId, branch: Option<&str>) -> Job {
    open(it.dir.path());
    let (tree, origin) = (it.dir.path().join("work"), it.dir.path().join("origin"));
    if origin.join("objects").exists() {
        fs::remove_file(origin.join("objects")).unwrap();
    }
    let wanted = WorkTree { branch: branch.map(str::to_owned), origin: origin.clone(), seen_at: origin.clone() };
    let history = it.host.work_tree(&it.name, commit, &tree, &[], &wanted).await.unwrap();
    let History::Objects { own: objects, borrowed: None } = history else { panic!("{history:?}") };
    // what a mount does for jobs; the way to the objects is the data directory, which is the server's
    fs::remove_dir(origin.join("objects")).unwrap();
    symlink(&objects, origin.join("objects")).unwrap();
    open(&it.dir.path().join("git"));
    open(&it.bare());
    for top in [&tree, &origin] {
        give(top);
    }
    Job { tree, origin }
}

fn open(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn give(path: &Path) {
    lchown(path, Some(JOB), Some(JOB)).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

impl Job {
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.tree).uid(JOB).gid(JOB).env("HOME", "/nonexistent").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Job").env(format!("GIT_{who}_EMAIL"), "job@example.org");
        }
        let output = command.output().unwrap();
        (output.status.success(), [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat().trim().to_owned())
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let (good, said) = self.run(arguments);
        assert!(good, "git {arguments:?}: {said}");
        said
    }
}

/// Three commits, the second of them with an annotated tag, and a branch beside `main` with one of its own.
async fn history(it: &Fixture) -> (CommitId, CommitId) {
    it.commit(&[("README", Some("1")), ("src/a b.rs", Some("a")), ("src/long/deep.rs", Some("d")), ("empty", Some(""))]).await;
    let second = it.commit(&[("README", Some("2"))]).await;
    git(&it.bare(), &["tag", "-a", "-m", "first", "v1.0", second.as_str()]);
    git(&it.bare(), &["tag", "-a", "-m", "a tag of a tag", "v1.0-signed", "v1.0"]);
    git(&it.bare(), &["branch", "feature/x", second.as_str()]);
    let main = it.commit(&[("README", Some("3"))]).await;
    let feature = {
        let mut change = crate::fixture::change(Some(second), &[("src/new.rs", Some("new"))]);
        "feature/x".clone_into(&mut change.branch);
        it.host.commit_change(&it.name, &change).await.unwrap()
    };
    (main, feature)
}

#[tokio::test]
async fn the_last_change_of_a_file_is_found_by_its_very_name() {
    let it = fixture().await;
    let first = it.commit(&[("a*", Some("1")), ("ab", Some("1"))]).await;
    let second = it.commit(&[("ab", Some("2"))]).await;
    let third = it.commit(&[("other", Some("3")), ("ab", None)]).await;
    for (seen_from, path, expected) in
        [(&third, "a*", Some(&first)), (&second, "ab", Some(&second)), (&third, "ab", Some(&third)), (&first, "other", None)]
    {
        assert_eq!(it.host.last_change(&it.name, seen_from, path).await.unwrap().as_ref(), expected, "{path}");
    }
}

#[tokio::test]
async fn two_branches_meet_where_git_says_and_strangers_nowhere() {
    let it = fixture().await;
    let (main, feature) = history(&it).await;
    let meet = git(&it.bare(), &["rev-parse", "v1.0^{commit}"]);
    for (one, other) in [(&main, &feature), (&feature, &main)] {
        assert_eq!(it.host.merge_base(&it.name, one, other).await.unwrap().unwrap().as_str(), meet);
    }
    let stranger = it.commit_tree("");
    assert_eq!(it.host.merge_base(&it.name, &main, &stranger).await.unwrap(), None);
    let absent = "7".repeat(40).parse().unwrap();
    assert!(it.host.merge_base(&it.name, &main, &absent).await.is_err(), "what is not there is no stranger");
}

#[tokio::test]
async fn git_in_a_jobs_checkout_answers_as_in_a_clone() {
    let it = fixture().await;
    let (main, feature) = history(&it).await;
    let job = job(&it, &feature, None).await;
    assert_eq!(job.git(&["status", "--porcelain"]), "");
    assert_eq!(job.git(&["describe", "--tags", "--dirty", "--always"]), format!("v1.0-1-g{}", &feature.as_str()[..7]));
    assert_eq!(job.git(&["describe", "--match", "v1.0-*"]), format!("v1.0-signed-1-g{}", &feature.as_str()[..7]));
    assert_eq!(job.git(&["show-ref", "--tags", "--dereference"]), git(&it.bare(), &["show-ref", "--tags", "--dereference"]));
    assert_eq!(job.git(&["rev-list", "--count", "HEAD"]), "3");
    assert_eq!(job.git(&["diff", "--name-only", "origin/main...HEAD"]), "src/new.rs");
    assert_eq!(job.git(&["rev-parse", "HEAD", "origin/main", "origin/feature/x", "v1.0-signed^{commit}"]), {
        let second = git(&it.bare(), &["rev-parse", "main~1"]);
        format!("{feature}\n{main}\n{feature}\n{second}")
    });
    assert_eq!(job.git(&["branch", "--show-current"]), "");
    assert_eq!(job.git(&["rev-parse", "--is-shallow-repository"]), "false");
    assert_eq!(job.git(&["fsck", "--no-dangling"]), "");
    assert_eq!(
        job.git(&["for-each-ref", "--format=%(refname)"]),
        "refs/remotes/origin/feature/x\nrefs/remotes/origin/main\nrefs/tags/v1.0\nrefs/tags/v1.0-signed"
    );
}

#[tokio::test]
async fn each_job_sees_the_branches_and_tags_as_they_are_when_it_begins() {
    let it = fixture().await;
    let (main, feature) = history(&it).await;
    let mut before = String::new();
    for change in [
        &["update-ref", "refs/heads/late", main.as_str()][..],
        &["update-ref", "refs/heads/late", feature.as_str()],
        &["tag", "v2.0", main.as_str()],
        &["pack-refs", "--all"],
        &["update-ref", "-d", "refs/heads/late"],
        &["update-ref", "-d", "refs/tags/v2.0"],
        &["update-ref", "refs/heads/deep/er", main.as_str()],
    ] {
        job(&it, &main, Some("main")).await;
        git(&it.bare(), change);
        let seen = job(&it, &main, Some("main")).await.git(&["ls-remote", "--heads", "--tags", "origin"]);
        assert_eq!(seen, git(&it.bare(), &["ls-remote", "--heads", "--tags", "."]), "{change:?}");
        assert!(seen != before || change[0] == "pack-refs", "{change:?}");
        before = seen;
    }
}

#[tokio::test]
async fn no_file_is_read_again_to_know_that_nothing_changed() {
    let it = fixture().await;
    let (_, feature) = history(&it).await;
    let job = job(&it, &feature, None).await;
    // this one does not look at contents, and the files have another owner than when they were written
    assert_eq!(job.git(&["diff-files", "--name-only"]), "");
    let debug = job.git(&["ls-files", "--debug", "--stage"]);
    for name in ["README", "src/a b.rs", "src/new.rs", "empty"] {
        let found = fs::metadata(job.tree.join(name)).unwrap();
        let entry = debug.split("\n100644 ").find(|entry| entry.contains(&format!("\t{name}\n"))).unwrap();
        assert!(entry.contains(&format!("mtime: {}:", found.mtime())) && entry.contains(&format!("size: {}\t", found.len())), "{entry}");
    }
}

#[tokio::test]
async fn modes_links_and_changes_of_a_job_are_what_git_says() {
    let it = fixture().await;
    let (program, target) = (it.blob("#!/bin/sh\n"), it.blob("run.sh"));
    let commit = it.commit_tree(&format!("120000 blob {target}\tlink\n100755 blob {program}\trun.sh\n"));
    let job = job(&it, &commit, None).await;
    assert_eq!(job.git(&["status", "--porcelain"]), "");
    // same length, same second
    fs::write(job.tree.join("run.sh"), "#!/bin/ss\n").unwrap();
    fs::remove_file(job.tree.join("link")).unwrap();
    symlink("run.xx", job.tree.join("link")).unwrap();
    assert_eq!(job.git(&["status", "--porcelain"]), "M link\n M run.sh");
}

#[tokio::test]
async fn a_branch_that_is_checked_out_is_at_the_commit_wherever_it_went_since() {
    let it = fixture().await;
    let (main, _) = history(&it).await;
    job(&it, &main, None).await;
    let fourth = it.commit(&[("README", Some("4"))]).await;
    let job = job(&it, &main, Some("main")).await;
    assert_eq!(job.git(&["ls-remote", "origin", "refs/heads/main"]), format!("{fourth}\trefs/heads/main"));
    assert_eq!(job.git(&["branch", "--show-current"]), "main");
    assert_eq!(job.git(&["rev-parse", "HEAD", "main", "origin/main", "@{upstream}"]), [main.as_str(); 4].join("\n"));
    assert_eq!(job.git(&["status", "--porcelain", "--branch"]), "## main...origin/main");
    let odd = self::job(&it, &main, Some("a..b")).await;
    assert_eq!(odd.git(&["branch", "--show-current"]), "");
}

#[tokio::test]
async fn a_job_commits_tags_and_fetches_here_and_changes_nothing_of_the_repository() {
    let it = fixture().await;
    let (main, feature) = history(&it).await;
    let before = git(&it.bare(), &["for-each-ref"]);
    let job = job(&it, &feature, None).await;
    fs::write(job.tree.join("README"), "by the job").unwrap();
    job.git(&["switch", "--create", "own"]);
    job.git(&["commit", "--all", "-m", "own"]);
    job.git(&["tag", "own-tag"]);
    assert_eq!(job.git(&["rev-list", "--count", "HEAD"]), "4");
    job.git(&["fetch", "origin", "main"]);
    assert_eq!(job.git(&["rev-parse", "FETCH_HEAD"]), main.as_str());
    job.git(&["fetch", "--tags", "--prune"]);
    // the job's user owns the remote here; what it is shown as is read-only
    chown(&job.origin, Some(0), Some(0)).unwrap();
    assert!(!job.run(&["push", "origin", "own"]).0);
    assert_eq!(git(&it.bare(), &["for-each-ref"]), before);
    let object = git(&job.tree, &["-c", "safe.directory=*", "rev-parse", "own"]);
    assert!(!try_git(&it.bare(), &["cat-file", "-e", &object]).status.success());
}

#[tokio::test]
async fn nothing_of_the_git_that_an_earlier_job_left_is_followed_or_kept() {
    let it = fixture().await;
    let (main, _) = history(&it).await;
    let (tree, outside) = (it.dir.path().join("work"), it.dir.path().join("outside"));
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("config"), "precious").unwrap();
    let hostile: [&dyn Fn(); 6] = [
        &|| symlink(&outside, tree.join(".git")).unwrap(),
        &|| fs::write(tree.join(".git"), format!("gitdir: {}\n", outside.display())).unwrap(),
        &|| {
            fs::create_dir_all(tree.join(".git/hooks")).unwrap();
            fs::create_dir_all(tree.join(".git/objects/info")).unwrap();
            fs::write(tree.join(".git/config"), format!("[core]\n\tfsmonitor = touch {}/ran\n", outside.display())).unwrap();
            fs::write(tree.join(".git/hooks/post-index-change"), format!("#!/bin/sh\ntouch {}/ran\n", outside.display())).unwrap();
            fs::set_permissions(tree.join(".git/hooks/post-index-change"), fs::Permissions::from_mode(0o755)).unwrap();
        },
        &|| {
            for path in ["objects/aa", "info/attributes", "refs/heads/main", "worktrees/x"] {
                fs::create_dir_all(tree.join(".git").join(path)).unwrap();
            }
            fs::write(tree.join(".git/refs/tags"), "").unwrap();
            for path in [".git/objects", ".git/refs", ".git/refs/heads", ".git"] {
                fs::set_permissions(tree.join(path), fs::Permissions::from_mode(0o000)).unwrap();
            }
        },
        &|| fs::create_dir_all(tree.join(".git/index/x")).unwrap(),
        &|| {
            fs::create_dir_all(tree.join(".git/refs")).unwrap();
            for (name, target) in [("objects", ""), ("config", "config"), ("index", "index"), ("HEAD", "HEAD"), ("refs/heads", "")] {
                symlink(outside.join(target), tree.join(".git").join(name)).unwrap();
            }
        },
    ];
    let expected = all(&job(&it, &main, None).await.tree.join(".git"));
    for leave in hostile {
        if tree.join(".git").exists() {
            fs::remove_dir_all(tree.join(".git")).unwrap();
        }
        fs::create_dir_all(&tree).unwrap();
        leave();
        let job = job(&it, &main, None).await;
        assert!(fs::symlink_metadata(job.tree.join(".git")).unwrap().is_dir());
        assert_eq!(all(&job.tree.join(".git")), expected);
        assert_eq!(job.git(&["status", "--porcelain"]), "");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(outside.join("config")).unwrap(), "precious");
    }
}

#[tokio::test]
async fn what_is_right_in_a_checkout_is_not_made_anew() {
    let it = fixture().await;
    let (main, feature) = history(&it).await;
    let first = job(&it, &main, None).await;
    let inode = |path: &str| fs::metadata(first.tree.join(path)).unwrap().ino();
    let paths = [".git/config", ".git/packed-refs", ".git/HEAD", ".git/index", ".git/objects/info/alternates", "README"];
    // the index names the files' owner, who is another one since
    job(&it, &main, None).await;
    let before = paths.map(inode);
    job(&it, &main, None).await;
    assert_eq!(paths.map(inode), before);
    let other = job(&it, &feature, None).await;
    assert_eq!(fs::read_to_string(other.tree.join(".git/HEAD")).unwrap(), format!("{feature}\n"));
    assert_eq!((inode(".git/config"), other.git(&["status", "--porcelain"])), (before[0], String::new()));
}

/// What lies below a folder, by its modes and names.
fn all(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let found = fs::symlink_metadata(&entry).unwrap();
        all.push(format!("{:o} {}", found.mode(), entry.file_name().unwrap().display()));
        if found.is_dir() {
            all.extend(self::all(&entry));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn objects_are_readable_under_any_umask_however_they_came() {
    let it = fixture().await;
    it.commit(&[("a", Some("1"))]).await;
    let source = it.dir.path().join("source");
    git(it.dir.path(), &["init", "--quiet", "--initial-branch=main", "source"]);
    // more than Git unpacks into single files
    for index in 0..120 {
        fs::write(source.join(format!("f{index}")), format!("{index}")).unwrap();
    }
    git(&source, &["add", "."]);
    git(&source, &["commit", "--quiet", "-m", "many"]);
    git(&source, &["push", "--quiet", &format!("file://{}", it.bare().display()), "HEAD:refs/heads/large"]);
    fs::write(source.join("f0"), "small").unwrap();
    git(&source, &["commit", "--quiet", "--all", "-m", "small"]);
    git(&source, &["push", "--quiet", &format!("file://{}", it.bare().display()), "HEAD:refs/heads/small"]);
    let mirror = "mirror".parse().unwrap();
    it.host.fetch_mirror(&mirror, &format!("file://{}", source.display()), None).await.unwrap();
    // one that an earlier version made
    let old = it.dir.path().join("git/old.git");
    git(it.dir.path(), &["clone", "--quiet", "--bare", &format!("file://{}", source.display()), &old.display().to_string()]);
    assert_ne!(fs::metadata(old.join("objects")).unwrap().mode() & 0o007, 0o005);
    let settings = HostSettings { root: it.dir.path().join("git"), git: "git".into(), hook: "/bin/true".into() };
    BareRepositories::open(settings).await.unwrap();
    for name in ["app", "mirror", "old"] {
        let objects = it.dir.path().join("git").join(format!("{name}.git/objects"));
        assert!(count(&objects) > 1, "{name}");
    }
    // a forced push is still the server's to judge
    assert_eq!(try_git(&it.bare(), &["config", "receive.denyNonFastForwards"]).status.code(), Some(1));
}

/// Files below a folder, each readable by anybody.
fn count(folder: &Path) -> usize {
    let mut files = 0;
    assert_eq!(fs::metadata(folder).unwrap().mode() & 0o005, 0o005, "{}", folder.display());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += count(&path);
        } else {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o004, 0o004, "{}", path.display());
            files += 1;
        }
    }
    files
}

#[tokio::test]
async fn a_repository_that_borrows_objects_gives_the_files_and_says_why_there_is_no_history() {
    let it = fixture().await;
    let (main, _) = history(&it).await;
    fs::write(it.bare().join("objects/info/alternates"), "/elsewhere\n").unwrap();
    let wanted = WorkTree { branch: None, origin: it.dir.path().join("origin"), seen_at: "/origin".into() };
    let tree = it.dir.path().join("work");
    let history = it.host.work_tree(&it.name, &main, &tree, &[], &wanted).await.unwrap();
    assert!(matches!(history, History::Absent { why } if why.contains("git repack -a -d")));
    assert!(tree.join("README").exists() && !tree.join(".git").exists());
}
