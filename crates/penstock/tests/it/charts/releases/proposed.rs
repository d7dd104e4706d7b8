//! `penstock chart diff --release`.

use super::{Stage, one};

pub(super) fn what_an_upgrade_would_change_is_told_and_not_done(stage: &Stage) {
    let diff = |more: &[&str]| stage.refused(&[&["diff", "--release", "web", &stage.chart], more].concat());
    let before = (stage.listed(), stage.helm(&["get", "manifest", "web"]), stage.helm(&["get", "values", "web"]));
    // the values of before count where none are given; the hook tells its revision
    let same = diff(&[]);
    assert!(same.code == Some(1) && same.err.contains("1 difference: 0 added, 0 removed, 1 changed"), "{same:?}");
    assert!(same.out.starts_with("~ ConfigMap web-before (hook) web/templates/hook.yaml\n"), "{same:?}");
    let more = diff(&["--set", "text=three,extra=true", "--context", "0"]);
    assert!(more.out.contains("+ ConfigMap web-extra web/templates/all.yaml\n"), "{more:?}");
    assert!(more.out.contains("~ ConfigMap web web/templates/all.yaml\n  -   text: two\n  +   text: three\n"), "{more:?}");
    let kept = diff(&["--set", "more=m", "--reuse-values", "--context", "0"]);
    assert!(kept.out.contains("~ ConfigMap web web/templates/all.yaml\n  +   more: m\n"), "{kept:?}");
    assert_eq!(stage.refused(&["diff", "--release", "nobody", &stage.chart]).code, Some(6));
    assert_eq!(stage.refused(&["diff", "--release", "web", &stage.chart, &stage.chart]).code, Some(2));
    assert_eq!((stage.listed(), stage.helm(&["get", "manifest", "web"]), stage.helm(&["get", "values", "web"])), before);
    assert_ne!(before.0, one("", ""));
}
