//! A conforming mock of CAcert's planned ACME server.

pub mod clock;
pub mod model;
pub mod policy;
pub mod protocol;
pub mod random;
pub mod store;
