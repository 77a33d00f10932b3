//! Hooks: for each dialect a hook that records how it is called and does its work, compared with what the hooks of that
//! client may rely on.

pub(crate) mod acme_sh;
pub(crate) mod certbot;
pub(crate) mod dehydrated;
pub(crate) mod lego;
pub(crate) mod originals;
pub(crate) mod uacme;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use server_mock::testbed::RecordData;

use crate::common::World;
use crate::common::run::Outcome;

/// What every recording hook does first: notes its arguments and the variables that dialects speak by, and whether
/// another call is going on. `publish` and `unpublish` are for its own part.
const RECORDER: &str = r#"#!/bin/sh
mkdir "$RECORD.busy" || echo overlap >>"$RECORD"
trap 'rmdir "$RECORD.busy"' EXIT
{
    printf 'call'
    for argument; do printf '\t%s' "$argument"; done
    printf '\n'
    env | grep -E '^(CERTBOT_|UACME_|WELLKNOWN=|BASEDIR=|CERTDIR=|ALPNCERTDIR=|CONFIG=|COMMAND=|altnames=|CACERT_ACME_EAB_KEY=|HTTPREQ_PASSWORD=)'
} >>"$RECORD"
record() { curl -fsS -o /dev/null -X "$1" -d "{\"name\":\"$2\",\"type\":\"TXT\",\"value\":\"$3\"}" "$ADMIN/api/dns-records"; }
publish() { record POST "$1" "$2"; }
unpublish() { record DELETE "$1" "$2"; }
"#;

/// One call of a recording hook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Call {
    /// The arguments, with blanks between.
    pub(crate) fn line(&self) -> String {
        self.arguments.join(" ")
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }
}

impl World {
    /// A hook that records its calls and then runs this shell text.
    pub(crate) fn hook(&self, body: &str) -> String {
        let path = self.path("hook.sh");
        let settings = format!("RECORD={:?}\nADMIN={:?}\n", self.path("record"), self.mock().admin_url());
        let (first, rest) = RECORDER.split_once('\n').unwrap();
        fs::write(&path, format!("{first}\n{settings}{rest}{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let _ = fs::remove_file(self.path("record"));
        path.to_str().unwrap().to_owned()
    }

    /// Issues for these names with these arguments, by DNS where the mock looks.
    pub(crate) fn issue_by(&self, names: &str, arguments: &[&str]) -> Outcome {
        let resolver = self.mock().dns_addr().to_string();
        let dns = ["--dns-resolver", &resolver, "--dns-wait-for", "resolvers"];
        self.client(&[&["issue", "--force", "-d", names][..], &dns, arguments].concat())
    }

    /// How the hook was called, in order.
    #[track_caller]
    pub(crate) fn calls(&self) -> Vec<Call> {
        let text = fs::read_to_string(self.path("record")).unwrap_or_default();
        let mut calls: Vec<Call> = Vec::new();
        for line in text.lines() {
            if let Some(arguments) = line.strip_prefix("call") {
                let arguments = arguments.split('\t').skip(1).map(ToOwned::to_owned).collect();
                calls.push(Call { arguments, environment: BTreeMap::new() });
            } else {
                let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}\n{text}"));
                calls.last_mut().unwrap().environment.insert(name.to_owned(), value.to_owned());
            }
        }
        calls
    }

    /// The texts in the mock's DNS.
    pub(crate) fn texts(&self) -> Vec<String> {
        let records = self.mock().dns_table().records().into_iter();
        records.filter(|(_, data)| matches!(data, RecordData::Txt(_))).map(|(name, _)| name).collect()
    }

    /// What hooks have answered and not cleaned up, by the client's own account.
    pub(crate) fn presented(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.state().join("hooks/presented"));
        folder.map(|files| files.map(|file| file.unwrap().path()).collect()).unwrap_or_default()
    }
}

/// What belongs in the DNS for a key authorization.
pub(crate) fn digest_of(key_authorization: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes()))
}

/// Whether this looks like a digest in DNS: 32 bytes.
pub(crate) fn is_digest(text: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
