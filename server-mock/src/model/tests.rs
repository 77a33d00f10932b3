//! Whole lives of accounts, orders and certificates, as transitions alone.

use time::{Duration, macros::datetime};

use super::{account::NewAccount, finalize::Signed, order::NewOrder, revocation::Revoker, *};

const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);
const NAME: &str = "www.example.test";

/// A model with one account, and names for what is made in it.
struct World {
    model: Model,
    settings: Settings,
    account: AccountId,
    counter: u32,
}

/// A key that is like no other; the model never looks inside.
fn key(number: u8) -> PublicKey {
    PublicKey::Ed25519(vec![number; 32])
}

fn names(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| Identifier::Dns((*name).to_owned())).collect()
}

fn new_account(id: &str, number: u8) -> NewAccount {
    NewAccount {
        id: id.into(),
        key: key(number),
        contact: Vec::new(),
        kid: "kid-1".to_owned(),
        external_account_binding: serde_json::Value::Null,
    }
}

impl World {
    fn new(rights: Rights) -> Self {
        let mut model = Model::default();
        let owner = Owner {
            kind: OwnerKind::User,
            name: "Alice".to_owned(),
            assurance_points: 0,
            domains: vec!["example.test".parse().unwrap()],
            addresses: Vec::new(),
        };
        model.add_owner("owner".into(), owner, &Settings::default()).unwrap();
        let eab_key = EabKey::new("kid-1".to_owned(), "owner".into(), rights, vec![7; 32], NOW);
        model.add_eab_key(eab_key, &Settings::default()).unwrap();
        model.create_account(new_account("account", 1), NOW, &Settings::default()).unwrap();
        Self { model, settings: Settings::default(), account: "account".into(), counter: 0 }
    }

    fn order(&mut self, wanted: &[&str]) -> Result<OrderId, Problem> {
        let new = NewOrder {
            identifiers: names(wanted),
            ancestors: Default::default(),
            not_before: None,
            not_after: None,
            profile: None,
            replaces: None,
        };
        let counter = &mut self.counter;
        let mut tokens = || {
            *counter += 1;
            format!("token-{counter}")
        };
        let order = self.model.create_order(&self.account, new, NOW, &self.settings, &mut tokens)?;
        Ok(order.id.clone())
    }

    fn authorizations(&self, order: &OrderId) -> Vec<AuthorizationId> {
        self.model.order(order, &self.account).unwrap().authorizations.clone()
    }

    fn conclude(&mut self, authorization: &AuthorizationId, verdict: Result<(), Problem>) {
        let kind = ChallengeKind::Http01;
        assert!(self.model.begin_validation(authorization, &self.account, kind, NOW).unwrap());
        self.model.conclude_validation(authorization, kind, verdict, NOW, &self.settings);
    }

    fn ready_order(&mut self) -> OrderId {
        let order = self.order(&[NAME]).unwrap();
        for authorization in self.authorizations(&order) {
            self.conclude(&authorization, Ok(()));
        }
        order
    }

    fn status(&self, order: &OrderId) -> OrderStatus {
        self.model.order_status(self.model.order(order, &self.account).unwrap(), NOW).0
    }

    fn claim(&mut self, order: &OrderId) -> Result<finalize::Claim, Problem> {
        let wanted = names(&[NAME]);
        self.model.begin_finalize(order, &self.account, &wanted, &key(9), NOW, &self.settings)
    }

    fn issue(&mut self, order: &OrderId) -> CertificateId {
        let claim = self.claim(order).unwrap();
        self.complete(claim)
    }

    fn complete(&mut self, claim: finalize::Claim) -> CertificateId {
        self.counter += 1;
        let serial = self.counter.to_be_bytes().to_vec();
        let id = CertificateId::from(format!("certificate-{}", self.counter));
        let signed = Signed { id: id.clone(), serial, key: key(9), der: vec![1] };
        self.model.complete_finalize(claim, signed, NOW);
        id
    }
}

