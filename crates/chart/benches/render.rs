//! What rendering costs, beside `helm template` in the same run: `cargo bench -p penstock-chart`. Medians, least and most.

#![allow(clippy::expect_used, clippy::disallowed_methods, missing_docs, reason = "a bench")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use penstock_chart::{
    chart::{Chart, File},
    load,
    random::Seeded,
    release::{Request, compose},
    render::{Cache, Capabilities, KubeVersion, Release, Surroundings},
    value::Str,
};

/// How often each is measured.
const ROUNDS: usize = 200;
/// How often helm is started.
const STARTS: usize = 15;

fn main() {
    let helm = helm();
    // name, chart, how often it is rendered in a round
    for (name, repeated) in [("shop", 1), ("monitoring", 1), ("subcharts", 20)] {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts").join(name).join("chart");
        let chart = read(&place);
        let templates = count(&chart);
        let cache = Cache::default();
        let request = request();
        let warm = rounds(ROUNDS, || (0..repeated).for_each(|_| render(&chart, &request, Some(&cache)))) / repeated;
        let cold = rounds(ROUNDS, || (0..repeated).for_each(|_| render(&chart, &request, None))) / repeated;
        let loaded = rounds(ROUNDS, || drop(black_box(read(&place))));
        println!("{name}: {templates} templates with those of the charts inside, its own values");
        println!("  rendered from the parsed chart  {warm}, {:.0} renders/s", 1.0 / warm.median.as_secs_f64());
        println!("  rendered and parsed             {cold}");
        println!("  read from disk                  {loaded}");
        match &helm {
            None => println!("  helm template                   NOT MEASURED: setup/setup.sh oracle builds it"),
            Some(helm) => {
                let process = rounds(STARTS, || start(helm, &place));
                println!(
                    "  helm template, a process        {process}, {:.0} times ours",
                    process.median.as_secs_f64() / warm.median.as_secs_f64()
                );
            }
        }
    }
    let (chart, request) = (with_schema(300), request());
    println!("a schema of 300 properties: {}", rounds(ROUNDS, || render(&chart, &request, None)));
}

/// A chart of one template and a schema of this many properties, as those of large charts are.
fn with_schema(properties: usize) -> Chart {
    let name = |number: usize| format!("p{number}");
    let property = |number: usize| match number % 3 {
        0 => format!(r##""{}":{{"$ref":"#/definitions/name"}}"##, name(number)),
        1 => format!(r#""{}":{{"type":"object","properties":{{"port":{{"type":"integer","minimum":1}}}}}}"#, name(number)),
        _ => format!(r#""{}":{{"type":"string","pattern":"^v{number}[a-z0-9.-]*$"}}"#, name(number)),
    };
    let all = (0..properties).map(property).collect::<Vec<_>>().join(",");
    let schema = format!(r#"{{"definitions":{{"name":{{"type":"string","minLength":1}}}},"properties":{{{all}}}}}"#);
    let value = |number: usize| match number % 3 {
        0 => format!("{}: a\n", name(number)),
        1 => format!("{}: {{port: 80}}\n", name(number)),
        _ => format!("{}: v{number}\n", name(number)),
    };
    let values: String = (0..properties).map(value).collect();
    let file = |name: &str, text: &str| File { name: name.into(), data: text.into() };
    load::files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: schema\nversion: 1.0.0"),
        file("values.yaml", &values),
        file("values.schema.json", &schema),
        file("templates/a.yaml", "kind: ConfigMap\nname: {{ .Values.p0 }}\n"),
    ])
    .expect("it is a chart")
    .chart
}

fn helm() -> Option<PathBuf> {
    let helm = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.penstock/oracle/helm");
    helm.is_file().then_some(helm)
}

fn start(helm: &Path, chart: &Path) {
    let status = Command::new(helm)
        .args(["template", "rel"])
        .arg(chart)
        .args(["--kube-version", "1.33.0", "--debug"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    black_box(status.expect("helm starts"));
}

fn read(place: &Path) -> Chart {
    let mut files = Vec::new();
    walk(place, place, &mut files);
    load::files(files).expect("it is a chart").chart
}

fn walk(top: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(top, &path, files);
        } else {
            let name = path.strip_prefix(top).expect("below it").to_string_lossy().into_owned();
            files.push(File { name: Str::from(name), data: Str::from(std::fs::read(&path).expect("a file")) });
        }
    }
}

fn count(chart: &Chart) -> usize {
    chart.templates.len() + chart.dependencies.iter().map(count).sum::<usize>()
}

fn request() -> Request {
    Request {
        release: Release { name: "rel".into(), namespace: "default".into(), revision: 1, is_upgrade: false },
        capabilities: Capabilities { kube_version: KubeVersion::parse("1.33.0").expect("a version"), ..Capabilities::default() },
        check_schema: true,
        ..Request::default()
    }
}

/// All that `helm template` does once a chart is loaded: settles, merges, renders, sorts.
fn render(chart: &Chart, request: &Request, cache: Option<&Cache>) {
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let mut random = Seeded::new([7; 32]);
    // what is rendered may be no YAML, which is found at the end: the work is the same
    let _ = black_box(compose(chart, request, &mut Surroundings { cache, ..Surroundings::new(&now, &mut random) }));
}

struct Spread {
    median: Duration,
    least: Duration,
    most: Duration,
}

impl std::ops::Div<u32> for Spread {
    type Output = Self;

    fn div(self, by: u32) -> Self {
        Self { median: self.median / by, least: self.least / by, most: self.most / by }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { median, least, most } = self;
        write!(formatter, "{median:.1?} ({least:.1?} to {most:.1?})")
    }
}

fn rounds(count: usize, mut act: impl FnMut()) -> Spread {
    act();
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let start = Instant::now();
            act();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    Spread { median: times[count / 2], least: times[0], most: times[count - 1] }
}
