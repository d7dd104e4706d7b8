//! What is refused in GitLab files: with line, column, key and what to do.

use crate::support::{GITLAB, planned, problems, push};

/// `a` is a sound job; the text is appended to it.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(problems(GITLAB, text), expected);
}

#[test]
fn a_key_that_is_not_carried_out_is_shown_where_it_stands() {
    let text = "build:\n  script: [make]\n  identity: [x]\n";
    insta::assert_snapshot!(planned(GITLAB, text, &push()).unwrap_err(), @"
    error: `identity` is not carried out
     --> .gitlab-ci.yml:3:3 (build.identity)
      |
    3 |   identity: [x]
      |   ^^^^^^^^
      = help: remove it
    ");
}

#[test]
fn every_other_key_of_the_dialect_is_refused() {
    for key in ["identity", "dast_configuration", "run", "type", "include"] {
        let seen = problems(GITLAB, &format!("a:\n  script: [x]\n  {key}: x\n"));
        assert_eq!(seen, format!("3:3 a.{key}: `{key}` is not carried out"));
    }
}

#[test]
fn a_misspelt_key_gets_a_suggestion() {
    check("a:\n  scrpt: [x]\n", "1:1 a: the job has no `script`\n2:3 a.scrpt: `scrpt` is not a key of this place");
    let error = planned(GITLAB, "a:\n  script: [x]\n  need: []\n", &push()).unwrap_err();
    assert!(error.contains("did you mean `needs`?"), "{error}");
}

#[test]
fn all_problems_of_a_file_are_told_in_the_order_of_lines() {
    check(
        "b:\n  script: [x]\n  stage: nope\n  timeout: soon\na:\n  script: [x]\n  retry: 9\n  when: delayed\n",
        "3:10 b.stage: there is no stage `nope`\n4:12 b.timeout: a duration of at most a month is expected here\n\
         7:10 a.retry: a whole number from 0 to 2 is expected here\n8:3 a.when: a delayed job has no `start_in`",
    );
}

#[test]
fn needs_are_checked() {
    check("a: {script: [x], needs: [b]}\n", "1:26 a.needs: there is no job `b`");
    check("a: {script: [x], needs: [b]}\nb: {script: [x], needs: [a]}\n", "2:26 b.needs: jobs need each other in a circle: a -> b -> a");
    check("a: {script: [x], needs: [a]}\n", "1:26 a.needs: jobs need each other in a circle: a -> a");
    check("a: {stage: build, script: [x], needs: [b]}\nb: {script: [x]}\n", "1:40 a.needs: `b` is in the later stage `test`");
    check(
        "a: {script: [x], needs: [b]}\nb: {script: [x], rules: [{when: never}]}\n",
        "1:26 a.needs: `b` is needed and its rules leave it out of this pipeline",
    );
    check("a: {script: [x], dependencies: [b]}\nb: {script: [x], stage: deploy}\n", "1:33 a.dependencies: the job does not wait for `b`");
}

#[test]
fn extends_and_references_are_checked() {
    check("a: {extends: .no, script: [x]}\n", "1:14 a.extends: `.no` is extended and is not in the file");
    check(
        "a: {extends: b, script: [x]}\nb: {extends: a, script: [x]}\n",
        "1:14 a.extends: jobs extend each other in a circle: b -> a -> b\n2:14 b.extends: jobs extend each other in a circle: a -> b -> a",
    );
    check("a: {script: [!reference [.no, script]]}\n", "1:14 !reference: nothing has the name [.no, script]");
    check("a: {script: !reference [a, script]}\n", "1:13 !reference: references refer to references more than 10 deep");
}

#[test]
fn rules_are_checked_to_the_character() {
    check(
        "a:\n  script: [x]\n  rules:\n    - if: $A = 'x'\n",
        "4:14 a.rules[0].if: the condition cannot be read: `=` is not an operator; known: == != =~ !~ && || ( )",
    );
    check(
        "a:\n  script: [x]\n  rules:\n    - if: '$A == b'\n",
        "4:18 a.rules[0].if: the condition cannot be read: `b` must be a $variable or in quotes",
    );
    check(
        "a: {script: [x], rules: [{changes: {paths: [x], regexp: main}}]}\n",
        "1:49 a.rules[0].changes.regexp: `regexp` is not carried out",
    );
    check("a: {script: [x], rules: [{exists: {paths: [x], ref: main}}]}\n", "1:53 a.rules[0].exists.ref: `ref` belongs to `project`");
    check("a: {script: [x], rules: [{when: delayed}]}\n", "1:27 a.rules[0].when: a delayed job has no `start_in`");
    check("a: {script: [x], rules: [{exists: ['{a']}]}\n", "1:36 a.rules[0].exists: the pattern `{a` cannot be read: a `{` is not closed");
    check(
        "a: {script: [x], rules: [{if: $PROJECT =~ true}]}\n",
        "1:31 a.rules[0].if: the condition cannot be decided: what stands on the right of `=~` is neither a regex nor text",
    );
}

#[test]
fn what_yaml_reads_otherwise_than_one_thinks_is_refused() {
    check("a:\n  script:\n    - echo \"x: y\"\n", "3:7 a.script: a command is expected here, and YAML reads a mapping");
    check("a: {script: [true]}\n", "1:14 a.script: a command is expected here, and YAML reads `true` as something else");
    check("a: {script: [0755]}\n", "1:14 a.script: a command is expected here, and YAML reads `0755` as something else");
    check("a: {script: [x], image: 3.10}\n", "1:25 a.image: text is expected here, and GitLab reads `3.10` as 3.1");
    check("a: {script: [x], stage: yes}\n", "1:25 a.stage: text is expected here, and GitLab reads `yes` as true");
    check("a: {script: [x], environment: 1}\n", "1:31 a.environment: text is expected here, not a number");
}

#[test]
fn variables_are_checked() {
    check("variables: {A: $B, B: $A}\na: {script: [x]}\n", "1:13 a.variables.A: variables refer to each other in a circle: A -> B -> A");
    check(
        "a: {script: [x], variables: {PATH: '/opt/bin:$PATH'}}\n",
        "1:30 a.variables.PATH: `PATH` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `PATH`",
    );
    check("variables: {A-B: x}\na: {script: [x]}\n", "1:13 variables.A-B: `A-B` cannot be a variable's name");
}

#[test]
fn a_variable_that_asks_for_another_checkout_is_refused_where_it_stands() {
    for (name, value) in [
        ("GIT_STRATEGY", "shallow"),
        ("GIT_STRATEGY", "$OTHER"),
        ("GIT_CHECKOUT", "'false'"),
        ("GIT_DEPTH", "all"),
        ("GIT_SUBMODULE_STRATEGY", "all"),
        ("GIT_CLONE_PATH", "/srv/x"),
        ("GIT_CLONE_PATH", "$CI_BUILDS_DIR/../x"),
        ("GIT_FETCH_EXTRA_FLAGS", "--no-tags"),
        ("GIT_LFS_SKIP_SMUDGE", "maybe"),
        ("GIT_LFS_FETCH", "x"),
        ("RUNNER_SCRIPT_TIMEOUT", "1h"),
        ("RUNNER_AFTER_SCRIPT_TIMEOUT", "10m"),
        ("AFTER_SCRIPT_IGNORE_ERRORS", "'false'"),
        ("CI_DEBUG_TRACE", "'true'"),
    ] {
        let (plain, column) = (value.trim_matches('\''), 15 + name.len());
        let refused = |place: &str| format!("{place}.{name}: `{name}: {plain}` is not carried out");
        check(&format!("variables: {{{name}: {value}}}\na: {{script: [x]}}\n"), &refused(&format!("1:{column} variables")));
        check(&format!("a:\n  script: [x]\n  variables:\n    {name}: {value}\n"), &refused(&format!("4:{} a.variables", 7 + name.len())));
        let rule = format!("a:\n  script: [x]\n  rules:\n    - variables: {{{name}: {value}}}\n");
        check(&rule, &refused(&format!("4:{} a.rules[0].variables", 21 + name.len())));
    }
    let fine = "GIT_CLONE_PATH: $CI_BUILDS_DIR/go/src/x, GIT_DEPTH: 0, GIT_STRATEGY: clone, GIT_CHECKOUT: 'true', GIT_SUBMODULE_STRATEGY: recursive, GIT_CLEAN_FLAGS: none, CACHE_FALLBACK_KEY: main, GIT_FETCH_EXTRA_FLAGS: --tags --prune, GIT_LFS_SKIP_SMUDGE: 1, GIT_AUTHOR_NAME: Ada, RUNNER_AFTER_SCRIPT_TIMEOUT: 5m, AFTER_SCRIPT_IGNORE_ERRORS: 'true'";
    for strategy in ["fetch", "none", "empty"] {
        let own = format!("{{GIT_STRATEGY: {strategy}, GIT_DEPTH: ''}}");
        check(&format!("variables: {{{fine}}}\na: {{script: [x], variables: {own}}}\n"), "a plan of 1 jobs");
    }
}

#[test]
fn no_artifact_is_in_git() {
    for path in [".git", "./.git/index"] {
        let text = format!("a:\n  script: [x]\n  artifacts:\n    paths: [dist, {path}]\n");
        check(&text, "4:19 a.artifacts.paths: `.git` is not the job's to keep");
    }
}

#[test]
fn parts_of_a_job_are_checked() {
    for (part, expected) in [
        ("artifacts: {name: [x]}", "artifacts.name: text is expected here, not a list"),
        ("artifacts: {untracked: 'true'}", "artifacts.untracked: `true` or `false` is expected here, not text"),
        ("artifacts: {expose_as: a/b}", "artifacts.expose_as: `a/b` cannot name artifacts"),
        ("artifacts: {reports: {cobertura: x}}", "artifacts.reports.cobertura: `cobertura` is not carried out"),
        (
            "artifacts: {reports: {coverage_report: {coverage_format: clover, path: x}}}",
            "artifacts.reports.coverage_report.coverage_format: `clover` is not carried out here",
        ),
        ("cache: {paths: [x], when: sometimes}", "cache.when: `sometimes` is not carried out here"),
        ("cache: {paths: [x], policy: both}", "cache.policy: `both` is not carried out here"),
        ("cache: {paths: [x], key: {prefix: p}}", "cache.key: one of `files` and `files_commits` is expected here"),
        ("cache: {paths: [x], key: {files: [../a]}}", "cache.key.files: `../a` leaves the checkout"),
        ("cache: {paths: [x], fallback_keys: [a, b, c, d, e, f]}", "cache.fallback_keys: a cache has at most 5 fallback keys"),
        ("cache: [{paths: [x]}, {paths: [y]}, {paths: [z]}, {paths: [u]}, {paths: [v]}]", "cache: a job has at most 4 caches"),
        ("environment: 'a:b'", "environment: `a:b` cannot name an environment"),
        ("environment: {name: x, kubernetes: {}}", "environment.kubernetes: `kubernetes` is not carried out"),
        ("environment: {name: x, action: end}", "environment.action: `end` is not carried out here"),
        ("image: {name: x, kubernetes: {}}", "image.kubernetes: `kubernetes` is not carried out"),
        ("services: [{name: x, ports: [80]}]", "services.ports: `ports` is not carried out"),
        ("parallel: {matrix: []}", "parallel.matrix: the matrix makes 0 jobs; 1 to 200 are possible"),
        ("parallel: 201", "parallel: a whole number from 1 to 200 is expected here"),
        ("retry: {max: 1, when: [stale_schedule, script_failed]}", "retry.when: `script_failed` is not carried out here"),
        ("artifacts: {public: false, access: all}", "artifacts.public: `public` is given beside `access`"),
        ("artifacts: {access: guests}", "artifacts.access: `guests` is not carried out here"),
        ("interruptible: sometimes", "interruptible: `true` or `false` is expected here, not text"),
        ("rules: [{interruptible: 1}]", "rules[0].interruptible: `true` or `false` is expected here, not a number"),
        ("allow_failure: maybe", "allow_failure: `true` or `false` is expected here, not text"),
        ("when: never", "when: `never` is not carried out here"),
    ] {
        let seen = problems(GITLAB, &format!("a:\n  script: [x]\n  {part}\n"));
        let (place, message) = seen.split_once(' ').unwrap();
        assert_eq!(message, format!("a.{expected}"), "{part}");
        assert!(place.starts_with("3:"), "{seen}");
    }
}

#[test]
fn files_that_are_no_pipeline_are_refused() {
    check("", "1:1 : the file has no job");
    check("- a\n", "1:1 : a pipeline is a mapping of jobs, not a list");
    check(".a: {script: [x]}\n", "1:1 : the file has no job");
    check("a: [x]\n", "1:4 a: a job is a mapping, not a list");
    check("a: {script: [x]}\n---\nb: {script: [x]}\n", "3:1 : the file holds a second document, and the first is no header");
    check("a: &a {script: *a}\n", "1:16 : this alias stands inside of what it names");
    check("a: !!binary x\n", "1:4 a: a job is a mapping, not text");
    check("a: !vault x\n", "1:4 : the tag `!vault` means nothing here");
}

#[test]
fn size_depth_and_growth_are_bounded() {
    assert!(problems(GITLAB, &"#".repeat((1 << 20) + 1)).contains("at most 1048576 are read"));
    assert!(problems(GITLAB, &format!("a: {}", "[".repeat(100))).contains("nests deeper than 64 levels"));
    let parallel: String = (0..11).map(|n| format!("j{n}: {{script: [x], parallel: 200}}\n")).collect();
    assert!(problems(GITLAB, &parallel).contains("more than 2000 jobs"));
    let extended = format!(".big: {{script: ['{}']}}\n", "x".repeat(400_000))
        + &(0..60).map(|n| format!("j{n}: {{extends: .big}}\n")).collect::<String>();
    assert!(problems(GITLAB, &extended).contains("unfold to more than 16 MiB"));
}

#[test]
fn what_gitlab_would_read_otherwise_is_refused_where_it_stands() {
    for (text, expected) in [
        ("variables: {A: '${B:-y}'}", "2:18 a.variables.A: `${B:-y}` means something to a shell only; GitLab expands it to nothing"),
        ("variables: {A: '$$${B%x}'}", "2:18 a.variables.A: `${B%x}` means something to a shell only; GitLab expands it to nothing"),
        ("variables: {A: '$${B:-y} ${C}'}", "a plan of 1 jobs"),
        ("variables: {A: {value: '${B:-y}', expand: false}}", "a plan of 1 jobs"),
        (
            "variables: {OK: x, PATH: '/opt:$PATH'}",
            "2:22 a.variables.PATH: `PATH` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `PATH`",
        ),
        (
            "rules: [{when: never}, {if: $CI_API_V4_URL == 'true'}]",
            "2:31 a.rules[1].if: GitLab's variable `CI_API_V4_URL` is not known here",
        ),
        ("variables: {CI_PROJECT_ID: '7'}, rules: [{if: $CI_PROJECT_ID == '7'}]", "a plan of 1 jobs"),
        ("rules: [{if: $CI_MERGE_REQUEST_IID, when: never}, {when: always}]", "a plan of 1 jobs"),
        ("rules: [{allow_failure: {exit_codes: 3}}]", "2:27 a.rules[0].allow_failure: `true` or `false` is expected here, not a mapping"),
        ("extends: !reference [b, x]", "2:12 a.extends: `extends` is carried out before `!reference`, so that it cannot hold one"),
    ] {
        let body = text.replace("}, rules:", "}\n  rules:");
        assert_eq!(problems(GITLAB, &format!("a:\n  {body}\n  script: [x]\n")), expected, "{text}");
    }
}

#[test]
fn what_the_runner_could_not_keep_is_refused_before_anything_runs() {
    for (text, expected) in [
        ("artifacts: {paths: ['x[']}", "2:23 a.artifacts.paths: the pattern `x[` cannot be read: a `[` is not closed, or empty"),
        ("artifacts: {reports: {junit: '{a'}}", "2:32 a.artifacts.reports.junit: the pattern `{a` cannot be read: a `{` is not closed"),
        ("artifacts: {paths: ['$DIR/**', '${DIR}/{a,b}']}", "a plan of 1 jobs"),
        ("cache: {paths: ['x[']}", "2:19 a.cache.paths: the pattern `x[` cannot be read: a `[` is not closed, or empty"),
        ("cache: {paths: ['**/node_modules']}", "a plan of 1 jobs"),
        ("cache: {paths: [./.git/lfs]}", "2:19 a.cache.paths: `.git` is not the job's to keep"),
        ("cache: {paths: ['${DIR}', target]}", "a plan of 1 jobs"),
        ("{image: i, cache: {paths: [d], policy: pull}}", "a plan of 1 jobs"),
    ] {
        let text = match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(flow) => format!("a:\n  {{{flow}, script: [x]}}\n"),
            None => format!("a:\n  {text}\n  script: [x]\n"),
        };
        assert_eq!(problems(GITLAB, &text), expected, "{text}");
    }
}

