//! The sirgate command: reads its arguments, calls [`sirgate::cli`], ends with its exit code.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A push makes some hundred short-lived allocations of mixed sizes on several threads, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    sirgate::cli::main()
}
