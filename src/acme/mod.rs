//! The network edge: an ACME server as the rest of the client sees it. The sole user of instant-acme.

mod account;
mod authorization;
mod directory;
mod error;
mod order;
mod session;
mod signed;
mod transport;

pub use account::{Account, NewAccount, Registered, find_account};
pub use authorization::{Authorization, Challenge};
pub use directory::Directory;
pub use error::{AcmeError, Refusal};
pub use order::{Order, Poll};
pub use session::{Session, revoke_with_certificate_key};
pub use signed::{AccountKey, KeyError};
pub use transport::{TlsTrust, Transport};
