//! A chart's directory, read as Helm reads one: in the order of names, without what `.helmignore` names.

use std::path::Path;

use penstock_chart::{
    chart::File,
    load::{IGNORE_FILE, Rules},
};

/// The files of a chart.
pub fn files(top: &Path) -> std::io::Result<Vec<File>> {
    let rules = match std::fs::read(top.join(IGNORE_FILE)) {
        Ok(text) => Rules::parse(&text).map_err(|rule| std::io::Error::other(format!("{rule:?}")))?,
        Err(_) => Rules::default(),
    };
    let mut found = Vec::new();
    walk(top, "", &rules.with_defaults(), &mut found)?;
    Ok(found)
}

fn walk(at: &Path, path: &str, rules: &Rules, found: &mut Vec<File>) -> std::io::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(at)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let below = if path.is_empty() { name.into_owned() } else { format!("{path}/{name}") };
        let directory = entry.path().is_dir();
        if rules.ignores(below.as_bytes(), directory) {
            continue;
        }
        if directory {
            walk(&entry.path(), &below, rules, found)?;
        } else {
            found.push(File { name: below.into(), data: std::fs::read(entry.path())?.into() });
        }
    }
    Ok(())
}
