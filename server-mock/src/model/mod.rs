//! The pure heart: what exists and how it changes. No tokio, files, clock or randomness.

pub mod challenge;
pub mod identifier;
pub mod problem;

pub use challenge::ChallengeKind;
pub use identifier::Identifier;
pub use problem::{Problem, ProblemType};
