//! Built-in actions that set up tools, build images and take in reports.

use penstock_model::job::StepOutcome;

use crate::support::{WORKFLOW, problems};
use crate::workflow_actions::{carried_out, gives};

const PYTHONS: &str = "3.11.2\t/usr/bin/python3\n3.11.2\t/usr/bin/python3.11\n3.12.1\t/opt/python3.12\n3.13.0rc1\t/opt/python3.13\n";

#[test]
fn the_highest_version_of_the_machine_that_fits_is_taken() {
    for (wish, expected) in [
        ("'3.11'", "Python 3.11.2 at /usr/bin/python3"),
        ("3.x", "Python 3.12.1 at /opt/python3.12"),
        ("'>=3.9 <3.12'", "Python 3.11.2 at /usr/bin/python3"),
        ("3.13-dev", "Python 3.13.0rc1 at /opt/python3.13"),
        ("'3.13'", "help: nothing is downloaded"),
        (
            "'2.7'",
            "##[error]Python `2.7` is not here; there is 3.11.2 (/usr/bin/python3), 3.11.2 (/usr/bin/python3.11), 3.12.1 (/opt/python3.12), 3.13.0rc1 (/opt/python3.13)",
        ),
        ("latest", "##[error]`latest` asks for no version of Python"),
    ] {
        let steps = format!("      - {{id: s, uses: actions/setup-python@v5, with: {{python-version: {wish}}}}}\n");
        let seen = carried_out(&steps, &[gives(&[("penstock.found", PYTHONS)])]);
        assert!(seen.contains(expected), "{wish}: {seen}");
    }
}

#[test]
fn a_tool_goes_before_the_path_and_tells_its_version_and_place() {
    let steps = "      - {id: s, uses: actions/setup-python@v5, with: {python-version: '3.12', cache: pip}}\n      - run: ${{ steps.s.outputs.python-version }} ${{ steps.s.outputs.python-path }} ${{ steps.s.outputs.cache-hit }}\n";
    let seen = carried_out(steps, &[gives(&[("penstock.found", PYTHONS)]), gives(&[("path", "/home/job/.python/3.12.1/bin/python")])]);
    assert!(seen.contains("'/opt/python3.12' -m venv"), "{seen}");
    assert!(seen.contains("echo \"$d/bin\" >> \"$GITHUB_PATH\""), "{seen}");
    assert!(
        seen.ends_with(
            "Run 3.12.1 /home/job/.python/3.12.1/bin/python false | script 3.12.1 /home/job/.python/3.12.1/bin/python false\ndone 0 "
        ),
        "{seen}"
    );
}

#[test]
fn a_version_may_stand_in_a_file() {
    for (action, file, text, found, expected) in [
        ("setup-node", "node-version-file: .nvmrc", "lts/iron\n", "20.9.0\t/n/node\n22.1.0\t/m/node\n", "Node.js 20.9.0 at /n/node"),
        (
            "setup-node",
            "node-version-file: package.json",
            "{\"engines\": {\"node\": \">=18\"}}",
            "22.1.0\t/m/node\n",
            "Node.js 22.1.0 at /m/node",
        ),
        ("setup-node", "node-version: lts/*", "", "23.0.0\t/n/node\n22.1.0\t/m/node\n", "Node.js 22.1.0 at /m/node"),
        ("setup-go", "go-version-file: go.mod", "module x\n\ngo 1.21\n", "1.21.5\t/usr/bin/go\n", "Go 1.21.5 at /usr/bin/go"),
        ("setup-go", "go-version: stable", "", "1.20.1\t/a/go\n1.22\t/b/go\n", "Go 1.22 at /b/go"),
        (
            "setup-java",
            "{distribution: temurin, java-version-file: .java-version}",
            "17\n",
            "17.0.9\t/j/bin/java\n8.0.392\t/k/bin/java\n",
            "Java 17.0.9 at /j/bin/java",
        ),
        (
            "setup-java",
            "{distribution: zulu, java-version: 8}",
            "",
            "17.0.9\t/j/bin/java\n8.0.392\t/k/bin/java\n",
            "Java 8.0.392 at /k/bin/java",
        ),
        ("setup-python", "python-version-file: pyproject.toml", "requires-python = \">=3.11\"\n", PYTHONS, "Python 3.12.1"),
    ] {
        let with = if file.starts_with('{') { file.to_owned() } else { format!("{{{file}}}") };
        let steps = format!("      - {{uses: actions/{action}@v4, with: {with}}}\n");
        let seen = carried_out(&steps, &[gives(&[("penstock.found", found), ("penstock.file", text)])]);
        assert!(seen.contains(expected), "{with}: {seen}");
    }
}

