//! What merging values warns of, as cases: charts in charts whose values do not fit one another.

use penstock_chart::{chart::File, load};
use serde_json::{Value as Json, json};

use super::{
    charts::{self, Nest},
    compare::Case,
    oracle::Outcome,
    render,
};

/// Warnings whose order is compared, too. Helm goes through the keys of a table in no order: of more lines no order comes twice.
const IN_ORDER: usize = 4;

/// Charts in charts, asked for what is warned of.
#[derive(Clone, Debug)]
pub struct Warned(Nest);

impl Case for Warned {
    fn question(&self) -> (Json, &'static str) {
        let mut question = self.0.asked();
        question["op"] = json!("coalesce");
        (question, "log")
    }

    fn ours(&self) -> Outcome {
        let files = self.0.files().into_iter().map(|(name, text)| File { name: name.into(), data: text.into() }).collect();
        in_some_order(render::warnings(&self.0.asked(), load::files(files)))
    }

    fn smaller(&self) -> Vec<Self> {
        self.0.smaller().into_iter().map(Self).collect()
    }

    fn shown(&self) -> String {
        self.0.shown()
    }

    fn comparable(&self, helm: Outcome) -> Outcome {
        in_some_order(helm)
    }

    fn functions(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

fn in_some_order(outcome: Outcome) -> Outcome {
    let Outcome::Made(text) = &outcome else { return outcome };
    let text = String::from_utf8_lossy(text).into_owned();
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.len() > IN_ORDER {
        lines.sort_unstable();
    }
    Outcome::Made(lines.join("\n").into_bytes())
}

/// Grows charts in charts.
pub fn grow(seed: u64) -> Warned {
    Warned(if seed.is_multiple_of(3) { charts::grow(seed) } else { charts::clashing(seed) })
}
