//! The challenge mail (RFC 8823 §3.1). Pure.

use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::model::ChallengeMail;

/// What a person reads who has no client that answers. It must not show the response block: mail programs quote
/// this text in the reply.
const EXPLANATION: &str = "\
This mail is from the test mock of CAcert's ACME server. Somebody has ordered\r\n\
a certificate for your address, and the client of that order is to answer this\r\n\
mail (RFC 8823). The subject holds what it needs.\r\n\
\r\n\
If you did not order a certificate, ignore this mail.\r\n";

/// The whole mail, header and body, with CRLF; not signed yet.
pub(super) fn challenge_mail(mail: &ChallengeMail, domain: &str, now: OffsetDateTime) -> String {
    let ChallengeMail { from, to, token_part1, message_id } = mail;
    // The format has no time zone names and years of four digits: nothing that could be out of range.
    let date = now.truncate_to_second().format(&Rfc2822).unwrap_or_default();
    format!(
        "From: {from}\r\n\
         To: {to}\r\n\
         Subject: ACME: {token_part1}\r\n\
         Date: {date}\r\n\
         Message-ID: <{message_id}@{domain}>\r\n\
         Auto-Submitted: auto-generated; type=acme\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\
         Content-Transfer-Encoding: 7bit\r\n\
         \r\n\
         {EXPLANATION}"
    )
}
