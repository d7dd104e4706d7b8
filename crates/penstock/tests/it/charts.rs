//! `penstock chart`, as a person calls it, beside the real helm, and on a real cluster.

mod changed;
#[allow(dead_code, reason = "shared with the target room's tests, which need more of it")]
#[path = "../../../target/tests/it/cluster.rs"]
mod cluster;
mod fetched;
mod flags;
mod interrupted;
mod releases;
mod repositories;
mod repositories_tls;
mod served;
mod signed;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::house::directory;

/// What a program said: its exit code, standard output and standard error.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What was said, where it went well.
    pub(super) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }
}

pub(super) fn chart(arguments: &[&str]) -> Said {
    Said::of(Command::new(env!("CARGO_BIN_EXE_penstock")).arg("chart").args(arguments).output().unwrap())
}

pub(super) fn helm(arguments: &[&str]) -> Said {
    // nothing that helm keeps for its user is read or written
    let home = directory();
    let places = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, home.path().join(name)));
    Said::of(Command::new(cluster::helm()).args(arguments).envs(places).output().unwrap())
}

/// A chart in a folder of its own.
pub(super) fn folder(below: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let place = below.join(name);
    let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\nappVersion: '7'\n");
    for (file, text) in [("Chart.yaml", metadata.as_str())].iter().chain(files) {
        let path = place.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    place
}

const VALUES: &str = "# how it runs\nimage:\n  tag: '1.0'\nreplicas: 2\nspare: nobody looks\npassword: hunter2\n";
const TEMPLATE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template:\n    spec:\n      containers:\n        - image: web:{{ .Values.image.tag }}\n";
const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\nstringData:\n  password: {{ .Values.password }}\n";

fn web(below: &Path) -> String {
    let files =
        [("values.yaml", VALUES), ("templates/web.yaml", TEMPLATE), ("templates/secret.yaml", SECRET), ("templates/NOTES.txt", "hello")];
    folder(below, "web", &files).display().to_string()
}

#[test]
fn a_chart_renders_as_by_helm_whatever_flags_are_given() {
    let dir = directory();
    let web = web(dir.path());
    let more = dir.path().join("more.yaml");
    std::fs::write(&more, "replicas: 3\nimage: {tag: null}\n").unwrap();
    let more = more.display().to_string();
    for flags in [
        &[][..],
        &["-f", &more],
        &["-f", &more, "--set", "image.tag=x,replicas=7", "--set-string", "replicas=8"],
        &["--set-json", "image={\"tag\":\"j\"}", "--namespace", "other", "--is-upgrade"],
        &["--show-only", "templates/web.yaml"],
        &["--show-only", "templates/none.yaml"],
        &["--set", "a=[", "--set", "b"],
        &["--set", "replicas=}"],
    ] {
        let mut arguments = vec!["template", "rel", &web, "--kube-version", "1.30.0"];
        arguments.extend(flags);
        let (ours, theirs) = (chart(&arguments), helm(&arguments));
        assert_eq!(ours.out, theirs.out, "{flags:?}");
        assert_eq!(ours.code == Some(0), theirs.code == Some(0), "{flags:?}: {} {}", ours.err, theirs.err);
    }
}

#[test]
fn a_difference_is_told_object_by_object_and_a_secret_is_not_shown() {
    let dir = directory();
    let web = web(dir.path());
    let equal = chart(&["diff", &web]);
    assert_eq!((equal.code, equal.out.trim()), (Some(0), "equal: both render the same objects"));
    let differs = chart(&["diff", &web, "--set", "image.tag=2.0,password=hunter3", "--from-set", "image.tag=1.0"]);
    assert_eq!(differs.code, Some(1), "{}", differs.err);
    assert!(differs.out.contains("~ Deployment rel") || differs.out.contains("~ Deployment release-name"), "{}", differs.out);
    assert!(differs.out.contains("-       - image: web:1.0") && differs.out.contains("+       - image: web:2.0"), "{}", differs.out);
    assert!(differs.out.contains("~ Secret") && !differs.out.contains("hunter"), "{}", differs.out);
    let json = chart(&["diff", &web, "--set", "replicas=9", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["differences"][0]["object"]["kind"], "Deployment");
}

#[test]
fn a_value_is_explained_by_who_sets_it_and_who_looks_at_it() {
    let dir = directory();
    let web = web(dir.path());
    let more = dir.path().join("more.yaml");
    std::fs::write(&more, "other: 1\nimage:\n  tag: b\n").unwrap();
    let said = chart(&["explain", "image.tag", &web, "-f", &more.display().to_string(), "--set", "image.tag=c"]).fine();
    let places: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(places[0], "image.tag = \"c\"");
    assert_eq!(places[1], "set by  --set image.tag=c");
    assert!(places[2].starts_with("over") && places[2].contains("more.yaml:3"), "{said}");
    assert!(places[3].starts_with("over") && places[3].contains("web/values.yaml:3"), "{said}");
    assert!(said.contains("web/templates/web.yaml:11  .Values.image.tag"), "{said}");
    assert!(chart(&["explain", "image", &web]).fine().contains("used in 1 place"), "what stands in it is used");
    assert_eq!(chart(&["explain", "nothing", &web]).code, Some(6));
    let meant = chart(&["explain", "tag", &web]);
    assert!(meant.code == Some(6) && meant.err.contains("did you mean image.tag?"), "{}", meant.err);
    let away = chart(&["explain", "image.tag", &web, "--set", "image=null"]).fine();
    assert!(away.starts_with("image.tag is taken away\n  by      --set image=null  null\n  over    web/values.yaml:3"), "{away}");
}

#[test]
fn a_value_of_a_chart_inside_is_explained_by_the_name_that_it_goes_by() {
    let dir = directory();
    let web = web(dir.path());
    let at = |path: &str| dir.path().join("web").join(path);
    let named = "dependencies:\n- {name: db, alias: main, version: '*', repository: '', condition: main.on, import-values: [out]}\n";
    std::fs::write(at("Chart.yaml"), std::fs::read_to_string(at("Chart.yaml")).unwrap() + named).unwrap();
    std::fs::create_dir_all(at("charts/db/templates")).unwrap();
    std::fs::write(at("charts/db/Chart.yaml"), "apiVersion: v2\nname: db\nversion: 1.0.0\n").unwrap();
    std::fs::write(at("charts/db/values.yaml"), "size: 1\nexports: {out: {port: 5432}}\nglobal: {zone: eu}\n").unwrap();
    std::fs::write(at("charts/db/templates/a.yaml"), "# {{ .Values.size }}\n# {{ .Values.global.zone }}\n").unwrap();
    let explained = |value: &str, more: &[&str]| chart(&[&["explain", value, &web], more].concat()).fine();
    let size = explained("main.size", &["--set", "main.size=2"]);
    assert!(size.contains("main.size = 2\n  set by  --set main.size=2\n  over    web/charts/main/values.yaml:1  1"), "{size}");
    assert!(size.contains("web/charts/main/templates/a.yaml:1  .Values.size"), "{size}");
    assert!(explained("port", &[]).contains("port = 5432\n  set by  web/charts/main/values.yaml:2"));
    assert!(explained("main.on", &[]).contains("condition: main.on"));
    assert!(explained("global.zone", &[]).contains("main has one of its own: `penstock chart explain main.global.zone`"));
    assert!(explained("main.global.zone", &[]).contains("web/charts/main/templates/a.yaml:2  .Values.global.zone"));
    assert!(explained("main.size", &["--set", "main.on=false"]).contains("main is not rendered with these values"));
}

#[test]
fn lint_tells_what_helm_tells_and_the_values_that_nobody_looks_at() {
    let dir = directory();
    let web = web(dir.path());
    let (ours, theirs) = (chart(&["lint", &web]), helm(&["lint", &web]));
    assert_eq!((ours.code, theirs.code), (Some(0), Some(0)));
    assert!(ours.out.contains("[INFO] values.yaml:5: no template uses the value spare"), "{}", ours.out);
    for line in theirs.out.lines() {
        assert!(ours.out.contains(line), "{line} is not in {}", ours.out);
    }
    std::fs::write(dir.path().join("web/templates/bad.yaml"), "{{ .Values.image.tag").unwrap();
    assert_eq!(chart(&["lint", &web]).code, Some(1));
}

#[test]
fn lint_goes_on_past_a_chart_that_cannot_be_read() {
    let dir = directory();
    let (web, broken) = (web(dir.path()), dir.path().join("broken.tgz").display().to_string());
    std::fs::write(&broken, "no archive").unwrap();
    let absent = dir.path().join("absent").display().to_string();
    let charts = ["lint", &absent, &broken, &web];
    let (ours, theirs) = (chart(&charts), helm(&charts));
    assert_eq!((ours.code, theirs.code), (Some(1), Some(1)));
    assert!(theirs.err.contains("3 chart(s) linted, 2 chart(s) failed") && ours.out.contains("3 chart(s) linted, 2 chart(s) failed"));
    assert!(ours.out.contains("values.yaml:5: no template uses the value spare"), "{}", ours.out);
}

#[test]
fn what_a_chart_brings_and_needs_is_told_as_by_helm() {
    let dir = directory();
    let web = web(dir.path());
    let at = |path: &str| dir.path().join("web").join(path);
    assert!(chart(&["dependency", "list", &web]).err.contains("no dependencies at"));
    let needs =
        "dependencies:\n- {name: db, version: '>=1', repository: 'file://x'}\n- {name: gone, version: '1', repository: 'file://y'}\n";
    std::fs::write(at("Chart.yaml"), std::fs::read_to_string(at("Chart.yaml")).unwrap() + needs).unwrap();
    for name in ["db", "extra"] {
        std::fs::create_dir_all(at("charts").join(name)).unwrap();
        std::fs::write(at("charts").join(name).join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n")).unwrap();
    }
    let words = |said: &str| -> Vec<Vec<String>> {
        let rows = said.lines().filter(|line| line.starts_with("db") || line.starts_with("gone"));
        rows.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
    };
    let (ours, theirs) = (chart(&["dependency", "list", &web]), helm(&["dependency", "list", &web]));
    assert!(words(&ours.out) == words(&theirs.out) && words(&ours.out)[0].ends_with(&["unpacked".to_owned()]), "{ours:?} {theirs:?}");
    assert!(ours.err.contains("extra is in charts/ and not in Chart.yaml") && theirs.out.contains("extra\" is not in Chart.yaml"));
    std::fs::create_dir(at("crds")).unwrap();
    std::fs::write(at("crds/a.yaml"), "kind: A\n").unwrap();
    for part in ["crds", "all"] {
        assert_eq!(chart(&["show", part, &web]).fine(), helm(&["show", part, &web]).fine());
    }
}

#[test]
fn lint_looks_at_the_files_of_a_chart_as_they_lie_there() {
    let dir = directory();
    let web = web(dir.path());
    for ignored in ["Chart.yaml\nvalues.yaml\n", "values.yaml\n"] {
        std::fs::write(dir.path().join("web/.helmignore"), ignored).unwrap();
        let (ours, theirs) = (chart(&["lint", &web]), helm(&["lint", &web]));
        for line in theirs.out.lines() {
            assert!(ours.out.lines().any(|one| one == line), "{line} is no line of {}", ours.out);
        }
        assert!(!ours.out.contains("file does not exist") && !ours.out.contains("name is required"), "{}", ours.out);
    }
    std::fs::remove_file(dir.path().join("web/Chart.yaml")).unwrap();
    let ours = chart(&["lint", &web]);
    assert!(ours.out.contains("unable to check Chart.yaml file in chart") && ours.code == Some(1), "{}", ours.out);
}

#[test]
fn a_chart_that_is_packed_twice_is_the_same_archive_and_helm_renders_it_alike() {
    let dir = directory();
    let web = web(dir.path());
    let pack = |into: &str| {
        let into = dir.path().join(into);
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.args(["chart", "package", &web, "--destination", into.to_str().unwrap()]).env("SOURCE_DATE_EPOCH", "1700000000");
        assert!(command.status().unwrap().success());
        into.join("web-1.0.0.tgz")
    };
    let (one, two) = (pack("one"), pack("two"));
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    let rendered = |what: &str| helm(&["template", "rel", what]).fine();
    assert_eq!(rendered(one.to_str().unwrap()), rendered(&web));
    assert_eq!(chart(&["template", "rel", one.to_str().unwrap()]).fine(), chart(&["template", "rel", &web]).fine());
}

#[test]
fn what_helm_shows_of_a_chart_is_shown_alike() {
    let dir = directory();
    let web = web(dir.path());
    for part in ["all", "chart", "values", "readme", "crds"] {
        assert_eq!(chart(&["show", part, &web]).fine(), helm(&["show", part, &web]).fine(), "{part}");
    }
}

#[test]
fn a_chart_that_never_ends_ends_with_the_limit_that_it_met() {
    let dir = directory();
    let endless = folder(
        dir.path(),
        "endless",
        &[("templates/a.yaml", "{{ range $i := until 100000 }}{{ range $j := until 100000 }}{{ $j | add1 }}{{ end }}{{ end }}")],
    );
    let said = chart(&["template", endless.to_str().unwrap()]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("more than") && said.out.is_empty(), "{}", said.err);
}

#[test]
fn helms_short_names_of_commands_are_known() {
    let dir = directory();
    let web = web(dir.path());
    assert_eq!(chart(&["inspect", "values", &web]).fine(), helm(&["inspect", "values", &web]).fine());
    assert_eq!(chart(&["dep", "ls", &web]).code, Some(0));
    for short in [&["ls"][..], &["hist", "web"], &["un", "web"], &["del", "web"], &["delete", "web"]] {
        let said = chart(&[short, &["--kubeconfig", "/nonexistent"]].concat());
        assert!(said.err.contains("kubeconfig /nonexistent"), "{short:?}: {}", said.err);
    }
}

#[test]
fn helms_variables_count_where_no_flag_does() {
    let dir = directory();
    let place = folder(dir.path(), "web", &[("templates/a.yaml", "in: {{ .Release.Namespace }}\n")]).display().to_string();
    let rendered = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.args(["chart", "template", &place]).args(flags).env("HELM_NAMESPACE", "shop");
        Said::of(command.output().unwrap()).fine()
    };
    assert!(rendered(&[]).contains("in: shop"));
    assert!(rendered(&["-n", "other"]).contains("in: other"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    let said = Said::of(command.args(["chart", "list"]).env("HELM_DRIVER", "configmap").output().unwrap());
    assert!(said.code == Some(2) && said.err.contains("HELM_DRIVER is \"configmap\""), "{said:?}");
}

#[test]
fn what_is_no_chart_and_what_is_not_there_is_told_by_its_name() {
    let dir = directory();
    let web = web(dir.path());
    let said = chart(&["template", &format!("{web}/Chart.yaml")]);
    assert!(
        said.code == Some(2) && said.err.contains("web/Chart.yaml seems to be a YAML file, but expected a gzipped archive"),
        "{said:?}"
    );
    let said = chart(&["template", &web, "--set-file", "a=/nonexistent/key"]);
    assert!(said.code == Some(2) && said.err.contains("/nonexistent/key"), "{said:?}");
}

#[test]
fn output_that_finds_no_room_is_told_and_is_no_panic() {
    let dir = directory();
    let web = web(dir.path());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
    let said = Said::of(command.args(["chart", "template", &web]).stdout(full).output().unwrap());
    assert_eq!((said.code, said.err.lines().count()), (Some(3), 1), "{said:?}");
    assert!(said.err.contains("No space left on device"), "{said:?}");
}
