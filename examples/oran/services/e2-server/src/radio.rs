//! Simulated cells: figures that move as a cell's do over a day, and that are the same for the same cell and time.

use sdr_e2::{CellReport, Measurement};

/// The most that a cell may be told to use, in percent of its resource blocks.
pub const FULL_QUOTA: u32 = 100;

/// One slow turn of a cell's load, in milliseconds.
const TURN: u64 = 600_000;

/// What one user's data takes on average, in kbit/s for each percent of the resource blocks.
const RATE: f64 = 940.0;

/// A cell's figures at a moment, under a quota of its resource blocks.
#[must_use]
pub fn report(cell: &str, unix_ms: u64, quota: u32) -> CellReport {
    let wanted = load(cell, unix_ms);
    let used = wanted.min(f64::from(quota.min(FULL_QUOTA)));
    let users = (wanted / 4.0).ceil();
    let throughput = if users > 0.0 { used * RATE / users } else { 0.0 };
    let measurement = |name: &str, value: f64| Measurement { name: name.to_owned(), value };
    CellReport {
        cell_id: cell.to_owned(),
        collection_start_unix_ms: unix_ms,
        measurements: vec![
            measurement("RRU.PrbTotDl", used),
            measurement("DRB.UEThpDl", throughput),
            measurement("RRC.ConnMean", users),
        ],
    }
}

/// How much of its resource blocks a cell's users want, in percent: a slow turn about 55, each cell at a place of its own.
fn load(cell: &str, unix_ms: u64) -> f64 {
    // FNV-1a: the same in every build.
    let place = cell
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        % TURN;
    let at = (unix_ms.wrapping_add(place)) % TURN;
    #[allow(clippy::cast_precision_loss, reason = "both are far below 2^53")]
    let turn = at as f64 / TURN as f64 * std::f64::consts::TAU;
    55.0 + 40.0 * turn.sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cell_and_time_give_the_same_figures() {
        assert_eq!(report("a", 1_000, 100), report("a", 1_000, 100));
        assert_ne!(report("a", 1_000, 100).measurements, report("b", 1_000, 100).measurements);
    }

    #[test]
    fn a_quota_is_never_exceeded() {
        for minute in 0..60 {
            let report = report("a", minute * 60_000, 20);
            assert!(report.measurements[0].value <= 20.0);
        }
    }
}
