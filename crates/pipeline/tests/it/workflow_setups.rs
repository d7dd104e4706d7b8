//! Built-in actions that other people wrote: toolchains of the machine, their caches, and what needs no toolchain.

use penstock_model::job::StepOutcome;

use crate::support::{WORKFLOW, problems};
use crate::workflow_actions::{carried_out, gives};

const RUSTS: &str = "1.95.0\t/r/toolchains/1.95.0-x86_64-unknown-linux-gnu/bin/rustc\n1.95.0\t/r/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc\n1.97.0-nightly\t/r/toolchains/nightly-x86_64-unknown-linux-gnu/bin/rustc\n1.96.0-beta.3\t/r/toolchains/beta-x86_64-unknown-linux-gnu/bin/rustc\n1.80.1\t/usr/bin/rustc\n";

#[test]
fn a_toolchain_of_rust_is_the_one_that_its_name_means() {
    for (uses, with, expected) in [
        ("dtolnay/rust-toolchain@stable", "{}", "Rust 1.95.0 at /r/toolchains/stable-x86_64-unknown-linux-gnu/bin/rustc"),
        ("dtolnay/rust-toolchain@nightly", "{components: miri}", "Rust 1.97.0-nightly at /r/toolchains/nightly-"),
        ("dtolnay/rust-toolchain@beta", "{}", "Rust 1.96.0-beta.3 at"),
        ("dtolnay/rust-toolchain@1.80.1", "{}", "Rust 1.80.1 at /usr/bin/rustc"),
        ("dtolnay/rust-toolchain@1.80", "{}", "Rust 1.80.1 at /usr/bin/rustc"),
        ("dtolnay/rust-toolchain@master", "{toolchain: 1.95}", "Rust 1.95.0 at /r/toolchains/1.95.0-"),
        ("dtolnay/rust-toolchain@master", "{}", "##[error]the input `toolchain` is missing"),
        ("dtolnay/rust-toolchain@nightly-2024-01-01", "{}", "##[error]Rust `nightly-2024-01-01` is not here; there is 1.95.0"),
        ("dtolnay/rust-toolchain@1.70.0", "{}", "help: nothing is downloaded"),
        ("dtolnay/rust-toolchain@master", "{toolchain: stable 6 months ago}", "##[error]`stable 6 months ago` asks for no version of Rust"),
        ("actions-rs/toolchain@v1", "{toolchain: stable, override: true}", "Rust 1.95.0 at /r/toolchains/stable-"),
        ("actions-rust-lang/setup-rust-toolchain@v1", "{cache: false}", "Rust 1.95.0 at /r/toolchains/stable-"),
        (
            "actions-rust-lang/setup-rust-toolchain@v1",
            "{toolchain: 'stable,nightly', cache: false}",
            "bin/rustc; Rust 1.97.0-nightly at /r/toolchains/nightly-",
        ),
    ] {
        let steps = format!("      - {{id: s, uses: {uses}, with: {with}}}\n");
        let seen = carried_out(&steps, &[gives(&[("penstock.found", RUSTS)])]);
        assert!(seen.contains(expected), "{uses} {with}: {seen}");
    }
}

#[test]
fn a_file_of_the_repository_names_the_toolchain_of_rust() {
    let steps = "      - {uses: actions-rs/toolchain@v1}\n";
    let file = "[toolchain]\nchannel = \"nightly\"\ncomponents = [\"clippy\"]\n";
    let found = [("penstock.found", RUSTS), ("penstock.file-name", "rust-toolchain.toml"), ("penstock.file", file)];
    let seen = carried_out(steps, &[gives(&found)]);
    assert!(seen.contains("for f in 'rust-toolchain.toml' 'rust-toolchain'") && seen.contains("Rust 1.97.0-nightly"), "{seen}");
}

#[test]
fn what_an_action_asks_itself_is_no_output_of_its_step() {
    let steps = "      - {id: s, uses: dtolnay/rust-toolchain@stable}\n      - run: ${{ toJSON(steps.s.outputs) }}\n";
    let ends = [gives(&[("penstock.found", RUSTS)]), gives(&[("name", "stable"), ("cachekey", "202601011234")])];
    let seen = carried_out(steps, &ends);
    assert!(
        seen.contains("script {;   \"name\": \"stable\",;   \"cachekey\": \"202601011234\"; }")
            || seen.contains("\"cachekey\": \"202601011234\""),
        "{seen}"
    );
    assert!(!seen.split("Run {").nth(1).unwrap().contains("penstock."), "{seen}");
}

