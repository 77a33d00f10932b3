//! The flags that say which key an account has.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::core::key_type::KeyType;
use crate::error::Error;
use crate::keys;

use super::super::register::read_secret;

/// Which key the account has.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct AccountKeyArgs {
    /// The kind of account key to make
    #[arg(long, value_name = "TYPE", value_enum, default_value_t)]
    account_key_type: KeyType,
    /// Bring an account key of any of these kinds (PEM) instead of making one
    #[arg(long, value_name = "FILE")]
    account_key: Option<PathBuf>,
}

impl AccountKeyArgs {
    /// Whether the user brings the key.
    pub(in super::super) fn is_brought(&self) -> bool {
        self.account_key.is_some()
    }

    /// The key in PEM: the one brought, else a new one.
    ///
    /// # Errors
    /// When the file can't be read or no key can be made.
    pub(in super::super) fn pem(&self) -> Result<Zeroizing<String>, Error> {
        match &self.account_key {
            Some(path) => read_secret(path, "--account-key"),
            None => Ok(keys::generate(self.account_key_type)?),
        }
    }
}
