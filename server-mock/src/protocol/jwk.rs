//! Reading public keys: JWKs (RFC 7517) and the SubjectPublicKeyInfo of CSRs and certificates (RFC 5280 §4.1.2.7).

use aws_lc_rs::signature::{self, ParsedPublicKey};
use serde_json::{Map, Value};
use x509_parser::{
    oid_registry::{
        OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_SIG_ED25519, Oid,
        asn1_rs::oid,
    },
    prelude::FromDer,
    public_key::PublicKey as X509PublicKey,
    x509::SubjectPublicKeyInfo,
};

use super::{algorithm::point, base64url};
use crate::model::{
    Problem, ProblemType,
    public_key::{Curve, MlDsaSet, PublicKey},
};

/// Members that only private and symmetric keys have (RFC 7518 §6).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The object identifiers of ML-DSA keys (RFC 9881 §2).
const ML_DSA: [(Oid<'static>, MlDsaSet); 3] = [
    (oid!(2.16.840.1.101.3.4.3.17), MlDsaSet::MlDsa44),
    (oid!(2.16.840.1.101.3.4.3.18), MlDsaSet::MlDsa65),
    (oid!(2.16.840.1.101.3.4.3.19), MlDsaSet::MlDsa87),
];

/// Why a key is not taken; the caller says which problem type that is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyRefused(String);

impl KeyRefused {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<KeyRefused> for Problem {
    fn from(refused: KeyRefused) -> Self {
        Self::new(ProblemType::BadPublicKey, refused.0)
    }
}

/// The public key of a JWK.
///
/// # Errors
/// `malformed` when members are missing or wrongly encoded, `badPublicKey` when the key is of a kind, curve
/// or size that is not taken, or its point is not on the curve.
pub fn parse(jwk: &Map<String, Value>) -> Result<PublicKey, Problem> {
    if let Some(name) = PRIVATE.iter().find(|name| jwk.contains_key(**name)) {
        return Err(KeyRefused::new(format!("the JWK has `{name}`, a part of a private key")).into());
    }
    let key = match text(jwk, "kty")? {
        "EC" => parse_ec(jwk)?,
        "RSA" => PublicKey::Rsa { n: unsigned(jwk, "n")?, e: unsigned(jwk, "e")? },
        "OKP" => match text(jwk, "crv")? {
            "Ed25519" => PublicKey::Ed25519(bytes(jwk, "x")?),
            other => return Err(KeyRefused::new(format!("curve {other:?} is not supported")).into()),
        },
        other => return Err(KeyRefused::new(format!("key type {other:?} is not supported")).into()),
    };
    Ok(check(key)?)
}

/// The public key of a DER SubjectPublicKeyInfo.
///
/// # Errors
/// When it can't be decoded, or for the reasons that [`parse`] calls `badPublicKey`.
pub fn from_spki(der: &[u8]) -> Result<PublicKey, KeyRefused> {
    let (rest, spki) = SubjectPublicKeyInfo::from_der(der)
        .map_err(|error| KeyRefused::new(format!("the public key can't be decoded: {error}")))?;
    if !rest.is_empty() {
        return Err(KeyRefused::new("bytes follow the public key"));
    }
    if spki.algorithm.algorithm == OID_SIG_ED25519 {
        return check(PublicKey::Ed25519(spki.subject_public_key.data.to_vec()));
    }
    if let Some((_, set)) = ML_DSA.iter().find(|(oid, _)| *oid == spki.algorithm.algorithm) {
        if spki.algorithm.parameters.is_some() {
            return Err(KeyRefused::new("ML-DSA keys have no parameters"));
        }
        return check(PublicKey::MlDsa { set: *set, key: spki.subject_public_key.data.to_vec() });
    }
    match spki.parsed() {
        Ok(X509PublicKey::RSA(rsa)) => {
            check(PublicKey::Rsa { n: without_zeros(rsa.modulus), e: without_zeros(rsa.exponent) })
        }
        Ok(X509PublicKey::EC(_)) if spki.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY => {
            let parameters = spki.algorithm.parameters.as_ref();
            let curve = match parameters.and_then(|any| any.as_oid().ok()) {
                Some(oid) if oid == OID_EC_P256 => Curve::P256,
                Some(oid) if oid == OID_NIST_EC_P384 => Curve::P384,
                Some(oid) if oid == OID_NIST_EC_P521 => Curve::P521,
                _ => return Err(KeyRefused::new("the curve is not P-256, P-384 or P-521")),
            };
            from_point(curve, &spki.subject_public_key.data)
        }
        _ => Err(KeyRefused::new("the key is neither RSA nor ECDSA nor Ed25519 nor ML-DSA")),
    }
}

fn from_point(curve: Curve, point: &[u8]) -> Result<PublicKey, KeyRefused> {
    let length = curve.coordinate_length();
    match point.split_first() {
        Some((4, coordinates)) if coordinates.len() == 2 * length => {
            let (x, y) = coordinates.split_at(length);
            check(PublicKey::Ec { curve, x: x.to_vec(), y: y.to_vec() })
        }
        _ => Err(KeyRefused::new("the point is not in uncompressed form")),
    }
}

fn parse_ec(jwk: &Map<String, Value>) -> Result<PublicKey, Problem> {
    let curve = match text(jwk, "crv")? {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        other => return Err(KeyRefused::new(format!("curve {other:?} is not supported")).into()),
    };
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // RFC 7518 §6.2.1.2: always the full length, never with zeros left out.
    if [&x, &y].iter().any(|coordinate| coordinate.len() != curve.coordinate_length()) {
        let length = curve.coordinate_length();
        return Err(Problem::malformed(format!("coordinates on {} have {length} bytes", curve.name())));
    }
    Ok(PublicKey::Ec { curve, x, y })
}

/// Lets the cryptographic library judge the point, and the limits the size.
fn check(key: PublicKey) -> Result<PublicKey, KeyRefused> {
    let parsed = match &key {
        PublicKey::Ec { curve, x, y } => {
            let algorithm = match curve {
                Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
            };
            ParsedPublicKey::new(algorithm, point(x, y))
        }
        PublicKey::Ed25519(x) => ParsedPublicKey::new(&signature::ED25519, x),
        PublicKey::MlDsa { set, key } => {
            let algorithm = match set {
                MlDsaSet::MlDsa44 => &signature::ML_DSA_44,
                MlDsaSet::MlDsa65 => &signature::ML_DSA_65,
                MlDsaSet::MlDsa87 => &signature::ML_DSA_87,
            };
            ParsedPublicKey::new(algorithm, key)
        }
        PublicKey::Rsa { n, e } => return check_rsa(n, e).map(|()| key),
    };
    match parsed {
        Ok(_) => Ok(key),
        Err(_) => Err(KeyRefused::new("the key is none of its kind")),
    }
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyRefused> {
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(KeyRefused::new(format!("RSA keys have 2048 to 8192 bits, this one {bits}")));
    }
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // Larger exponents cost the verifier dearly; 1 is no encryption at all.
    if !odd(n) || !odd(e) || e == [1] || e.len() > 4 {
        return Err(KeyRefused::new("the RSA modulus or exponent is not one of a sound key"));
    }
    Ok(())
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    let missing = || Problem::malformed(format!("the JWK has no string `{name}`"));
    jwk.get(name).and_then(Value::as_str).ok_or_else(missing)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Problem> {
    base64url::decode(name, text(jwk, name)?)
}

/// A Base64urlUInt: at least one byte, no leading zero (RFC 7518 §2).
fn unsigned(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Problem> {
    let number = bytes(jwk, name)?;
    match number.first() {
        None | Some(0) => Err(Problem::malformed(format!("`{name}` is empty or begins with a zero byte"))),
        Some(_) => Ok(number),
    }
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse_value(jwk: Value) -> Result<PublicKey, Problem> {
        parse(jwk.as_object().unwrap())
    }

    /// RFC 7638 §3.1.
    #[test]
    fn rfc7638_thumbprint_of_an_rsa_key() {
        let key = parse_value(json!({
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
            "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"
        }))
        .unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 appendices A.2 to A.4.
    #[test]
    fn rfc8037_thumbprint_and_signature_of_an_ed25519_key() {
        let key = parse_value(
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        )
        .unwrap();
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let signature = base64url::decode(
            "signature",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        )
        .unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        super::super::Algorithm::EdDsa.verify(&key, message, &signature).unwrap();
    }

    /// RFC 7515 appendix A.3.
    #[test]
    fn rfc7515_es256_signature() {
        let key = parse_value(json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        }))
        .unwrap();
        let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = base64url::decode(
            "signature",
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        )
        .unwrap();
        super::super::Algorithm::Es256.verify(&key, message, &signature).unwrap();
        assert!(super::super::Algorithm::Es256.verify(&key, b"other", &signature).is_err());
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let problem = parse_value(json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a4"
        }))
        .unwrap_err();
        assert_eq!(problem.kind, ProblemType::BadPublicKey);
    }

    #[test]
    fn private_members_short_coordinates_and_unknown_types_are_refused() {
        let refused = [
            (json!({"kty": "OKP", "crv": "Ed448", "x": "AA"}), ProblemType::BadPublicKey),
            (json!({"kty": "oct", "k": "AA"}), ProblemType::BadPublicKey),
            (json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}), ProblemType::BadPublicKey),
            (json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), ProblemType::Malformed),
            (json!({"kty": "RSA", "n": "AAAA", "e": "AQAB"}), ProblemType::Malformed),
            (json!({"kty": 1}), ProblemType::Malformed),
        ];
        for (jwk, kind) in refused {
            assert_eq!(parse_value(jwk.clone()).unwrap_err().kind, kind, "{jwk}");
        }
    }

    #[test]
    fn a_key_from_a_certificate_is_the_key_from_its_jwk() {
        for algorithm in
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
        {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let key = from_spki(&rcgen::PublicKeyData::subject_public_key_info(&pair)).unwrap();
            assert_eq!(parse_value(key.to_jwk()).unwrap(), key);
        }
    }

    proptest! {
        #[test]
        fn any_members_are_parsed_or_refused(kty in "EC|RSA|OKP|oct", crv in "P-256|P-521|Ed25519", x in "[A-Za-z0-9_-]{0,90}", y in "[A-Za-z0-9_-]{0,90}") {
            let jwk = json!({"kty": kty, "crv": crv, "x": x, "y": y, "n": x, "e": y});
            if let Ok(key) = parse_value(jwk) {
                prop_assert_eq!(parse_value(key.to_jwk()).unwrap(), key);
            }
        }

        #[test]
        fn any_bytes_are_no_panic_as_spki(der: Vec<u8>) {
            let _ = from_spki(&der);
        }
    }
}
