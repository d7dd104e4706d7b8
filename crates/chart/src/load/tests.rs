//! `load.jsonl` holds what Helm 3.18.4 made of the files of charts.

use std::{collections::BTreeMap, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{
    LoadError, MAX_CHART, MAX_FILE, MAX_NESTED, Rules, archive, archive::Allowance, assemble::archive_within, check_archive, files, matches,
};
use crate::{
    budget::{Budget, Limits},
    chart::{Chart, File},
    value::{Data, Table},
    values::{Nulls, coalesce, settle},
};

/// The chart as the table has it.
fn shown(chart: &Chart) -> Json {
    let list = |files: &[File]| -> Json {
        files.iter().map(|file| json!({ "name": file.name.to_string(), "data": file.data.to_string() })).collect()
    };
    let crd = |crd: &crate::chart::Crd| json!({ "name": crd.file.name.to_string(), "filename": crd.path.to_string() });
    let values: Json = chart
        .values
        .iter()
        .map(|(key, value)| {
            let Data::Float(number) = value else { panic!("{value:?}") };
            (key.to_string(), json!({ "$float64": number.to_string() }))
        })
        .collect();
    json!({
        "metadata": chart.metadata, "lock": chart.lock, "values": values,
        "schema": chart.schema.as_ref().map(|schema| schema.to_string()).unwrap_or_default(),
        "templates": list(&chart.templates), "files": list(&chart.files),
        "crds": chart.crds().iter().map(crd).collect::<Vec<_>>(),
        "charts": chart.dependencies.iter().map(shown).collect::<Vec<_>>(),
    })
}

#[test]
fn a_chart_is_what_it_is_in_helm() {
    for line in include_str!("load.jsonl").lines() {
        let case: Json = serde_json::from_str(line).expect("a case");
        let given: BTreeMap<String, String> = serde_json::from_value(case["files"].clone()).expect("files");
        let given = given.iter().map(|(name, data)| File { name: name.as_str().into(), data: data.as_str().into() });
        match files(given.collect()) {
            Err(error) => assert_eq!(error.to_string(), case["error"], "{case}"),
            Ok(loaded) => {
                assert_eq!(shown(&loaded.chart), case["chart"], "{case}");
                assert_eq!(json!(loaded.warnings), case["warnings"], "{case}");
            }
        }
    }
}

const CHART: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";

fn entry(name: &str, kind: tar::EntryType, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    // names that the crate would refuse are what is tested
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn zipped(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).expect("in memory");
    encoder.finish().expect("in memory")
}

/// An archive with `Chart.yaml` and these.
fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = entry("c/Chart.yaml", tar::EntryType::Regular, CHART.as_bytes());
    for (name, data) in entries {
        tar.extend(entry(name, tar::EntryType::Regular, data));
    }
    tar.resize(tar.len() + 1024, 0);
    zipped(&tar)
}

#[track_caller]
fn refused(archived: &[u8], expected: &str) {
    assert_eq!(archive(archived).map(|_| ()).unwrap_err().to_string(), expected);
}

#[test]
fn what_could_lead_out_of_the_chart_is_refused() {
    for (name, why) in [
        ("c/../../x", "chart illegally references parent directory"),
        ("c/..x", "chart illegally references parent directory"),
        ("c//x", "chart illegally contains absolute paths"),
        ("c\\..\\..\\x", "chart illegally references parent directory"),
        ("c\\C:\\x", "chart contains illegally named files"),
        ("c/C:/x", "chart contains illegally named files"),
        ("x", "chart illegally contains content outside the base directory: \"x\""),
        ("Chart.yaml/x", "chart yaml not in base directory"),
    ] {
        refused(&packed(&[(name, b"x")]), why);
    }
}

#[test]
fn a_link_in_an_archive_is_a_file_that_holds_nothing() {
    let mut tar = entry("c/Chart.yaml", tar::EntryType::Regular, CHART.as_bytes());
    tar.extend(entry("c/templates/a", tar::EntryType::Symlink, b""));
    let chart = archive(&zipped(&tar)).expect("a chart").chart;
    assert_eq!(chart.templates, [File { name: "templates/a".into(), data: "".into() }]);
}

#[test]
fn a_long_name_is_read_in_every_form_that_tar_has_for_it() {
    let long = format!("c/templates/{}/{}", "d".repeat(80), "f".repeat(90));
    let record = format!("path={long}\n");
    let record = format!("{} {record}", record.len() + 4);
    let mut tar = entry("c/Chart.yaml", tar::EntryType::Regular, CHART.as_bytes());
    tar.extend(entry("PaxHeaders/f", tar::EntryType::XHeader, record.as_bytes()));
    tar.extend(entry("c/short", tar::EntryType::Regular, b"pax"));
    tar.extend(entry("././@LongLink", tar::EntryType::GNULongName, format!("{long}2\0").as_bytes()));
    tar.extend(entry("c/short", tar::EntryType::Regular, b"gnu"));
    let chart = archive(&zipped(&tar)).expect("a chart").chart;
    let seen: Vec<_> = chart.templates.iter().map(|file| (file.name.len(), file.data.to_string())).collect();
    assert_eq!(seen, [(long.len() - 2, "pax".to_owned()), (long.len() - 1, "gnu".to_owned())]);
}

#[test]
fn a_file_or_chart_that_is_too_large_is_refused() {
    let large = vec![0; usize::try_from(MAX_FILE).expect("a size") + 1];
    refused(&packed(&[("c/a", &large)]), "decompressed chart file \"c/a\" is larger than the maximum file size 5242880");
    // by what its header says, before anything is read
    let mut header = tar::Header::new_ustar();
    header.set_size(MAX_CHART + 1);
    header.as_mut_bytes()[..3].copy_from_slice(b"c/a");
    header.set_cksum();
    refused(&zipped(header.as_bytes()), "decompressed chart is larger than the maximum file size 104857600");
}

