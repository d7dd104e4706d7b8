//! What is said of values that nothing uses is true.

use penstock_chart::{chart::File, load, value::Table, yaml};

use crate::differential::unused::wrongly_unused;

/// Each uses `v` of one map, and not what lies beside it.
const WAYS: [&str; 15] = [
    "{{ .Values.m.v }}",
    "{{ $.Values.m.v }}",
    "{{ $root := . }}{{ $root.Values.m.v }}",
    "{{ $root := $ }}{{ range list 1 }}{{ $root.Values.m.v }}{{ end }}",
    "{{ with .Values.m.v }}{{ . }}{{ end }}",
    "{{ index .Values \"m\" \"v\" }}",
    "{{ index $ \"Values\" \"m\" \"v\" }}",
    "{{ get .Values.m \"v\" }}",
    "{{ dig \"m\" \"v\" 0 .Values.AsMap }}",
    "{{ .Values.AsMap.m.v }}",
    "{{ (pick .Values.m \"v\") | toYaml }}",
    "{{ if hasKey .Values.m \"v\" }}there{{ end }}{{ .Values.m.v }}",
    "{{ include \"part\" (dict \"context\" $) }}",
    "{{ tpl .Values.text $ }}",
    "{{ tpl (.Files.Get \"file.txt\") $ }}",
];
/// Each uses all of the map, by something that lies beside `v`.
const WHOLE: [&str; 6] = [
    "{{ omit .Values.m \"v\" | toYaml }}",
    "{{ toYaml .Values.m }}",
    "{{ range $key, $value := .Values.m }}{{ $value }}{{ end }}",
    "{{ $m := .Values.m }}{{ $m.beside }}",
    "{{ include \"whole\" .Values.m }}",
    "{{ $key := \"beside\" }}{{ index .Values.m $key }}",
];

const PART: &str = "{{ define \"part\" }}{{ .context.Values.m.v }}{{ end }}";

/// How many values are said to be unused, and which of them are used.
fn judged(template: &str, given: &str) -> (usize, Vec<String>) {
    let text = if template.contains("tpl .Values.text") { "{{ .Values.m.v }}" } else { "nothing" };
    let file = |name: &str, data: &str| File { name: name.into(), data: data.into() };
    let files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0"),
        file("values.yaml", &format!("m: {{v: one, beside: two}}\nspare: 1\ntext: '{text}'\n")),
        file("file.txt", if template.contains(".Files") { "{{ .Values.m.v }}" } else { "" }),
        file("templates/_parts.tpl", if template.contains("\"part\"") { PART } else { "{{ define \"whole\" }}{{ .beside }}{{ end }}" }),
        file("templates/a.yaml", &format!("kind: A\ntext: |\n  {template} {{{{ .Values.text | quote }}}}\n")),
    ];
    let chart = load::files(files).expect("a chart").chart;
    let given = if given.is_empty() { Table::new() } else { yaml::read_table(given.as_bytes()).expect("values") };
    wrongly_unused(&chart, &given).expect("it renders")
}

#[test]
fn a_value_that_no_template_is_said_to_use_changes_nothing() {
    for template in WAYS {
        assert_eq!(judged(template, ""), (2, Vec::new()), "{template}");
    }
    for template in WHOLE {
        assert_eq!(judged(template, ""), (1, Vec::new()), "{template}");
    }
    for template in ["{{ (.Values.Table \"m\").beside }}", "{{ toYaml $ }}", "{{ toYaml .Values }}"] {
        assert_eq!(judged(template, ""), (0, Vec::new()), "{template}");
    }
    assert_eq!(judged("", "more: 1"), (3, Vec::new()), "`m`, `spare`, and what is given");
    assert_eq!(judged("{{ tpl .Values.given $ }}", "given: '{{ .Values.m.v }}'"), (2, Vec::new()));
}
