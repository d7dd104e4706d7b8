//! Templates over the record of a release, beside `helm get all --template`, which reads it from a file.

use std::path::PathBuf;
use std::process::Command;

use penstock_chart::{
    random::Seeded,
    release::Record,
    render::{Surroundings, render_record},
};
use serde_json::{Value as Json, json};

/// One template a line: what is asked of a release in shells, what text/template itself has, and what is wrong.
const TEMPLATES: &str = r#"
{{.Release.Name}} {{.Release.Namespace}} {{.Release.Version}} {{.Release.Labels}}
{{ .Release.Info.Status }} {{ .Release.Info.Description }}|{{ .Release.Info.Notes }}|{{ .Release.Info.Resources }}
{{ .Release.Info.FirstDeployed }}|{{ .Release.Info.LastDeployed }}|{{ .Release.Info.Deleted }}
{{ .Release.Info.LastDeployed.Format "2006-01-02T15:04:05Z07:00" }} {{ .Release.Info.LastDeployed.Unix }} {{ .Release.Info.Deleted.IsZero }}
{{ .Release.Info.LastDeployed.Before .Release.Info.FirstDeployed }} {{ (.Release.Info.LastDeployed.Sub .Release.Info.FirstDeployed).Hours }}
{{ if eq .Release.Info.Status "deployed" }}yes{{ else }}no{{ end }} {{ eq "failed" .Release.Info.Status }}
{{ .Release.Chart.Metadata.Name }}-{{ .Release.Chart.Metadata.Version }} {{ .Release.Chart.AppVersion }} {{ .Release.Chart.Name }}
{{ range .Release.Chart.Metadata.Maintainers }}{{ .Name }} <{{ .Email }}>{{ end }}{{ .Release.Chart.Metadata.Annotations }}
{{ range .Release.Chart.Metadata.Dependencies }}{{ .Name }}@{{ .Version }} {{ .Enabled }} {{ .Tags }} {{ end }}
{{ .Release.Chart.Lock.Digest }} {{ .Release.Chart.Lock.Generated }} {{ len .Release.Chart.Lock.Dependencies }}
{{ range $i, $file := .Release.Chart.Templates }}{{ $i }}:{{ $file.Name }}={{ printf "%s" $file.Data }};{{ end }}
{{ range .Release.Chart.Files }}{{ .Name }} {{ len .Data }} {{ .Data }}{{ end }} {{ len .Release.Chart.CRDs }} {{ (index .Release.Chart.CRDs 0).Name }}
{{ .Release.Chart.IsRoot }} {{ .Release.Chart.ChartPath }} {{ .Release.Chart.ChartFullPath }} {{ .Release.Chart.Root.Name }} {{ .Release.Chart.Dependencies }}
{{ .Release.Chart.Values }} {{ .Release.Chart.Values.number }} {{ printf "%s %d" .Release.Chart.Schema (len .Release.Chart.Raw) }}
{{ .Release.Config }} {{ .Release.Config.replicas }} {{ .Release.Config.large }} {{ .Release.Config.nothing }} {{ .Release.Config.list }}
{{ .Release.Config.image.tag }} {{ .Release.Config.image.none }} {{ index .Release.Config "image" "tag" }} {{ .Release.Config.absent.deeper }}
{{ .Release.Manifest }}
{{ range .Release.Hooks }}{{ .Name }} {{ .Kind }} {{ .Path }} {{ .Events }} {{ .Weight }} {{ .DeletePolicies }} {{ .OutputLogPolicies }} {{ .LastRun.Phase }}{{ end }}
{{ (index .Release.Hooks 0).LastRun.StartedAt }} {{ (index .Release.Hooks 0).LastRun.CompletedAt }} {{ (index .Release.Hooks 1).LastRun.Phase }}
{{ (index .Release.Hooks 0).LastRun }}
{{ .Release.Config | print | len }} {{ printf "%q %v %5d" .Release.Name .Release.Version .Release.Version }}
{{ html "<a>" }} {{ js "a'b" }} {{ urlquery "a b" }} {{ len .Release.Hooks }} {{ not true }} {{ and 1 0 }} {{ or 0 "x" }}
{{ slice .Release.Name 1 }} {{ slice .Release.Name 0 2 }} {{ slice .Release.Name }} {{ len (slice .Release.Hooks 1) }} {{ (index (slice .Release.Hooks 1 2) 0).Name }}
{{ slice .Release.Config.list 1 2 }} {{ slice .Release.Config.list 0 1 2 }} {{ slice .Release.Config.list 0 4 }}
{{ with $r := .Release }}{{ $r.Name }}{{ end }}{{ define "a" }}[{{ . }}]{{ end }}{{ template "a" .Release.Name }}
{{- range $key, $value := .Release.Config.image -}} {{ $key }}={{ $value }} {{ end -}}
{{ .Missing }} {{ .Release.Info.Status | printf "%s!" }}
{{ range .Release.Chart.Metadata.Keywords }}{{ . }}{{ if eq . "b" }}{{ break }}{{ end }},{{ end }}
{{ .Release.Missing }}
{{ .Release.Info.Missing }}
{{ .Release.Chart.Missing }}
{{ .Release.Chart.Metadata.Missing }}
{{ .Release.Chart.parent }}
{{ .Release.Chart.Lock.Missing }}
{{ (index .Release.Hooks 0).Missing }}
{{ (index .Release.Hooks 0).LastRun.Missing }}
{{ (index .Release.Chart.Templates 0).Missing }}
{{ .Release.Name.Missing }}
{{ .Release.Info.LastDeployed.Missing }}
{{ index .Release.Hooks 7 }}
{{ slice .Release.Name 9 }}
{{ slice .Release.Name 2 1 }}
{{ slice .Release.Name 0 1 1 }}
{{ slice .Release.Hooks 0 1 1 1 }}
{{ slice .Release.Version 0 }}
{{ slice .Release.Config.nothing 0 }}
{{ slice .Nothing 0 }}
{{ slice .Release.Name "x" }}
{{ len .Release }}
{{ .Release.Name | upper }}
{{ toYaml .Release.Config }}
{{ include "a" . }}
{{ now }}
{{ .Release.Name
{{ end }}
{{ template "none" }}
{{ .Release.Name 1 }}
"#;

fn record() -> Json {
    json!({
        "name": "web", "namespace": "default", "version": 3,
        "info": {
            "first_deployed": "2026-01-02T03:04:05.678Z", "last_deployed": "2026-11-26T10:00:00+00:00", "deleted": "",
            "description": "Upgrade complete", "status": "deployed", "notes": "hello\n",
        },
        "chart": {
            "metadata": {
                "name": "shop", "version": "1.2.3", "appVersion": "7", "apiVersion": "v2", "annotations": {"b": "2", "a": "1"},
                "keywords": ["a", "b", "c"], "maintainers": [{"name": "Ada", "email": "ada@example.org"}],
                "dependencies": [{"name": "part", "version": "^1", "repository": "@x", "tags": ["t"], "enabled": true}],
            },
            "lock": {
                "generated": "2026-01-01T00:00:00.5+02:00", "digest": "sha256:00",
                "dependencies": [{"name": "part", "version": "1.0.0", "repository": ""}],
            },
            "templates": [{"name": "templates/a.yaml", "data": "YTogMQo="}, {"name": "templates/b.yaml", "data": ""}],
            "files": [{"name": "README.md", "data": "IyBh"}, {"name": "crds/c.yaml", "data": "e30="}, {"name": "crds/d.txt", "data": ""}],
            "values": {"number": 3, "text": "x", "deep": {"list": [1, "b", null, 2.5]}},
            "schema": "e30=",
        },
        "config": {"replicas": 3, "large": 12_345_678, "nothing": null, "image": {"tag": "1.0", "pull": true}, "list": ["a", 2, "c"]},
        "manifest": "---\n# Source: shop/templates/a.yaml\na: 1\n",
        "hooks": [
            {
                "name": "job", "kind": "Job", "path": "shop/templates/job.yaml", "manifest": "kind: Job", "events": ["pre-install", "test"],
                "last_run": {"started_at": "2026-01-02T03:04:05Z", "completed_at": "", "phase": "Succeeded"},
                "weight": -5, "delete_policies": ["hook-failed"],
            },
            {"name": "other", "kind": "Pod", "path": "p", "manifest": "", "events": null, "last_run": {"phase": ""}},
        ],
    })
}

fn ours(record: &Record, template: &str) -> Result<String, String> {
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let mut random = Seeded::new([7; 32]);
    let rendered = render_record(record, template, &mut Surroundings::new(&now, &mut random)).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(rendered).expect("the record is UTF-8"))
}

#[test]
fn a_template_over_a_release_is_what_helm_makes_of_it() {
    let dir = tempfile::tempdir().expect("there is room");
    let data = dir.path().join("releases.yaml");
    std::fs::write(&data, json!([record()]).to_string()).expect("there is room");
    let program = std::env::var_os("PENSTOCK_ORACLE")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.penstock/oracle")), PathBuf::from)
        .join("helm");
    let helm = |template: &str| {
        let mut command = Command::new(&program);
        command.args(["get", "all", "web", "--template", template]).env("TZ", "UTC");
        let ended = command.env("HELM_DRIVER", "memory").env("HELM_MEMORY_DRIVER_DATA", &data).output().expect("helm starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the record is UTF-8");
        let (out, err) = (text(ended.stdout), text(ended.stderr));
        if ended.status.success() { Ok(out) } else { Err(err.trim_end().trim_start_matches("Error: ").to_owned()) }
    };
    let known: Record = serde_json::from_value(record()).expect("it is a record");
    let mut different = String::new();
    for template in TEMPLATES.lines().filter(|line| !line.is_empty()) {
        let (ours, theirs) = (ours(&known, template), helm(template));
        if ours != theirs {
            different += &format!("{template}\n  ours {ours:?}\n  helm {theirs:?}\n");
        }
    }
    assert!(different.is_empty(), "{different}");
}
