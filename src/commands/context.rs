//! What every command works with: settings, store, the user's side, and the way to servers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use crate::acme::{AccountKey, Session, TlsTrust, Transport, find_account};
use crate::challenge::{Person, Solvers};
use crate::config::{self, is_root};
use crate::core::secret::Secret;
use crate::env;
use crate::error::{Error, Kind};
use crate::hooks::{Credentials, Hooks};
use crate::store::{AccountFiles, AccountRecord, Store, read_named};
use crate::ui::Ui;

use super::Global;

/// A session, or why there is none: a server that is down is not asked again for each certificate.
type Opened = Result<Arc<Session>, Error>;

/// Server and account name.
type SessionKey = (String, String);

/// A run's surroundings.
pub struct Context {
    global: Global,
    ui: Ui,
    store: Store,
    solvers: Solvers,
    /// One session for each account, whoever asks first opens it: they share nonces and connections.
    sessions: Mutex<HashMap<SessionKey, Arc<OnceCell<Opened>>>>,
}

impl Context {
    /// The surroundings that the global flags describe.
    ///
    /// # Errors
    /// When there is no place for the state.
    pub fn new(global: Global, ui: Ui) -> Result<Self, Error> {
        let root = match &global.state_dir {
            Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
            None => config::default_state_dir(is_root())?,
        };
        let hooks = Hooks::new(root.clone(), httpreq_credentials()?);
        let solvers = Solvers::new(Arc::new(Terminal(ui.clone())), hooks);
        Ok(Self { global, ui, store: Store::new(root), solvers, sessions: Mutex::default() })
    }

    /// The user's side.
    #[must_use]
    pub fn ui(&self) -> &Ui {
        &self.ui
    }

    /// The files.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The ways to prove control, shared by all certificates of a run.
    #[must_use]
    pub fn solvers(&self) -> &Solvers {
        &self.solvers
    }

    /// The account's name on this machine.
    #[must_use]
    pub fn account_name(&self) -> &str {
        &self.global.account
    }

    /// The server that the user named, if any.
    #[must_use]
    pub fn named_server(&self) -> Option<&str> {
        self.global.server.as_deref()
    }

    /// The registered account that is meant: at the named server, or the only one of its name.
    ///
    /// # Errors
    /// When there is none, or when it is not clear which.
    pub fn account(&self) -> Result<AccountRecord, Error> {
        let name = self.account_name();
        if let Some(server) = self.named_server() {
            let record = self.store.account(server, name).record()?;
            return record.ok_or_else(|| not_registered(Some(server), name));
        }
        let mut records: Vec<AccountRecord> = self
            .store
            .accounts()?
            .into_iter()
            .filter_map(|(known, record)| (known == name).then_some(record))
            .collect();
        match (records.pop(), records.as_slice()) {
            (Some(record), []) => Ok(record),
            (None, _) => Err(not_registered(None, name)),
            (Some(last), others) => {
                let servers = others.iter().chain([&last]).map(|record| record.server.as_str());
                let servers: Vec<&str> = servers.collect();
                Err(Error::new(Kind::Usage, format!("account {name} exists at several servers"))
                    .because(servers.join(", "))
                    .hint("say which one with --server URL"))
            }
        }
    }

    /// A way to a server that trusts whom the user wants trusted.
    ///
    /// # Errors
    /// When the CA bundle can't be used or the URL is no HTTPS URL.
    pub fn transport(&self, server: &str) -> Result<Transport, Error> {
        let trust = match &self.global.ca_bundle {
            Some(path) => read_bundle(path)?,
            None => TlsTrust::system(),
        };
        Ok(Transport::new(server, &trust)?)
    }

    /// The account at work. All who ask in a run share one.
    ///
    /// # Errors
    /// When it is not registered, its key is gone, or the server can't be reached.
    pub async fn session(&self, server: &str, account: &str) -> Result<Arc<Session>, Error> {
        let key = (server.to_owned(), account.to_owned());
        let cell = self.sessions.lock().await.entry(key).or_default().clone();
        cell.get_or_init(|| self.open_session(server, account)).await.clone()
    }

