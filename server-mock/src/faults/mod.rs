//! What goes wrong on purpose: faults, scripted by configuration, admin API or library, around the ACME endpoints.
//!
//! `fault` says what can be scripted, `script` decides which faults strike a request, `layer` makes them happen;
//! what each of them does is in the file of its family. The handlers know nothing of all this.

mod body;
mod certificate;
mod connection;
mod document;
mod endpoint;
mod fault;
mod header;
mod layer;
mod order;
mod refusal;
mod script;

pub use document::Listing;
pub use endpoint::Endpoint;
pub use fault::{Fault, Kind, Probability};
pub use header::{LinkForm, LocationForm, RetryAfter};
pub(crate) use layer::{Surroundings, around};
pub use order::Born;
pub use refusal::ErrorPage;
pub use script::{Faults, Scripted};

pub use certificate::{ChainForm, LeafForm};
