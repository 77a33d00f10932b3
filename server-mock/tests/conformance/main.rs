//! The numbered conformance checks, by signed requests over real HTTPS: one file per section of an RFC.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod common;

mod admin_api;
mod cacert_rights;
mod checks;
mod concurrency;
mod rfc8555_6_1_6_3;
mod rfc8555_6_2;
mod rfc8555_6_5;
mod rfc8555_6_6;
mod rfc8555_6_7;
mod rfc8555_7_1;
mod rfc8555_7_3;
mod rfc8555_7_3_4;
mod rfc8555_7_3_5;
mod rfc8555_7_4;
mod rfc8555_7_5;
mod rfc8555_7_6;
mod seed;
