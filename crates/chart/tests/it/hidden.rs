//! What is written of a value for whoever looks for a fault (`{:?}`) names it, and does not show it: values are passwords, too.

use penstock_chart::{
    budget::Budget,
    chart::{Chart, File},
    diff::{Difference, Side, diff},
    lint::{Directory, Options},
    load::{self, Loaded},
    package::{NamedRepositories, NamedRepository},
    provenance::Passphrase,
    random::Seeded,
    release::{ComposeError, Composed, Info, Record, RecordedHook, Request, compose},
    render::Surroundings,
    value::{Data, Table, Value},
    values::{Given, Nulls, ValuesFile, settle},
    yaml,
};

const PASSWORD: &str = "hunter2";
const VALUES: &str = "login: {password: hunter2, pin: 7777777, list: [hunter2]}\ninside: {auth: {login: hunter2}}\nauth: {mode: hunter2}\n";
const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\n  annotations: {note: '{{ .Values.login.password }}'}\nstringData:\n  password: {{ .Values.login.password }}\n";
const HOOK: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: hook\n  annotations: {helm.sh/hook: pre-install}\nstringData:\n  password: hunter2\n";

fn file(name: &str, text: &str) -> File {
    File { name: name.into(), data: text.into() }
}

fn files() -> Vec<File> {
    vec![
        file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        file("values.yaml", VALUES),
        file("values.schema.json", r#"{"default": {"login": "hunter2"}}"#),
        file("templates/secret.yaml", SECRET),
        file("templates/hook.yaml", HOOK),
        file("templates/NOTES.txt", "The password is {{ .Values.login.password }}."),
        file("charts/inside/Chart.yaml", "apiVersion: v2\nname: inside\nversion: 1.0.0\n"),
        file("charts/inside/values.yaml", "auth: {login: {of: hunter2}}\n"),
    ]
}

fn chart() -> Chart {
    load::files(files()).expect("a chart").chart
}

fn table() -> Table {
    yaml::read_table(VALUES.as_bytes()).expect("values")
}

fn composed(chart: &Chart) -> Result<Composed, ComposeError> {
    let (now, mut random) = ("2026-01-02T03:04:05[UTC]".parse().expect("a time"), Seeded::new([7; 32]));
    compose(chart, &Request { values: table(), ..Request::default() }, &mut Surroundings::new(&now, &mut random))
}

fn record(composed: &Composed) -> Record {
    Record {
        name: "blog".to_owned(),
        info: Info { notes: composed.notes.clone(), ..Info::default() },
        chart: serde_json::json!({ "values": { "password": PASSWORD } }),
        config: Some(serde_json::from_value(serde_json::json!({ "login": PASSWORD })).expect("a map")),
        manifest: composed.manifest.clone(),
        hooks: composed.hooks.iter().map(RecordedHook::from).collect(),
        ..Record::default()
    }
}

#[track_caller]
fn check(value: &dyn std::fmt::Debug, named: &str) {
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!shown.contains(PASSWORD) && !shown.contains("7777777"), "{shown}");
        assert!(shown.contains(named), "{named} is not in {shown}");
    }
}

#[test]
fn values_show_their_keys_alone() {
    check(&table(), "password");
    check(&Data::Map(table()), "pin");
    check(&Value::from(&Data::Text(PASSWORD.into())), "string");
    check(&Value::from(&Data::List(vec![Data::Int(7_777_777), Data::Float(7_777_777.0)])), "int64");
    check(&Value::Bytes(PASSWORD.into()), "[]byte");
    check(&Request { values: table(), ..Request::default() }, "password");
    check(&Options { values: table(), ..Options::default() }, "password");
    let files = vec![ValuesFile { name: "own.yaml".to_owned(), text: VALUES.into() }];
    let flag = || vec![format!("login.password={PASSWORD}")];
    check(&Given { files, json: flag(), typed: flag(), text: flag(), file: flag(), literal: flag() }, "own.yaml");
}

#[test]
fn charts_show_their_files_names_alone() {
    check(&files(), "templates/secret.yaml");
    check(&chart(), "password");
    check(&Loaded { chart: chart(), warnings: Vec::new() }, "values.schema.json");
    check(&Directory::of("web", files()), "values.yaml");
    let settled = settle(&chart(), &table(), Nulls::Keep, &mut Budget::new(penstock_chart::budget::Limits::default()));
    check(&settled.expect("settled"), "inside");
}

#[test]
fn what_is_rendered_shows_which_objects_it_has_alone() {
    let made = composed(&chart()).expect("it renders");
    assert!(made.warnings.iter().any(|warning| warning.contains(PASSWORD)), "Helm's warnings quote values: {:?}", made.warnings);
    assert!(made.manifest.contains(PASSWORD) && made.notes.contains(PASSWORD));
    check(&made, "web/templates/secret.yaml");
    check(&made.manifests, "note");
    check(&made.hooks, "PreInstall");
    check(&record(&made), "blog");
    check(&record(&made).hooks, "hook");
    let other =
        composed(&load::files(files().into_iter().filter(|file| file.name != "templates/hook.yaml").collect()).expect("a chart").chart);
    let (made, other) = (made.hooks, other.expect("it renders").manifests);
    let found: Vec<Difference> =
        diff(Side { manifests: &[], hooks: &made }, Side { manifests: &other, hooks: &[] }, 3, true).expect("they are read");
    assert!(serde_json::to_string(&found).expect("JSON").contains(PASSWORD));
    check(&found, "login");
}

#[test]
fn what_is_no_yaml_is_not_shown_in_the_error() {
    let mut files = files();
    files.push(file("templates/broken.yaml", "password: hunter2\n- a\n"));
    let error = composed(&load::files(files).expect("a chart").chart).expect_err("it is no YAML");
    assert!(matches!(&error, ComposeError::NotManifests { rendered, .. } if rendered.contains(PASSWORD)));
    check(&error, "broken.yaml");
}

#[test]
fn a_login_is_not_shown() {
    let one = NamedRepository { name: "own".to_owned(), password: PASSWORD.to_owned(), ..NamedRepository::default() };
    let mut named = NamedRepositories::read(b"").expect("nothing");
    named.put(one.clone());
    check(&one, "own");
    check(&named, "own");
    check(&Passphrase::new(PASSWORD), "Passphrase");
}
