//! The pure heart: what exists and how it changes. No tokio, files, clock or randomness.

pub mod identifier;
pub mod problem;

pub use identifier::Identifier;
pub use problem::{Problem, ProblemType};
