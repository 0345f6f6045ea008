//! The sirgate command.

fn main() {}
