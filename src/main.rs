//! `cacert-acme`: an ACME client for CAcert.

fn main() {}
