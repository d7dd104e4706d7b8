//! The sandbox's helper as a program of its own, for this crate's tests. In the product it is `penstock` started again.

use std::process::ExitCode;

fn main() -> ExitCode {
    penstock_runner::dispatch().unwrap_or_else(|| {
        eprintln!("this program is started by Penstock itself");
        ExitCode::from(2)
    })
}
