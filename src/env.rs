//! Every environment variable that the client reads, in one place.
//!
//! | variable | meaning |
//! |---|---|
//! | `CACERT_ACME_<FLAG>` | any flag, for instance `CACERT_ACME_SERVER` for `--server`; set up in [`crate::cli`] |
//! | `CACERT_ACME_EAB_KEY` | the MAC key for `register`, which is never a flag |
//! | `CREDENTIALS_DIRECTORY` | systemd's folder of credentials; `eab-key` in it is the MAC key |
//! | `HTTPREQ_USERNAME`, `HTTPREQ_PASSWORD`, `HTTPREQ_PASSWORD_FILE` | who a hook is that is a URL, as lego has them, and which hooks that are programs do not get the password of; a file `httpreq-password` in `CREDENTIALS_DIRECTORY` does too |
//! | `PATH`, `LE_WORKING_DIR` | where hooks and acme.sh's DNS scripts are looked for |
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

/// The user's name at services that are hooks (`HTTPREQ_USERNAME`).
#[must_use]
pub fn httpreq_user() -> Option<String> {
    std::env::var("HTTPREQ_USERNAME").ok().filter(|user| !user.is_empty())
}

/// The password at services that are hooks (`HTTPREQ_PASSWORD`).
#[must_use]
pub fn httpreq_password() -> Option<Zeroizing<String>> {
    std::env::var("HTTPREQ_PASSWORD").ok().filter(|password| !password.is_empty()).map(Zeroizing::new)
}

/// The file with that password: `HTTPREQ_PASSWORD_FILE`, or systemd's credential `httpreq-password`.
#[must_use]
pub fn httpreq_password_file() -> Option<PathBuf> {
    let named = std::env::var_os("HTTPREQ_PASSWORD_FILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| {
        let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("httpreq-password");
        path.is_file().then_some(path)
    })
}

/// The folders in which programs are found (`PATH`).
#[must_use]
pub fn program_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// The folders in which acme.sh keeps its DNS scripts: its own (`LE_WORKING_DIR`), the user's, a distribution's.
#[must_use]
pub fn dns_script_folders() -> Vec<PathBuf> {
    let own = std::env::var_os("LE_WORKING_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".acme.sh"));
    let folders = own.into_iter().chain(home).chain([PathBuf::from("/usr/share/acme.sh")]);
    folders.map(|folder| folder.join("dnsapi")).collect()
}

/// Whether the user wants no colours (`NO_COLOR`).
#[must_use]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
