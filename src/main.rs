//! The `trialbook` command.

fn main() {}
