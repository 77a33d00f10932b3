//! The clients: each registers an account once, and then gets certificates by http-01 from its own web server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A client that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    CacertAcme,
    Certbot,
    Lego,
}

/// Where a client finds its server and keeps its files.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) server: SocketAddr,
    pub(crate) http_port: u16,
}

impl Client {
    pub(crate) const ALL: [Self; 3] = [Self::CacertAcme, Self::Certbot, Self::Lego];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CacertAcme => "cacert-acme",
            Self::Certbot => "certbot",
            Self::Lego => "lego",
        }
    }

    /// What makes an account; lego makes it with the first certificate.
    pub(crate) fn register(self, place: &Place) -> Option<Command> {
        let mut command = self.command(place);
        match self {
            Self::CacertAcme => {
                command.args(["register", "--contact", "alice@example.test"]);
                command.args(["--agree-tos", "--accept-responsibility"]);
            }
            Self::Certbot => {
                command.args(["register", "--agree-tos", "-m", "alice@example.test"]);
            }
            Self::Lego => return None,
        }
        Some(command)
    }

    /// What gets a certificate for these names.
    pub(crate) fn issue(self, place: &Place, names: &[String]) -> Command {
        let mut command = self.command(place);
        let address = format!("127.0.0.1:{}", place.http_port);
        match self {
            Self::CacertAcme => {
                command.args(["issue", &format!("--standalone={address}"), "-d", &names.join(",")]);
            }
            Self::Certbot => {
                command.args(["certonly", "--standalone", "--http-01-address", "127.0.0.1"]);
                command.args(["--http-01-port", &place.http_port.to_string(), "--key-type", "ecdsa"]);
                command.args(["-d", &names.join(",")]);
            }
            Self::Lego => {
                command.args(["--http", "--http.port", &address, "--key-type", "ec256"]);
                command.args(names.iter().flat_map(|name| ["--domains", name]));
                command.arg("run");
            }
        }
        command
    }

    fn command(self, place: &Place) -> Command {
        let server = format!("https://{}/dir", place.server);
        let bundle = place.folder.join("cert.pem");
        let own = |name: &str| place.folder.join(format!("{}-{}", name, place.server.port()));
        let program = match self {
            Self::CacertAcme => Path::new(env!("CARGO_BIN_EXE_cacert-acme")),
            other => Path::new(other.name()),
        };
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &place.folder);
        command.current_dir(&place.folder);
        match self {
            Self::CacertAcme => {
                command.env("CACERT_ACME_SERVER", server).env("CACERT_ACME_CA_BUNDLE", bundle);
                command.env("CACERT_ACME_STATE_DIR", own("cacert-acme"));
            }
            Self::Certbot => {
                command.env("REQUESTS_CA_BUNDLE", bundle).args(["--non-interactive", "--server", &server]);
                for flag in ["--config-dir", "--work-dir", "--logs-dir"] {
                    command.arg(flag).arg(own("certbot"));
                }
            }
            Self::Lego => {
                command.env("LEGO_CA_CERTIFICATES", bundle).args(["--server", &server, "--accept-tos"]);
                command.args(["--email", "alice@example.test", "--path"]).arg(own("lego"));
            }
        }
        command
    }
}
