//! The flags that say how names are proven, shared by the commands that order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::challenge::{ChallengeError, Method, read_update_file};
use crate::core::identifier::Identifier;
use crate::env;
use crate::error::{Error, Kind};
use crate::hooks::{ChallengeKind, Dialect, Folders, locate};

use super::dns_args::DnsArgs;

/// How to prove control of the names.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "How to prove control of the names")]
pub struct MethodArgs {
    /// Put the proofs into the folder that a web server serves for the names
    #[arg(long, value_name = "DIR", conflicts_with = "standalone")]
    pub webroot: Option<PathBuf>,
    /// Answer by an own web server for the time of the challenge [default: port 80 of all addresses]
    #[arg(long, value_name = "ADDR:PORT", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub standalone: Option<String>,
    /// Answer by an own TLS server for the time of the challenge [default: port 443 of all addresses]
    #[arg(long, value_name = "ADDR:PORT", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    #[arg(conflicts_with_all = ["webroot", "standalone"])]
    pub tls_alpn: Option<String>,
    /// Update the zone with the key in a file: one of tsig-keygen, or TOML with server, zone, key, algorithm and
    /// secret or secret-file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["webroot", "standalone", "tls_alpn"])]
    pub dns_rfc2136: Option<PathBuf>,
    /// Rely on records that stand for good; `cacert-acme dns-persist NAME` prints them (dns-persist-01)
    #[arg(long, conflicts_with_all = ["webroot", "standalone", "tls_alpn", "dns_rfc2136"])]
    pub dns_persist: bool,
    /// Tell what to do by hand, and wait for it: records in the DNS, or files on the web server [default: dns]
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "dns")]
    #[arg(conflicts_with_all = ["webroot", "standalone", "tls_alpn", "dns_rfc2136"])]
    pub manual: Option<Manual>,
    /// Have a program of yours publish the records, by the rules of --hook-dialect; or a URL, or an acme.sh DNS script
    #[arg(long, value_name = "CMD", conflicts_with_all = ["webroot", "standalone", "tls_alpn", "dns_rfc2136", "manual"])]
    pub dns_hook: Option<String>,
    /// Have a program of yours put the files in place, by the rules of --hook-dialect
    #[arg(long, value_name = "CMD", conflicts_with_all = ["webroot", "standalone", "tls_alpn", "dns_rfc2136", "manual", "dns_hook"])]
    pub http_hook: Option<String>,
    /// Which ACME client the hook was written for [default: lego; for files lego-raw]
    #[arg(long, value_name = "DIALECT", value_parser = dialect_parser())]
    pub hook_dialect: Option<Dialect>,
    /// Prove one name by another method: NAME=webroot:DIR, NAME=standalone:ADDR:PORT, NAME=tls-alpn:ADDR:PORT,
    /// NAME=dns-rfc2136:FILE, NAME=dns-hook:CMD, NAME=dns-hook/DIALECT:CMD, NAME=http-hook:CMD, NAME=dns-persist, NAME=manual-dns,
    /// NAME=manual-http
    #[arg(long, value_name = "NAME=METHOD")]
    pub challenge: Vec<String>,
    /// How DNS is worked with.
    #[command(flatten)]
    pub dns: DnsArgs,
}

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Manual {
    /// Records in the DNS.
    Dns,
    /// Files on the web server.
    Http,
}

/// The dialects by their names.
fn dialect_parser() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(Dialect::names()).try_map(|name| name.parse::<Dialect>())
}

impl MethodArgs {
    /// The method for each name; empty when the user named no method at all.
    ///
    /// # Errors
    /// When a name has no method, a method can't prove its name, or a folder does not exist.
    pub fn assign(&self, identifiers: &[Identifier]) -> Result<BTreeMap<Identifier, Method>, Error> {
        let single = self.single_methods(identifiers)?;
        let common = self.common_method()?;
        if common.is_none() && single.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut assigned = BTreeMap::new();
        for identifier in identifiers {
            let method = single.get(identifier).or(common.as_ref()).ok_or_else(|| {
                Error::new(Kind::Usage, format!("no method is given for {identifier}"))
                    .hint("--webroot or --standalone is for all names, --challenge NAME=METHOD for one")
            })?;
            if !method.can_prove(identifier) {
                return Err(unfit(method, identifier));
            }
            assigned.insert(identifier.clone(), checked(method.clone())?);
        }
        Ok(assigned)
    }

    fn common_method(&self) -> Result<Option<Method>, Error> {
        let listening = [
            listen_address(self.standalone.as_deref())?.map(Method::Standalone),
            listen_address(self.tls_alpn.as_deref())?.map(Method::TlsAlpn),
        ];
        let manual = self.manual.map(|manual| match manual {
            Manual::Dns => Method::ManualDns,
            Manual::Http => Method::ManualHttp,
        });
        let given = listening.into_iter().flatten().chain(self.webroot.clone().map(Method::Webroot));
        let hooks = [(ChallengeKind::Dns01, &self.dns_hook), (ChallengeKind::Http01, &self.http_hook)];
        let hooks = hooks.into_iter().filter_map(|(kind, command)| {
            let dialect = self.hook_dialect.unwrap_or_else(|| Dialect::default_for(kind));
            Some(Method::hook(kind, dialect, command.as_ref()?))
        });
        let hooks = hooks.collect::<Result<Vec<Method>, _>>()?;
        let given = given.chain(self.dns_rfc2136.clone().map(Method::DnsRfc2136)).chain(manual);
        let given = given.chain(self.dns_persist.then_some(Method::DnsPersist));
        let mut given = given.chain(hooks);
        let method = given.next();
        match given.next() {
            None => Ok(method),
            Some(_) => Err(Error::new(Kind::Usage, "several methods are given for all names")
                .hint("leave all but one out, or give them for single names: --challenge NAME=METHOD")),
        }
    }

