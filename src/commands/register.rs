//! `register`: an account, bound to the member's key (RFC 8555 §7.3.4).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use time::OffsetDateTime;

use crate::acme::{AccountKey, Binding, NewAccount, Transport, find_account};
use crate::core::contact::Contact;
use crate::core::eab::{Credentials, MacAlgorithm, MacKey};
use crate::core::text::printable;
use crate::env;
use crate::error::{Error, Kind};
use crate::store::{AccountFiles, AccountRecord, read_named};
use crate::ui::Report;

use super::Context;
use super::account::AccountKeyArgs;

/// What must be known before a key is put into a client.
const RESPONSIBILITY: &str = "
  ┌─ Your responsibility ─────────────────────────────────────────────────────────────────────────────┐
  │ With the MAC key in this client, YOU are responsible for everything that this client does:        │
  │ each certificate it gets or revokes counts as yours, whoever has control of this machine.         │
  │                                                                                                   │
  │ · Restrict what it may do: in the CAcert web UI, «ACME clients», give its key only the rights and │
  │   names that this machine needs. There you can also revoke the key at any time.                   │
  │ · Keep this machine and its keys safe. If they may be in other hands, revoke the key at once.     │
  │ · Under the CAcert Community Agreement (CCA) arbitration is binding, you are liable for up to     │
  │   1000 EUR, and the contents of your certificates are public.                                     │
  └───────────────────────────────────────────────────────────────────────────────────────────────────┘";

/// Arguments of `register`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cacert-acme register --server URL --eab-kid KID --eab-key-file key.txt --contact you@example.org
  cacert-acme register --server URL --eab - --contact you@example.org < copied-from-web-ui.txt

The MAC key is never an argument, where other users could see it. It comes from --eab-key-file, --eab, the variable \
CACERT_ACME_EAB_KEY, systemd's credential «eab-key», or a prompt that does not show it, in this order.")]
pub struct Args {
    /// The key identifier from the CAcert web UI
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    eab_kid: Option<String>,
    /// The file that holds the MAC key; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "eab")]
    eab_key_file: Option<PathBuf>,
    /// A file with both: KID:KEY, {"kid":…,"hmac":…}, or the block copied from the web UI; - reads standard input
    #[arg(long, value_name = "FILE")]
    eab: Option<PathBuf>,
    /// Where CAcert can reach you; may be repeated
    #[arg(long, value_name = "MAIL", value_delimiter = ',')]
    contact: Vec<Contact>,
    /// Agree to the server's terms of service
    #[arg(long)]
    agree_tos: bool,
    /// Accept responsibility for everything that this client does
    #[arg(long)]
    accept_responsibility: bool,
    /// The MAC algorithm of the binding [default: that of the key's length, or what the server asks for]
    #[arg(long, value_name = "ALG", value_enum)]
    eab_alg: Option<MacAlgorithm>,
    /// Which key the account has.
    #[command(flatten)]
    key: AccountKeyArgs,
}

/// Makes the account.
///
/// # Errors
/// What a person must be told.
pub(super) async fn run(context: &Context, args: Args) -> Result<Report, Error> {
    let mut credentials = args.read_credentials()?;
    let server = context.named_server().map(ToOwned::to_owned).or_else(|| credentials.server.take());
    let server = server.ok_or_else(no_server)?;
    let name = context.account_name();
    let _lock = context.store().lock_account(&server, name).await?;
    let files = context.store().account(&server, name);
    if let Some(record) = files.record()? {
        return Ok(report(&record, name, false));
    }

    let transport = context.transport(&server)?;
    context.ui().progress().tell(&server, "asking for the directory");
    let meta = transport.directory().await?.meta.clone();
    context.ui().progress().done(&server);
    let responsibility_accepted_at = accept_responsibility(context, args.accept_responsibility)?;
    let terms_of_service = meta.terms_of_service.as_deref().map(|url| printable(url).into_owned());
    let terms_agreed_at = agree_to_terms(context, args.agree_tos, terms_of_service.as_deref())?;
    complete(context, &mut credentials, meta.external_account_required)?;

    let url = args.submit(context, &transport, &files, &credentials, terms_agreed_at.is_some()).await?;
    let record = AccountRecord {
        server,
        url,
        eab_kid: credentials.kid,
        contacts: args.contact,
        responsibility_accepted_at,
        terms_of_service,
        terms_agreed_at,
    };
    files.save_record(&record)?;
    Ok(report(&record, name, true))
}

impl Args {
    /// Key identifier and MAC key as far as flags, files and environment have them.
    fn read_credentials(&self) -> Result<Credentials, Error> {
        let mut credentials = match &self.eab {
            Some(path) => Credentials::parse(&read_secret(path, "--eab")?)?,
            None => Credentials::default(),
        };
        if let Some(kid) = self.eab_kid.as_deref().filter(|kid| !kid.is_empty()) {
            credentials.kid = Some(kid.to_owned());
        }
        if let Some(path) = &self.eab_key_file {
            credentials.key = Some(MacKey::parse(&read_secret(path, "--eab-key-file")?)?);
        } else if credentials.key.is_none() {
            let from_environment = env::eab_key();
            let from_credential =
                || env::eab_key_credential().map(|path| read_secret(&path, "systemd")).transpose();
            let text = match from_environment {
                Some(text) => Some(text),
                None => from_credential()?,
            };
            credentials.key = text.map(|text| MacKey::parse(&text)).transpose()?;
        }
        Ok(credentials)
    }

