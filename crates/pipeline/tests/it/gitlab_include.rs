//! GitLab's `include`: what is merged over what, what may be included, and where it ends. The facts are those of GitLab's
//! documents (`includes.md`) and of its specs of `Gitlab::Ci::Config::External`.

use penstock_pipeline::{FileRef, PlannedStep, PushEvent, Trigger};

use crate::support::{GITLAB, plan_with, push};

pub fn local(path: &str) -> FileRef {
    FileRef::Local { path: path.to_owned() }
}

pub fn project(project: &str, reference: Option<&str>, path: &str) -> FileRef {
    FileRef::Project { project: project.to_owned(), reference: reference.map(str::to_owned), path: path.to_owned() }
}

fn remote(url: &str) -> FileRef {
    FileRef::Remote { url: url.to_owned() }
}

fn template(name: &str) -> FileRef {
    FileRef::Template { name: name.to_owned() }
}

fn component(address: &str) -> FileRef {
    let (path, version) = address.split_once('@').unwrap();
    let (host, path) = path.split_once('/').unwrap();
    FileRef::Component { host: host.to_owned(), path: path.to_owned(), version: version.to_owned() }
}

/// The jobs with their scripts, or what is wrong, each with its file.
pub fn planned(text: &str, files: &[(FileRef, &str)], event: &PushEvent) -> String {
    match plan_with(GITLAB, text, files, event) {
        Ok(plan) => {
            let job = |job: &penstock_pipeline::PlannedJob| {
                let commands: Vec<&str> = job
                    .steps
                    .iter()
                    .flat_map(|step| match step {
                        PlannedStep::BeforeSources { commands }
                        | PlannedStep::Script { commands }
                        | PlannedStep::AfterScript { commands } => commands.clone(),
                        _ => Vec::new(),
                    })
                    .map(|command| &*command.leak())
                    .collect();
                format!("{}: {}", job.name, commands.join("; "))
            };
            plan.jobs.iter().map(job).collect::<Vec<_>>().join("\n")
        }
        Err((problems, _)) => {
            let told =
                |one: &penstock_pipeline::Diagnostic| format!("{}:{}:{} {}: {}", one.path, one.line, one.column, one.key, one.message);
            problems.iter().map(told).collect::<Vec<_>>().join("\n")
        }
    }
}

fn with_files(paths: &[&str]) -> PushEvent {
    PushEvent { files: paths.iter().map(|path| (*path).to_owned()).collect(), ..push() }
}

#[track_caller]
pub fn check(text: &str, files: &[(FileRef, &str)], expected: &str) {
    assert_eq!(planned(text, files, &push()), expected);
}

const BUILD: &str = "build: {script: make}";

#[test]
fn an_entry_is_text_or_a_mapping_alone_or_in_a_list() {
    for text in [
        "include: ci/a.yml",
        "include: /ci/a.yml",
        "include: [ci/a.yml]",
        "include: {local: ci/a.yml}",
        "include: {local: ///ci/a.yml}",
        "include: [{local: ci/a.yml}]",
        "include: [ci/a.yml, null, ci/a.yml]",
        "include: ${CI_PROJECT_NAME}x/../ci/a.yml",
    ] {
        let expected = if text.contains("..") {
            ".gitlab-ci.yml:1:10 include: `oranx/../ci/a.yml` is not a path below the top of a repository"
        } else {
            "build: make"
        };
        check(text, &[(local("ci/a.yml"), BUILD)], expected);
    }
}

#[test]
fn the_including_file_goes_over_what_it_includes_and_later_files_over_earlier() {
    let common = "variables: {A: common, B: common}\ndefault: {before_script: [common]}\ntest:\n  script: [echo common, make]\n  artifacts: {paths: [x]}\n  environment: {name: a, url: http://x}\n";
    let other = "default: {before_script: [other]}\nextra: {script: other}\n";
    let text = "include: [common.yml, other.yml]\nvariables: {A: own}\ntest:\n  script: [own]\n  environment: {url: http://own}\n";
    let plan = plan_with(GITLAB, text, &[(local("common.yml"), common), (local("other.yml"), other)], &push()).unwrap();
    assert_eq!(plan.variables["A"].value, "own");
    assert_eq!(plan.variables["B"].value, "common");
    assert_eq!(plan.jobs[0].environment.as_ref().unwrap().url.as_deref(), Some("http://own"));
    assert_eq!(plan.jobs[0].environment.as_ref().unwrap().name, "a");
    check(text, &[(local("common.yml"), common), (local("other.yml"), other)], "test: other; own\nextra: other; other");
    let turned = text.replace("common.yml, other.yml", "other.yml, common.yml");
    check(&turned, &[(local("common.yml"), common), (local("other.yml"), other)], "extra: common; other\ntest: common; own");
}

