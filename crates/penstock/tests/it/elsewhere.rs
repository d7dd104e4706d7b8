//! Actions of other repositories, of copies in a mirror: by commit, and by tags that are locked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::house::{House, directory, git};

const SCRIPT: &str = "inputs: {word: {default: hi}}\noutputs: {out: {description: x}}\nruns: {using: node20, pre: pre.js, main: ../dist/main.js, post: post.js}\n";
const STEPS: &str = "inputs: {who: {required: true}}\noutputs: {said: {value: '${{ steps.in.outputs.out }}'}}\nruns:\n  using: composite\n  steps:\n    - {id: in, uses: acme/script/sub@v1, with: {word: 'hello ${{ inputs.who }}'}}\n    - {run: 'ls -a \"$GITHUB_ACTION_PATH\"; touch \"$GITHUB_ACTION_PATH/x\" || echo cannot write', shell: bash}\n";

/// A repository whose workflow uses `USES`, a mirror, and a program called `node` that is a shell.
struct Shop {
    house: House,
    _dir: tempfile::TempDir,
    at: PathBuf,
    mirror: PathBuf,
}

fn commit(at: &Path, files: &[(&str, &str)]) -> String {
    for (path, text) in files {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(at, &["add", "."]);
    git(at, &["commit", "--quiet", "--message=change"]);
    let head = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(at).output().unwrap();
    String::from_utf8(head.stdout).unwrap().trim().to_owned()
}

impl Shop {
    fn new() -> Self {
        let dir = directory();
        let tools = dir.path().join("tools");
        std::fs::create_dir(&tools).unwrap();
        let house = House::with(&tools, None);
        let node = house.program().with_file_name("node");
        std::fs::write(&node, "#!/bin/sh\n. \"$1\"\n").unwrap();
        std::fs::set_permissions(&node, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
        let (at, mirror) = (dir.path().join("shop"), dir.path().join("mirror"));
        Self { house, _dir: dir, at, mirror }
    }

    /// A repository elsewhere, with a bare copy of it in the mirror. Gives the commit.
    fn elsewhere(&self, name: &str, tag: &str, files: &[(&str, &str)]) -> String {
        let origin = self.at.with_file_name(name.replace('/', "-"));
        if !origin.exists() {
            git(self.at.parent().unwrap(), &["init", "--quiet", "--initial-branch=main", origin.to_str().unwrap()]);
        }
        let commit = commit(&origin, files);
        git(&origin, &["tag", "--force", "--annotate", "--message=x", tag]);
        let copy = self.mirror.join("actions").join(format!("{name}.git"));
        drop(std::fs::remove_dir_all(&copy));
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        git(&self.at, &["clone", "--quiet", "--mirror", origin.to_str().unwrap(), copy.to_str().unwrap()]);
        commit
    }

    fn workflow(&self, uses: &str) {
        let text = format!(
            "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo first\n      - {{id: s, uses: {uses}, with: {{who: ada}}}}\n      - run: echo \"got ${{{{ steps.s.outputs.said }}}}\"\n"
        );
        commit(&self.at, &[(".github/workflows/ci.yml", &text)]);
    }

    /// What it printed on both channels, and its exit code.
    fn says(&self, arguments: &[&str], code: i32) -> String {
        let mut command = Command::new(self.house.program());
        command.args(arguments).current_dir(&self.at).env("PENSTOCK_MIRROR", &self.mirror).stdin(Stdio::null());
        if arguments[0] == "run" {
            command.arg("--config").arg(self.house.config());
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }
}

#[test]
fn actions_of_other_repositories_run_by_commit_and_by_locked_tags_and_a_moved_tag_is_refused() {
    let shop = Shop::new();
    let script = [
        ("sub/action.yml", SCRIPT),
        ("sub/pre.js", "echo \"before: $INPUT_WORD\"; echo kept=yes >> $GITHUB_STATE\n"),
        (
            "dist/main.js",
            "echo \"main $STATE_kept $GITHUB_ACTION_REPOSITORY@$GITHUB_ACTION_REF\"; echo \"out=$INPUT_WORD\" >> $GITHUB_OUTPUT\n",
        ),
        ("sub/post.js", "echo \"at the end: $STATE_kept\"\n"),
    ];
    let first = shop.elsewhere("acme/script", "v1", &script);
    let steps = shop.elsewhere("acme/steps", "v2", &[("action.yaml", STEPS)]);

    // not locked, though by commit: what it names is a tag
    shop.workflow(&format!("acme/steps@{steps}"));
    let refused = shop.says(&["plan"], 1);
    assert!(refused.contains("`acme/script@v1` may become something else") && refused.contains("`penstock actions lock`"), "{refused}");
    let unlocked = shop.says(&["actions", "lock", "--check"], 1);
    assert!(unlocked.contains(&format!("acme/script@v1 is not locked; it stands for {first}")), "{unlocked}");

    // locked
    shop.workflow("acme/steps@v2");
    shop.says(&["actions", "lock"], 0);
    let lock = std::fs::read_to_string(shop.at.join(".github/penstock-actions.lock")).unwrap();
    let lines: Vec<&str> = lock.lines().skip(1).map(|line| line.split(" sha256:").next().unwrap()).collect();
    assert_eq!(lines, [format!("acme/script@v1 {first}"), format!("acme/steps@v2 {steps}")]);
    assert!(shop.says(&["actions", "lock", "--check"], 0).contains("2 actions locked"));
    let said = shop.says(&["run"], 0);
    for line in ["before: hello ada", "main yes acme/script@v1", "action.yaml", "cannot write", "got hello ada", "at the end: yes"] {
        assert!(said.contains(line), "no `{line}`: {said}");
    }
    assert!(said.find("before: hello ada") < said.find("\n  first"), "what an action does before comes before the first step: {said}");
    assert!(!said.contains("\n  .git\n"), "{said}");

    // moved
    let second = shop.elsewhere("acme/script", "v1", &[("dist/main.js", "echo moved\n")]);
    let refused = shop.says(&["run"], 1);
    assert!(
        refused.contains(&format!("the tag `acme/script@v1` was moved: it is locked to {first}, and stands for {second} now")),
        "{refused}"
    );
    assert!(shop.says(&["actions", "lock", "--check"], 1).contains(&format!("acme/script@v1 was moved: from {first} to {second}")));
    shop.says(&["actions", "lock"], 0);
    assert!(shop.says(&["run"], 0).contains("\n  moved"));

    // what is locked is what runs: a digest of other files is refused
    let lock = std::fs::read_to_string(shop.at.join(".github/penstock-actions.lock")).unwrap();
    let digest = lock.lines().nth(1).unwrap().rsplit(' ').next().unwrap();
    let wrong = lock.replace(digest, &format!("sha256:{}", "0".repeat(64)));
    std::fs::write(shop.at.join(".github/penstock-actions.lock"), wrong).unwrap();
    let refused = shop.says(&["run"], 1);
    assert!(refused.contains("is locked as sha256:0000"), "{refused}");
}
