//! What surrounds a CA in a test: names that resolve, without any infrastructure.

mod dns;
mod dns_server;

pub use dns::{DnsFailure, DnsTable, DnsTableError, RecordData};
pub use dns_server::DnsServer;