/// GitLab's document has this example with both orders.
#[test]
fn the_last_time_that_a_file_is_included_counts() {
    let files = [
        (template("defaults.gitlab-ci.yml"), "default: {before_script: default}"),
        (local("unit.yml"), "include: {template: defaults.gitlab-ci.yml}\ndefault: {before_script: unit}\nunit: {script: unit.sh}"),
        (local("smoke.yml"), "include: {template: defaults.gitlab-ci.yml}\ndefault: {before_script: smoke}\nsmoke: {script: smoke.sh}"),
    ];
    check("include: [unit.yml, smoke.yml]", &files, "unit: smoke; unit.sh\nsmoke: smoke; smoke.sh");
    check("include: [smoke.yml, unit.yml]", &files, "smoke: unit; smoke.sh\nunit: unit; unit.sh");
}

#[test]
fn local_is_of_the_repository_of_the_file_that_says_it() {
    let files = [
        (local("local/file.yml"), "include: [{project: other/ci, ref: v1, file: /templates/work.yml}, {remote: 'https://x.org/c.yml'}]"),
        (project("other/ci", Some("v1"), "templates/work.yml"), "include: [{local: /templates/build.yml}]"),
        (project("other/ci", Some("v1"), "templates/build.yml"), "build: {script: theirs}"),
        (local("templates/build.yml"), "build: {script: mine}"),
        (remote("https://x.org/c.yml"), "remote: {script: far}"),
    ];
    check("include: /local/file.yml", &files, "build: theirs\nremote: far");
}

#[test]
fn a_project_gives_one_file_or_several() {
    let files = [(project("group/ci", None, "a.yml"), "a: {script: a}"), (project("group/ci", None, "b.yml"), "b: {script: b}")];
    check("include: {project: Group/CI, file: [/a.yml, b.yml]}", &files, "a: a\nb: b");
    check("include: {project: group/ci, file: a.yml}", &files, "a: a");
    let own = [(project("oran", None, "a.yml"), "a: {script: a}")];
    check("include: {project: $CI_PROJECT_PATH, file: a.yml}", &own, "a: a");
}

#[test]
fn patterns_find_files_of_the_project() {
    let event = with_files(&["configs/a.yml", "configs/b.yml", "configs/c.txt", "configs/sub/d.yml", "other/e.yml"]);
    let files = [
        (local("configs/a.yml"), "a: {script: a}"),
        (local("configs/b.yml"), "b: {script: b}"),
        (local("configs/sub/d.yml"), "d: {script: d}"),
        (local("other/e.yml"), "e: {script: e}"),
    ];
    for (pattern, expected) in [
        ("configs/*.yml", "a: a\nb: b\nown: own"),
        ("configs/**.yml", "a: a\nb: b\nd: d\nown: own"),
        ("configs/**/*.yml", "d: d\nown: own"),
        ("/configs/a*.yml", "a: a\nown: own"),
        ("**/*.yml", "a: a\nb: b\nd: d\ne: e\nown: own"),
        ("none/*.yml", "own: own"),
    ] {
        assert_eq!(planned(&format!("include: '{pattern}'\nown: {{script: own}}"), &files, &event), expected, "{pattern}");
    }
    let variable = planned("include: {local: '$CI_PROJECT_NAME/*.yml'}\na: {script: a}", &files, &event);
    assert!(variable.contains("before it fills variables in"), "{variable}");
}

