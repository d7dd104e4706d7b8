//! The one table.

use std::fmt;

use super::cases::Case;
use super::programs::{Dialect, Program};
use super::timing::Timing;

/// Rows as they are measured.
#[derive(Default)]
pub struct Table(Vec<[String; 7]>);

impl Table {
    /// A figure, beside Penstock's own if it is another's.
    pub fn add(&mut self, case: &Case, program: &Program, dialect: Dialect, timing: &Result<Timing, String>, ours: Option<&Timing>) {
        let dialect = if dialect == Dialect::Gitlab { "GitLab" } else { "workflow" };
        let what = format!("{} ({dialect})", case.name);
        let row = match timing {
            Err(why) => {
                [what, program.name.clone(), format!("NOT MEASURED: {why}"), String::new(), String::new(), String::new(), String::new()]
            }
            Ok(timing) => {
                let ratio = ours.map(|ours| format!("× {:.1}", timing.median / ours.median)).unwrap_or_default();
                let bound =
                    if program.is_ours { case.bound.map(|most| format!("at most {most} ms")).unwrap_or_default() } else { String::new() };
                let missed = program.is_ours && case.bound.is_some_and(|most| timing.median > most);
                [
                    what,
                    program.name.clone(),
                    format!("{:.1} ms", timing.median),
                    format!("{:.1} ms", timing.p95),
                    timing.rounds.to_string(),
                    ratio,
                    if missed { format!("{bound}: MISSED") } else { bound },
                ]
            }
        };
        println!("  {}", row.join("  "));
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "who", "median", "p95", "runs", "to ours", "bound"].map(str::to_owned);
        let rows: Vec<&[String; 7]> = std::iter::once(&head).chain(&self.0).collect();
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        for row in &rows {
            let cells: Vec<String> = row.iter().enumerate().map(|(at, cell)| format!("{cell:<width$}", width = width(at))).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}