#[test]
fn an_order_goes_from_pending_to_valid() {
    let mut world = World::new(Rights::default());
    let order = world.order(&[NAME]).unwrap();
    assert_eq!(world.status(&order), OrderStatus::Pending);
    assert_eq!(world.claim(&order).unwrap_err().kind, ProblemType::OrderNotReady);
    let authorization = world.authorizations(&order).remove(0);
    world.conclude(&authorization, Ok(()));
    assert_eq!(world.status(&order), OrderStatus::Ready);
    let claim = world.claim(&order).unwrap();
    assert_eq!(claim.not_after - claim.not_before, Duration::days(180), "an owner without assurance");
    assert_eq!(world.status(&order), OrderStatus::Processing);
    assert_eq!(world.claim(&order).unwrap_err().kind, ProblemType::OrderNotReady, "claimed once");
    let certificate = world.complete(claim);
    assert_eq!(world.status(&order), OrderStatus::Valid);
    let order = world.model.order(&order, &world.account).unwrap();
    assert_eq!(order.certificate(), Some(&certificate));
}

#[test]
fn a_failed_validation_ends_the_order_with_its_reason() {
    let mut world = World::new(Rights::default());
    let order = world.order(&[NAME, "b.example.test"]).unwrap();
    let authorizations = world.authorizations(&order);
    world.conclude(&authorizations[0], Err(Problem::new(ProblemType::Dns, "no such name")));
    let (status, error) = world.model.order_status(world.model.order(&order, &world.account).unwrap(), NOW);
    assert_eq!((status, error.unwrap().kind), (OrderStatus::Invalid, ProblemType::Dns));
}

/// RFC 8555 §7.1.4: pending, it has all that could settle it; settled, the one that did.
#[test]
fn a_settled_authorization_has_the_challenge_that_settled_it() {
    for verdict in [Ok(()), Err(Problem::malformed("no"))] {
        let mut world = World::new(Rights::default());
        let order = world.order(&["a.example.test"]).unwrap();
        let id = world.authorizations(&order).remove(0);
        let kinds = |world: &World| -> Vec<ChallengeKind> {
            world.model.authorizations[&id].challenges.iter().map(|challenge| challenge.kind).collect()
        };
        assert!(kinds(&world).len() > 1);
        world.conclude(&id, verdict);
        assert_eq!(kinds(&world), [ChallengeKind::Http01]);
    }
}

#[test]
fn a_verdict_revives_no_deactivated_authorization() {
    let mut world = World::new(Rights::default());
    let order = world.order(&[NAME]).unwrap();
    let id = world.authorizations(&order).remove(0);
    let kind = ChallengeKind::Http01;
    assert!(world.model.begin_validation(&id, &world.account, kind, NOW).unwrap());
    assert!(!world.model.begin_validation(&id, &world.account, kind, NOW).unwrap(), "one at a time");
    world.model.deactivate_authorization(&id, &world.account, NOW).unwrap();
    world.model.conclude_validation(&id, kind, Ok(()), NOW, &world.settings);
    let authorization = world.model.authorization(&id, &world.account).unwrap();
    assert_eq!(authorization.status(NOW), AuthorizationStatus::Deactivated);
    assert_eq!(world.status(&order), OrderStatus::Invalid);
}

#[test]
fn a_signing_failure_gives_the_certificate_back_to_the_limit() {
    let mut world = World::new(Rights { max_certificates: Some(1), ..Rights::default() });
    let order = world.ready_order();
    let claim = world.claim(&order).unwrap();
    assert_eq!(world.order(&[NAME]).unwrap_err().kind, ProblemType::Unauthorized);
    world.model.abandon_finalize(&claim, Problem::new(ProblemType::ServerInternal, "broken"));
    assert_eq!(world.status(&order), OrderStatus::Invalid);
    let order = world.order(&[NAME]).unwrap();
    assert_eq!(world.status(&order), OrderStatus::Ready, "the authorization still counts");
    world.issue(&order);
    assert_eq!(world.order(&[NAME]).unwrap_err().kind, ProblemType::Unauthorized);
}

