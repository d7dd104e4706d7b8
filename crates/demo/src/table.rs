//! The last lines: each stage, its verdict, its time, and Penstock's own share of it.

/// A row.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was done.
    pub stage: String,
    /// How it ended.
    pub verdict: String,
    /// Milliseconds.
    pub took_ms: Option<u64>,
    /// Milliseconds of Penstock's own.
    pub own_ms: Option<u64>,
}

/// Prints them.
pub fn print(rows: &[Row]) {
    let width = |pick: fn(&Row) -> &str| rows.iter().map(|row| pick(row).chars().count()).max().unwrap_or(0);
    let (stages, verdicts) = (width(|row| &row.stage), width(|row| &row.verdict));
    println!("\n{:stages$}  {:verdicts$}  {:>14}  {:>14}", "STAGE", "VERDICT", "TIME", "OWN SHARE");
    for row in rows {
        let time = |millis: Option<u64>| millis.map(span).unwrap_or_default();
        println!("{:stages$}  {:verdicts$}  {:>14}  {:>14}", row.stage, row.verdict, time(row.took_ms), time(row.own_ms));
    }
}

/// A span of time for people.
pub fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}
