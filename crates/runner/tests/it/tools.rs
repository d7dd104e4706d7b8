//! Pinned tools: what they see, and that a changed one does not run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use penstock_model::Digest;
use penstock_model::job::RunnerError;
use penstock_model::tool::{ToolCall, ToolResult, ToolRunner};
use penstock_runner::{Hands, Runner};

use crate::support::House;

fn house(script: &str) -> House {
    let house = House::new();
    let tools = house.dir.path().join("tools");
    fs::create_dir_all(tools.join("bin")).unwrap();
    fs::write(tools.join("bin/judge"), script).unwrap();
    fs::set_permissions(tools.join("bin/judge"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(tools.join("tools.lock"), format!("judge 1.2.3 {} file bin/judge\n", Digest::of(script))).unwrap();
    house
}

fn call(input: &Path, result: ToolResult) -> ToolCall {
    ToolCall {
        program: "judge".to_owned(),
        args: vec!["--out={output}".to_owned(), "{input}".to_owned()],
        input: input.to_path_buf(),
        result,
        ran: vec![0, 1],
        timeout: Duration::from_secs(20),
    }
}

/// A directory that only root may enter, as temporary ones are.
fn input(house: &House) -> PathBuf {
    let input = house.dir.path().join("data/input");
    fs::create_dir_all(&input).unwrap();
    fs::write(input.join("a"), "judged").unwrap();
    fs::set_permissions(&input, fs::Permissions::from_mode(0o700)).unwrap();
    input
}

#[tokio::test]
async fn a_tool_judges_its_input_and_its_findings_are_no_failure() {
    let house = house("#!/bin/sh\ncat \"$2/a\"; pwd; echo found >&2; exit 1\n");
    let input = input(&house);
    let output = house.runner.run_tool(&call(&input, ToolResult::Stdout)).await.unwrap();
    assert_eq!((output.exit_code, output.ran, output.version.as_str()), (1, true, "1.2.3"));
    assert_eq!(output.result, format!("judged{}\n", input.display()));
    assert_eq!(output.stderr, "found\n");
}

#[tokio::test]
async fn a_tool_may_write_its_result_to_a_file_and_read_a_single_file() {
    let house = house("#!/bin/sh\ncat \"$2\" > \"${1#--out=}\"; exit 7\n");
    let file = input(&house).join("a");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let output = house.runner.run_tool(&call(&file, ToolResult::File)).await.unwrap();
    assert_eq!((output.exit_code, output.ran, output.result.as_ref()), (7, false, &b"judged"[..]));
}

#[tokio::test]
async fn a_tool_has_no_network_and_changes_nothing() {
    let house = house(
        "#!/bin/sh\nls /sys/class/net /proc/self/net/dev >/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1 | grep -v lo; touch \"$2/b\" && echo WRITTEN; touch \"$2/a\" && echo TOUCHED; id -u\nexit 0\n",
    );
    let input = input(&house);
    let output = house.runner.run_tool(&call(&input, ToolResult::Stdout)).await.unwrap();
    assert_eq!(output.result, "150063\n", "{}", output.stderr);
}

#[tokio::test]
async fn a_tool_that_is_not_the_pinned_one_does_not_run() {
    let house = house("#!/bin/sh\necho good\n");
    let input = input(&house);
    fs::write(house.dir.path().join("tools/bin/judge"), "#!/bin/sh\necho evil\n").unwrap();
    let error = house.runner.run_tool(&call(&input, ToolResult::Stdout)).await.unwrap_err();
    assert!(matches!(&error, RunnerError::Missing { hint, .. } if hint.contains("is not what was installed")), "{error}");
    let mut other = call(&input, ToolResult::Stdout);
    other.program = "unknown".to_owned();
    assert!(matches!(house.runner.run_tool(&other).await, Err(RunnerError::Missing { .. })));
}

#[tokio::test]
async fn a_tool_over_its_time_is_stopped_with_what_it_started() {
    let marker = crate::support::marker();
    let house = house(&format!("#!/bin/bash\nsetsid bash -c 'trap \"\" TERM; sleep 100; : {marker}' & sleep 100\n"));
    let mut slow = call(&input(&house), ToolResult::Stdout);
    slow.timeout = Duration::from_millis(300);
    let error = house.runner.run_tool(&slow).await.unwrap_err();
    assert!(format!("{:?}", std::error::Error::source(&error)).contains("time limit"));
    assert_eq!(crate::support::alive(&marker), [] as [i32; 0]);
}

/// The real ones, as `setup/setup.sh` installs them.
#[tokio::test]
async fn the_pinned_tools_run_in_the_sandbox() {
    let tools =
        std::env::var("PENSTOCK_TOOLS").map_or_else(|_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/tools"), PathBuf::from);
    let tools = tools.canonicalize().expect("run setup/setup.sh first: it installs the tools that this test runs");
    let house = House::new();
    let hands = Hands {
        git: house.git.clone(),
        blobs: house.blobs.clone(),
        containers: None,
        clock: std::sync::Arc::new(penstock_model::clock::SystemClock),
    };
    let mut settings = crate::support::settings(house.dir.path());
    settings.toolchains = vec![tools.clone()];
    let runner = Runner::new(settings, hands, tools, std::collections::BTreeMap::new()).unwrap();
    let input = input(&house);
    fs::write(input.join("bad.py"), "import os,sys\nx = {  'a':1 }\n").unwrap();
    fs::write(input.join("Dockerfile"), "FROM debian:latest\nRUN cd /tmp\n").unwrap();
    let run = |program: &str, args: &[&str]| {
        let args = args.iter().map(|part| (*part).to_owned()).collect();
        let call = ToolCall {
            program: program.to_owned(),
            args,
            input: input.clone(),
            result: ToolResult::Stdout,
            ran: vec![0, 1],
            timeout: Duration::from_mins(1),
        };
        let runner = &runner;
        async move {
            let output = runner.run_tool(&call).await.unwrap();
            assert!(output.ran, "{}: {} {}", call.program, output.exit_code, output.stderr);
            String::from_utf8_lossy(&output.result).into_owned() + &output.stderr
        }
    };
    assert!(run("black", &["--check", "{input}"]).await.contains("would reformat"));
    assert!(run("isort", &["--check-only", "{input}"]).await.contains("incorrectly sorted"));
    assert!(run("hadolint", &["{input}/Dockerfile"]).await.contains("DL3003"));
    assert!(run("gitleaks", &["dir", "{input}", "--no-banner"]).await.contains("no leaks found"));
    assert!(run("syft", &["scan", "dir:{input}", "--output", "spdx-json"]).await.contains("SPDX-2.3"));
    assert!(run("trivy", &["config", "--skip-check-update", "--format", "json", "{input}"]).await.contains("Misconfigurations"));
    assert!(run("k6", &["version"]).await.contains("k6 v1.1.0"));
    assert!(run("bandit", &["-q", "-r", "{input}"]).await.is_empty());
    assert!(run("yamllint", &["{input}"]).await.is_empty());
}
