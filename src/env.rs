//! Every environment variable that the client reads, in one place.
//!
//! | variable | meaning |
//! |---|---|
//! | `CACERT_ACME_<FLAG>` | any flag, for instance `CACERT_ACME_SERVER` for `--server`; set up in [`crate::cli`] |
//! | `CACERT_ACME_EAB_KEY` | the MAC key for `register`, which is never a flag |
//! | `CREDENTIALS_DIRECTORY` | systemd's folder of credentials; `eab-key` in it is the MAC key |
//! | `LISTEN_FDS`, `LISTEN_PID` | sockets that systemd hands over, read by the sd-listen-fds crate |
//! | `NO_COLOR` | any text: no colours |
//! | `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | the way to the server, read by reqwest |
//! | `SSL_CERT_FILE`, `SSL_CERT_DIR` | the system's roots, read by rustls-native-certs |
//! | `HOME`, `XDG_CONFIG_HOME`, `XDG_STATE_HOME` | where a user's files are, read by the `directories` crate |

use std::path::PathBuf;

use zeroize::Zeroizing;

/// The MAC key from `CACERT_ACME_EAB_KEY`.
#[must_use]
pub fn eab_key() -> Option<Zeroizing<String>> {
    std::env::var("CACERT_ACME_EAB_KEY").ok().filter(|key| !key.is_empty()).map(Zeroizing::new)
}

/// The file in which systemd hands over the MAC key (`LoadCredential=eab-key:…`), if it does.
#[must_use]
pub fn eab_key_credential() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("eab-key");
    path.is_file().then_some(path)
}

/// Whether the user wants no colours (`NO_COLOR`).
#[must_use]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
