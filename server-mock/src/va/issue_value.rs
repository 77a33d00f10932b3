//! The value of CAA's `issue` properties (RFC 8659 §4.2), which dns-persist-01 records have too.

/// Who is allowed to do something, and with which restrictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssueValue {
    /// The issuer's domain name, in lower case; nobody when absent.
    issuer: Option<String>,
    /// Tags, in lower case, with their values; a tag may occur more than once.
    parameters: Vec<(String, String)>,
}

/// What a value says for a tag that should occur at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter<'a> {
    /// Nothing.
    Absent,
    /// This.
    Once(&'a str),
    /// Several things.
    Repeated,
}

impl IssueValue {
    /// Parses a value; `None` when it does not match the grammar.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok()?;
        let (issuer, parameters) = match value.split_once(';') {
            Some((issuer, parameters)) => (trim(issuer), trim(parameters)),
            None => (trim(value), ""),
        };
        let issuer = if issuer.is_empty() { None } else { Some(parse_domain(issuer)?) };
        let parameters = match parameters {
            "" => Vec::new(),
            parameters => parameters.split(';').map(parse_parameter).collect::<Option<_>>()?,
        };
        Some(Self { issuer, parameters })
    }

    /// Whether it names one of these issuers, which are in lower case.
    pub(super) fn names_one_of(&self, issuers: &[String]) -> bool {
        self.issuer.as_ref().is_some_and(|issuer| issuers.contains(issuer))
    }

    /// What it says for a tag.
    pub(super) fn parameter(&self, tag: &str) -> Parameter<'_> {
        let mut found = self.parameters.iter().filter(|(own, _)| own == tag);
        match (found.next(), found.next()) {
            (None, _) => Parameter::Absent,
            (Some((_, value)), None) => Parameter::Once(value),
            (Some(_), Some(_)) => Parameter::Repeated,
        }
    }
}

/// WSP of RFC 5234.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn parse_domain(name: &str) -> Option<String> {
    name.split('.').all(is_label).then(|| name.to_ascii_lowercase())
}

fn parse_parameter(parameter: &str) -> Option<(String, String)> {
    let (tag, value) = parameter.split_once('=')?;
    let (tag, value) = (trim(tag), trim(value));
    let fits = is_label(tag) && value.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
    fits.then(|| (tag.to_ascii_lowercase(), value.to_owned()))
}

/// Letters, digits and, inside, hyphens.
fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &str) -> Option<IssueValue> {
        IssueValue::parse(value.as_bytes())
    }

    #[test]
    fn values_of_the_rfc() {
        let issuers = ["ca1.example.net".to_owned()];
        for value in
            ["ca1.example.net", " CA1.example.NET\t", "ca1.example.net;", "ca1.example.net; a=b; c=d"]
        {
            assert!(parse(value).unwrap().names_one_of(&issuers), "{value}");
        }
        for value in ["", ";", " ; ", "; account=1", "ca2.example.net"] {
            assert!(!parse(value).unwrap().names_one_of(&issuers), "{value}");
        }
    }

    #[test]
    fn parameters_may_be_empty_hold_equal_signs_and_occur_twice() {
        let value = parse("ca.test; Account = 230123 ;empty=; url=https://x/?a=b; two=1; TWO=2").unwrap();
        assert_eq!(value.parameter("account"), Parameter::Once("230123"));
        assert_eq!(value.parameter("empty"), Parameter::Once(""));
        assert_eq!(value.parameter("url"), Parameter::Once("https://x/?a=b"));
        assert_eq!(value.parameter("two"), Parameter::Repeated);
        assert_eq!(value.parameter("other"), Parameter::Absent);
    }

    #[test]
    fn what_does_not_match_the_grammar_is_no_value() {
        for value in [
            "%%%%%",
            "ca.test ca.test",
            "ca..test",
            "-ca.test",
            "ca.test.",
            "ca.test; a",
            "ca.test; a=b;",
            "ca.test;; a=b",
            "ca.test; a=b c=d",
            "ca.test; a-=b",
            "ca.test; a=\u{e9}",
            "ca_test",
        ] {
            assert_eq!(parse(value), None, "{value}");
        }
        assert_eq!(IssueValue::parse(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn bytes_are_no_panic(value: Vec<u8>) {
            let _ = IssueValue::parse(&value);
        }

        #[test]
        fn what_is_put_together_is_taken_apart(
            issuer in "[a-z0-9]{1,8}(\\.[a-z0-9]{1,8}){0,3}",
            parameters in prop::collection::vec(("[a-z][a-z0-9]{0,8}", "[!-:<-~]{0,20}"), 0..4),
            space in "[ \t]{0,3}",
        ) {
            let mut text = format!("{space}{issuer}{space}");
            for (tag, value) in &parameters {
                text.push_str(&format!(";{space}{tag}{space}={space}{value}{space}"));
            }
            let parsed = parse(&text).unwrap();
            prop_assert_eq!(&parsed.issuer, &Some(issuer));
            prop_assert_eq!(&parsed.parameters, &parameters);
        }
    }
}
