//! The gateway alone, for its tests and its bench.

fn main() -> std::process::ExitCode {
    penstock_gateway::main(std::env::args_os().skip(1))
}
