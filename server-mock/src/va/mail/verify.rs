//! Whether a reply comes from whom it says: DKIM (RFC 6376) as RFC 8823 §3.2 wants it.

use std::{net::SocketAddr, time::Duration};

use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, MessageAuthenticator, common::crypto::Algorithm, dkim,
};
use mail_parser::{HeaderName, Message};
use tokio::time::timeout;

use super::{
    super::{dns, shown},
    MailRefused, fields,
};
use crate::model::ReplySignature;

/// How long all DNS questions about one mail may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many signatures are looked at; each may cost a DNS question.
const SIGNATURES_MAX: usize = 4;

/// Verifies signatures with the keys that one DNS server knows.
pub(super) struct Verifier(MessageAuthenticator);

impl Verifier {
    pub(super) fn new(resolver: SocketAddr) -> Result<Self, hickory_resolver::net::NetError> {
        Ok(Self(MessageAuthenticator(dns::client(resolver)?)))
    }

    /// Passes when one signature is right, of the sender's very domain, and covers what it must. What other servers
    /// say in `Authentication-Results` counts for nothing: the mail may have brought it along.
    pub(super) async fn verify(
        &self,
        message: &Message<'_>,
        mail: &[u8],
        from: &str,
        demand: ReplySignature,
    ) -> Result<(), MailRefused> {
        match message.header_values(HeaderName::DkimSignature).count() {
            0 => return Err(MailRefused::Signature("it has no DKIM signature".to_owned())),
            1..=SIGNATURES_MAX => {}
            _ => return Err(MailRefused::Signature("it has too many DKIM signatures".to_owned())),
        }
        // One parser for the reply and for its signature, and both names of each field were compared before.
        let authenticated = AuthenticatedMessage::from_parsed(message, mail, true);
        let verified = timeout(TIMEOUT, self.0.verify_dkim(&authenticated)).await;
        let verified = verified.map_err(|_| MailRefused::Later("the DNS server is slow".to_owned()))?;
        let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
        let mut refused = None;
        for output in &verified {
            match judge(output, message, domain, demand) {
                Ok(()) => return Ok(()),
                // What can be tried again says more than what is wrong for good.
                Err(reason) if reason.is_temporary() || refused.is_none() => refused = Some(reason),
                Err(_) => {}
            }
        }
        Err(refused.unwrap_or_else(|| MailRefused::Signature("its DKIM signature can't be read".to_owned())))
    }
}

/// What one signature is worth.
fn judge(
    output: &DkimOutput<'_>,
    message: &Message<'_>,
    domain: &str,
    demand: ReplySignature,
) -> Result<(), MailRefused> {
    let refuse = |reason: String| Err(MailRefused::Signature(shown(reason.as_bytes())));
    let signature = match (output.result(), output.signature()) {
        (DkimResult::Pass, Some(signature)) => signature,
        (DkimResult::TempError(error), _) => {
            return Err(MailRefused::Later(shown(error.to_string().as_bytes())));
        }
        (DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error), _) => {
            return refuse(error.to_string());
        }
        (DkimResult::Pass | DkimResult::None, _) => {
            return refuse("its DKIM signature says nothing".to_owned());
        }
    };
    if !signature.d.eq_ignore_ascii_case(domain) {
        return refuse(format!("the DKIM signature is by {}, the mail from {domain}", signature.d));
    }
    if signature.a == Algorithm::RsaSha1 {
        return refuse("rsa-sha1 proves nothing any more (RFC 8301)".to_owned());
    }
    match uncovered(signature, message, demand) {
        Some(field) => refuse(format!("the DKIM signature does not cover the {field} field")),
        None => Ok(()),
    }
}

/// The first field that the signature should cover, and does not.
fn uncovered(
    signature: &dkim::Signature,
    message: &Message<'_>,
    demand: ReplySignature,
) -> Option<&'static str> {
    let covers = |field: &str| signature.h.iter().any(|covered| covered.eq_ignore_ascii_case(field));
    let present =
        |field: &str| message.headers().iter().any(|header| header.name().eq_ignore_ascii_case(field));
    let demanded = |field: &str| match demand {
        ReplySignature::Strict => true,
        ReplySignature::Usual => present(field) && !fields::MIME.contains(&field),
        ReplySignature::Off => false,
    };
    fields::SIGNED.into_iter().find(|field| demanded(field) && !covers(field))
}