#[test]
fn patterns_that_match_nothing_in_gitlab_are_told() {
    for (rule, expected) in [
        ("changes: ['[a']", "3:22 a.rules[0].changes: the pattern `[a` cannot be read: a `[` is not closed, or empty"),
        ("exists: ['{a,b']", "3:21 a.rules[0].exists: the pattern `{a,b` cannot be read: a `{` is not closed"),
        (
            "changes: [./src/*]",
            "3:22 a.rules[0].changes: the pattern `./src/*` matches nothing: paths start at the top of the repository, as `src/a.py` does",
        ),
        (
            "exists: {paths: [/src/*]}",
            "3:29 a.rules[0].exists: the pattern `/src/*` matches nothing: paths start at the top of the repository, as `src/a.py` does",
        ),
    ] {
        assert_eq!(problems(GITLAB, &format!("a:\n  script: [x]\n  rules: [{{{rule}}}]\n")), expected, "{rule}");
    }
    assert_eq!(
        problems(GITLAB, "a:\n  script: [x]\n  except: {changes: [./src/*]}\n"),
        "3:22 a.except.changes: the pattern `./src/*` matches nothing: paths start at the top of the repository, as `src/a.py` does"
    );
}

#[test]
fn needs_of_a_rule_are_checked_whether_it_matches_or_not() {
    for (job, expected) in [
        ("rules: [{if: $NOPE, needs: [none]}]", "2:46 b.rules[0].needs: there is no job `none`"),
        ("rules: [{if: $CI, needs: [none]}]", "2:44 b.rules[0].needs: there is no job `none`"),
        ("needs: [none], rules: [{if: $CI, needs: [a]}]", "2:26 b.needs: there is no job `none`"),
        ("rules: [{needs: [late]}]", "2:35 b.rules[0].needs: `late` is in the later stage `deploy`"),
        ("rules: [{needs: [out]}]", "2:35 b.rules[0].needs: `out` is needed and its rules leave it out of this pipeline"),
        ("rules: [{needs: [b]}]", "2:35 b.needs: jobs need each other in a circle: b -> b"),
        ("rules: [{needs: [{project: x, job: y}]}]", "2:35 b.rules[0].needs: a rule's `needs` are jobs of this pipeline"),
        ("rules: [{needs: []}]", "2:34 b.rules[0].needs: an empty list changes nothing in a rule: GitLab keeps the job's `needs`"),
        ("dependencies: [a], rules: [{needs: [c]}]", "2:33 b.dependencies: the job does not wait for `a`"),
    ] {
        let text = format!(
            "a: {{script: [x]}}\nb: {{script: [x], {job}}}\nc: {{script: [x]}}\nlate: {{stage: deploy, script: [x]}}\nout: {{script: [x], rules: [{{when: never}}]}}\n"
        );
        assert_eq!(problems(GITLAB, &text), expected, "{job}");
    }
}
