//! dns-account-01: as dns-01, under a label of the account's own, so that several accounts can prove one name at the
//! same time (draft-ietf-acme-dns-account-label).

use aws_lc_rs::digest::{SHA256, digest};

use super::{Attempt, dns::Resolver, dns_01::expect_digest, domain_name};
use crate::model::Problem;

/// RFC 4648 §6, in lower case.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// How many bytes of the digest make the label: 16 letters, without padding.
const DIGEST_BYTES: usize = 10;
const LETTERS: usize = 16;

/// # Errors
/// `dns` or `incorrectResponse`.
pub(super) async fn validate(resolver: &Resolver, attempt: &Attempt) -> Result<(), Problem> {
    let label = account_label(&attempt.account_url);
    let name = format!("{label}._acme-challenge.{}", domain_name(attempt)?);
    let verdict = expect_digest(resolver, &name, &attempt.key_authorization).await;
    // Two clients that mix their accounts up can't tell it from the label.
    verdict.map_err(|problem| {
        let detail = format!("{} (the label is that of the account {})", problem.detail, attempt.account_url);
        Problem { detail, ..problem }
    })
}

/// `_` and the base32 form of the beginning of the account URL's SHA-256 digest.
pub(super) fn account_label(account_url: &str) -> String {
    let digest = digest(&SHA256, account_url.as_bytes());
    let beginning = digest.as_ref().iter().take(DIGEST_BYTES);
    let bits = beginning.fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let letter = |position: usize| char::from(BASE32[(bits >> (5 * position)) as usize & 31]);
    std::iter::once('_').chain((0..LETTERS).rev().map(letter)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s172_the_label_of_the_drafts_example() {
        assert_eq!(account_label("https://example.com/acme/acct/ExampleAccount"), "_ujmmovf2vn55tgye");
    }

    proptest! {
        #[test]
        fn s172_the_label_is_the_digest_in_base32(url in ".{0,60}") {
            let label = account_label(&url);
            prop_assert_eq!(label.len(), 17);
            let mut bits = String::new();
            for letter in label.strip_prefix('_').unwrap().bytes() {
                let value = BASE32.iter().position(|known| *known == letter).unwrap();
                bits.push_str(&format!("{value:05b}"));
            }
            let expected: String =
                digest(&SHA256, url.as_bytes()).as_ref()[..10].iter().map(|byte| format!("{byte:08b}")).collect();
            prop_assert_eq!(bits, expected);
        }
    }
}
