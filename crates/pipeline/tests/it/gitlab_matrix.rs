//! `parallel: matrix` and what names its jobs, as in GitLab's documentation and its specs of `Normalizer`,
//! `Entry::Product::Matrix` and `Interpolation::MatrixInterpolator`.

use penstock_model::job::EnvValue;
use penstock_pipeline::{KeyFiles, Plan, artifact_spec, cache_specs, job_container, job_env};

use crate::job_environment::context;
use crate::support::{GITLAB, must_plan, name, problems, refused, refused_at, summary};

#[track_caller]
fn names(text: &str, expected: &[&str]) {
    let plan = must_plan(GITLAB, text);
    let seen: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(seen, expected);
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(summary(&must_plan(GITLAB, text)), expected);
}

#[test]
fn lists_multiply_entries_add_up_and_the_last_variable_changes_fastest() {
    names(
        "
deploy:
  script: [x]
  parallel:
    matrix:
      - PROVIDER: aws
        STACK: [monitoring, app1]
      - PROVIDER: [gcp, vultr]
        STACK: [data, processing]
",
        &[
            "deploy: [aws, monitoring]",
            "deploy: [aws, app1]",
            "deploy: [gcp, data]",
            "deploy: [gcp, processing]",
            "deploy: [vultr, data]",
            "deploy: [vultr, processing]",
        ],
    );
    // the order of the file, not of the alphabet; entries need not have the same variables
    names(
        "a: {script: [x], parallel: {matrix: [{Z: [1, 2], A: [x, ''], M: '3.10'}, {ONE: -7}]}}",
        &["a: [1, x, 3.10]", "a: [1, , 3.10]", "a: [2, x, 3.10]", "a: [2, , 3.10]", "a: [-7]"],
    );
    // values stand in names as they are written
    names("a: {script: [x], parallel: {matrix: [{A: [$B, 'x, y']}]}}", &["a: [$B]", "a: [x, y]"]);
}

