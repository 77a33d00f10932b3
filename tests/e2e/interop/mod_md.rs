//! Apache's mod_md, which gets the certificates of its virtual hosts itself.

use std::fs;

use std::time::Duration;

use crate::common::programs::{Server, served_certificate, serves_certificate};
use crate::common::{World, clean, free_address, poll, run};

pub(crate) fn apache_mod_md_with_our_mock() {
    // Short-lived, so that its renewal comes soon.
    let world = World::with(|config| config.policy.certificate_lifetime = Some(Duration::from_secs(60)));
    let (home, http, https) = (world.folder.path(), world.mock().http_port(), free_address());
    // Started by root, Apache's workers are nobody, and must reach what they read.
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let module = |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    // Without renewal information: mod_md 2.6 leaves the zero byte before a high serial number out of its certID, and
    // RFC 9773 §4.1 wants it.
    let config = ["mpm_event", "authz_core", "ssl", "md"].map(module).concat()
        + &format!(
            "ServerRoot {home}\nPidFile apache.pid\nErrorLog error.log\nServerName md.example.test\nMutex file:{home} default\n\
             User nobody\nGroup nogroup\nListen 127.0.0.1:{http}\nListen {https}\nMDStoreDir {home}/md\n\
             MDCertificateAuthority {directory}\nMDCACertificateFile {home}/ca-bundle.pem\nMDCertificateAgreement accepted\n\
             MDExternalAccountBinding {kid} {key}\nMDContactEmail alice@example.test\nMDPortMap http:{http} https:{port}\n\
             MDCAChallenges http-01\nMDCheckInterval 1s\nMDRenewWindow 90%\n\
             <IfDirective MDRenewViaARI>\nMDRenewViaARI off\n</IfDirective>\nMDInitialDelay 0\nMDomain md.example.test\n\
             <VirtualHost *:{port}>\nServerName md.example.test\nSSLEngine on\n</VirtualHost>\n\
             <VirtualHost *:{http}>\nServerName md.example.test\n</VirtualHost>\n",
            home = home.display(),
            directory = world.mock().directory_url(),
            kid = world.eab.kid,
            key = world.eab.hmac_key,
            port = https.port(),
        );
    fs::write(world.path("apache.conf"), config).unwrap();
    let apache = |arguments: &[&str]| {
        let mut command = clean("apache2", home);
        command.arg("-f").arg(world.path("apache.conf")).args(arguments);
        command
    };
    let _apache = Server::start(apache(&["-DFOREGROUND"]), https);
    let staged = world.path("md/staging/md.example.test/pubcert.pem");
    poll("mod_md has a certificate", || staged.exists());
    // It activates what it got when it is reloaded; the last file may still be on its way.
    let serves_certificate_once_reloaded = || {
        run(apache(&["-k", "graceful"])).succeeds();
        serves_certificate(https, "md.example.test", &world.path("root.pem"))
    };
    poll("Apache serves a certificate of the mock's", serves_certificate_once_reloaded);
    let first = served_certificate(https, "md.example.test");
    poll("mod_md has a renewed certificate", || staged.exists());
    poll("Apache serves the renewed certificate", || {
        serves_certificate_once_reloaded() && served_certificate(https, "md.example.test") != first
    });
}
