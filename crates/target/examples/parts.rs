//! The processes beside the server, for this room's tests: the product starts its own binary again instead.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = penstock_container::helper_main(std::env::args_os()) {
        return code;
    }
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|first| first == "gateway") {
        return penstock_gateway::main(args);
    }
    eprintln!("this program only helps the target room's tests");
    ExitCode::from(64)
}
