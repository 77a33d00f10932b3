//! Reading the reply to a challenge mail (RFC 8823 §3.2). Pure.

use mail_parser::{Address, Message, MessagePart, MimeHeaders, PartType};

use super::MailRefused;
use crate::model::MailReply;

const BEGIN: &str = "-----BEGIN ACME RESPONSE-----";
const END: &str = "-----END ACME RESPONSE-----";

/// What the mail says, whoever wrote it.
pub(super) fn read(message: &Message<'_>) -> Result<MailReply, MailRefused> {
    let is_list = |name: &str| name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("list-"));
    if let Some(header) = message.headers().iter().find(|header| is_list(header.name())) {
        return refuse(format!("it came through a mailing list, its {} field says", header.name()));
    }
    let subject = message.subject().unwrap_or_default();
    let Some(token_part1) = token_part1(subject) else {
        return refuse("the subject is not `Re: ACME: ` and a token");
    };
    let (Some(from), Some(to)) = (only(message.from()), only(message.to())) else {
        return refuse("it has not one sender and one recipient");
    };
    let digest = response(plain_text(message)?)?;
    Ok(MailReply { from: in_a_labels(from), to: in_a_labels(to), token_part1, digest })
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, MailRefused> {
    Err(MailRefused::Form(reason.into()))
}

/// The token in a subject. Mail programs write `Re:` in either case, and fold lines wherever they like: white space
/// within the token counts for nothing.
fn token_part1(subject: &str) -> Option<String> {
    let (prefix, rest) = subject.trim_start().split_once(':')?;
    let (acme, token) = rest.trim_start().split_once(':')?;
    if !prefix.trim_end().eq_ignore_ascii_case("re") || acme.trim_end() != "ACME" {
        return None;
    }
    let token: String = token.split_whitespace().collect();
    (!token.is_empty()).then_some(token)
}

/// The one address of a field.
fn only<'a>(addresses: Option<&'a Address<'_>>) -> Option<&'a str> {
    let mut addresses = addresses?.iter();
    let first = addresses.next()?.address.as_deref();
    if addresses.next().is_some() { None } else { first }
}

/// The address with the domain as identifiers and signatures have it. Mails beyond ASCII may write it in U-labels
/// (RFC 6532 §3.2).
fn in_a_labels(address: &str) -> String {
    let in_a_labels = || {
        let (local, domain) = address.rsplit_once('@')?;
        Some(format!("{local}@{}", idna::domain_to_ascii(domain).ok()?))
    };
    in_a_labels().unwrap_or_else(|| address.to_owned())
}

/// The plain text of a mail that is text, or text in several forms.
fn plain_text<'a>(message: &'a Message<'_>) -> Result<&'a str, MailRefused> {
    let root = message.root_part();
    if let Some(text) = text_of(root) {
        return Ok(text);
    }
    let alternative = root.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("alternative"))
    });
    let mut parts = root
        .sub_parts()
        .filter(|_| alternative)
        .into_iter()
        .flatten()
        .filter_map(|id| message.part(*id).and_then(text_of));
    match (parts.next(), parts.next()) {
        (Some(text), None) => Ok(text),
        _ => refuse("it is neither text/plain nor multipart/alternative with one such part"),
    }
}

/// The decoded text of a text/plain part, which is what a part without a type is (RFC 2045 §5.2).
fn text_of<'a>(part: &'a MessagePart<'_>) -> Option<&'a str> {
    let plain = part.content_type().is_none_or(|kind| {
        kind.ctype().eq_ignore_ascii_case("text")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("plain"))
    });
    match &part.body {
        PartType::Text(text) if plain && !part.is_encoding_problem => Some(text),
        _ => None,
    }
}

/// The digest in the response block. Text around the block, quoted or not, is nobody's business, and neither are line
/// ends within the digest.
fn response(text: &str) -> Result<String, MailRefused> {
    let mut lines = text.lines().map(str::trim);
    if !lines.any(|line| line == BEGIN) {
        return refuse("there is no response block in it");
    }
    let mut digest = String::new();
    loop {
        match lines.next() {
            Some(END) => break,
            Some(line) => digest.extend(line.split_whitespace()),
            None => return refuse("the response block has no end"),
        }
    }
    if lines.any(|line| line == BEGIN) {
        return refuse("there are two response blocks in it");
    }
    // Some clients pad; base64url in JOSE does not, but nothing is gained by refusing a right digest for it.
    Ok(digest.trim_end_matches('=').to_owned())
}
