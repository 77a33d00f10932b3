//! Mails as others write, sign and check them: DKIM by the letter of RFC 6376, with none of the server's code.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};

use super::Mock;

/// What RFC 8823 §3.2 wants a reply's signature to cover.
pub(crate) const COVERED: &[&str] = &[
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
    "MIME-Version",
];

/// A mail that was received, taken apart.
pub(crate) struct Received {
    /// Name and raw value, which keeps its folding and the CRLF.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn parse(mail: &str) -> Self {
        let (header, body) = mail.split_once("\r\n\r\n").expect("a header and a body");
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in header.split("\r\n") {
            if line.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().expect("a field is continued");
                value.push_str(&format!("{line}\r\n"));
            } else {
                let (name, value) = line.split_once(':').expect("name and value");
                fields.push((name.to_owned(), format!("{value}\r\n")));
            }
        }
        Self { fields, body: body.to_owned() }
    }

    /// The one field of this name, unfolded.
    pub(crate) fn field(&self, name: &str) -> String {
        let mut fields = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        let (_, value) = fields.next().unwrap_or_else(|| panic!("there is no {name}"));
        assert!(fields.next().is_none(), "there are two {name}");
        value.replace("\r\n", "").trim().to_owned()
    }

    /// The first part of the token, from the subject.
    pub(crate) fn token_part1(&self) -> String {
        self.field("Subject").strip_prefix("ACME: ").expect("the subject of a challenge mail").to_owned()
    }

    /// Checks the DKIM signature (relaxed/relaxed, rsa-sha256) with the key that the DNS has; gives `d` and `h`.
    pub(crate) async fn verify(&self, mock: &Mock) -> (String, Vec<String>) {
        let raw = self.fields.iter().find(|(name, _)| name == "DKIM-Signature").unwrap();
        let tags = self.field("DKIM-Signature");
        let tag = |name: &str| {
            let tag = tags.split(';').find_map(|tag| tag.trim().strip_prefix(&format!("{name}=")));
            tag.unwrap_or_else(|| panic!("there is no {name}= in {tags}"))
                .split_whitespace()
                .collect::<String>()
        };
        assert_eq!(
            (tag("v"), tag("a"), tag("c")),
            ("1".into(), "rsa-sha256".into(), "relaxed/relaxed".into())
        );
        assert!(!tags.contains(" l="), "{tags}");
        let body_hash = digest(&SHA256, relaxed_body(&self.body).as_bytes());
        assert_eq!(tag("bh"), STANDARD.encode(body_hash), "the body hash");

        let covered: Vec<String> = tag("h").split(':').map(str::to_owned).collect();
        let mut signed = String::new();
        for name in &covered {
            let field = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
            signed.extend(field.map(|(name, value)| relaxed(name, value)));
        }
        let start = raw.1.find(" b=").unwrap_or_else(|| raw.1.find("\tb=").unwrap()) + 3;
        let end = raw.1[start..].find(';').map_or(raw.1.len(), |end| start + end);
        let unsigned = relaxed(&raw.0, &format!("{}{}", &raw.1[..start], &raw.1[end..]));
        signed.push_str(unsigned.trim_end_matches("\r\n"));

        let record = mock.published(&format!("{}._domainkey.{}", tag("s"), tag("d"))).await;
        let public = record.strip_prefix("v=DKIM1; k=rsa; p=").unwrap();
        let spki = STANDARD.decode(public).unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki)
            .verify(signed.as_bytes(), &STANDARD.decode(tag("b")).unwrap())
            .expect("the signature is right");
        (tag("d"), covered)
    }
}

impl Mock {
    /// The one TXT record of a name in the mock's DNS.
    async fn published(&self, name: &str) -> String {
        let server = self.handle.dns_addr();
        let mut connection = ConnectionConfig::udp();
        connection.port = server.port();
        let server = NameServerConfig::new(server.ip(), true, vec![connection]);
        let config = ResolverConfig::from_parts(None, vec![], vec![server]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let found = builder.build().unwrap().txt_lookup(format!("{name}.")).await.unwrap();
        let texts: Vec<Vec<u8>> = found
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::TXT(text) => Some(text.txt_data.concat()),
                _ => None,
            })
            .collect();
        assert_eq!(texts.len(), 1, "{name}");
        String::from_utf8(texts[0].clone()).unwrap()
    }
}

/// `relaxed` for a header field (RFC 6376 §3.4.2).
fn relaxed(name: &str, value: &str) -> String {
    let words: Vec<&str> = value.split_whitespace().collect();
    format!("{}:{}\r\n", name.to_ascii_lowercase(), words.join(" "))
}

/// `relaxed` for a body (RFC 6376 §3.4.4).
fn relaxed_body(body: &str) -> String {
    let lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let start = if line.starts_with([' ', '\t']) { " " } else { "" };
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.is_empty() { String::new() } else { format!("{start}{}", words.join(" ")) }
        })
        .collect();
    let text = lines.join("\r\n");
    let text = text.trim_end_matches("\r\n");
    if text.is_empty() { String::new() } else { format!("{text}\r\n") }
}

