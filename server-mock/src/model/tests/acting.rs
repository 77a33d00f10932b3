//! Who may act, by what, and what becomes of what was begun.

use super::*;

/// A request that was verified before another one changed the key must not change it once more.
#[test]
fn a_key_is_changed_once() {
    let mut world = World::new(Rights::default());
    let account = world.account.clone();
    world.model.change_key(&account, &key(1), key(2)).unwrap();
    assert!(world.model.change_key(&account, &key(1), key(3)).is_err());
    assert!(world.model.acting_account_with_key(&account, &key(1)).is_err());
    assert!(world.model.acting_account_with_key(&account, &key(2)).is_ok());
    assert!(world.model.account_with_key(&key(1)).unwrap().is_none(), "the old one is nobody's");
}

#[test]
fn who_may_not_act_any_more_gets_no_certificate() {
    let ends: [fn(&mut World); 3] = [
        |world| world.model.revoke_eab_key("kid-1", NOW).unwrap(),
        |world| world.model.revoke_account(&world.account.clone()).unwrap(),
        |world| world.model.deactivate_account(&world.account.clone()).unwrap(),
    ];
    for end in ends {
        let mut world = World::new(Rights { max_certificates: Some(1), ..Rights::default() });
        let order = world.ready_order();
        let claim = world.claim(&order).unwrap();
        end(&mut world);
        world.complete(claim);
        assert_eq!(world.status(&order), OrderStatus::Invalid);
        assert!(world.model.certificates.is_empty());
        assert_eq!(world.model.eab_key("kid-1").unwrap().certificates, 0);
        assert_eq!(world.model.signing, 0);
    }
}

#[test]
fn certificates_are_found_without_looking_at_all() {
    let mut world = World::new(Rights::default());
    let order = world.ready_order();
    let id = world.issue(&order);
    let owner = OwnerId::from("owner");
    let renewable =
        |world: &World, names: &[Identifier], now| world.model.has_certificate_for(&owner, names, now);
    let wanted = names(&[NAME]);
    assert!(renewable(&world, &wanted, NOW));
    assert!(!renewable(&world, &names(&["other.example.test"]), NOW));
    assert!(!renewable(&world, &wanted, NOW + Duration::days(180)), "it has expired");
    assert!(!world.model.has_certificate_for(&"other".into(), &wanted, NOW));
    assert_eq!((world.model.revoked_certificates().count(), world.model.revocations()), (0, 0));
    assert_eq!(world.model.revoke_certificates_of(&world.account, NOW).unwrap(), 1);
    assert!(!renewable(&world, &wanted, NOW), "it was revoked");
    let revoked: Vec<_> = world.model.revoked_certificates().map(|certificate| &certificate.id).collect();
    assert_eq!((revoked, world.model.revocations()), (vec![&id], 1));
    world.model.sweep(NOW + Duration::days(200), &world.settings);
    assert_eq!((world.model.revoked_certificates().count(), world.model.revocations()), (0, 2));
    assert_eq!(world.model.certificates_after(None, 10).count(), 0);
}

/// Nothing that is missing is taken for a yes.
#[test]
fn what_is_missing_grants_nothing() {
    let mut world = World::new(Rights::default());
    let order = world.ready_order();
    let certificate = world.issue(&order);
    let open = world.order(&[NAME]).unwrap();
    let proof = world.authorizations(&open).remove(0);
    world.model.authorizations.remove(&proof);
    assert_eq!(world.status(&open), OrderStatus::Invalid);
    world.model.eab_keys.remove(&"kid-1".to_owned());
    assert_eq!(world.model.acting_account(&world.account).unwrap_err().kind, ProblemType::Unauthorized);
    let revoker = Revoker::Account { account: world.account.clone(), key: key(1) };
    assert!(world.model.revoke_certificate(&certificate, &revoker, None, NOW).is_err());
}

#[test]
fn secrets_are_in_no_debug_output_and_what_is_not_kept_changes_no_row() {
    let mut world = World::new(Rights::default());
    let changes = world.model.take_changes();
    let secret = "BwcHBwcH";
    let kept = changes.iter().find(|change| change.kind == "eab_key").unwrap();
    assert!(kept.document.as_ref().unwrap().contains(secret));
    assert!(!format!("{changes:?}").contains(secret));
    world.order(&[NAME]).unwrap();
    let kinds: Vec<_> = world.model.take_changes().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["order", "authorization"], "the account's list of orders is not kept");
}
