//! What requests look like on the wire: signatures, keys, bindings and links. Pure.

pub mod algorithm;
pub mod base64url;
pub mod cert_id;
pub mod eab;
pub mod jwk;
pub mod jws;
pub mod key_change;
pub mod links;
pub mod timestamp;

pub use algorithm::Algorithm;
pub use cert_id::CertId;
pub use jws::Jws;
pub use links::Links;
pub use timestamp::timestamp;
