//! What is written is read again, and only by one.

use std::{fs, os::unix::fs::PermissionsExt};

use time::macros::datetime;

use super::*;
use crate::model::{
    AccountId, ChallengeKind, EabKey, Identifier, OrderStatus, Owner, OwnerKind, Problem, PublicKey, Rights,
    Settings,
    account::NewAccount,
    finalize::{Claim, Signed},
    order::NewOrder,
};

const NOW: time::OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

fn account() -> AccountId {
    "account".into()
}

fn key(number: u8) -> PublicKey {
    PublicKey::Ed25519(vec![number; 32])
}

fn populate(model: &mut Model) {
    let owner = Owner {
        kind: OwnerKind::Organisation,
        name: "Example".to_owned(),
        assurance_points: 50,
        domains: vec!["example.test".parse().unwrap()],
        addresses: Vec::new(),
    };
    model.add_owner("owner".into(), owner, &Settings::default()).unwrap();
    let rights = Rights { not_after: Some(datetime!(2031-01-01 00:00 UTC)), ..Rights::default() };
    model
        .add_eab_key(
            EabKey::new("kid".to_owned(), "owner".into(), rights, vec![7; 64], NOW),
            &Settings::default(),
        )
        .unwrap();
    let new = NewAccount {
        id: account(),
        key: key(1),
        contact: vec!["mailto:a@example.test".to_owned()],
        kid: "kid".to_owned(),
        external_account_binding: serde_json::json!({"payload": "x"}),
    };
    model.create_account(new, NOW, &Settings::default()).unwrap();
}

fn new_order(name: &str) -> NewOrder {
    NewOrder {
        identifiers: vec![Identifier::Dns(name.to_owned())],
        ancestors: Default::default(),
        not_before: None,
        not_after: None,
        profile: None,
        replaces: None,
    }
}

/// An order for this name; its challenge is concluded with the verdict.
fn order(model: &mut Model, name: &str, verdict: Result<(), Problem>) -> crate::model::OrderId {
    let settings = Settings::default();
    let new = new_order(name);
    let mut counter = 0;
    let mut tokens = || {
        counter += 1;
        format!("{name}-{counter}")
    };
    let order = model.create_order(&account(), new, NOW, &settings, &mut tokens).unwrap();
    let (order, authorization) = (order.id.clone(), order.authorizations[0].clone());
    let kind = ChallengeKind::Http01;
    assert!(model.begin_validation(&authorization, &account(), kind, NOW).unwrap());
    model.conclude_validation(&authorization, kind, verdict, NOW, &settings);
    order
}

fn claim(model: &mut Model, order: &crate::model::OrderId) -> Claim {
    let names = model.order(order, &account()).unwrap().identifiers.clone();
    model.begin_finalize(order, &account(), &names, &key(9), NOW, &Settings::default()).unwrap()
}

fn signed(serial: u8) -> Signed {
    let id = format!("certificate-{serial}").into();
    Signed { id, serial: vec![serial], key: key(9), der: vec![0x30, serial] }
}

