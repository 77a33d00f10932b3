//! Reading the contact URLs of accounts (RFC 8555 §7.3).

use serde_json::Value;

use super::identifiers::parse_email;
use crate::model::{Problem, ProblemType};

/// How many contacts are kept for an account.
const CONTACTS_MAX: usize = 10;

/// Parses `contact`: `mailto:` URLs of one address each, without header fields.
///
/// # Errors
/// `unsupportedContact`, `invalidContact`, or `malformed` when it is no list of strings.
pub fn parse_all(contact: &Value) -> Result<Vec<String>, Problem> {
    let not_strings = || Problem::malformed("`contact` is no array of strings");
    let urls = contact.as_array().ok_or_else(not_strings)?;
    if urls.len() > CONTACTS_MAX {
        let detail = format!("an account has at most {CONTACTS_MAX} contacts");
        return Err(Problem::new(ProblemType::InvalidContact, detail));
    }
    urls.iter().map(|url| parse(url.as_str().ok_or_else(not_strings)?)).collect()
}

fn parse(url: &str) -> Result<String, Problem> {
    let address = match url.split_once(':') {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto") => address,
        Some(_) => {
            let detail = format!("the contact {url:?} is no mailto: URL");
            return Err(Problem::new(ProblemType::UnsupportedContact, detail));
        }
        None => {
            let detail = format!("the contact {url:?} is no URL");
            return Err(Problem::new(ProblemType::InvalidContact, detail));
        }
    };
    // RFC 8555 §7.3: no hfields, and one address at most. A `?` may not stand for itself here (RFC 6068 §2).
    // Beyond ASCII a URL has escapes, which are not undone here.
    if address.contains(['?', ',']) || !address.is_ascii() || parse_email(address).is_err() {
        let detail = format!("the contact {url:?} must have one e-mail address and nothing else");
        return Err(Problem::new(ProblemType::InvalidContact, detail));
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_address_in_each_mailto_url() {
        parse_all(&json!(["mailto:a@example.test", "MAILTO:b@example.test"])).unwrap();
        for (url, kind) in [
            ("ftp://example.test", ProblemType::UnsupportedContact),
            ("tel:+1", ProblemType::UnsupportedContact),
            ("a@example.test", ProblemType::InvalidContact),
            ("mailto:a@example.test?subject=x", ProblemType::InvalidContact),
            ("mailto:a@example.test,b@example.test", ProblemType::InvalidContact),
            ("mailto:a", ProblemType::InvalidContact),
            ("mailto:\u{e4}@example.test", ProblemType::InvalidContact),
        ] {
            assert_eq!(parse_all(&json!([url])).unwrap_err().kind, kind, "{url}");
        }
        let many = vec!["mailto:a@example.test"; CONTACTS_MAX + 1];
        assert_eq!(parse_all(&json!(many)).unwrap_err().kind, ProblemType::InvalidContact);
        parse_all(&json!(many[1..])).unwrap();
        assert_eq!(parse_all(&json!("mailto:a@b.test")).unwrap_err().kind, ProblemType::Malformed);
    }
}
