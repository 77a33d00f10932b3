//! The network edge: an ACME server as the rest of the client sees it. The sole user of instant-acme: of its types for
//! the order request.

mod account;
mod account_key;
mod answer;
mod authorization;
mod certificate;
mod directory;
mod error;
mod jws;
mod order;
mod order_document;
mod retry;
mod session;
mod signed;
mod transport;

pub use account::{Account, Binding, NewAccount, Registered, find_account};
pub use account_key::{AccountKey, KeyError};
pub use authorization::{Authorization, Challenge};
pub use directory::Directory;
pub use error::{AcmeError, Refusal};
pub use order::{NewOrder, Order, Poll};
pub use session::{Session, revoke_with_certificate_key};
pub use transport::{TlsTrust, Transport};
