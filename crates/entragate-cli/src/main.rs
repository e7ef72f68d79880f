//! The `entragate` binary.
fn main() {}
