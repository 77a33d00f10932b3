//! A conforming mock of CAcert's planned ACME server.

pub mod model;
