#![doc = include_str!("../README.md")]
#![allow(clippy::result_large_err, reason = "a problem is rare, and moved only once: into the answer")]

pub mod admin;
mod background;
pub mod ca;
pub mod clock;
mod config;
mod courier;
mod demo;
mod endpoint_tls;
pub mod faults;
mod host;
mod mock_server;
pub mod model;
pub mod policy;
pub mod protocol;
pub mod random;
mod server;
mod services;
mod state;
pub mod store;
mod sweeper;
pub mod testbed;
pub mod va;
mod web;

pub use background::Background;
pub use config::Config;
pub use endpoint_tls::EndpointTlsError;
pub use host::{Host, InvalidHost};
pub use mock_server::{Handle, MockServer, StartError};
pub use services::Services;
pub use state::StateError;
