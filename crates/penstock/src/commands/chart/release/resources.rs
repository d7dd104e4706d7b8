//! What the cluster has of a release, as tables: the cells are the server's.

use penstock_cli::terminal;
use penstock_helm::ByKind;
use serde_json::Value;

/// What stands between two columns.
const GAP: &str = "   ";

/// The tables of all kinds under one heading; nothing where there are none.
pub fn tables(found: &ByKind) -> String {
    if found.is_empty() {
        return String::new();
    }
    let kinds: Vec<String> = found.iter().map(|(kind, tables)| format!("==> {kind}\n{}\n", aligned(&rows(tables)))).collect();
    format!("RESOURCES:\n{}\n", kinds.concat())
}

/// Headings and rows of the tables of one kind.
fn rows(tables: &[Value]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut heading = Vec::new();
    for table in tables {
        let (columns, cells) = if table.get("kind").is_some_and(|kind| kind == "Table") { shown(table) } else { named(table) };
        // as from kubectl, which tells nothing of no objects
        if columns != heading && !cells.is_empty() {
            heading.clone_from(&columns);
            rows.push(columns);
        }
        rows.extend(cells);
    }
    rows
}

/// The columns of a server's table that are for everybody, and the cells below them.
fn shown(table: &Value) -> (Vec<String>, Vec<Vec<String>>) {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let columns = list(table, "columnDefinitions");
    let is_shown = |column: &Value| column.get("priority").and_then(Value::as_i64).unwrap_or_default() == 0;
    let headings = columns.iter().filter(|column| is_shown(column)).map(|column| cell(&column["name"]).to_uppercase()).collect();
    let row = |row: &Value| {
        let cells = list(row, "cells");
        columns.iter().zip(&cells).filter(|(column, _)| is_shown(column)).map(|(_, value)| cell(value)).collect()
    };
    (headings, list(table, "rows").iter().map(row).collect())
}

/// Objects whose server makes no tables: what they are called, and since when they are there.
fn named(object: &Value) -> (Vec<String>, Vec<Vec<String>>) {
    let objects = object.get("items").and_then(Value::as_array).map_or_else(|| std::slice::from_ref(object), Vec::as_slice);
    let text = |object: &Value, path: &str| object.pointer(path).map(cell).unwrap_or_default();
    let row = |object: &Value| vec![text(object, "/metadata/name"), text(object, "/metadata/creationTimestamp")];
    (["NAME", "CREATED"].map(str::to_owned).to_vec(), objects.iter().map(row).collect())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => match text.split_once(['\x0c', '\n', '\r']) {
            Some((first, _)) => format!("{}...", terminal::plain(first)),
            None => terminal::plain(text),
        },
        other => other.to_string(),
    }
}

/// Each column as wide as its widest cell.
fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join(GAP).trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_objects_of_a_kind_stand_under_one_heading_without_what_is_for_experts() {
        let column = |name: &str, priority: i64| json!({"name": name, "priority": priority});
        let columns = [column("Name", 0), column("Data", 0), column("Node", 1), column("Age", 0)];
        let table = |cells: Value| json!({"kind": "Table", "columnDefinitions": columns, "rows": [{"cells": cells}]});
        let found = vec![
            ("v1/ConfigMap".to_owned(), vec![table(json!(["web", 1, "n", "5s"])), table(json!(["web-extra", 10, "n", null]))]),
            ("v1/Old".to_owned(), vec![json!({"metadata": {"name": "it\nis", "creationTimestamp": "2026-01-02T03:04:05Z"}})]),
            ("v1/Pod(related)".to_owned(), vec![json!({"kind": "Table", "columnDefinitions": columns, "rows": []})]),
        ];
        let wanted = "RESOURCES:\n==> v1/ConfigMap\nNAME        DATA   AGE\nweb         1      5s\nweb-extra   10\n\n\
            ==> v1/Old\nNAME    CREATED\nit...   2026-01-02T03:04:05Z\n\n==> v1/Pod(related)\n\n\n";
        assert_eq!(tables(&found), wanted);
        assert_eq!(tables(&Vec::new()), "");
    }
}