/// A reply before it is signed. The fields are what goes into the mail, right or wrong.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// The reply that RFC 8823 §3.2 asks for, as `text/plain`.
    pub(crate) fn new(challenge: &Received, digest: &str) -> Self {
        let fields = vec![
            ("From", challenge.field("To")),
            ("To", challenge.field("From")),
            ("Subject", format!("Re: {}", challenge.field("Subject"))),
            ("Date", "Tue, 01 Jan 2030 10:00:00 +0000".to_owned()),
            ("Message-ID", "<reply-1@example.test>".to_owned()),
            ("In-Reply-To", challenge.field("Message-ID")),
            ("References", challenge.field("Message-ID")),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", "7bit".to_owned()),
        ];
        Self { fields, body: block(digest) }
    }

    /// The same with one field changed, or added.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        match self.fields.iter_mut().find(|(field, _)| *field == name) {
            Some((_, old)) => *old = value.into(),
            None => self.fields.push((name, value.into())),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| *field != name);
        self
    }

    pub(crate) fn with_body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// The mail, not signed.
    pub(crate) fn unsigned(&self) -> String {
        let fields: String = self.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        format!("{fields}\r\n{}", self.body)
    }
}

/// The response block (RFC 8823 §3.2).
pub(crate) fn block(digest: &str) -> String {
    format!("-----BEGIN ACME RESPONSE-----\r\n{digest}\r\n-----END ACME RESPONSE-----\r\n")
}

/// The digest of a key authorization.
pub(crate) fn response_digest(token_part1: &str, token_part2: &str, thumbprint: &str) -> String {
    let authorization = format!("{token_part1}{token_part2}.{thumbprint}");
    URL_SAFE_NO_PAD.encode(digest(&SHA256, authorization.as_bytes()))
}

/// A mail provider that signs.
pub(crate) struct Signer {
    key: SigningKey,
    domain: &'static str,
}

enum SigningKey {
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    /// One with Ed25519 (RFC 8463), simple/simple: every byte of what is covered counts. Its key is in the mock's DNS.
    pub(crate) fn publish(mock: &Mock, domain: &'static str) -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let record = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key.public_key().as_ref()));
        mock.txt(&format!("test._domainkey.{domain}"), &record);
        Self { key: SigningKey::Ed25519(key), domain }
    }

    /// One as most of them are: rsa-sha256, relaxed/relaxed.
    pub(crate) fn publish_rsa(mock: &Mock, domain: &'static str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let record = format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public.as_ref()));
        mock.txt(&format!("test._domainkey.{domain}"), &record);
        Self { key: SigningKey::Rsa(key), domain }
    }

    /// The mail with a signature over all that RFC 8823 wants, present or not.
    pub(crate) fn sign(&self, reply: &Reply) -> String {
        self.sign_fields(reply, COVERED, "")
    }

    /// The mail with a signature over these fields, and perhaps more tags, such as ` l=10;`.
    pub(crate) fn sign_fields(&self, reply: &Reply, covered: &[&str], tags: &str) -> String {
        let body = self.canonical_body(&reply.body);
        let length: usize = tags
            .trim()
            .strip_prefix("l=")
            .map_or(body.len(), |tag| tag.trim_end_matches(';').parse().unwrap());
        let body_hash = STANDARD.encode(digest(&SHA256, &body.as_bytes()[..length]));
        let algorithm = match self.key {
            SigningKey::Ed25519(_) => "a=ed25519-sha256; c=simple/simple",
            SigningKey::Rsa(_) => "a=rsa-sha256; c=relaxed/relaxed",
        };
        let value = format!(
            "v=1; {algorithm}; d={}; s=test;{tags}\r\n h={};\r\n bh={body_hash};\r\n b=",
            self.domain,
            covered.join(":"),
        );
        let mut signed = String::new();
        for name in covered {
            // Of fields that occur twice the last counts first (RFC 6376 §5.4.2); no list here names one twice.
            let field = reply.fields.iter().rev().find(|(field, _)| field.eq_ignore_ascii_case(name));
            signed.extend(field.map(|(name, value)| self.canonical_field(name, value)));
        }
        signed.push_str(self.canonical_field("DKIM-Signature", &value).trim_end_matches("\r\n"));
        format!("DKIM-Signature: {value}{}\r\n{}", self.value(signed.as_bytes()), reply.unsigned())
    }

    fn canonical_field(&self, name: &str, value: &str) -> String {
        match self.key {
            SigningKey::Ed25519(_) => format!("{name}: {value}\r\n"),
            SigningKey::Rsa(_) => relaxed(name, value),
        }
    }

    fn canonical_body(&self, body: &str) -> String {
        match self.key {
            SigningKey::Ed25519(_) => format!("{}\r\n", body.trim_end_matches("\r\n")),
            SigningKey::Rsa(_) => relaxed_body(body),
        }
    }

    fn value(&self, signed: &[u8]) -> String {
        match &self.key {
            SigningKey::Ed25519(key) => STANDARD.encode(key.sign(digest(&SHA256, signed).as_ref())),
            SigningKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).unwrap();
                STANDARD.encode(signature)
            }
        }
    }
}
