//! A conforming mock of CAcert's planned ACME server.
#![allow(clippy::result_large_err, reason = "a problem is rare, and moved only once: into the answer")]

pub mod ca;
pub mod clock;
pub mod model;
pub mod protocol;
pub mod random;
pub mod store;
pub mod testbed;
pub mod va;