#[test]
fn each_job_has_its_values_its_number_and_its_place_in_the_group() {
    let plan = must_plan(GITLAB, "a: {script: [x], parallel: {matrix: [{Z: [1, 2], A: x}, {B: y}]}}");
    let seen: Vec<String> = plan
        .jobs
        .iter()
        .map(|job| {
            let matrix = job.matrix.as_ref().unwrap();
            format!("{} {} {}/{} {}", job.group, job.title, matrix.index, matrix.total, serde_json::to_string(&matrix.values).unwrap())
        })
        .collect();
    assert_eq!(seen, [r#"a a: [1, x] 1/3 {"Z":"1","A":"x"}"#, r#"a a: [2, x] 2/3 {"Z":"2","A":"x"}"#, r#"a a: [y] 3/3 {"B":"y"}"#]);
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}

#[test]
fn a_matrix_goes_over_the_jobs_variables_and_below_a_rules_and_the_projects() {
    let text = "
variables: {A: file, B: file, C: file, PROJECT: file}
a:
  script: [x]
  variables: {B: {value: $A, expand: false}, C: job, D: $B}
  parallel: {matrix: [{B: '<$A>', C: matrix, PROJECT: matrix, FROM_DOTENV: matrix, E: matrix}]}
  rules: [{variables: {C: rule}}]
";
    let plan = must_plan(GITLAB, text);
    let env = job_env(&plan, &plan.jobs[0].name, &context());
    let seen: Vec<String> =
        ["A", "B", "C", "D", "E", "PROJECT", "FROM_DOTENV", "CI_NODE_INDEX", "CI_NODE_TOTAL", "CI_JOB_NAME", "CI_JOB_NAME_SLUG"]
            .map(|name| match &env[name] {
                EnvValue::Plain(text) => format!("{name}={text}"),
                EnvValue::Secret(_) => format!("{name} is a secret"),
            })
            .to_vec();
    assert_eq!(
        seen,
        [
            "A=file",
            "B=<file>",
            "C=rule",
            "D=<file>",
            "E=matrix",
            "PROJECT=from project",
            "FROM_DOTENV=dotenv $CI",
            "CI_NODE_INDEX=1",
            "CI_NODE_TOTAL=1",
            "CI_JOB_NAME=a: [<$A>, matrix, matrix, matrix, matrix]",
            "CI_JOB_NAME_SLUG=a-----a---matrix--matrix--matrix--matrix",
        ]
    );
}

#[test]
fn other_keys_see_the_values() {
    let text = "
a:
  script: [x]
  image: ruby:$V
  environment: {name: review/$V, url: 'https://$V.example.org'}
  cache: {key: $V-gems, paths: [vendor/$V]}
  artifacts: {paths: [out/$V], reports: {dotenv: $V.env}}
  parallel: {matrix: [{V: ['3.1', '3.2']}]}
";
    let plan = must_plan(GITLAB, text);
    let wanted = name("a: [3.2]");
    let (job, env) = (plan.job(&wanted).unwrap(), job_env(&plan, &wanted, &context()));
    assert_eq!(job_container(&plan, &wanted, &context()).unwrap().unwrap().image, "ruby:3.2");
    assert_eq!(env["CI_ENVIRONMENT_NAME"], EnvValue::Plain("review/3.2".into()));
    assert_eq!(env["CI_ENVIRONMENT_URL"], EnvValue::Plain("https://3.2.example.org".into()));
    let cache = &cache_specs(job, &env, &KeyFiles::default()).unwrap()[0];
    assert_eq!((cache.key.as_str(), &cache.paths[..]), ("3.2-gems", &["vendor/3.2".to_owned()][..]));
    let kept = artifact_spec(job, &env);
    assert_eq!((&kept.paths[..], &kept.dotenv[..]), (&["out/3.2".to_owned()][..], &["3.2.env".to_owned()][..]));
}

#[test]
fn rules_are_asked_for_each_combination() {
    check(
        "
a:
  script: [x]
  parallel: {matrix: [{OS: [linux, windows], V: [1, 2]}]}
  rules:
    - if: $OS == 'windows' && $V == '1'
      when: never
    - if: $OS == 'windows'
      when: manual
    - if: $CI_NODE_INDEX == '1' && $CI_NODE_TOTAL == '4' && $CI_JOB_NAME =~ /^a. .linux, 1.$/
      allow_failure: true
    - when: on_success
",
        "a: [linux, 1] [test] after earlier stages, may fail\n\
         a: [linux, 2] [test] after earlier stages\n\
         a: [windows, 2] [test] after earlier stages, manual\n\
         without a: [windows, 1]: the rule on line 6 says never: `$OS == 'windows' && $V == '1'` is true (OS is \"windows\", V is \"1\")\n",
    );
    check(
        "a: {script: [x], parallel: {matrix: [{V: [1, 2]}]}, only: {variables: [$V == '2']}}",
        "a: [2] [test] after earlier stages\nwithout a: [1]: `only` on line 1 does not hold: `$V == '2'` is false (V is \"1\")\n",
    );
    // the number of a job counts in its group, whoever is left out
    let plan = must_plan(GITLAB, "a: {script: [x], parallel: {matrix: [{V: [1, 2, 3]}]}, rules: [{if: $V == '3'}]}");
    let matrix = plan.jobs[0].matrix.as_ref().unwrap();
    assert_eq!((plan.jobs.len(), matrix.index, matrix.total), (1, 3, 3));
    // a group that is left out whole and for one reason is told once
    check(
        "k: {script: [x]}\na: {script: [x], parallel: {matrix: [{V: [1, 2]}]}, rules: [{when: never}]}",
        "k [test] after earlier stages\nwithout a: the rule on line 2 says never: it has no condition\n",
    );
    check(
        "a: {script: [x], parallel: 2, rules: [{if: $CI_NODE_INDEX == '2'}]}",
        "a 2/2 [test] after earlier stages\nwithout a 1/2: the rule on line 1 does not match: `$CI_NODE_INDEX == '2'` is false (CI_NODE_INDEX is \"1\"); no rule matches\n",
    );
}

#[test]
fn a_job_of_a_combinations_name_takes_its_place() {
    check(
        "
deploy: {script: [x], parallel: {matrix: [{V: [3, 4], M: [C, D]}]}}
'deploy: [3, D]': {script: [other], needs: []}
after: {script: [x], needs: [deploy]}
",
        "deploy: [3, C] [test] after earlier stages\n\
         deploy: [4, C] [test] after earlier stages\n\
         deploy: [4, D] [test] after earlier stages\n\
         deploy: [3, D] [test] at once\n\
         after [test] after deploy: [3, C], deploy: [3, D], deploy: [4, C], deploy: [4, D]\n",
    );
}

#[test]
fn extends_and_references_hand_a_matrix_on() {
    names(
        "
.two: {parallel: {matrix: [{V: [1, 2]}]}}
.lists: {versions: [8, 9], matrix: [{V: [5]}]}
a: {extends: .two, script: [x]}
b: {extends: .two, script: [x], parallel: {matrix: [{W: [3]}]}}
c: {extends: .two, script: [x], parallel: 1}
d: {script: [x], parallel: {matrix: !reference [.lists, matrix]}}
e: {script: [x], parallel: {matrix: [{V: !reference [.lists, versions]}]}}
",
        &["a: [1]", "a: [2]", "b: [3]", "c 1/1", "d: [5]", "e: [8]", "e: [9]"],
    );
}

#[test]
fn a_value_is_text_or_a_whole_number() {
    for (value, what) in [
        ("true", "true or false"),
        ("no", "true or false"),
        ("3.10", "a number with a fraction"),
        ("3.11", "a number with a fraction"),
        ("~", "nothing"),
    ] {
        let message = format!("a.parallel.matrix[0].A: text or a whole number is expected here, and GitLab reads `{value}` as {what}");
        refused_at(&format!("a: {{script: [x], parallel: {{matrix: [{{A: [1, ^{value}]}}]}}}}"), &message);
        refused_at(&format!("a: {{script: [x], parallel: {{matrix: [{{A: ^{value}}}]}}}}"), &message);
        names(&format!("a: {{script: [x], parallel: {{matrix: [{{A: '{value}'}}]}}}}"), &[&format!("a: [{value}]")]);
    }
    names(
        "a: {script: [x], parallel: {matrix: [{A: [1, 0755, 1_000, 12:30, 08, 1e3]}]}}",
        &["a: [1]", "a: [493]", "a: [1000]", "a: [45000]", "a: [08]", "a: [1e3]"],
    );
    for (value, kind) in [("[x]", "a list"), ("{x: y}", "a mapping")] {
        let message = format!("a.parallel.matrix[0].A: text or a whole number is expected here, not {kind}");
        refused_at(&format!("a: {{script: [x], parallel: {{matrix: [{{A: [^{value}]}}]}}}}"), &message);
    }
}

#[test]
fn a_matrix_is_checked_where_it_stands() {
    let long = "x".repeat(256);
    for (matrix, expected) in [
        ("^[]", "a.parallel.matrix: the matrix makes 0 jobs; 1 to 200 are possible"),
        ("^{A: [x]}", "a.parallel.matrix: a matrix is a list of mappings, not a mapping"),
        ("[^x]", "a.parallel.matrix[0]: an entry of a matrix is a mapping, not text"),
        ("[^{}]", "a.parallel.matrix[0]: an entry has 1 to 127 variables"),
        ("[{A: x, B: ^[]}]", "a.parallel.matrix[0].B: a list without values makes no job"),
        ("[{^A-B: x}]", "a.parallel.matrix[0].A-B: `A-B` cannot be a variable's name"),
        ("[{A: x}, ^{A: [y, y]}]", "a: two combinations make a job `a: [y]`, and GitLab keeps one of them only"),
        ("[{A: x}, ^{B: x}]", "a: two combinations make a job `a: [x]`, and GitLab keeps one of them only"),
        ("[{GIT_STRATEGY: ^other}]", "a.parallel.matrix[0].GIT_STRATEGY: `GIT_STRATEGY: other` is not carried out"),
        ("[{A: ^'${B:-y}'}]", "a.parallel.matrix[0].A: `${B:-y}` means something to a shell only; GitLab expands it to nothing"),
        (
            "[^{A: '$A-x'}]",
            "a.parallel.matrix.A: `A` refers to itself, and GitLab expands that to nothing, since the pipeline has no other `A`",
        ),
        ("[^{A: $B, B: $A}]", "a.parallel.matrix.A: variables refer to each other in a circle: A -> B -> A"),
        (&format!("[{{A: ^{long}}}]"), "a.parallel.matrix[0].A: the value is too long for the names of jobs, which hold it"),
        (
            &format!("[^{{A: {}}}]", &long[..252]),
            "a: with what `parallel` adds, the job's name is longer than 255 characters, or holds control characters",
        ),
        ("[^{A: \"x\\ny\"}]", "a: with what `parallel` adds, the job's name is longer than 255 characters, or holds control characters"),
    ] {
        refused_at(&format!("a:\n  script: [x]\n  parallel: {{matrix: {matrix}}}\n"), expected);
    }
    refused_at("a:\n  script: [x]\n  parallel: ^{}\n", "a.parallel.matrix: `matrix` is missing");
    refused(
        "a: {script: [x], parallel: {number: 3}}\n",
        "1:28 a.parallel.matrix: `matrix` is missing\n1:29 a.parallel.number: `number` is not a key of this place",
    );
}

#[test]
fn as_many_jobs_and_characters_as_gitlab_has_are_possible() {
    let numbers = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let text = |first: usize, second: usize| {
        format!("a: {{script: [x], parallel: {{matrix: [{{A: [{}], B: [{}]}}]}}}}\n", numbers(first), numbers(second))
    };
    assert_eq!(must_plan(GITLAB, &text(10, 20)).jobs.len(), 200);
    refused(&text(3, 67), "1:37 a.parallel.matrix: the matrix makes 201 jobs; 1 to 200 are possible");
    let wide: String = (0..100).map(|n| format!("V{n}: [0, 1], ")).collect();
    assert!(problems(GITLAB, &format!("a: {{script: [x], parallel: {{matrix: [{{{wide}}}]}}}}")).contains("jobs; 1 to 200 are possible"));
    names(&format!("a: {{script: [x], parallel: {{matrix: [{{A: {}}}]}}}}\n", "x".repeat(250)), &[&format!("a: [{}]", "x".repeat(250))]);
    names(&format!("a: {{script: [x], parallel: {{matrix: [{{A: {}}}]}}}}\n", "é".repeat(250)), &[&format!("a: [{}]", "é".repeat(250))]);
    let files: String = (0..11).map(|n| format!("j{n}: {{script: [x], rules: [{{when: never}}], parallel: 200}}\n")).collect();
    assert!(problems(GITLAB, &files).contains("the file makes more than 2000 jobs with `parallel`"));
}