#[test]
fn rules_decide_what_is_included() {
    let cases = [
        ("{if: $CI_COMMIT_BRANCH == 'main'}", true),
        ("{if: $CI_COMMIT_BRANCH == 'main', when: never}", false),
        ("{if: $CI_COMMIT_BRANCH == 'main', when: always}", true),
        ("{if: $CI_COMMIT_BRANCH == 'other'}", false),
        ("{if: $PROJECT == 'from project'}", true),
        // the file's own variables are not seen
        ("{if: $OWN}", false),
        ("{exists: [Cargo.toml]}", true),
        ("{exists: [none.toml]}", false),
        ("{exists: {paths: ['src/*.rs']}}", true),
        ("{changes: [src/*.rs]}", true),
        ("{changes: {paths: [docs/*]}}", false),
        ("{if: $CI_COMMIT_BRANCH, exists: [none.toml]}", false),
    ];
    for (rule, included) in cases {
        let text = format!("include:\n- local: a.yml\n  rules: [{rule}]\nvariables: {{OWN: x}}\nown: {{script: own}}");
        check(&text, &[(local("a.yml"), "a: {script: a}")], if included { "a: a\nown: own" } else { "own: own" });
    }
    check(
        "include:\n- local: a.yml\n  rules: [{if: $X, when: on_success}]\n- local: a.yml\n  rules: [{if: $X, needs: [b]}]",
        &[],
        ".gitlab-ci.yml:3:26 include[0].rules[0].when: `on_success` is not carried out here\n.gitlab-ci.yml:5:20 include[1].rules[0].needs: `needs` is not carried out",
    );
}

#[test]
fn rules_see_what_their_own_repository_has() {
    let paths = FileRef::Paths { project: "other/ci".to_owned(), reference: Some("main".to_owned()) };
    let files = [
        (project("other/ci", Some("main"), "a.yml"), "include:\n- local: b.yml\n  rules: [{exists: [Dockerfile]}]\na: {script: a}"),
        (project("other/ci", Some("main"), "b.yml"), "b: {script: b}"),
        (paths, "a.yml\0Dockerfile\0"),
        (remote("https://x.org/c.yml"), "include:\n- local: b.yml\n  rules: [{exists: [Cargo.toml]}]\nc: {script: c}"),
    ];
    check("include: {project: other/ci, ref: main, file: a.yml}", &files, "b: b\na: a");
    check("include: https://x.org/c.yml", &files, "c: c");
}

#[test]
fn a_remote_file_belongs_to_no_project_and_sees_no_variables() {
    let files = [(remote("https://x.org/c.yml"), "include: b.yml\nc: {script: c}")];
    check(
        "include: https://x.org/c.yml",
        &files,
        "https://x.org/c.yml:1:10 include: `b.yml` is local to a file that belongs to no project",
    );
    let files =
        [(remote("https://x.org/c.yml"), "include:\n- remote: https://x.org/d.yml\n  rules: [{if: $CI_COMMIT_BRANCH}]\nc: {script: c}")];
    check("include: https://x.org/c.yml", &files, "c: c");
}