#[test]
fn what_cargo_built_is_asked_for_by_the_key_that_the_job_finds_out() {
    let steps = "      - {id: c, uses: Swatinem/rust-cache@v2, with: {workspaces: \"core -> out\", shared-key: all}}\n      - run: hit=${{ steps.c.outputs.cache-hit }}\n";
    let key = gives(&[("penstock.key", "k-e-f"), ("penstock.key-1", "k-e")]);
    let paths =
        "[\"~/.cargo/bin\", \"~/.cargo/.crates.toml\", \"~/.cargo/.crates2.json\", \"~/.cargo/registry\", \"~/.cargo/git\", \"core/out\"]";
    let near = carried_out(steps, &[key.clone(), gives(&[("cache-matched-key", "k-e-g")])]);
    assert!(near.contains("k='v0-rust-all'-$(uname -s)"), "{near}");
    assert!(near.contains(&format!("… | restore k-e-f [\"k-e\"] {paths} false\nRun hit=false | script hit=false\n")), "{near}");
    assert!(near.ends_with(&format!("Post Swatinem/rust-cache@v2 | script rm -rf -- 'core/out'/*/incremental 'core/out'/*/*/incremental\n… | save k-e-f {paths}\ndone 0 ")), "{near}");
    let exact = carried_out(steps, &[key.clone(), gives(&[("cache-matched-key", "k-e-f")])]);
    assert!(exact.ends_with("Run hit=true | script hit=true\ndone 0 "), "{exact}");
    let failed = carried_out(steps, &[key, gives(&[("cache-matched-key", "")]), StepOutcome::exited(1)]);
    assert!(!failed.contains("save"), "{failed}");
    let text = "on: push\njobs: {a: {runs-on: linux, steps: [{uses: Swatinem/rust-cache@v2, with: {cache-provider: warpbuild}}]}}";
    assert!(problems(WORKFLOW, text).contains("`warpbuild` keeps no cache here"));
}

#[test]
fn uv_is_taken_from_the_machine_with_the_python_and_the_cache_that_are_asked_for() {
    const UVS: &str = "0.5.1\t/a/uv\n0.8.0\t/b/uv\n";
    for (with, file, text, expected) in [
        ("{}", "", "", "uv 0.8.0 at /b/uv"),
        ("{version: 0.5.x}", "", "", "uv 0.5.1 at /a/uv"),
        ("{version: '>=0.4', resolution-strategy: lowest}", "", "", "uv 0.5.1 at /a/uv"),
        ("{version: 0.9.1}", "", "", "##[error]uv `0.9.1` is not here; there is 0.5.1 (/a/uv), 0.8.0 (/b/uv)"),
        ("{}", "pyproject.toml", "[tool.uv]\nrequired-version = \"==0.5.*\"\n", "uv 0.5.1 at /a/uv"),
        ("{}", "pyproject.toml", "[project]\nname = \"x\"\n", "uv 0.8.0 at /b/uv"),
        ("{version-file: .tool-versions}", ".tool-versions", "python 3.12\nuv 0.5.1\n", "uv 0.5.1 at /a/uv"),
        ("{version-file: req.txt}", "req.txt", "ruff==1\nuv==0.5.1 ; python_version > '3'\n", "uv 0.5.1 at /a/uv"),
        ("{python-version: '3.12', activate-environment: true}", "", "", "uv venv --clear \"$v\""),
    ] {
        let steps = format!("      - {{uses: astral-sh/setup-uv@v6, with: {with}}}\n");
        let mut found = vec![("penstock.found", UVS)];
        if !file.is_empty() {
            found.extend([("penstock.file-name", file), ("penstock.file", text)]);
        }
        let seen = carried_out(&steps, &[gives(&found)]);
        assert!(seen.contains(expected), "{with} {text}: {seen}");
    }
    let steps = "      - {id: s, uses: astral-sh/setup-uv@v6, with: {enable-cache: true, cache-suffix: x, prune-cache: true}}\n      - run: ${{ steps.s.outputs.cache-hit }} ${{ steps.s.outputs.cache-key }} ${{ steps.s.outputs.uv-version }}\n";
    let ends = [
        gives(&[("penstock.found", UVS)]),
        StepOutcome::exited(0),
        gives(&[("penstock.key", "k"), ("cache-key", "k")]),
        gives(&[("cache-matched-key", "")]),
    ];
    let seen = carried_out(steps, &ends);
    assert!(seen.contains("… | restore k [] [\"~/.cache/uv\"] false\nRun false k 0.8.0 |"), "{seen}");
    assert!(seen.ends_with("Post astral-sh/setup-uv@v6 | script uv cache prune --ci\n… | save k [\"~/.cache/uv\"]\ndone 0 "), "{seen}");
}

