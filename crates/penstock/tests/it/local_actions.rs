//! A workflow with actions, commands, caches and artifacts, as `penstock run` carries it out in a developer's own clone.

use std::process::{Command, Stdio};

use crate::house::{House, directory, git};

const WORKFLOW: &str = r##"on: push
jobs:
  build:
    runs-on: ubuntu-latest
    outputs: {said: "${{ steps.greet.outputs.said }}"}
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - {id: cache, uses: actions/cache@v4, with: {path: deps, key: "deps-${{ hashFiles('*.lock') }}"}}
      - run: mkdir -p deps && echo "hit=${{ steps.cache.outputs.cache-hit }}" && echo x > deps/x
      - {id: greet, uses: ./.github/actions/greet, with: {who: ada}}
      # whoever has no Node.js has a shell
      - run: mkdir -p ~/bin && printf '#!/bin/sh\n. "$1"\n' > ~/bin/node && chmod +x ~/bin/node && echo ~/bin >> "$GITHUB_PATH"
      - {id: script, uses: ./script, with: {word: hi}}
      - run: |
          echo "::group::inside"; echo "::add-mask::top""secret"; echo top'secret'; echo "::endgroup::"
          echo "::error file=a.lock,line=1::look"
          echo "# All is well" >> "$GITHUB_STEP_SUMMARY"
          mkdir dist && echo "${{ steps.script.outputs.out }}" > dist/out.txt
      - {uses: actions/upload-artifact@v4, with: {name: dist, path: dist}}
  use:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - {uses: actions/download-artifact@v4, with: {name: dist, path: in}}
      - run: cat in/out.txt; echo "${{ needs.build.outputs.said }}"; grep '"ref"' "$GITHUB_EVENT_PATH"
"##;

const FILES: &[(&str, &str)] = &[
    (".github/workflows/ci.yml", WORKFLOW),
    (
        ".github/actions/greet/action.yml",
        "name: Greet\ninputs: {who: {required: true}}\noutputs: {said: {value: \"${{ steps.s.outputs.said }}\"}}\nruns:\n  using: composite\n  steps:\n    - {id: s, shell: bash, run: 'echo \"said=hello ${{ inputs.who }}\" >> $GITHUB_OUTPUT'}\n",
    ),
    ("script/action.yml", "name: Script\ninputs: {word: {}}\nruns: {using: node20, main: main.js, post: post.js}\n"),
    ("script/main.js", "echo \"out=from the script: $INPUT_WORD\" >> $GITHUB_OUTPUT\necho kept=yes >> $GITHUB_STATE\n"),
    ("script/post.js", "echo \"at the end: $STATE_kept\"\n"),
    ("a.lock", "1\n"),
];

#[test]
fn a_workflow_with_actions_runs_as_its_author_meant_it() {
    let dir = directory();
    let tools = dir.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let house = House::with(&tools, None);
    let clone = dir.path().join("shop");
    git(dir.path(), &["init", "--quiet", "--initial-branch=main", "shop"]);
    for (path, text) in FILES {
        let path = clone.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    git(&clone, &["add", "."]);
    git(&clone, &["commit", "--quiet", "--message=first"]);
    let run = || {
        let mut run = Command::new(house.program());
        run.args(["run", "--config"]).arg(house.config()).current_dir(&clone).stdin(Stdio::null());
        let output = run.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{said}");
        said
    };
    let said = run();
    for line in [
        "hit=",
        "##[group]inside",
        "[MASKED]",
        "##[error]look",
        "kept 1 files",
        "at the end: yes",
        "# All is well",
        "fetched `dist`",
        "from the script: hi",
        "hello ada",
        "\"ref\": \"refs/heads/main\"",
    ] {
        assert!(said.contains(line), "no `{line}`: {said}");
    }
    assert!(!said.contains("\n  topsecret"), "{said}");
    assert!(said.find("at the end: yes") < said.find("kept the cache"), "the last action's end comes first: {said}");
    assert!(run().contains("hit=true"));
}