    /// Whether the user agrees, asked on the terminal.
    ///
    /// # Errors
    /// When the terminal can't be read.
    pub fn agrees(&self, question: &str) -> Result<bool, Error> {
        let answer = self.ui.confirm(question);
        answer.map_err(|error| {
            Error::new(Kind::Usage, "the answer could not be read").because(error.to_string())
        })
    }

    async fn open_session(&self, server: &str, account: &str) -> Opened {
        let files = self.store.account(server, account);
        let record = files.record()?.ok_or_else(|| not_registered(Some(server), account))?;
        let transport = self.transport(server)?;
        self.finish_rollover(&files, &transport, &record).await?;
        let pem = files.key()?.ok_or_else(|| {
            Error::new(Kind::Local, format!("the key of account {account} is missing"))
                .because(format!("{} does not exist", files.key_path().display()))
                .hint("restore it from a backup, or register a new account with --account NAME")
        })?;
        let key = AccountKey::from_pem(&pem)?;
        Ok(Arc::new(Session::new(transport, record.url, key)))
    }

    /// Makes up for a key change that died before its end: the server knows whether the new key counts already.
    async fn finish_rollover(
        &self,
        files: &AccountFiles,
        transport: &Transport,
        record: &AccountRecord,
    ) -> Result<(), Error> {
        if files.next_key()?.is_none() {
            return Ok(());
        }
        let _lock = self.store.lock_account(&record.server, files.name()).await?;
        // Looked at again under the lock: the change may only have been under way.
        let Some(pem) = files.next_key()? else { return Ok(()) };
        let counts = match find_account(transport, &AccountKey::from_pem(&pem)?).await? {
            Some(url) if url == record.url => true,
            // Another account has it; or the server writes this one's URL in another way. Then the old key tells.
            Some(_) => match files.key()? {
                Some(old) => find_account(transport, &AccountKey::from_pem(&old)?).await?.is_none(),
                None => true,
            },
            None => false,
        };
        if counts {
            files.promote_next_key()?
        } else {
            files.discard_next_key()?
        }
        Ok(())
    }
}

/// The user, as the ways to prove names that need hands see him.
struct Terminal(Ui);

impl Person for Terminal {
    fn is_there(&self) -> bool {
        self.0.can_ask()
    }

    fn tell(&self, text: &str) {
        self.0.notice(text);
    }

    fn ask(&self, text: &str) -> std::io::Result<String> {
        self.0.ask(text)
    }
}

/// Who hooks are at services, as the environment tells it.
fn httpreq_credentials() -> Result<Credentials, Error> {
    let password = match (env::httpreq_password(), env::httpreq_password_file()) {
        (Some(password), _) => Some(password),
        (None, None) => None,
        (None, Some(path)) => Some(read_named(&path).map_err(|error| {
            Error::new(Kind::Local, format!("could not read the password in {}", path.display()))
                .because(error.to_string())
        })?),
    };
    let secret = |text: zeroize::Zeroizing<String>| Secret::new(text.trim_end().as_bytes().to_vec());
    Ok(Credentials { user: env::httpreq_user(), password: password.map(secret) })
}

fn read_bundle(path: &Path) -> Result<TlsTrust, Error> {
    let failed = |cause: String| {
        Error::new(Kind::Local, format!("could not use the CA bundle {}", path.display()))
            .because(cause)
            .hint("--ca-bundle wants a PEM file with the root certificates that sign the server's TLS certificate")
    };
    let pem = read_named(path).map_err(|error| failed(error.to_string()))?;
    TlsTrust::bundle(pem.as_bytes()).ok_or_else(|| failed("there is no usable certificate in it".into()))
}

fn not_registered(server: Option<&str>, name: &str) -> Error {
    let place = server.map(|server| format!(" at {server}")).unwrap_or_default();
    Error::new(Kind::Local, format!("this machine has no account named {name}{place}")).hint(
        "create a key identifier and MAC key in the CAcert web UI, then: cacert-acme register --server URL --eab-kid KID --eab-key-file FILE",
    )
}