    fn single_methods(&self, identifiers: &[Identifier]) -> Result<BTreeMap<Identifier, Method>, Error> {
        let mut methods = BTreeMap::new();
        for text in &self.challenge {
            let (name, method) = text.split_once('=').ok_or_else(|| {
                Error::new(Kind::Usage, format!("--challenge {text:?} is not of the form NAME=METHOD"))
            })?;
            let identifier =
                name.parse().map_err(|error| Error::new(Kind::Usage, format!("--challenge: {error}")))?;
            if !identifiers.contains(&identifier) {
                return Err(Error::new(
                    Kind::Usage,
                    format!("--challenge is given for {identifier}, which is not ordered"),
                )
                .hint(format!("add it with -d {identifier}")));
            }
            methods.insert(identifier, Method::parse(method, self.hook_dialect)?);
        }
        Ok(methods)
    }
}

fn unfit(method: &Method, identifier: &Identifier) -> Error {
    let error = Error::new(Kind::Usage, format!("{method} can't prove {identifier}"));
    match identifier {
        Identifier::Dns(_) => error
            .because("a wildcard is proven by DNS only (RFC 8555 §8.3)")
            .hint(format!("--challenge '{identifier}=dns-rfc2136:FILE' or another DNS method proves it")),
        Identifier::Ip(_) => error
            .because("an address is not proven by DNS (RFC 8738 §7)")
            .hint(format!("--challenge '{identifier}=webroot:DIR' or another method proves it")),
    }
}

/// Where to listen, if at all: without an address on all of them. A config file says `true` and `false`.
fn listen_address(text: Option<&str>) -> Result<Option<Option<SocketAddr>>, Error> {
    match text {
        None | Some("false") => Ok(None),
        Some("" | "true") => Ok(Some(None)),
        Some(address) => Ok(Some(Some(Method::parse_address(address)?))),
    }
}

/// The method in a form that still holds when a timer runs it in another folder.
fn checked(method: Method) -> Result<Method, Error> {
    match method {
        Method::Webroot(folder) => {
            let absolute = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
            if Path::is_dir(&absolute) {
                return Ok(Method::Webroot(absolute));
            }
            Err(Error::new(Kind::Local, format!("the webroot {} is not a folder", absolute.display()))
                .hint("--webroot is the folder that your web server serves, for instance /var/www/html"))
        }
        Method::DnsRfc2136(file) => {
            let absolute = std::path::absolute(&file).unwrap_or(file);
            read_update_file(&absolute).map_err(ChallengeError::from)?;
            Ok(Method::DnsRfc2136(absolute))
        }
        Method::Hook { kind, dialect, command } => {
            let folders =
                Folders { programs: env::program_folders(), dns_scripts: env::dns_script_folders() };
            let command = locate(dialect, &command, &folders)?;
            Ok(Method::Hook { kind, dialect, command })
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<Identifier> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn assign(args: &MethodArgs, wanted: &[&str]) -> Result<Vec<String>, Error> {
        let assigned = args.assign(&names(wanted))?;
        Ok(assigned.iter().map(|(name, method)| format!("{name}={method}")).collect())
    }

    #[test]
    fn one_method_for_all_and_another_for_one() {
        let args = MethodArgs {
            standalone: Some("127.0.0.1:5002".into()),
            challenge: vec!["b.test=webroot:/tmp".into()],
            ..MethodArgs::default()
        };
        assert_eq!(
            assign(&args, &["a.test", "b.test"]).unwrap(),
            ["a.test=standalone:127.0.0.1:5002", "b.test=webroot:/tmp"]
        );
    }

    #[test]
    fn mistakes_are_told_before_anything_is_ordered() {
        let args = |challenge: &[&str]| MethodArgs {
            challenge: challenge.iter().map(ToString::to_string).collect(),
            ..MethodArgs::default()
        };
        let message =
            |challenge: &[&str], wanted: &[&str]| assign(&args(challenge), wanted).unwrap_err().message;
        assert_eq!(message(&["a.test=standalone"], &["a.test", "b.test"]), "no method is given for b.test");
        assert!(message(&["c.test=standalone"], &["a.test"]).contains("c.test, which is not ordered"));
        assert!(message(&["*.a.test=standalone"], &["*.a.test"]).contains("can't prove *.a.test"));
        assert!(message(&["a.test=webroot:/nowhere/at/all"], &["a.test"]).contains("is not a folder"));
    }
}
