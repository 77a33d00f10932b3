//! Documents and certificates that are unusual, and those that must not be taken.

use cacert_acme::core::chain::Chain;
use cacert_acme::core::identifier::Identifier;
use serde_json::json;
use server_mock::faults::{
    Born, ChainForm, Endpoint, Fault, Kind, LeafForm, LinkForm, Listing, LocationForm,
};

use super::{NAME, merge};
use crate::common::World;

const NAMES: &[&str] = &["a.example.test", "b.example.test", "c.example.test"];

pub(crate) fn c9_the_unknown_is_tolerated() {
    let world = World::with_slow_signer();
    world.strike(Fault::always(Kind::ExtraMembers));
    let sleeping = || merge(json!({"status": "sleeping"}));
    world.strike(Fault::at(Endpoint::Challenge, sleeping()));
    world.strike(Fault::at(Endpoint::Authorization, sleeping()).from_request(2).times(3));
    world.strike(Fault::at(Endpoint::Order, sleeping()).times(2));
    world.client(&["account", "show"]).succeeds();
    world.issue_all(NAMES).succeeds();
    world.all_struck();
}

pub(crate) fn c16_arrays_come_in_any_order() {
    let world = World::new();
    world.strike(Fault::always(Kind::Shuffle));
    world.register();
    world.issue_all(NAMES).succeeds();
    world.client(&["renew", "--force"]).succeeds();
}

pub(crate) fn c17_fewer_or_more_authorizations_than_names() {
    let world = World::with(|config| config.policy.reuse_authorizations = true);
    world.register();
    let list = |listing| {
        world.mock().faults().clear();
        for endpoint in [Endpoint::NewOrder, Endpoint::Order, Endpoint::Finalize] {
            world.strike(Fault::at(endpoint, Kind::Authorizations(listing)));
        }
    };
    list(Listing::Doubled);
    world.count(Endpoint::Challenge).issue("a.example.test");
    assert_eq!(world.seen(Endpoint::Challenge), 1, "proven once");
    // The last one is proven already, and the server does not list it.
    world.issue("c.example.test");
    list(Listing::Fewer);
    world.issue_all(&["b.example.test", "c.example.test"]).succeeds();
}

pub(crate) fn c18_an_order_born_ready() {
    let world = World::registered();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::Born(Born::Ready)));
    world.count(Endpoint::Challenge).count(Endpoint::Authorization).issue(NAME);
    assert_eq!(world.seen(Endpoint::Challenge), 0);
}

/// Its certificate is fetched at once; and as it has the key of the last one, not the new one, it is not installed.
pub(crate) fn c19_an_order_born_valid() {
    let world = World::registered();
    world.issue(NAME);
    world.strike(Fault::at(Endpoint::NewOrder, Kind::Born(Born::Valid)));
    world.count(Endpoint::Finalize).count(Endpoint::Certificate);
    world.client(&["renew", "--force"]).exits(6).tells("another key");
    assert_eq!((world.seen(Endpoint::Finalize), world.seen(Endpoint::Certificate)), (0, 1));
    assert_eq!(world.client(&["show", NAME, "--json"]).succeeds().json()["version"], 1);
    world.mock().faults().clear();
    world.client(&["renew", "--force"]).succeeds();
    // Who keeps the key can use such a certificate.
    let kept = ["issue", "-d", "kept.example.test", &world.standalone(), "--reuse-key", "--json"];
    world.client(&kept).succeeds();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::Born(Born::Valid)));
    world.count(Endpoint::Finalize).client(&["renew", "kept.example.test", "--force"]).succeeds();
    assert_eq!(world.seen(Endpoint::Finalize), 0);
}

pub(crate) fn c20_c21_c22_what_is_valid_is_left_alone_and_in_the_certificate() {
    let world = World::with(|config| config.policy.reuse_authorizations = true);
    world.register();
    world.issue("b.example.test");
    world.count(Endpoint::Challenge).issue_all(NAMES).succeeds();
    assert_eq!(world.seen(Endpoint::Challenge), 2, "not for the name that is proven");
    let pem = std::fs::read_to_string(world.current("a.example.test", "fullchain.pem")).unwrap();
    let wanted: Vec<Identifier> = NAMES.iter().map(|name| name.parse().unwrap()).collect();
    assert!(Chain::parse(&pem).unwrap().facts().identifiers.iter().eq(&wanted), "all names of the order");
}

pub(crate) fn c29_an_order_that_changes_is_given_up() {
    let world = World::with_slow_signer();
    let others = || merge(json!({"identifiers": [{"type": "dns", "value": "x.test"}]}));
    let cases = [
        (Endpoint::Order, Kind::Authorizations(Listing::Changing), "changed its authorizations"),
        (Endpoint::Finalize, Kind::Authorizations(Listing::Changing), "changed its authorizations"),
        (Endpoint::Order, others(), "changed its names"),
        (Endpoint::Finalize, others(), "changed its names"),
        (Endpoint::NewOrder, others(), "is for other names"),
    ];
    for (number, (endpoint, fault, told)) in cases.into_iter().enumerate() {
        world.mock().faults().clear();
        world.strike(Fault::at(endpoint, fault));
        world.issue_all(&[&format!("n{number}.example.test")]).exits(6).tells(told);
    }
}

