//! The header fields that count (RFC 8823 §3.1, §3.2): what signatures cover, and that all who read a mail see the same
//! fields in it. Pure.

use mail_parser::Message;

use super::MailRefused;

/// What the signature of a challenge mail and of its reply must cover, present or not, so that none can be added on
/// the way.
pub(super) const SIGNED: [&str; 12] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "CC",
    "Subject",
    "Date",
    "In-Reply-To",
    "References",
    "Message-ID",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Those of them that many mail providers leave out.
pub(super) const MIME: [&str; 2] = ["Content-Type", "Content-Transfer-Encoding"];

/// What the signature of a challenge mail covers beyond: a field that it must, those that it should, and the MIME
/// version.
const SIGNED_IN_CHALLENGE: [&str; 14] = [
    "Auto-Submitted",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "List-Unsubscribe-Post",
    "MIME-Version",
];

/// The fields that a mail has once at most (RFC 5322 §3.6, RFC 2045, RFC 3834). Which of two would count, its reader
/// and the verifier of its signature could see differently.
const SINGLE: [&str; 14] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "CC",
    "Subject",
    "Date",
    "In-Reply-To",
    "References",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// All that the signature of a challenge mail covers.
pub(super) fn of_challenge() -> impl Iterator<Item = &'static str> {
    SIGNED.into_iter().chain(SIGNED_IN_CHALLENGE)
}

/// Passes when the header is what RFC 5322 §3.6.8 calls one, the parser has seen all of its fields under the names
/// that they have, and none that counts is there twice. The parser is lenient and would read a `Sub ject:` as the
/// subject, while a signature that covers `Subject` says nothing about it.
pub(super) fn check(message: &Message<'_>, mail: &[u8]) -> Result<(), MailRefused> {
    let names = names(mail)?;
    let parsed = message.headers().iter();
    let parsed: Vec<(usize, &str)> =
        parsed.map(|header| (header.offset_field as usize, header.name())).collect();
    let same = |((at, name), (parsed_at, parsed)): (&(usize, &str), &(usize, &str))| {
        at == parsed_at && name.eq_ignore_ascii_case(parsed)
    };
    if names.len() != parsed.len() || !names.iter().zip(&parsed).all(same) {
        return refuse("its header can be read in more than one way");
    }
    for single in SINGLE {
        if names.iter().filter(|(_, name)| name.eq_ignore_ascii_case(single)).count() > 1 {
            return refuse(format!("it has more than one {single} field"));
        }
    }
    Ok(())
}

/// Where each field begins, and its name.
fn names(mail: &[u8]) -> Result<Vec<(usize, &str)>, MailRefused> {
    let mut names = Vec::new();
    let mut at = 0;
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        match line {
            b"\r\n" | b"\n" => break,
            [b' ' | b'\t', ..] if !names.is_empty() => {}
            _ => {
                let colon = line.iter().position(|byte| *byte == b':').unwrap_or_default();
                match std::str::from_utf8(&line[..colon]) {
                    Ok(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()) => {
                        names.push((at, name));
                    }
                    _ => return refuse("a line of its header is no field"),
                }
            }
        }
        at += line.len();
    }
    Ok(names)
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, MailRefused> {
    Err(MailRefused::Form(reason.into()))
}
