//! What is told of what was done, and of what is not there.

use super::Stage;

fn first_line(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

pub(super) fn what_was_done_is_told_first(stage: &Stage) {
    let chart = stage.chart.as_str();
    let installed = stage.ours(&["upgrade", "web", chart, "--install"]);
    assert_eq!(first_line(&installed), "release \"web\" was not there: installed", "{installed}");
    let upgraded = stage.ours(&["upgrade", "web", chart, "--install", "--set", "text=two"]);
    assert_eq!(first_line(&upgraded), "release \"web\" upgraded", "{upgraded}");
    assert!(upgraded.contains("\nREVISION: 2\n"), "{upgraded}");
    let dry = stage.ours(&["upgrade", "web", chart, "--dry-run"]);
    assert_eq!(first_line(&dry), "release \"web\" is left as it is: this is a dry run", "{dry}");
    let back = stage.ours(&["rollback", "web"]);
    assert_eq!(first_line(&back), "release \"web\" rolled back to revision 1", "{back}");
    let programs = stage.ours(&["upgrade", "web", chart, "-o", "json"]);
    assert!(programs.starts_with('{'), "{programs}");

    for arguments in [&["status", "web", "--revision", "9"][..], &["get", "values", "web", "--revision", "9"], &["rollback", "web", "9"]] {
        let absent = stage.refused(arguments);
        assert_eq!(absent.code, Some(6), "{absent:?}");
        assert!(absent.err.contains("release has no 9 version") && absent.err.contains("`penstock chart history NAME`"), "{absent:?}");
    }
    let absent = stage.refused(&["status", "nobody", "--revision", "9"]);
    assert!(absent.err.contains("release: not found") && absent.err.contains("`penstock chart list"), "{absent:?}");
    let dry = stage.ours(&["uninstall", "web", "--dry-run"]);
    assert_eq!(dry, "release \"web\" is left as it is: this is a dry run\n");
    assert_eq!(stage.ours(&["uninstall", "web", "--wait"]), "release \"web\" uninstalled\n");
}
