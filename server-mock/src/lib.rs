//! A conforming mock of CAcert's planned ACME server.

pub mod ca;
pub mod clock;
pub mod model;
pub mod random;
pub mod testbed;
pub mod va;