#[test]
fn the_content_of_a_remote_file_can_be_pinned() {
    let url = "https://x.org/c.yml";
    let files = [(remote(url), "c: {script: c}\n")];
    let include = |digest: &str| format!("include: {{remote: '{url}', integrity: 'sha256-{digest}'}}");
    check(&include("N7V16frC9dF38lM1SfGZakyycCCo4D2XrKLGAgg8uiU="), &files, "c: c");
    check(
        &include("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        &files,
        ".gitlab-ci.yml:1:19 include: `https://x.org/c.yml` is not what `integrity` says it is",
    );
    for bad in ["abc", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF?=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="] {
        let told = planned(&include(bad), &files, &push());
        assert!(told.contains("is not `sha256-` and a digest in base64"), "{told}");
    }
}

#[test]
fn a_component_knows_what_it_is() {
    let text = "spec:\n  component: [name, version, reference, sha]\n  inputs: {stage: {default: test}}\n---\n$[[ component.name ]]-job:\n  stage: $[[ inputs.stage ]]\n  script: echo $[[ component.version ]] $[[ component.reference ]]\n";
    let files = [(component("127.0.0.1:7070/ci/build@1.0.2"), text), (component("gitlab.com/org/ci/build@main"), text)];
    check("include: {component: '127.0.0.1:7070/ci/build@1.0.2'}", &files, "build-job: echo 1.0.2 1.0.2");
    // a branch is no version
    check("include: {component: 'gitlab.com/org/ci/build@main', inputs: {stage: build}}", &files, "build-job: echo  main");
    let local = [
        (component("gitlab.com/org/ci/build@1.0.2"), "include: /templates/more.yml\nbuild: {script: b}"),
        (project("gitlab.com/org/ci", Some("1.0.2"), "templates/more.yml"), "more: {script: m}"),
    ];
    check("include: {component: gitlab.com/org/ci/build@1.0.2}", &local, "more: m\nbuild: b");
    for bad in ["gitlab.com/x@1", "gitlab.com/a/b/c", "a/../b@1", "/a/b/c@1", "gitlab.com/a/b@"] {
        let told = planned(&format!("include: {{component: '{bad}'}}"), &[], &push());
        assert!(told.contains("is not the address of a component"), "{told}");
    }
}

#[test]
fn what_extends_and_refers_does_so_across_files() {
    let files = [
        (local("a.yml"), ".base: {script: [base], variables: {A: base, B: base}}\n.parts: {setup: [one, !reference [.more, setup]]}\n"),
        (local("b.yml"), ".more: {setup: [two]}\n"),
    ];
    let text = "include: [a.yml, b.yml]\ntest:\n  extends: .base\n  script: [!reference [.parts, setup], !reference [.base, script], three]\n  variables: {A: own}\n";
    check(text, &files, "test: one; two; base; three");
}

#[test]
fn what_is_wrong_is_told_with_the_file_that_it_is_in() {
    check("include: none.yml", &[], ".gitlab-ci.yml:1:10 include: `none.yml` is not there: nobody has it");
    check("include: a.yml", &[(local("a.yml"), " \n")], ".gitlab-ci.yml:1:10 include: `a.yml` is empty");
    check("include: a.yml", &[(local("a.yml"), "- a")], "a.yml:1:1 : an included file is a mapping of jobs, not a list");
    check(
        "include: a.yml",
        &[(local("a.yml"), "a: {script: x}\nb: [")],
        "a.yml:3:1 : this is not YAML: while parsing a node, did not find expected node content",
    );
    check(
        "include: a.yml",
        &[(local("a.yml"), "\na:\n  scirpt: x")],
        "a.yml:2:1 a: the job has no `script`\na.yml:3:3 a.scirpt: `scirpt` is not a key of this place",
    );
    check("include: a.txt", &[], ".gitlab-ci.yml:1:10 include: `a.txt` does not end in .yml or .yaml");
    check("include: {template: Go.yml}", &[], ".gitlab-ci.yml:1:21 include: `Go.yml` is not the name of a template");
    check("include: {remote: ftp://x.org/a.yml}", &[], ".gitlab-ci.yml:1:19 include: `ftp://x.org/a.yml` is not an address");
    check("include: {project: a/b}", &[], ".gitlab-ci.yml:1:20 include: the entry names a project and no file");
    check(
        "include: {local: a.yml, file: b.yml}",
        &[(local("a.yml"), BUILD)],
        ".gitlab-ci.yml:1:10 include: `file` and `ref` belong to `project`",
    );
    check("include: {local: a.yml, template: b.gitlab-ci.yml}", &[], ".gitlab-ci.yml:1:10 include: the entry names local and template");
    check("include: {inputs: {a: 1}}", &[], ".gitlab-ci.yml:1:10 include: the entry names nothing");
    check("include: [[a.yml]]", &[], ".gitlab-ci.yml:1:11 include: text is expected here, not a list");
    check(
        "include: !reference [.a, include]",
        &[],
        ".gitlab-ci.yml:1:10 include: `!reference` is carried out after `include`, so that it cannot hold one",
    );
    check("include: {artifact: a.yml, job: b}", &[], ".gitlab-ci.yml:1:21 include: only a child pipeline includes what a job made");
}

#[test]
fn what_came_from_another_file_says_so() {
    let files = [(local("a.yml"), "\nbuild:\n  rules: [{if: $CI_COMMIT_BRANCH}]\n  script: b\nleft: {script: l, only: [tags]}")];
    let plan = plan_with(GITLAB, "include: a.yml\nown: {script: o}", &files, &push()).unwrap();
    let build = &plan.jobs[0];
    assert_eq!((build.line, build.file.as_deref()), (2, Some("a.yml")));
    assert_eq!(build.because, ["the rule on line 3 of a.yml matches: `$CI_COMMIT_BRANCH` is true (CI_COMMIT_BRANCH is \"main\")"]);
    assert_eq!((plan.jobs[1].line, plan.jobs[1].file.as_deref()), (2, None));
    assert_eq!(plan.left_out[0].file.as_deref(), Some("a.yml"));
    assert!(plan.left_out[0].because[0].contains("`only` on line 5 of a.yml"), "{:?}", plan.left_out);
}

#[test]
fn circles_and_too_many_files_end() {
    let files = [(local("a.yml"), "include: b.yml"), (local("b.yml"), "include: [c.yml, a.yml]"), (local("c.yml"), BUILD)];
    check("include: a.yml", &files, "b.yml:1:18 include[1]: files include each other in a circle: a.yml -> b.yml -> a.yml");
    // each time with another input, so that only the number of files ends it
    let grows = "spec: {inputs: {n: {default: ''}}}\n---\ninclude: {local: a.yml, inputs: {n: '$[[ inputs.n ]]x'}}\n";
    let told = planned("include: a.yml", &[(local("a.yml"), grows)], &push());
    assert!(told.starts_with("a.yml:3:18 include: the pipeline includes more than 150 files"), "{told}");
    let wide: String = (0..151).map(|n| format!("- c{n}.yml\n")).collect();
    let all: Vec<(FileRef, &str)> = (0..151).map(|n| (local(&format!("c{n}.yml")), BUILD)).collect();
    let told = planned(&format!("include:\n{wide}"), &all, &push());
    assert!(told.contains("more than 150 files"), "{told}");
    check(&format!("include:\n{}", wide.rsplit_once("- ").unwrap().0), &all, "build: make");
}

#[test]
fn the_bytes_of_all_files_are_bounded() {
    let long = format!("# {}\n{BUILD}", "x".repeat(900_000));
    let told = planned("include: [a.yml, a.yml, a.yml, a.yml, a.yml]", &[(local("a.yml"), &long)], &push());
    assert!(told.contains("have more than 4 MiB together"), "{told}");
}

#[test]
fn inputs_of_the_pipeline_come_with_what_starts_it() {
    let text = "spec:\n  inputs:\n    env: {options: [dev, prod]}\n    n: {type: number, default: 1}\n    all: {type: boolean, default: false}\n    list: {type: array, default: []}\n---\ninclude: $[[ inputs.env ]].yml\nb: {script: 'echo $[[ inputs.n ]] $[[ inputs.all ]] $[[ inputs.list ]]'}\n";
    let files = [(local("dev.yml"), "a: {script: dev}")];
    let manual =
        |inputs: serde_json::Value| PushEvent { trigger: Trigger::Manual { inputs: serde_json::from_value(inputs).unwrap() }, ..push() };
    for (inputs, expected) in [
        (serde_json::json!({"env": "dev"}), "a: dev\nb: echo 1 false []"),
        (serde_json::json!({"env": "dev", "n": "7", "all": "true", "list": "[\"a\", 2]"}), "a: dev\nb: echo 7 true [\"a\", 2]"),
        (serde_json::json!({"env": "dev", "n": 7, "all": true, "list": ["a"]}), "a: dev\nb: echo 7 true [\"a\"]"),
        (serde_json::json!({}), ".gitlab-ci.yml:1:1 : the pipeline needs a value for its input `env`"),
        (serde_json::json!({"env": "x"}), ".gitlab-ci.yml:1:1 : `x` is not among the options of the input `env`"),
        (serde_json::json!({"env": "dev", "n": "x"}), ".gitlab-ci.yml:1:1 : the input `n` is a number, and this is text"),
        (serde_json::json!({"env": "dev", "m": 1}), ".gitlab-ci.yml:1:1 : the pipeline takes no input `m`"),
    ] {
        assert_eq!(planned(text, &files, &manual(inputs)), expected);
    }
    assert_eq!(
        planned("a: {script: a}", &[], &manual(serde_json::json!({"x": 1}))),
        ".gitlab-ci.yml:1:1 : the pipeline has no header that declares the input `x`"
    );
}
