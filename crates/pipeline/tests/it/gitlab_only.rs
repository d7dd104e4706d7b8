//! `only` and `except`: what GitLab's documentation and its specs of `Gitlab::Ci::Build::Policy` say of them.

use penstock_pipeline::{Plan, PushEvent};

use crate::support::{GITLAB, must_plan, planned, problems, push, summary};

fn event(reference: &str) -> PushEvent {
    PushEvent { reference: reference.to_owned(), ..push() }
}

/// Whether a job with this text of keys is in the plan.
#[track_caller]
fn runs(keys: &str, event: &PushEvent) -> bool {
    let text = format!("keep: {{script: [x]}}\na:\n  script: [x]\n{keys}");
    let plan = planned(GITLAB, &text, event).unwrap_or_else(|problems| panic!("{problems}"));
    plan.jobs.iter().any(|job| job.name.as_str() == "a")
}

#[track_caller]
fn because(plan: &Plan) -> String {
    let job = plan.jobs.iter().find(|job| job.name.as_str() == "a").map(|job| &job.because);
    job.or_else(|| plan.left_out.iter().find(|left| left.name == "a").map(|left| &left.because)).unwrap().join("; ")
}

#[test]
fn refs_are_keywords_names_regexes_and_projects() {
    const MAIN: &str = "refs/heads/main";
    for (refs, reference, expected) in [
        ("branches", MAIN, true),
        ("branches", "refs/tags/v1", false),
        ("tags", MAIN, false),
        ("tags", "refs/tags/v1", true),
        ("push", MAIN, true),
        ("pushes", MAIN, true),
        ("pushes", "refs/tags/v1", true),
        ("merge_requests", MAIN, false),
        ("schedules", MAIN, false),
        ("web", MAIN, false),
        ("api", MAIN, false),
        ("triggers", MAIN, false),
        ("pipelines", MAIN, false),
        ("external", MAIN, false),
        ("chat", MAIN, false),
        ("external_pull_requests", MAIN, false),
        // a branch may be called as a keyword is
        ("web", "refs/heads/web", true),
        ("tags", "refs/heads/tags", true),
        ("branches", "refs/tags/branches", true),
        ("main", MAIN, true),
        ("main", "refs/tags/main", true),
        ("main", "refs/heads/mainline", false),
        ("ma*", MAIN, false),
        ("Main", MAIN, false),
        ("feature/x", "refs/heads/feature/x", true),
        ("x", "refs/heads/feature/x", false),
        ("$CI_DEFAULT_BRANCH", MAIN, false),
        ("/^ma/", MAIN, true),
        ("/ain/", MAIN, true),
        ("/^MA/", MAIN, false),
        ("/^MA/i", MAIN, true),
        ("/^ma$/", MAIN, false),
        ("/^release-.*$/", "refs/heads/release-1", true),
        ("/^v\\d+$/", "refs/tags/v12", true),
        ("/^feature\\/.*/", "refs/heads/feature/x", true),
        ("/^feature/.*/", "refs/heads/feature/x", true),
        ("/^(?P<a>ma)/", MAIN, true),
        ("//", MAIN, true),
        ("main@oran", MAIN, true),
        ("main@other/oran", MAIN, false),
        ("main@", MAIN, false),
        ("branches@oran", MAIN, true),
        ("branches@other", MAIN, false),
        ("tags@oran", MAIN, false),
        ("/^MA/i@oran", MAIN, true),
        ("/^ma/@other", MAIN, false),
        ("pushes@other", MAIN, false),
        ("main@ORAN", MAIN, false),
    ] {
        for keys in [format!("  only: ['{refs}']\n"), format!("  only:\n    refs:\n      - '{refs}'\n")] {
            assert_eq!(runs(&keys, &event(reference)), expected, "{keys} {reference}");
        }
        assert_eq!(runs(&format!("  except: [nothing, '{refs}']\n"), &event(reference)), !expected, "except {refs} {reference}");
    }
}