#[test]
fn rights_are_looked_at_again_at_finalize() {
    let mut world = World::new(Rights::default());
    let order = world.ready_order();
    world.model.revoke_eab_key("kid-1", NOW).unwrap();
    assert_eq!(world.claim(&order).unwrap_err().kind, ProblemType::Unauthorized);
    assert_eq!(world.status(&order), OrderStatus::Ready);
}

#[test]
fn a_refused_order_leaves_nothing_behind() {
    let mut world = World::new(Rights::default());
    let problem = world.order(&[NAME, "www.elsewhere.test"]).unwrap_err();
    assert_eq!(problem.kind, ProblemType::RejectedIdentifier);
    assert_eq!(problem.subproblems.len(), 1);
    assert!(world.model.authorizations.is_empty() && world.model.orders.is_empty());
}

#[test]
fn bulk_revocation_reaches_what_is_being_signed() {
    let mut world = World::new(Rights::default());
    let first = world.ready_order();
    let first = world.issue(&first);
    let order = world.order(&[NAME]).unwrap();
    let claim = world.claim(&order).unwrap();
    assert_eq!(world.model.revoke_certificates_of(&world.account, NOW).unwrap(), 1);
    let second = world.complete(claim);
    for id in [first, second] {
        assert!(world.model.certificate(&id, &world.account).unwrap().revoked.is_some());
    }
}

#[test]
fn a_certificate_is_revoked_once_and_by_the_right_ones() {
    let mut world = World::new(Rights { max_accounts: None, ..Rights::default() });
    let order = world.ready_order();
    let id = world.issue(&order);
    world.model.create_account(new_account("stranger", 2), NOW, &Settings::default()).unwrap();
    let mut revoke = |revoker, reason| {
        world.model.revoke_certificate(&id, &revoker, reason, NOW).map_err(|problem| problem.kind)
    };
    assert_eq!(
        revoke(Revoker::Account { account: "stranger".into(), key: key(2) }, None),
        Err(ProblemType::Unauthorized)
    );
    assert_eq!(revoke(Revoker::Key(key(1)), None), Err(ProblemType::Unauthorized));
    assert_eq!(revoke(Revoker::Key(key(9)), Some(7)), Err(ProblemType::BadRevocationReason));
    assert_eq!(revoke(Revoker::Key(key(9)), Some(1)), Ok(()));
    assert_eq!(
        revoke(Revoker::Account { account: "account".into(), key: key(1) }, None),
        Err(ProblemType::AlreadyRevoked)
    );
}

#[test]
fn a_closed_account_cannot_act_and_its_key_is_not_free() {
    let mut world = World::new(Rights { max_accounts: None, ..Rights::default() });
    let order = world.ready_order();
    world.model.deactivate_account(&world.account).unwrap();
    assert_eq!(world.model.acting_account(&world.account).unwrap_err().status, 401);
    assert_eq!(world.model.account_with_key(&key(1)).unwrap_err().status, 401);
    assert_eq!(world.status(&order), OrderStatus::Invalid);
    world.model.create_account(new_account("other", 2), NOW, &Settings::default()).unwrap();
    assert!(world.model.change_key(&"other".into(), &key(2), key(1)).is_err());
}

#[test]
fn an_account_limit_counts_closed_accounts_too() {
    let mut world = World::new(Rights::default());
    world.model.deactivate_account(&world.account).unwrap();
    let problem =
        world.model.create_account(new_account("second", 2), NOW, &Settings::default()).unwrap_err();
    assert_eq!(problem.kind, ProblemType::Unauthorized);
}