#[test]
fn ruby_is_taken_from_the_machine_and_its_gems_are_kept() {
    const RUBIES: &str = "3.1.2\t/usr/bin/ruby\n3.3.5\t/opt/rubies/3.3.5/bin/ruby\n";
    for (with, file, text, expected) in [
        ("{ruby-version: '3.3'}", "", "", "Ruby 3.3.5 at /opt/rubies/3.3.5/bin/ruby"),
        ("{ruby-version: ruby-3.1}", "", "", "Ruby 3.1.2 at /usr/bin/ruby"),
        ("{ruby-version: ruby}", "", "", "Ruby 3.3.5 at"),
        ("{ruby-version: '3.4'}", "", "", "##[error]Ruby `3.4` is not here; there is 3.1.2 (/usr/bin/ruby), 3.3.5"),
        ("{}", ".ruby-version", "ruby-3.1.2\n", "Ruby 3.1.2 at /usr/bin/ruby"),
        ("{}", "mise.toml", "[tools]\nruby = \"3.3\" # here\n", "Ruby 3.3.5 at"),
        ("{bundler: none}", "", "", "there is no file .ruby-version or .tool-versions or mise.toml"),
        ("{ruby-version: '3.1', bundler: 2.4}", "", "", "v='~> 2.4.0'"),
    ] {
        let steps = format!("      - {{uses: ruby/setup-ruby@v1, with: {with}}}\n");
        let mut found = vec![("penstock.found", RUBIES)];
        if !file.is_empty() {
            found.extend([("penstock.file-name", file), ("penstock.file", text)]);
        }
        let seen = carried_out(&steps, &[gives(&found)]);
        assert!(seen.contains(expected), "{with} {text}: {seen}");
    }
    let steps = "      - {uses: ruby/setup-ruby@v1, with: {ruby-version: '3.3', bundler-cache: true, working-directory: app}}\n";
    let key = gives(&[("penstock.key", "k-1"), ("penstock.key-1", "k-")]);
    let ends = |matched: &str| {
        [gives(&[("penstock.found", RUBIES)]), StepOutcome::exited(0), key.clone(), gives(&[("cache-matched-key", matched)])]
    };
    let near = carried_out(steps, &ends("k-0"));
    assert!(near.contains("… | restore k-1 [\"k-\"] [\"app/vendor/bundle\"] false\n… | script set -e; cd 'app'; bundle install --jobs 4\n… | save k-1 [\"app/vendor/bundle\"]\ndone 0 "), "{near}");
    assert!(!carried_out(steps, &ends("k-1")).contains("save"));
    for version in ["jruby-9.4", "truffleruby", "head"] {
        let text =
            format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: ruby/setup-ruby@v1, with: {{ruby-version: {version}}}}}]}}}}");
        assert!(problems(WORKFLOW, &text).contains("is not carried out"), "{version}");
    }
}

#[test]
fn pnpm_installs_what_its_input_lists() {
    const PNPMS: &str = "9.1.0\t/a/pnpm\n10.2.0\t/b/pnpm\n";
    let package = "{\"packageManager\": \"pnpm@9.1.0+sha512.abc\"}";
    for (with, expected) in [
        ("{}", "pnpm 9.1.0 at /a/pnpm"),
        ("{version: 10}", "pnpm 10.2.0 at /b/pnpm"),
        ("{version: latest, run_install: true}", "… | script set -e; pnpm recursive install\n"),
        (
            "{version: 10, run_install: \"- recursive: true\\n  args: [--frozen-lockfile, \\\"it's\\\"]\\n- cwd: web\\n\"}",
            "script set -e; pnpm recursive install '--frozen-lockfile' 'it'\\''s'; ( cd 'web' && pnpm install )\n",
        ),
    ] {
        let steps = format!("      - {{uses: pnpm/action-setup@v4, with: {with}}}\n");
        let found = [("penstock.found", PNPMS), ("penstock.file-name", "package.json"), ("penstock.file", package)];
        let found = if with == "{}" { &found[..] } else { &found[..1] };
        let seen = carried_out(&steps, &[gives(found)]);
        assert!(seen.contains(expected), "{with}: {seen}");
    }
    let text = "on: push\njobs: {a: {runs-on: linux, steps: [{uses: pnpm/action-setup@v4, with: {run_install: \"- dir: x\"}}]}}";
    assert!(problems(WORKFLOW, text).contains("an entry of `run_install` is a mapping"));
}