#[test]
fn all_keys_of_only_must_hold_and_none_of_except() {
    for (keys, expected) in [
        // one item of a list is enough
        ("only: [dev, main]", true),
        ("only: {variables: ['$NOPE', '$PROJECT']}", true),
        ("only: {changes: [nothing, README.md]}", true),
        ("only: {variables: ['$NOPE', '$PROJECT == \"x\"']}", false),
        ("only: {changes: ['*.rs']}", false),
        ("only: {changes: ['**/*.rs']}", true),
        ("only: {kubernetes: active}", false),
        ("only: {refs: [main], variables: ['$PROJECT'], changes: [README.md]}", true),
        ("only: {refs: [dev], variables: ['$PROJECT'], changes: [README.md]}", false),
        ("only: {refs: [main], variables: ['$NOPE'], changes: [README.md]}", false),
        ("only: {refs: [main], variables: ['$PROJECT'], changes: [other]}", false),
        ("only: {refs: [main], kubernetes: active}", false),
        ("only: []", false),
        ("only: {variables: []}", false),
        ("only: {changes: []}", false),
        ("only: null", true),
        ("except: [dev, main]", false),
        ("except: [dev]", true),
        ("except: {variables: ['$NOPE', '$PROJECT']}", false),
        ("except: {changes: [README.md]}", false),
        ("except: {changes: [other]}", true),
        ("except: {kubernetes: active}", true),
        ("except: {refs: [dev], variables: ['$PROJECT']}", false),
        ("except: {refs: [main], variables: ['$NOPE']}", false),
        ("except: {refs: [dev], variables: ['$NOPE'], changes: [other], kubernetes: active}", true),
        ("except: []", true),
        ("except: {variables: []}", true),
        ("only: [main], except: [dev]", true),
        ("only: [main], except: [branches]", false),
        ("only: [dev], except: [tags]", false),
        ("only: [branches], except: {variables: ['$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH']}", false),
    ] {
        let text = format!("keep: {{script: [x]}}\na: {{script: [x], {keys}}}\n");
        let plan = must_plan(GITLAB, &text);
        assert_eq!(plan.jobs.len() == 2, expected, "{keys}: {}", summary(&plan));
    }
}

#[test]
fn an_only_without_refs_has_those_of_branches_and_tags() {
    for reference in ["refs/heads/main", "refs/tags/v1"] {
        assert!(runs("", &event(reference)));
        assert!(runs("  only: {variables: [$PROJECT]}\n", &event(reference)));
        assert!(runs("  except: [merge_requests]\n", &event(reference)));
    }
}

#[test]
fn changes_hold_for_tags_and_new_branches_so_that_only_keeps_and_except_drops() {
    for (reference, changed, only, except) in [
        ("refs/heads/main", Some(vec!["x".to_owned()]), false, true),
        ("refs/heads/main", Some(Vec::new()), false, true),
        ("refs/heads/new", None, true, false),
        ("refs/tags/v1", Some(vec!["x".to_owned()]), true, false),
        ("refs/tags/v1", None, true, false),
    ] {
        let event = PushEvent { changed, ..event(reference) };
        assert_eq!(runs("  only: {changes: [nothing]}\n", &event), only, "{reference}");
        assert_eq!(runs("  except: {changes: [nothing]}\n", &event), except, "{reference}");
    }
}

#[test]
fn variables_are_compared_as_they_are_written() {
    // GitLab's `rules: if` sees `main` here, its `only: variables` sees `$CI_COMMIT_BRANCH`
    let keys = "  variables: {BRANCH: $CI_COMMIT_BRANCH}\n";
    assert!(runs(&format!("{keys}  only: {{variables: [\"$BRANCH == '$CI_COMMIT_BRANCH'\"]}}\n"), &push()));
    assert!(!runs(&format!("{keys}  only: {{variables: [\"$BRANCH == 'main'\"]}}\n"), &push()));
    assert!(runs(&format!("{keys}  rules: [{{if: \"$BRANCH == 'main'\"}}]\n"), &push()));
    // neither are those in `changes`
    let event = PushEvent { changed: Some(vec!["routes/$slug.tsx".to_owned()]), ..push() };
    assert!(runs("  only: {changes: ['routes/$slug.tsx']}\n", &event));
}

#[test]
fn the_plan_says_why_with_lines() {
    for (keys, expected) in [
        ("  only: [main]\n", "`only` on line 4 holds: `main` is the branch's name"),
        ("  only:\n    - /^ma/i\n", "`only` on line 4 holds: `/^ma/i` matches the branch `main`"),
        ("  only: [tags]\n", "`only` on line 4 does not hold: none of its refs is the branch `main`"),
        (
            "  only: [schedules, web]\n",
            "`only` on line 4 does not hold: none of its refs is the branch `main`, and `schedules` is not how this pipeline began, which is a push",
        ),
        (
            "  only: [main@group/oran]\n",
            "`only` on line 4 does not hold: none of its refs is the branch `main` of the project `oran` (`group/oran` is another)",
        ),
        (
            "  only: [branches]\n  except: [dev]\n",
            "`only` on line 4 holds: `branches` holds for every branch; `except` on line 5 does not exclude it: none of its refs is the branch `main`",
        ),
        (
            "  only: [pushes]\n  except: [main]\n",
            "`only` on line 4 holds: `pushes` holds for every push; `except` on line 5 excludes it: `main` is the branch's name",
        ),
        (
            "  only:\n    refs: [main]\n    variables: [$PROJECT]\n    changes: ['*.md']\n",
            "`only` on line 4 holds: `main` is the branch's name, and `$PROJECT` is true (PROJECT is \"from project\"), and `README.md` changed, which `*.md` matches",
        ),
        (
            "  only:\n    refs: [main]\n    variables: [$CI_COMMIT_TAG]\n",
            "`only` on line 4 does not hold: `$CI_COMMIT_TAG` is false (CI_COMMIT_TAG is not set)",
        ),
        ("  only: {changes: [x]}\n", "`only` on line 4 does not hold: nothing changed that `changes` matches"),
        ("  only: {kubernetes: active}\n", "`only` on line 4 does not hold: no Kubernetes cluster belongs to the project"),
        (
            "  except: {kubernetes: active, refs: [dev]}\n",
            "`except` on line 4 does not exclude it: none of its refs is the branch `main`, and no Kubernetes cluster belongs to the project",
        ),
    ] {
        let plan = must_plan(GITLAB, &format!("keep: {{script: [x]}}\na:\n  script: [x]\n{keys}"));
        assert_eq!(because(&plan), expected, "{keys}");
    }
}