#[test]
fn an_image_is_built_by_the_own_builder_under_the_name_that_its_tags_have() {
    let steps = "      - uses: docker/login-action@v3\n        with: {registry: ghcr.io, username: u, password: p}\n      - {id: s, uses: docker/build-push-action@v6, with: {context: ./app, file: app/Dockerfile.x, push: true, tags: \"ghcr.io/acme/web:1,ghcr.io/acme/web:latest\", build-args: \"A=1\\nB=it's\"}}\n      - run: ${{ steps.s.outputs.digest }}\n";
    let seen = carried_out(steps, &[StepOutcome::exited(0), gives(&[("digest", "sha256:1")])]);
    assert!(seen.contains("no login to ghcr.io is made: images go to the own registry, 127.0.0.1:7070"), "{seen}");
    assert!(
        seen.contains(
            "out=$(penstock build --context 'app' --file 'Dockerfile.x' --build-arg 'A=1' --build-arg 'B=it'\\''s' --image 'web')"
        ),
        "{seen}"
    );
    assert!(seen.contains("Run sha256:1"), "{seen}");
    for (with, expected) in [
        ("{platforms: 'linux/amd64,linux/s390x'}", "an image for linux/s390x cannot be built here"),
        ("{target: x}", "`target` is not carried out"),
        ("{outputs: 'type=local,dest=x'}", "the output `type=local,dest=x` is not carried out"),
    ] {
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: docker/build-push-action@v6, with: {with}}}]}}}}");
        assert!(problems(WORKFLOW, &text).contains(expected), "{with}");
    }
}

#[test]
fn tags_come_from_the_ref_as_the_metadata_action_makes_them() {
    let tags = |with: &str| {
        let steps = format!(
            "      - {{id: m, uses: docker/metadata-action@v5, with: {{images: acme/web, {with}}}}}\n      - run: \"${{{{ join(fromJSON(steps.m.outputs.json).tags, ' ') }}}} v=${{{{ steps.m.outputs.version }}}} ${{{{ env.DOCKER_METADATA_OUTPUT_VERSION }}}}\"\n"
        );
        let seen = carried_out(&steps, &[]);
        let line = seen.lines().find_map(|line| line.strip_prefix("Run acme")).unwrap_or(&seen);
        format!("acme{}", line.split(" | ").next().unwrap_or_default())
    };
    assert_eq!(tags("sep-tags: ','"), "acme/web:main v=main main");
    assert_eq!(tags("tags: \"type=sha\\ntype=raw,value=x,enable={{is_default_branch}}\""), "acme/web:x acme/web:sha-aaaaaaa v=x x");
    assert_eq!(
        tags("tags: \"type=semver,pattern={{version}},value=v1.2.3\\ntype=semver,pattern={{major}}.{{minor}},value=v1.2.3\""),
        "acme/web:1.2.3 acme/web:1.2 acme/web:latest v=1.2.3 1.2.3"
    );
    assert_eq!(tags("tags: \"type=semver,pattern={{major}},value=v1.2.3-rc.1\""), "acme/web:1.2.3-rc.1 v=1.2.3-rc.1 1.2.3-rc.1");
    assert_eq!(tags("flavor: 'latest=true,suffix=-a', tags: \"type=edge,branch=main\""), "acme/web:edge-a acme/web:latest v=edge-a edge-a");
}