    /// Saves the key, then tells the server of it; a key that the server refused is removed again.
    async fn submit(
        &self,
        context: &Context,
        transport: &Transport,
        files: &AccountFiles,
        credentials: &Credentials,
        terms_of_service_agreed: bool,
    ) -> Result<String, Error> {
        let earlier = files.key()?;
        let made_now = earlier.is_none();
        let pem = match earlier {
            // An earlier registration did not come to its end; the server may know this key already.
            Some(pem) if !self.key.is_brought() => pem,
            _ => self.key.pem()?,
        };
        let key = AccountKey::from_pem(&pem)?;
        files.save_key(&pem)?;
        let binding = credentials.kid.as_deref().zip(credentials.key.as_ref());
        let binding = binding.map(|(kid, key)| Binding { kid, key, algorithm: self.eab_alg });
        let request = NewAccount { contacts: &self.contact, terms_of_service_agreed, binding };
        context.ui().progress().tell(transport.directory_url(), "registering");
        let registered = request.register(transport, &key).await;
        context.ui().progress().done(transport.directory_url());
        match registered {
            Ok(registered) => Ok(registered.url),
            Err(error) => {
                // A key of an earlier run may be known to the server, whatever it says to this one; and this run's, if an
                // answer was lost before this one.
                if made_now && error.is_definite() {
                    match find_account(transport, &key).await {
                        Ok(Some(url)) => return Ok(url),
                        Ok(None) => files.forget()?,
                        Err(other) => {
                            tracing::info!("whether the server knows the key is not known: {other}")
                        }
                    }
                }
                Err(Error::from(error).context("the account could not be made"))
            }
        }
    }
}

/// Asks a person for what is missing; in a script that is an error.
fn complete(context: &Context, credentials: &mut Credentials, required: bool) -> Result<(), Error> {
    if !required && credentials.kid.is_none() && credentials.key.is_none() {
        return Ok(());
    }
    let missing = match (&credentials.kid, &credentials.key) {
        (Some(_), Some(_)) => return Ok(()),
        (None, None) => "the key identifier and the MAC key are missing",
        (None, _) => "the key identifier is missing",
        (_, None) => "the MAC key is missing",
    };
    if !context.ui().can_ask() {
        return Err(Error::new(Kind::Usage, missing)
            .because("this server makes accounts only with External Account Binding")
            .hint(
                "create both in the CAcert web UI, under «ACME clients» (organisations: «Org ACME clients»)",
            )
            .hint(
                "give them with --eab-kid KID and --eab-key-file FILE, or both in one file with --eab FILE",
            ));
    }
    context.ui().notice("Key identifier and MAC key come from the CAcert web UI, under «ACME clients».");
    if credentials.kid.is_none() {
        let kid = context.ui().ask("Key identifier:").map_err(unreadable)?;
        credentials.kid = Some(kid).filter(|kid| !kid.is_empty());
        if credentials.kid.is_none() {
            return Err(Error::new(Kind::Usage, "no key identifier was typed"));
        }
    }
    if credentials.key.is_none() {
        let text = context.ui().ask_hidden("MAC key (not shown):").map_err(unreadable)?;
        credentials.key = Some(MacKey::parse(&text)?);
    }
    Ok(())
}

/// Shows the notice, prominently and always, and takes the answer.
fn accept_responsibility(context: &Context, accepted: bool) -> Result<OffsetDateTime, Error> {
    context.ui().notice(RESPONSIBILITY);
    if accepted || context.ui().can_ask() && context.agrees("Do you accept this?")? {
        return Ok(OffsetDateTime::now_utc());
    }
    Err(Error::new(Kind::Usage, "responsibility for this client was not accepted")
        .hint("read the notice above; --accept-responsibility accepts it"))
}

fn agree_to_terms(
    context: &Context,
    agreed: bool,
    url: Option<&str>,
) -> Result<Option<OffsetDateTime>, Error> {
    let Some(url) = url else { return Ok(agreed.then(OffsetDateTime::now_utc)) };
    context.ui().notice(&format!("Terms of service: {url}"));
    let question = "Do you agree to the terms of service?";
    if agreed || context.ui().can_ask() && context.agrees(question)? {
        return Ok(Some(OffsetDateTime::now_utc()));
    }
    Err(Error::new(Kind::Usage, "the terms of service were not agreed to")
        .hint(format!("read {url}; --agree-tos agrees to it")))
}

/// Reads a secret from a file or, for `-`, from standard input. The error names the flag and not its value, which may
/// be the secret itself, put where a file's name belongs.
pub(super) fn read_secret(path: &Path, given_by: &str) -> Result<zeroize::Zeroizing<String>, Error> {
    let read = if path.as_os_str() == "-" {
        let mut text = zeroize::Zeroizing::new(String::new());
        // A pasted block has some hundred characters.
        std::io::stdin().take(65_536).read_to_string(&mut text).map(|_| text)
    } else {
        read_named(path)
    };
    read.map_err(|error| {
        Error::new(Kind::Local, format!("the file given by {given_by} can't be read"))
            .because(error.to_string())
            .hint("it wants the name of a file, or - for standard input, never the key itself")
    })
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(Kind::Usage, "standard input could not be read").because(error.to_string())
}

fn no_server() -> Error {
    Error::new(Kind::Usage, "no server is given")
        .hint("--server URL is the ACME directory that the CAcert web UI shows beside the key identifier")
}

fn report(record: &AccountRecord, name: &str, created: bool) -> Report {
    let headline = if created {
        format!("Registered account {name} at {}.", record.server)
    } else {
        format!("Account {name} is registered at {} already; nothing was changed.", record.server)
    };
    let text = format!("{headline}\n  account: {}", record.url);
    let json = json!({
        "created": created,
        "name": name,
        "account": record.url,
        "server": record.server,
        "eab_kid": record.eab_kid,
        "contacts": record.contacts,
    });
    Report::new(text, json)
}