#[test]
fn archives_in_archives_share_what_may_be_unpacked() {
    let inner = packed(&[("c/a", &[0; 10_000])]);
    let names: Vec<String> = (0..5).map(|at| format!("c/charts/{at}.tgz")).collect();
    let outer = packed(&names.iter().map(|name| (name.as_str(), inner.as_slice())).collect::<Vec<_>>());
    let mut allowance = Allowance { files: 100, bytes: 40_000 };
    assert_eq!(archive_within(&outer, &mut allowance).map(|_| ()).unwrap_err(), LoadError::Total);
    let mut allowance = Allowance { files: 8, bytes: 400_000 };
    assert_eq!(archive_within(&outer, &mut allowance).map(|_| ()).unwrap_err(), LoadError::Files);
}

#[test]
fn entries_without_content_count_too() {
    let tar = entry("c/dir/", tar::EntryType::Directory, b"").repeat(20);
    let mut allowance = Allowance { files: 10, bytes: 40_000 };
    assert_eq!(archive_within(&zipped(&tar), &mut allowance).map(|_| ()).unwrap_err(), LoadError::Files);
}

#[test]
fn charts_may_stand_in_one_another_only_so_deep() {
    let nested = |deep: usize| {
        let inside = |at: usize| File { name: format!("{}Chart.yaml", "charts/c/".repeat(at)).into(), data: CHART.into() };
        files((0..deep).map(inside).collect())
    };
    assert_eq!(nested(MAX_NESTED + 1).map(|_| ()), Err(LoadError::Depth));
    let chart = nested(MAX_NESTED).expect("a chart").chart;
    let mut budget = Budget::new(Limits::default());
    let settled = settle(&chart, &Table::new(), Nulls::Keep, &mut budget).expect("settled").chart;
    assert!(coalesce(&settled, &Table::new(), &mut budget).is_ok());
}

#[test]
fn bytes_that_are_no_archive_are_told_apart() {
    refused(b"", "EOF");
    refused(b"not a gzip", "gzip: invalid header");
    let whole = packed(&[]);
    refused(&whole[..whole.len() / 2], "unexpected EOF");
    refused(&zipped(&[]), "no files in chart archive");
    refused(&zipped(&[7; 512]), "archive/tar: invalid tar header");
    let said = |name: &str, bytes: &[u8]| check_archive(name, bytes).unwrap_err().to_string();
    assert_eq!(said("v.yaml", b"a: 1"), "file 'v.yaml' seems to be a YAML file, but expected a gzipped archive");
    assert_eq!(said("x", b"a: 1"), "file 'x' does not appear to be a gzipped archive; got 'application/octet-stream'");
    assert_eq!(said("x", &[b'a'; 600]), "file 'x' does not appear to be a gzipped archive; got 'text/plain; charset=utf-8'");
    assert_eq!(check_archive("x", &whole), Ok(()));
}

#[test]
fn files_are_ignored_as_helm_ignores_them() {
    let is_ignored = |rules: &str, path: &str, is_directory: bool| {
        Rules::parse(rules.as_bytes()).expect("rules").with_defaults().ignores(path.as_bytes(), is_directory)
    };
    for (rules, path, is_directory, expected) in [
        ("helm.txt", "helm.txt", false, true),
        ("helm.*", "cargo/helm.txt", false, true),
        ("/helm.txt", "cargo/helm.txt", false, false),
        ("cargo/*.txt", "cargo/a.txt", false, true),
        ("cargo/*.txt", "cargo/b/a.txt", false, false),
        ("cargo/", "cargo", true, true),
        ("cargo/", "cargo", false, false),
        ("# a\n\n  *.md  \r\n", "README.md", false, true),
        ("\u{feff}a", "a", false, true),
        ("!*.txt", "a.txt", false, false),
        ("!*.txt", "a.md", false, true),
        ("!cargo/", "a.txt", false, true),
        (".*", ".", true, false),
        ("[a-c]?", "bx", false, true),
        ("[^a]", "a", false, false),
        ("\\*", "*", false, true),
        ("", "templates/.hidden", false, true),
        ("", "templates/sub/.hidden", false, false),
    ] {
        assert_eq!(is_ignored(rules, path, is_directory), expected, "{rules:?} {path:?}");
    }
    let wrong = |rules: &str| Rules::parse(rules.as_bytes()).unwrap_err().to_string();
    assert_eq!(wrong("a/**/b"), "double-star (**) syntax is not supported");
    assert_eq!(wrong("[a"), "syntax error in pattern");
    assert_eq!(wrong(&"a".repeat(1 << 16)), "bufio.Scanner: token too long");
}

proptest! {
    #[test]
    fn no_archive_makes_the_reader_panic(mut tar in proptest::collection::vec(any::<u8>(), 0..3000), flip in any::<(u16, u8)>()) {
        let _ = archive(&tar);
        let _ = archive(&zipped(&tar));
        let mut whole = entry("c/Chart.yaml", tar::EntryType::Regular, CHART.as_bytes());
        whole.append(&mut tar);
        let at = usize::from(flip.0) % whole.len();
        whole[at] ^= flip.1;
        let _ = archive(&zipped(&whole));
    }

    #[test]
    fn no_pattern_makes_the_matcher_panic(pattern in r"([ab*?\\\[\]^-]|\PC)*", name in r"[ab/]*|\PC*") {
        let _ = matches(pattern.as_bytes(), name.as_bytes());
    }
}
