//! The `server-mock` program.

fn main() {}
