//! The numbered conformance checks, by signed requests over real HTTPS: one file per section of an RFC.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod common;

mod acme_profiles;
mod admin_api;
mod cacert_key_scopes;
mod cacert_rights;
mod cacert_verified;
mod checks;
mod concurrency;
mod dns_account_01;
mod dns_persist_01;
mod faults;
mod faults_answers;
mod faults_documents;
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
mod rfc8555_7_4_1;
mod rfc8555_7_4_2;
mod rfc8555_7_5;
mod rfc8555_7_6;
mod rfc8555_8_3;
mod rfc8555_8_4;
mod rfc8657_8659;
mod rfc8737_8738;
mod rfc8823_3_1;
mod rfc8823_3_2;
mod rfc8823_3_2_dkim;
mod rfc8823_delivery;
mod rfc8823_smtp;
mod rfc9444;
mod rfc9598;
mod rfc9773;
mod seed;