#[test]
fn a_sweep_takes_what_is_over_and_nothing_else() {
    let mut world = World::new(Rights::default());
    let settings = Settings { keep_ended: std::time::Duration::from_secs(3600), ..Settings::default() };
    let valid = world.ready_order();
    let certificate = world.issue(&valid);
    let signing = world.order(&[NAME]).unwrap();
    world.claim(&signing).unwrap();
    let proof = world.authorizations(&valid).remove(0);
    let failed = world.order(&["failed.example.test"]).unwrap();
    let failure = world.authorizations(&failed).remove(0);
    world.conclude(&failure, Err(Problem::malformed("no")));
    let there = |world: &World| {
        let (model, account) = (&world.model, &world.account);
        let orders = [&valid, &signing, &failed].map(|id| model.order(id, account).is_ok());
        let authorizations = [&proof, &failure].map(|id| model.authorization(id, account).is_ok());
        (orders, authorizations, model.certificate(&certificate, account).is_ok())
    };
    world.model.sweep(NOW + Duration::days(1), &settings);
    assert_eq!(there(&world), ([true; 3], [true; 2], true), "an hour is not over");
    world.model.sweep(NOW + Duration::hours(25), &settings);
    assert_eq!(there(&world), ([false, true, false], [true; 2], true), "authorizations live longer");
    world.model.sweep(NOW + Duration::days(31), &settings);
    assert_eq!(there(&world), ([false, true, false], [true, false], true), "an order needs the proof");
    world.model.sweep(NOW + Duration::days(181), &settings);
    assert_eq!(there(&world), ([false, true, false], [true, false], false));
    assert!(world.model.certificate_index.identifiers() == 0);
    let account = world.model.acting_account(&world.account).unwrap();
    assert_eq!(account.orders, std::slice::from_ref(&signing));

    world.model.abandon_signing();
    world.model.sweep(NOW + Duration::days(181), &settings);
    assert!(world.model.orders.is_empty() && world.model.authorizations.is_empty());
    assert!(world.model.proofs.is_empty());
}

#[test]
fn a_growing_model_sweeps_on_the_way() {
    let mut world = World::new(Rights::default());
    let settings = Settings { keep_ended: std::time::Duration::ZERO, ..Settings::default() };
    let mut most = 0;
    for number in 0..20_000_u32 {
        // A hundred orders a month, the lifetime of authorizations; all of them would be far more.
        let now = NOW + Duration::days(i64::from(number / 100) * 31);
        let name = Identifier::Dns(format!("n{number}.example.test"));
        let new = NewOrder {
            identifiers: vec![name],
            ancestors: BTreeMap::new(),
            not_before: None,
            not_after: None,
            profile: None,
            replaces: None,
        };
        let counter = &mut world.counter;
        let mut tokens = || {
            *counter += 1;
            format!("token-{counter}")
        };
        world.model.create_order(&world.account, new, now, &settings, &mut tokens).unwrap();
        most = most.max(world.model.orders.len() + world.model.authorizations.len());
    }
    assert!(most <= 2 * 1024, "{most}");
}

#[test]
fn retries_are_the_clients_or_the_servers_never_both() {
    let mut world = World::new(Rights::default());
    world.settings.validation_retries = 1;
    let order = world.order(&[NAME]).unwrap();
    let id = world.authorizations(&order).remove(0);
    let (kind, account) = (ChallengeKind::Http01, world.account.clone());
    let refused = || Err(Problem::new(ProblemType::Dns, "no such name"));
    assert!(world.model.begin_validation(&id, &account, kind, NOW).unwrap());
    assert_eq!(world.model.conclude_validation(&id, kind, refused(), NOW, &world.settings), Some(1));
    assert_eq!(world.status(&order), OrderStatus::Pending);
    assert!(world.model.begin_validation(&id, &account, kind, NOW).unwrap(), "the client asks for it");
    assert!(!world.model.begin_retry(&id, kind, 1, NOW), "so the server's own is dropped");
    assert_eq!(world.model.conclude_validation(&id, kind, refused(), NOW, &world.settings), None);
    assert_eq!(world.status(&order), OrderStatus::Invalid);
    assert!(!world.model.begin_retry(&id, kind, 2, NOW));
    let authorization = world.model.authorization(&id, &account).unwrap();
    assert_eq!(authorization.challenge(kind).unwrap().failures.len(), 2);
}

mod acting;
