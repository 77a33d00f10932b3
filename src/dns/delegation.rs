//! Names that lead to others: a CNAME record hands the proofs of a name to another zone.

use aws_lc_rs::rand;
use hickory_net::proto::rr::RecordType;

use crate::core::dns_record::RecordName;

use super::{DnsClient, LookupError};

/// Resolvers give up on longer chains, the server's among them.
const LONGEST: usize = 10;

impl DnsClient {
    /// Where a record really stands: at the end of the chain of CNAME records, if there is one.
    ///
    /// A CNAME that comes from a wildcard is not followed: it is meant for whatever is there, and nobody thought of
    /// proofs when it was made. The record then stands under its own name, which the wildcard no longer covers.
    ///
    /// # Errors
    /// [`LookupError`], also for a chain without an end.
    pub async fn follow(&self, name: &RecordName) -> Result<RecordName, LookupError> {
        let mut end = name.clone();
        for _ in 0..LONGEST {
            let Some(target) = self.alias(&end).await? else { return Ok(end) };
            if self.is_from_wildcard(&end, &target).await? {
                tracing::info!("{end} leads to {target} by a wildcard, which is not followed");
                return Ok(end);
            }
            tracing::info!("{end} leads to {target}");
            end = target;
        }
        let causes = vec![format!("its CNAME records go on for more than {LONGEST} names")];
        Err(LookupError { name: name.clone(), kind: RecordType::CNAME.to_string(), causes })
    }

    async fn alias(&self, name: &RecordName) -> Result<Option<RecordName>, LookupError> {
        Ok(self.resolver.ask(name, RecordType::CNAME).await?.alias(name))
    }

    /// Whether a name beside it, which nobody can have made, leads there too.
    async fn is_from_wildcard(&self, name: &RecordName, target: &RecordName) -> Result<bool, LookupError> {
        match sibling(name) {
            Some(sibling) => Ok(self.alias(&sibling).await?.as_ref() == Some(target)),
            None => Ok(false),
        }
    }
}

/// A name beside this one that nobody else has thought of.
fn sibling(name: &RecordName) -> Option<RecordName> {
    let mut random = [0; 10];
    rand::fill(&mut random).ok()?;
    let label: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    name.parent()?.below(&label).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_stand_beside_and_are_never_the_same() {
        let name: RecordName = "_acme-challenge.a.test".parse().unwrap();
        let (one, two) = (sibling(&name).unwrap(), sibling(&name).unwrap());
        assert_eq!((one.parent(), two.parent()), (name.parent(), name.parent()));
        assert_ne!(one, two);
    }
}
