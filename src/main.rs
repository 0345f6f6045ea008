//! The sirgate command: reads its arguments, calls [`sirgate::cli`], ends with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sirgate::cli::main()
}