#[tokio::test]
async fn everything_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, others) = Store::open(&path).unwrap();
    assert_eq!(others, []);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    store.with(populate);
    let failed = store.with(|model| order(model, "failed.example.test", Err(Problem::malformed("no"))));
    let valid = store.with(|model| order(model, "valid.example.test", Ok(())));
    let claimed = store.with(|model| claim(model, &valid));
    store.with(|model| model.complete_finalize(claimed, signed(1), NOW));
    store.with(|model| model.revoke_certificates_of(&account(), NOW)).unwrap();
    let signing = store.with(|model| order(model, "signing.example.test", Ok(())));
    store.with(|model| claim(model, &signing));
    store.with(|model| model.change_terms("https://example.test/terms".to_owned()));
    store.keep(vec![Change { kind: ".other", id: "id".to_owned(), document: Some("1".to_owned()) }]);
    store.written().await.unwrap();
    // As if it had been killed: nothing is closed.
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let name = |path: &Path| format!("{}{suffix}", path.display());
        fs::copy(name(&path), name(&copy)).unwrap();
    }

    let (again, others) = Store::open(&copy).unwrap();
    assert_eq!((others.len(), others[0].kind.as_str()), (1, ".other"));
    // Debug output tells all but the secrets, and those are compared by the MAC key itself.
    let tell = |model: &mut Model| {
        let accounts: Vec<_> = model.accounts().cloned().collect();
        let certificates: Vec<_> = model.certificates().cloned().collect();
        let orders: Vec<_> =
            accounts[0].orders.iter().map(|id| model.order(id, &account()).unwrap().clone()).collect();
        let keys: Vec<_> = model.eab_keys().map(|key| (key.clone(), key.mac_key().to_vec())).collect();
        let owners: Vec<_> = model.owners().map(|(id, owner)| (id.clone(), owner.clone())).collect();
        let terms = model.terms(&Settings::default());
        let mut orders: Vec<String> = orders.iter().map(|order| format!("{order:?}")).collect();
        orders.sort();
        let mut accounts = accounts;
        accounts[0].orders.clear();
        format!("{accounts:?} {certificates:?} {orders:?} {keys:?} {owners:?} {terms:?}")
    };
    assert_eq!(again.with(tell), store.with(tell));
    again.with(|model| {
        let status = |model: &Model, id| model.order_status(model.order(id, &account()).unwrap(), NOW).0;
        assert_eq!(status(model, &failed), OrderStatus::Invalid);
        assert_eq!(status(model, &valid), OrderStatus::Valid);
        assert_eq!(status(model, &signing), OrderStatus::Processing);
        assert!(model.is_account_key(&key(1)), "found by its key");
        assert!(model.certificate_by_serial(&[1]).unwrap().revoked.is_some(), "found by its serial number");
        let before = model.eab_key("kid").unwrap().certificates;
        model.abandon_signing();
        assert_eq!(status(model, &signing), OrderStatus::Invalid);
        assert_eq!(model.eab_key("kid").unwrap().certificates, before - 1);
        model.agree_to_terms(&account()).unwrap();
        let ready = order_again(model, "valid.example.test");
        assert_eq!(status(model, &ready), OrderStatus::Ready, "the proof still counts");
    });
}

/// An order for a name that was proved before.
fn order_again(model: &mut Model, name: &str) -> crate::model::OrderId {
    let new = new_order(name);
    let mut tokens = || "again".to_owned();
    let order = model.create_order(&account(), new, NOW, &Settings::default(), &mut tokens);
    order.unwrap().id.clone()
}

#[test]
fn what_is_taken_out_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, _) = Store::open(&path).unwrap();
    store.with(populate);
    store.with(|model| order(model, "a.example.test", Ok(())));
    let later = NOW + time::Duration::days(1000);
    store.with(|model| model.sweep(later, &Settings::default()));
    drop(store);
    let (again, _) = Store::open(&path).unwrap();
    again.with(|model| assert!(model.accounts().all(|account| account.orders.is_empty())));
    let rows = {
        drop(again);
        Database::open(&path).unwrap().rows().unwrap()
    };
    let mut kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["account", "eab_key", "owner"]);
}

#[test]
fn one_server_at_a_time_and_only_a_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let (store, _) = Store::open(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Database(_))));
    drop(store);
    Store::open(&path).unwrap();

    let other = folder.path().join("other");
    fs::write(&other, "this is a text and no database at all".repeat(100)).unwrap();
    assert!(matches!(Store::open(&other), Err(StoreError::Database(_))));
    assert!(matches!(Store::open(folder.path()), Err(StoreError::File(_))));

    let newer = folder.path().join("newer");
    drop(Database::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(Store::open(&newer), Err(StoreError::Version(9))));

    let foreign = folder.path().join("foreign");
    let mail = rusqlite::Connection::open(&foreign).unwrap();
    mail.execute_batch("CREATE TABLE mails (subject TEXT)").unwrap();
    drop(mail);
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o644)).unwrap();
    let before = fs::read(&foreign).unwrap();
    assert!(matches!(Store::open(&foreign), Err(StoreError::Foreign)));
    assert_eq!(fs::read(&foreign).unwrap(), before, "it is left as it is");
    assert_eq!(fs::metadata(&foreign).unwrap().permissions().mode() & 0o777, 0o644);
    let marked = folder.path().join("marked");
    rusqlite::Connection::open(&marked).unwrap().pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(Store::open(&marked), Err(StoreError::Foreign)));

    let strange = folder.path().join("strange");
    let mut database = Database::open(&strange).unwrap();
    database.write(&[Change { kind: "spoon", id: "1".to_owned(), document: Some("{}".to_owned()) }]).unwrap();
    drop(database);
    assert!(matches!(Store::open(&strange), Err(StoreError::Row(RowError::Kind { .. }))));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told() {
    let store = Store::unwritable();
    store.written().await.unwrap();
    store.with(populate);
    assert!(store.written().await.unwrap_err().to_string().contains("can't be written"));
}
