//! `penstock run` in a developer's own clone.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::house::{House, directory};

const PIPELINE: &str = "whole:
  script:
    - git describe --tags --dirty
    - test -z \"$(git status --porcelain)\"
    - git log --format='subject %s'
    - git diff --name-only origin/main...HEAD
    - test \"$(git rev-parse HEAD)\" = \"$CI_COMMIT_SHA\"
    - if git push -q origin HEAD:refs/heads/x 2>/dev/null; then echo pushed; exit 1; fi
";

fn git(at: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(args).current_dir(at);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
}

#[test]
fn git_in_a_job_of_a_local_run_answers_as_in_the_clone_a_worktree_of_it_and_one_that_borrows_its_objects() {
    let (house, dir) = (House::build(), directory());
    let (clone, worktree, borrower) = (dir.path().join("shop"), dir.path().join("tree"), dir.path().join("borrower"));
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    std::fs::write(clone.join(".gitlab-ci.yml"), PIPELINE).unwrap();
    std::fs::write(clone.join(".gitignore"), ".penstock\n").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=first"]);
    git(&clone, &["tag", "--annotate", "--message=one", "v1.0"]);
    git(&clone, &["switch", "--quiet", "--create=topic"]);
    std::fs::write(clone.join("new.txt"), "new").unwrap();
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=second"]);
    git(&clone, &["worktree", "add", "--quiet", "-b", "beside", &worktree.display().to_string()]);
    git(dir.path(), &["clone", "--quiet", "--shared", "shop", "borrower"]);
    git(&borrower, &["branch", "main", "origin/main"]);
    for place in [&clone, &worktree, &borrower] {
        // whatever umask it has: jobs are other users
        let mut run = Command::new("sh");
        run.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(house.program());
        run.arg("run").arg(place).arg("--config").arg(house.config()).stdin(Stdio::null());
        let output = run.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}: {said}{}", place.display(), String::from_utf8_lossy(&output.stderr));
        let lines: Vec<_> = said.lines().map(str::trim).collect();
        assert!(lines.iter().any(|line| line.starts_with("v1.0-1-g") && !line.contains("dirty")), "{said}");
        for line in ["subject second", "subject first", "new.txt"] {
            assert!(lines.contains(&line), "{line}: {said}");
        }
    }
}