#[test]
fn the_linter_of_go_runs_with_the_words_that_it_is_given() {
    let steps =
        "      - {uses: golangci/golangci-lint-action@v8, with: {version: v2.1, args: --timeout=5m ./..., only-new-issues: true}}\n";
    let found = gives(&[("penstock.found", "2.1.6\t/opt/golangci-lint/bin/golangci-lint\n1.60.1\t/usr/bin/golangci-lint\n")]);
    let ends = [
        found.clone(),
        StepOutcome::exited(0),
        gives(&[("penstock.key", "k-h"), ("penstock.key-1", "k-")]),
        gives(&[("cache-matched-key", "")]),
    ];
    let seen = carried_out(steps, &ends);
    assert!(seen.contains("golangci-lint 2.1.6 at /opt/golangci-lint/bin/golangci-lint"), "{seen}");
    assert!(seen.contains("… | restore k-h [\"k-\"] [\"~/.cache/golangci-lint\"] false"), "{seen}");
    assert!(seen.contains("--new-from-rev=\"$(git merge-base '") && seen.contains("--timeout=5m ./..."), "{seen}");
    assert!(seen.contains("Post golangci/golangci-lint-action@v8 | save k-h"), "{seen}");
    let steps = "      - {uses: golangci/golangci-lint-action@v8, with: {version: v2.9, skip-cache: true}}\n";
    assert!(carried_out(steps, &[found]).contains("##[error]golangci-lint `v2.9` is not here; there is 2.1.6"));
    assert!(carried_out(steps, &[gives(&[("penstock.found", "")])]).contains("there is none at all"));
}

#[test]
fn whether_all_jobs_are_green_is_decided_by_what_may_fail_or_be_skipped() {
    let jobs = |a: &str, b: &str| format!("{{\"a\": {{\"result\": \"{a}\", \"outputs\": {{}}}}, \"b\": {{\"result\": \"{b}\"}}}}");
    for (jobs, failures, skips, result) in [
        (jobs("success", "success"), "", "", "success"),
        (jobs("success", "failure"), "", "", "failure"),
        (jobs("success", "skipped"), "", "", "failure"),
        (jobs("success", "skipped"), "", "b", "success"),
        (jobs("success", "failure"), "b, c", "", "success"),
        (jobs("success", "cancelled"), "[\"b\"]", "", "success"),
        (jobs("success", "failure"), "b", "[\"b\"]", "failure"),
    ] {
        let steps = format!(
            "      - id: g\n        uses: re-actors/alls-green@release/v1\n        with: {{jobs: '{jobs}', allowed-failures: '{failures}', allowed-skips: '{skips}'}}\n      - {{if: always(), run: \"is ${{{{ steps.g.outputs.result }}}} ${{{{ steps.g.outputs.success }}}}\"}}\n"
        );
        let seen = carried_out(&steps, &[]);
        assert!(seen.contains(&format!("Run is {result} {}", result == "success")), "{jobs} {failures} {skips}: {seen}");
        assert!(seen.ends_with(if result == "success" { "done 0 " } else { "done 1 " }), "{seen}");
    }
    assert!(
        carried_out("      - {uses: re-actors/alls-green@release/v1, with: {jobs: '{}'}}\n", &[])
            .contains("##[error]the input `jobs` names no job")
    );
}

#[test]
fn other_toolchains_are_taken_from_the_machine_too() {
    for (uses, with, found, expected) in [
        ("oven-sh/setup-bun@v2", "{bun-version: 1.1.x}", "1.0.0\t/a/bun\n1.1.9\t/b/bun\n", "Bun 1.1.9 at /b/bun"),
        ("oven-sh/setup-bun@v2", "{}", "", "##[error]Bun `latest` is not here; there is none at all"),
        ("denoland/setup-deno@v2", "{}", "1.46.0\t/a/deno\n2.0.3\t/b/deno\n", "Deno 2.0.3 at /b/deno"),
        ("lukka/get-cmake@latest", "{}", "3.25.1\t/usr/bin/cmake\n", "CMake 3.25.1 at /usr/bin/cmake"),
        (
            "deadsnakes/action@v3.2.0",
            "{python-version: '3.15'}",
            "3.15.0a2\t/opt/python3.15\n",
            "##[error]Python `3.15` is not here; there is 3.15.0a2",
        ),
        ("deadsnakes/action@v3.2.0", "{python-version: 3.15-dev}", "3.15.0a2\t/opt/python3.15\n", "Python 3.15.0a2 at /opt/python3.15"),
    ] {
        let steps = format!("      - {{uses: {uses}, with: {with}}}\n");
        let seen = carried_out(&steps, &[gives(&[("penstock.found", found)])]);
        assert!(seen.contains(expected), "{uses} {with}: {seen}");
    }
}

#[test]
fn what_only_changes_github_s_own_machines_does_nothing_and_says_so() {
    let seen = carried_out(
        "      - {uses: step-security/harden-runner@v2, with: {egress-policy: audit}}\n      - uses: jlumbroso/free-disk-space@main\n",
        &[],
    );
    assert!(seen.contains("nothing | nobody writes down what the job reaches") && seen.contains("nothing | nothing is removed"), "{seen}");
    for with in ["{}", "{egress-policy: block}"] {
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: step-security/harden-runner@v2, with: {with}}}]}}}}");
        assert!(problems(WORKFLOW, &text).contains("no wall stands around a job's network"), "{with}");
    }
}
