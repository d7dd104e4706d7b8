//! The container helper alone, for this crate's tests; the product starts its own binary again instead.

use std::process::ExitCode;

fn main() -> ExitCode {
    penstock_container::helper_main(std::env::args_os()).unwrap_or_else(|| ExitCode::from(64))
}
