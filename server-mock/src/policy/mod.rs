//! What the server accepts: identifiers and CSRs, parsed into types. Pure.

pub mod contact;
pub mod csr;
pub mod identifiers;

pub use csr::Csr;