#[test]
fn policies_are_extended_key_by_key_and_lists_replaced() {
    let base = ".base: {only: {refs: [dev], changes: [README.md]}}\n.list: {only: [dev]}\n.ruled: {rules: [{when: always}]}\nkeep: {script: [x]}\n";
    for (job, expected) in [
        ("{extends: .base, script: [x]}", false),
        ("{extends: .base, script: [x], only: {refs: [main]}}", true),
        ("{extends: .base, script: [x], only: {refs: [main], changes: [other]}}", false),
        ("{extends: .base, script: [x], only: [main]}", true),
        ("{extends: .list, script: [x], only: [main]}", true),
        ("{extends: .list, script: [x], only: null}", true),
        ("{extends: .list, script: [x], only: null, rules: [{when: always}]}", true),
        ("{extends: .list, script: [x], only: {changes: [README.md]}}", true),
        ("{extends: .list, script: [x], except: [main]}", false),
        ("{extends: .ruled, script: [x], rules: null, except: [main]}", false),
    ] {
        let plan = must_plan(GITLAB, &format!("{base}a: {job}\n"));
        assert_eq!(plan.jobs.len() == 2, expected, "{job}: {}", summary(&plan));
    }
    let seen = problems(GITLAB, ".list: {only: [main]}\na: {extends: .list, script: [x], rules: [{when: always}]}\n");
    assert_eq!(seen, "1:9 a.only: `only` may not stand beside `rules`");
}

#[test]
fn what_cannot_be_read_is_refused_where_it_stands() {
    for (keys, expected) in [
        ("only: main", "3:9 a.only: a list or a mapping is expected here, not text"),
        ("only: {}", "3:9 a.only: this mapping is empty"),
        ("only: {ref: [main]}", "3:10 a.only.ref: `ref` is not a key of this place"),
        ("only: {refs: main}", "3:16 a.only.refs: a list is expected here, not text"),
        ("only: {refs: }", "3:10 a.only.refs: `refs` is empty here, which GitLab reads as a list that nothing matches"),
        ("only: [1.0]", "3:10 a.only: text is expected here, not a number"),
        ("only: [[main]]", "3:10 a.only: text is expected here, not a list"),
        ("only: [{refs: [main]}]", "3:10 a.only: text is expected here, not a mapping"),
        ("except: {kubernetes: yes}", "3:24 a.except.kubernetes: the only value here is `active`"),
        ("except: {changes: 'x'}", "3:21 a.except.changes: a list is expected here, not text"),
        ("except: {changes: ['[a']}", "3:22 a.except.changes: the pattern `[a` cannot be read: a `[` is not closed, or empty"),
        (
            "only: {variables: ['$A = 1']}",
            "3:26 a.only.variables: the condition cannot be read: `=` is not an operator; known: == != =~ !~ && || ( )",
        ),
        ("only: {variables: [$CI_API_V4_URL]}", "3:22 a.only.variables: GitLab's variable `CI_API_V4_URL` is not known here"),
        (
            "only: ['/^(?!main)/']",
            "3:10 a.only: the regex /^(?!main)/ cannot be read: look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            "only: ['/^(?!main)/@oran']",
            "3:10 a.only: the regex /^(?!main)/ cannot be read: look-around, including look-ahead and look-behind, is not supported",
        ),
        ("only: [/(/]", "3:10 a.only: the regex /(/ cannot be read: unclosed group"),
        ("except: ['/a@b/']", "3:12 a.except: `/a@b/`: this regex matches nothing, since GitLab takes what follows `@` for a project"),
        ("except: ['/a/g']", "3:12 a.except: `/a/g`: this matches nothing: it starts as a regex and is none"),
        ("only: [main]\n  rules: [{when: always}]", "3:3 a.only: `only` may not stand beside `rules`"),
        ("rules: [{when: always}]\n  except: [main]", "4:3 a.except: `except` may not stand beside `rules`"),
    ] {
        assert_eq!(problems(GITLAB, &format!("a:\n  script: [x]\n  {keys}\n")), expected, "{keys}");
    }
    let seen = problems(GITLAB, "default:\n  only: [main]\na: {script: [x]}\n");
    assert_eq!(seen, "2:3 default.only: `only` is not a key of this place");
}
