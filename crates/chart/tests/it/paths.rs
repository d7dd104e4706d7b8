//! Paths into a chart's values, beside `helm show values --jsonpath`. Where a path does not fit the values Helm says nothing and ends well; ours says
//! why.

use std::path::PathBuf;
use std::process::Command;

use penstock_chart::{
    budget::{Budget, Limits},
    jsonpath::{PathError, jsonpath},
    yaml,
};

const VALUES: &str = r#"
name: shop
number: 3
large: 12345678
part: 2.5
yes: true
nothing: null
empty: []
dotted.key: d
"a b": spaced
markup: "<a> & 'b' \"c\" é"
image: {tag: "1.0", registry: example.org}
list: [a, b, c, d, e]
numbers: [1, 2, 3.5]
mixed: [1, x, null, {a: 1}, [2]]
services:
  - {name: web, port: 80, tls: true, labels: {tier: front}}
  - {name: db, port: 5432, tls: false}
  - {name: cache, port: 6379, weight: 2.5, note: "it's (fine)"}
deep: {a: {b: {c: [{d: x}, {d: y}]}}}
"#;

/// One path a line. Maps have one key where a path goes over all of them: Helm's order is by chance.
const PATHS: &str = r#"
{.name}
{.name}-{.image.tag}
text alone
name is {.name}, tag is {.image.tag}!
{$.name} {@.name}
{.number} {.large} {.part} {.yes} {.nothing}
{.numbers} {.list} {.mixed} {.empty}
{.image}
{.markup}
{.services[0]}
{.services[0].labels}
{}
{ .name }
{.}
{.list[0]} {.list[-1]} {.list[4]}
{.list[1:3]}|{.list[:2]}|{.list[3:]}|{.list[-2:]}|{.list[0:5:2]}|{.list[::2]}|{.list[*]}|{.list[:]}
{.list[0,2]} {.list[0:2,4]} {.list[]}
{.list[2:2]}|{.empty[*]}
{['name']} {.image['tag']} {['dotted\.key']} {.dotted\.key} {['a b']}
{['name','number']}
{.services[*].name}
{.services[*]['name','port']}
{.services[0]['name', 'port']}
{.services[?(@.port==80.0)].name}
{.services[?(@.port>100.5)].name}
{.services[?(@.port>=5432.0)].name}
{.services[?(@.port<100.5)].name} {.services[?(@.port<=80.0)].name} {.services[?(@.port!=80.0)].name}
{.services[?(@.name=="db")].port} {.services[?(@.name!='db')].port} {.services[?(@.name>"d")].port}
{.services[?(@.weight)].name} {.services[?(@.labels.tier)].name} {.services[?(@.nothing)].name}
{.services[?(@.tls==true)].name} {.services[?(@.tls)].name}
{.services[?(@.note=="it's (fine)")].name}
{.services[?(@.labels.tier=="front")].name}
{.services[?(@.name[0])].name}
{..tag}
{..name}
{..d}
{.deep..c}
{.deep..d}
{.deep.a.b.c[*].d}
{.deep.*.b.*[0].d}
{.deep.*}
{.list.*}
{.name.*}
{range .services[*]}{.name}:{.port}{"\n"}{end}
{range .services[*]}[{.name},{"\t"}{.port}] {end}done {.name}
{range .list[*]}{@} {end}
{range .list[*]}x{end}
{range .mixed[*]}{@};{end}
{range .services[*]}{.name}{range .labels.*}<{@}>{end};{end}
{range .services[0:1]}{.name}{range .labels.tier}<{@}>{end};{end}after
{range .deep.a.b.c[*]}{range .d}{@}{end}-{end}|{range .list[0:2]}{@}{end}
{range .empty[*]}x{end}y
{range .empty[*]}{.a}{end}y
{range .empty[*]}{range .b}{.a}{end}{end}y
{range .list[*]}{@}
{end}
{range .services[*]}{.port}{end}{end}
{"quoted"} {'single'} {"a\"b"} {'a\'b'} {"\u00e9\x41\101\n"} {""}
{"\q"}
{"unterminated}
{'a
{1} {-2} {+3} {1.5} {true} {false}
{1.2.3}
{-}
{.name
{.name}}
{{.name}}
{.name]
{.list[}
{.list[x]}
{.list[1:2:3:4]}
{.list[-]}
{.list[99999999999999999999]}
{.list[7]}
{.list[-9]}
{.list[1:9]}
{.list[3:1]}
{.list[0:3:0]}
{.name[0]}
{.image[0]}
{.nothing[0]}
{.nothing.a}
{.missing}
{.image.missing}
{.name.missing}
{.services[?(@.port==80)].name}
{.services[?(@.port=="80")].name}
{.services[?(@.port=80.0)].name}
{.services[?(@.port===80.0)].name}
{.services[?(@.tls>true)].name}
{.services[?(@.name==)].name}
{.services[?(==1)].name}
{.services[?(@.name=="a"].name}
{.services[?(@.name=="a)].name}
{.services[?(@.labels=="a")].name}
{.list[?(@=="b")]} {.list[?(@>"c")]} {.numbers[?(@>1.5)]}
{.image[?(@.a)]}
{.name[?(@.a)]}
{.nothing[?(@.a)]}
{.mixed[?(@.a)]}
{...}
{....}
{.services[*]..tier}
{unknown}
{range}
{range .name}{@}{end}
{#}
{.a|b}
{.list,}
{.services[0].name,.list[0]}
"#;

#[test]
fn a_path_finds_what_helm_finds() {
    let dir = tempfile::tempdir().expect("there is room");
    let chart = dir.path().join("shop");
    std::fs::create_dir(&chart).expect("there is room");
    std::fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: shop\nversion: 1.0.0\n").expect("there is room");
    std::fs::write(chart.join("values.yaml"), VALUES).expect("there is room");
    let program = std::env::var_os("PENSTOCK_ORACLE")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.penstock/oracle")), PathBuf::from)
        .join("helm");
    let helm = |path: &str| {
        let ended = Command::new(&program).args(["show", "values", "--jsonpath", path]).arg(&chart).output().expect("helm starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the values are UTF-8");
        let (out, err) = (text(ended.stdout), text(ended.stderr));
        if ended.status.success() { Ok(out) } else { Err(err.trim_end().trim_start_matches("Error: ").to_owned()) }
    };
    let values = yaml::read_table(VALUES.as_bytes()).expect("they are YAML");
    let (mut different, mut unfit) = (String::new(), 0);
    for path in PATHS.lines().filter(|line| !line.is_empty()) {
        let (ours, theirs) = (jsonpath(path, &values, &mut Budget::new(Limits::default())), helm(path));
        let alike = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => ours == theirs.as_bytes(),
            (Err(PathError::Parse { .. }), Err(theirs)) => ours.as_ref().is_err_and(|why| why.to_string() == *theirs),
            (Err(PathError::Unfit(_)), theirs) => {
                unfit += 1;
                theirs.as_ref().is_ok_and(String::is_empty) || theirs.as_ref().is_err_and(|why| why.starts_with("panic: "))
            }
            _ => false,
        };
        if !alike {
            let ours = ours.map(|ours| String::from_utf8_lossy(&ours).into_owned());
            different += &format!("{path}\n  ours {ours:?}\n  helm {theirs:?}\n");
        }
    }
    assert!(different.is_empty(), "{different}");
    assert!(unfit > 20, "{unfit} paths do not fit");
}

#[test]
fn a_path_that_multiplies_what_it_finds_meets_a_limit() {
    let values = yaml::read_table(b"a: [[1, 2, 3, 4], [1, 2, 3, 4]]").expect("it is YAML");
    let few = Limits { steps: 10_000, ..Limits::default() };
    let twice = format!("{{.a{}}}", "[0,0]".repeat(4_000));
    let everything = format!("{{{}}}", "..*".repeat(400));
    let nested = format!("{{.a{}", "[?(@.a".repeat(2_000));
    let loops = "{range .a[*]}".repeat(4_000);
    for path in [twice, everything, nested, loops, " ".repeat(1 << 20)] {
        let found = jsonpath(&path, &values, &mut Budget::new(few));
        assert!(found.is_err(), "{}", path.get(..20).unwrap_or_default());
    }
    // few steps for much that is kept
    let values = yaml::read_table(format!("a: [{}]", "1,".repeat(1_000)).as_bytes()).expect("it is YAML");
    let little = Limits { memory: 1 << 20, ..Limits::default() };
    for path in [format!("{{.a[{}*]}}", "*,".repeat(200)), format!("{{.a[{}0:]}}", "0:,".repeat(200))] {
        let found = jsonpath(&path, &values, &mut Budget::new(little));
        assert!(matches!(found, Err(PathError::Limit(_))), "{}", path.get(..20).unwrap_or_default());
    }
}
