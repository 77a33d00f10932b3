//! A member of CAcert who is ready to go, for trying things out.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    admin::{Admin, EabCredentials},
    model::{Owner, OwnerKind, Problem, Rights, rights::NameRight},
};

/// Makes an assured member who holds `example.test`, all names below it and `alice@example.test`, with an EAB key
/// that allows all of that, both loopback addresses, and any number of accounts and certificates.
pub(crate) fn create(admin: &Admin) -> Result<EabCredentials, Problem> {
    let owner = admin.create_owner(owner()?)?;
    admin.create_eab_key(&owner, rights()?)
}

fn owner() -> Result<Owner, Problem> {
    Ok(Owner {
        kind: OwnerKind::User,
        name: "Alice Example".to_owned(),
        assurance_points: 100,
        domains: vec!["example.test".parse()?],
        addresses: vec!["alice@example.test".parse()?],
    })
}

fn rights() -> Result<Rights, Problem> {
    Ok(Rights {
        server: true,
        client: true,
        revoke: true,
        names: vec![
            NameRight::Dns { dns: "example.test".parse()?, subdomains: true, wildcard: true },
            NameRight::Email { email: "alice@example.test".parse()? },
            NameRight::Ip { ip: Ipv4Addr::LOCALHOST.into() },
            NameRight::Ip { ip: Ipv6Addr::LOCALHOST.into() },
        ],
        renew_only: false,
        max_accounts: None,
        max_certificates: None,
        not_after: None,
    })
}
