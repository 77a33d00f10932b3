//! The pure heart of the client: no tokio, files, network, clock or randomness.
//!
//! What can be a function of what the server said and what the user wants is one, and lives here.

pub mod certificate_name;
pub mod chain;
pub mod contact;
pub mod csr;
pub mod dns_record;
pub mod dns_settings;
pub mod eab;
pub mod identifier;
pub mod key_authorization;
pub mod key_type;
pub mod link;
pub mod moment;
pub mod pem;
pub mod persist_record;
pub mod plan;
pub mod preferred_chain;
pub mod problem;
pub mod renewal;
pub mod revocation_reason;
pub mod right;
pub mod secret;
pub mod specification;
pub mod text;
pub mod update_file;