pub(crate) fn c31_c33_alternates_are_found_in_several_link_headers_or_joined_ones() {
    for form in [LinkForm::Several, LinkForm::Joined] {
        let world = World::with(|config| config.alternate_root = true);
        world.register();
        world.strike(Fault::always(Kind::Links(form)));
        let other = "CA Cert Alternate Authority (server-mock)";
        for (preferred, chosen) in [(other, true), ("CA Cert Signing Authority (server-mock)", false)] {
            let standalone = world.standalone();
            world
                .client(&["issue", "-d", NAME, &standalone, "--force", "--preferred-chain", preferred])
                .succeeds();
            let pem = std::fs::read_to_string(world.current(NAME, "fullchain.pem")).unwrap();
            let names = Chain::parse(&pem).unwrap().issuer_names();
            assert_eq!(names.iter().any(|name| name == other), chosen, "{names:?}");
        }
    }
}

pub(crate) fn c32_a_relative_or_missing_location() {
    let world = World::new();
    world.strike(Fault::always(Kind::Location(LocationForm::Relative)));
    world.register();
    world.issue(NAME);
    world.mock().faults().clear();
    world.strike(Fault::at(Endpoint::NewOrder, Kind::Location(LocationForm::Missing)));
    world.client(&["renew", "--force"]).exits(6).tells("the new order came without its URL");
    let world = World::new();
    world.strike(Fault::at(Endpoint::NewAccount, Kind::Location(LocationForm::Missing)).times(1));
    let key = world.path("eab-key");
    let eab = ["--eab-kid", &world.eab.kid, "--eab-key-file", key.to_str().unwrap()];
    world.client(&world.registration(&eab)).exits(6).tells("the new account came without its URL");
    // The account is there, and its key was kept.
    world.register();
}

pub(crate) fn c34_a_chain_with_anything_else_in_it_is_refused() {
    let world = World::registered();
    let issue = ["issue", "-d", NAME, &world.standalone()];
    for (form, told) in [
        (ChainForm::PrivateKey, "something else than certificates"),
        (ChainForm::Junk, "something else than certificates"),
        (ChainForm::Long, "more than 10 certificates"),
        (ChainForm::Reversed, "another key"),
    ] {
        world.mock().faults().clear();
        world.strike(Fault::at(Endpoint::Certificate, Kind::Chain(form)));
        world.client(&issue).exits(6).tells(told);
        assert!(!world.current(NAME, "cert.pem").exists());
    }
    // Other line ends and a missing issuer are odd, and harmless.
    for (version, form) in (1..).zip([ChainForm::Crlf, ChainForm::LeafOnly]) {
        world.mock().faults().clear();
        world.strike(Fault::at(Endpoint::Certificate, Kind::Chain(form)));
        let outcome =
            world.client(&["issue", "-d", NAME, &world.standalone(), "--force", "--json"]).succeeds();
        assert_eq!(outcome.json()["version"], version);
        let pem = std::fs::read_to_string(world.current(NAME, "fullchain.pem")).unwrap();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n") && !pem.contains('\r'), "{pem}");
    }
}

pub(crate) fn c35_a_wrong_leaf_is_refused() {
    let world = World::registered();
    world.issue(NAME);
    for (form, told) in [
        (LeafForm::OtherKey, "another key"),
        (LeafForm::OtherNames, "not-ordered.example.test"),
        (LeafForm::Expired, "clock"),
        (LeafForm::NotYetValid, "clock"),
    ] {
        world.mock().faults().clear();
        world.strike(Fault::at(Endpoint::Certificate, Kind::Leaf(form)));
        world.client(&["renew", "--force"]).exits(6).tells(told);
        assert_eq!(world.client(&["show", NAME, "--json"]).succeeds().json()["version"], 1);
    }
    world.mock().faults().clear();
    world.client(&["renew", "--force"]).succeeds();
}

pub(crate) fn c36_bodies_and_redirects_are_bounded() {
    let world = World::with_slow_signer();
    for endpoint in [Endpoint::Directory, Endpoint::NewOrder, Endpoint::Certificate] {
        world.mock().faults().clear();
        world.strike(Fault::at(endpoint, Kind::HugeBody(200_000_000)));
        world.issue_all(&["a.example.test"]).exits(6).tells("more than 1 MiB");
    }
    for (endpoint, status) in [(Endpoint::Directory, 302), (Endpoint::NewOrder, 307), (Endpoint::Order, 308)]
    {
        world.mock().faults().clear();
        world.strike(Fault::at(endpoint, Kind::Redirect(status)));
        world.issue_all(&["b.example.test"]).exits(6);
        assert!((2..=5).contains(&world.seen(endpoint)), "{endpoint:?}: {} requests", world.seen(endpoint));
    }
}

pub(crate) fn c37_urls_of_plain_http_are_refused() {
    let world = World::registered();
    for endpoint in [Endpoint::Directory, Endpoint::NewOrder, Endpoint::Authorization] {
        world.mock().faults().clear();
        world.strike(Fault::at(endpoint, Kind::PlainHttp));
        world.client(&["issue", "-d", NAME, &world.standalone()]).exits(6).tells("not an https URL");
    }
}
