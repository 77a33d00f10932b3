//! acme.sh's DNS scripts (`dnsapi`): sourced by a fresh shell after our own library of helpers, then
//! `dns_xx_add RECORD VALUE` and `dns_xx_rm RECORD VALUE`.
//!
//! `acme_sh/helpers.sh` is that library. It needs `curl` and `openssl`, as the scripts do.

use std::path::{Path, PathBuf};

use super::call::{Call, Program, Site, Step, each};
use super::challenge::{ChallengeKind, HookChallenge};
use super::dialect::{Form, Rules};

pub(super) struct AcmeSh;

/// The library.
const HELPERS: &str = include_str!("acme_sh/helpers.sh");

impl Rules for AcmeSh {
    fn name(&self) -> &'static str {
        "acme.sh"
    }

    fn kinds(&self) -> &'static [ChallengeKind] {
        &[ChallengeKind::Dns01]
    }

    fn form(&self) -> Form {
        Form::DnsScript
    }

    fn files(&self, site: &Site) -> Vec<(PathBuf, &'static str)> {
        vec![(folder(site).join("helpers.sh"), HELPERS)]
    }

    fn deploy(&self, site: &Site, challenges: &[HookChallenge]) -> Vec<Step> {
        each(challenges, |_, challenge| call(site, "add", challenge))
    }

    fn clean(&self, site: &Site, challenges: &[HookChallenge], _outputs: &[String]) -> Vec<Step> {
        each(challenges, |_, challenge| call(site, "rm", challenge))
    }
}

/// Where the library and what scripts save are kept.
fn folder(site: &Site) -> PathBuf {
    site.state.join("hooks/acme.sh")
}

fn call(site: &Site, action: &str, challenge: &HookChallenge) -> Call {
    let function = format!("{}_{action}", function_prefix(&site.command).unwrap_or_default());
    let record = challenge.record_name();
    let purpose = format!("{function} {record}");
    let helpers = folder(site).join("helpers.sh").display().to_string();
    let arguments = vec![helpers, site.command.clone(), function, record, challenge.digest()];
    let environment = vec![
        ("CACERT_HOOK_STATE", Some(folder(site).display().to_string())),
        ("CACERT_HOOK_DOMAIN", Some(challenge.domain().to_owned())),
    ];
    // The script may lie in a folder of acme.sh's, whose account.conf then knows the user's credentials.
    let home = Path::new(&site.command).parent().and_then(Path::parent);
    let defaults = home.map(|home| ("LE_WORKING_DIR", home.display().to_string())).into_iter().collect();
    // What scripts save, for all domains, is read and written without another lock.
    let lock = Some(folder(site).join("lock"));
    Call::Run(Program { environment, defaults, lock, purpose, ..Program::new("/bin/sh", arguments) })
}

/// `dns_xx` of `/…/dns_xx.sh`: what the script's functions are called.
pub(super) fn function_prefix(script: &str) -> Option<&str> {
    let name = Path::new(script).file_name()?.to_str()?;
    let prefix = name.strip_suffix(".sh").unwrap_or(name);
    let allowed = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (allowed && prefix.starts_with("dns_")).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::super::challenge::example;
    use super::*;

    #[test]
    fn a_fresh_shell_gets_library_script_and_function() {
        let site = Site { command: "/home/me/.acme.sh/dnsapi/dns_xx.sh".into(), state: "/s".into() };
        let challenges = [example(ChallengeKind::Dns01, "*.a.test", "a")];
        let Call::Run(program) = AcmeSh.clean(&site, &challenges, &[]).remove(0).call else { panic!() };
        assert_eq!(program.path, "/bin/sh");
        assert_eq!(
            program.arguments,
            [
                "/s/hooks/acme.sh/helpers.sh",
                "/home/me/.acme.sh/dnsapi/dns_xx.sh",
                "dns_xx_rm",
                "_acme-challenge.a.test",
                "LnM23I66h-9HLfVow1SCq_JXXcPl6sDFxiuP-urCyTQ"
            ]
        );
        assert_eq!(program.lock, Some("/s/hooks/acme.sh/lock".into()));
        assert_eq!(program.defaults, [("LE_WORKING_DIR", "/home/me/.acme.sh".to_owned())]);
    }

    #[test]
    fn only_a_dns_scripts_name_becomes_a_function() {
        assert_eq!(function_prefix("/x/dns_cf.sh"), Some("dns_cf"));
        assert_eq!(function_prefix("dns_he"), Some("dns_he"));
        for bad in ["/x/cf.sh", "/x/dns_a;b.sh", "/x/dns_ .sh", "/"] {
            assert_eq!(function_prefix(bad), None, "{bad}");
        }
    }
}
