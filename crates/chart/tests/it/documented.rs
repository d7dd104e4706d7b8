//! What the documentation says there is, and what there is.

use std::collections::BTreeSet;

use penstock_chart::functions;

const HELM: &str = include_str!("../../../../docs/helm.md");

/// The names in the documentation's table of functions, between its marks.
fn told() -> BTreeSet<&'static str> {
    let table = HELM.split("<!-- functions -->").nth(1).expect("the table is marked");
    table.split('`').skip(1).step_by(2).filter(|name| !name.contains(['.', ' '])).collect()
}

#[test]
fn every_function_is_in_the_documentation_and_no_other() {
    let there: BTreeSet<&str> = functions::names().collect();
    let told = told();
    let missing: Vec<_> = there.difference(&told).collect();
    let gone: Vec<_> = told.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "docs/helm.md lacks {missing:?}, and has {gone:?}");
}
