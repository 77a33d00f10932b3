//! An ACME client made for CAcert: registers with a key identifier and MAC key from its web UI, orders
//! certificates, answers challenges, renews unattended.
//!
//! Dependencies run one way: `cli → commands → issuance → {acme, challenge, store, config, ui} → core`. What is in
//! `core` is pure; ARCHITECTURE.md has the picture.

pub mod acme;
pub mod challenge;
pub mod cli;
pub mod commands;
pub mod config;
pub mod core;
pub mod dns;
pub mod env;
pub mod error;
pub mod hooks;
pub mod issuance;
pub mod keys;
pub mod store;
pub mod ui;