#[test]
fn reports_of_other_tools_are_kept_as_findings_and_coverage() {
    let seen = carried_out("      - {uses: github/codeql-action/upload-sarif@v3, with: {sarif_file: out}}\n", &[gives(&[("count", "0")])]);
    assert!(seen.contains("report sarif [\"out/**/*.sarif\"]") && seen.contains("##[error]there is no SARIF file at out"), "{seen}");
    let seen =
        carried_out("      - {uses: codecov/codecov-action@v4, with: {files: './a/cov.xml,lcov.info'}}\n", &[gives(&[("count", "1")])]);
    assert!(seen.contains("report cobertura [\"a/cov.xml\"] | ##[warning]not read, since it is not Cobertura's XML: lcov.info"), "{seen}");
    let seen = carried_out("      - {uses: codecov/codecov-action@v4, with: {files: lcov.info, fail_ci_if_error: true}}\n", &[]);
    assert!(
        seen.ends_with("##[error]lcov.info is not Cobertura's XML, which is what is read here: write coverage as XML\ndone 1 "),
        "{seen}"
    );
}

#[test]
fn test_results_are_kept_as_reports_whoever_would_publish_them() {
    for (uses, with, expected) in [
        ("codecov/codecov-action@v5", "{report_type: test_results, files: ./junit.xml}", "report junit [\"junit.xml\"]"),
        ("codecov/test-results-action@v1", "{directory: ./out}", "report junit [\"out/**/*junit*.xml\", "),
        ("mikepenz/action-junit-report@v5", "{report_paths: 'a/TEST-*.xml'}", "report junit [\"a/TEST-*.xml\"]"),
        ("EnricoMi/publish-unit-test-result-action@v2", "{files: \"a/*.xml\\nb/*.xml\"}", "report junit [\"a/*.xml\", \"b/*.xml\"]"),
        ("coverallsapp/github-action@v2", "{file: cov.xml}", "report cobertura [\"cov.xml\"]"),
        ("coverallsapp/github-action@v2", "{path-to-lcov: lcov.info}", "##[warning]not read, since it is not Cobertura's XML: lcov.info"),
    ] {
        let seen = carried_out(&format!("      - {{uses: {uses}, with: {with}}}\n"), &[gives(&[("count", "1")])]);
        assert!(seen.contains(expected) && seen.ends_with("done 0 "), "{uses} {with}: {seen}");
    }
    let steps = "      - {uses: codecov/codecov-action@v5, with: {report_type: test_results, files: j.xml, fail_ci_if_error: true}}\n";
    assert!(carried_out(steps, &[gives(&[("count", "0")])]).contains("##[error]there is no report at j.xml\ndone 1 "));
    for with in ["mikepenz/action-junit-report@v5, with: {fail_on_failure: true}", "codecov/codecov-action@v5, with: {report_type: bundle}"]
    {
        let text = format!("on: push\njobs: {{a: {{runs-on: linux, steps: [{{uses: {with}}}]}}}}");
        assert!(problems(WORKFLOW, &text).contains("is not carried out"), "{with}");
    }
}

#[test]
fn trivy_gets_its_settings_as_variables() {
    let seen = carried_out(
        "      - {uses: aquasecurity/trivy-action@0.28.0, with: {scan-type: fs, severity: 'HIGH,CRITICAL', exit-code: 1, trivyignores: '.trivyignore'}}\n",
        &[],
    );
    assert!(seen.contains("trivy fs '.' | TRIVY_EXIT_CODE=1 TRIVY_SEVERITY=HIGH,CRITICAL"), "{seen}");
    assert!(seen.contains("cat -- '.trivyignore' > \"$RUNNER_TEMP/.trivyignore\""), "{seen}");
}
