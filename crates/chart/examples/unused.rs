//! Changes every value that no template is said to use, and says which of them change what is rendered all the same:
//! `cargo run --example unused -- FOLDER…`. The values files below a chart's `ci/` are tried, too.

#![allow(missing_docs, dead_code, clippy::expect_used, clippy::disallowed_methods, reason = "a tool of the tests")]

#[path = "../tests/differential/directory.rs"]
mod directory;
#[path = "../tests/differential/unused.rs"]
mod unused;

use std::{path::Path, process::ExitCode};

use penstock_chart::{load, value::Table, yaml};

fn main() -> ExitCode {
    let (mut cases, mut claims, mut wrong) = (0, 0, 0);
    for path in std::env::args().skip(1) {
        let folder = Path::new(&path);
        let Ok(loaded) = load::files(directory::files(folder).unwrap_or_default()) else { continue };
        let files = std::fs::read_dir(folder.join("ci")).into_iter().flatten().filter_map(Result::ok);
        let texts = files.filter(|file| file.path().extension().is_some_and(|end| end == "yaml")).map(|file| std::fs::read(file.path()));
        let given = texts.filter_map(|text| yaml::read_table(&text.ok()?).ok());
        for given in std::iter::once(Table::new()).chain(given) {
            let Some((claimed, found)) = unused::wrongly_unused(&loaded.chart, &given) else { continue };
            (cases, claims, wrong) = (cases + 1, claims + claimed, wrong + found.len());
            found.iter().for_each(|name| println!("{path}: {name} is used"));
        }
    }
    println!("{cases} renders, {claims} values that are said to be unused, {wrong} of them used");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
