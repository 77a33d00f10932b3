//! End-to-end tests: the built program in a clean environment, against our mock and against programs that others
//! wrote. A test whose programs are missing is reported as ignored, with their names; in CI that is a failure.
#![allow(clippy::unwrap_used, reason = "tests")]

mod account_keys;
mod accounts;
mod certificates;
mod common;
mod eab_refusals;
mod failures;
mod first_certificate;
mod interop;
mod kill;
mod ports;
mod prompts;
mod revocation;
mod secrets;
mod signals;
mod speed;
mod startup;

#[path = "../../benches/round_trips/link.rs"]
mod link;

use libtest_mimic::{Arguments, Failed, Trial};

use common::programs;

/// One test: its name, the programs it needs, what it does.
struct Test {
    name: &'static str,
    needs: &'static [&'static str],
    run: fn(),
}

/// Names a module's test functions and, for some, the programs that they need.
macro_rules! tests {
    ($module:ident: $($name:ident $([$($program:literal),+])?),+ $(,)?) => {
        [$(Test {
            name: concat!(stringify!($module), "::", stringify!($name)),
            needs: &[$($($program),+)?],
            run: $module::$name,
        }),+]
    };
}

fn main() {
    let arguments = Arguments::from_args();
    let mut tests = Vec::new();
    tests.extend(tests![account_keys:
        every_kind_of_account_key_orders, a_key_is_brought_in_any_form ["openssl"], a_rollover_changes_the_kind_of_key,
        a_binding_is_made_with_any_hmac, registering_at_once_makes_one_account,
        accounts_and_servers_stand_side_by_side, account_show_counts_all_orders,
    ]);
    tests.extend(tests![accounts:
        eab_key_from_a_file, eab_key_from_standard_input, eab_key_from_a_systemd_credential, eab_block_with_its_server,
        a_second_registration_changes_nothing, responsibility_must_be_accepted, acceptance_is_recorded,
        account_show_asks_the_server, a_lost_answer_is_made_up_for, contacts_are_updated,
        a_key_rollover_goes_on_with_the_new_key, a_rollover_that_died_is_made_up_for, a_deactivated_account_is_gone,
    ]);
    tests.extend(tests![certificates:
        international_names_are_shown_both_ways, a_thousand_names_are_one_certificate,
        a_hundred_names_are_proven_at_once, a_request_is_brought, a_key_is_kept_at_renewals,
        profiles_are_listed_and_chosen, the_preferred_chain_is_taken, dates_are_asked_for,
        must_staple_is_asked_for_and_kept, a_dry_run_changes_nothing, issue_does_what_differs,
    ]);
    tests.extend(
        tests![eab_refusals: without_eab, with_a_wrong_mac, with_a_revoked_kid, revoked_after_registration],
    );
    tests.extend(tests![failures:
        json_errors_have_one_form, an_unreachable_server_is_status_6, an_untrusted_server_is_told_apart,
        a_name_outside_the_rights_is_status_4, a_failed_challenge_is_status_5_and_is_cleaned_up,
        a_taken_port_is_status_5, bad_names_are_refused_before_anything_happens, the_config_file_is_read,
        other_names_are_not_replaced_silently, one_failure_stops_no_other, damage_is_told_and_mended,
        a_record_that_wants_more_is_due, output_that_cannot_be_written_is_no_panic, settings_are_told_with_their_place,
    ]);
    tests.extend(tests![first_certificate:
        exec_as_the_readme_says ["openssl"], several_names_and_an_address, methods_are_mixed_in_one_certificate, webroot_behind_nginx ["nginx"],
        every_key_type ["openssl"], revoked_certificates_are_replaced, standalone_is_shared_by_renewals,
        a_long_processing_is_waited_for, list_and_show,
    ]);
    tests.extend(tests![interop:
        our_client_with_pebble ["pebble", "pebble-challtestsrv", "openssl"],
        certbot_with_our_mock ["certbot", "openssl"],
        lego_with_our_mock ["lego", "openssl"],
        dehydrated_with_our_mock ["dehydrated", "curl", "openssl"],
        uacme_and_acme_tiny_with_our_mock ["uacme", "acme-tiny", "unshare", "openssl"],
        caddy_with_our_mock ["caddy", "openssl"],
        apache_mod_md_with_our_mock ["apache2", "openssl"],
        npm_acme_client_with_our_mock ["node", "acme-client", "openssl"],
    ]);
    tests.extend(tests![kill: issue_survives_kill_9_at_any_moment]);
    tests.extend(tests![ports:
        sockets_of_systemd_are_used, standalone_behind_a_proxy ["nginx"], a_port_alone_is_that_of_all_addresses,
    ]);
    tests.extend(
        tests![prompts: everything_can_be_typed ["script"], a_refused_prompt_changes_nothing ["script"]],
    );
    tests.extend(tests![revocation:
        any_kind_of_certificate_key_revokes, a_serial_number_finds_the_version, a_file_is_enough,
    ]);
    tests.extend(tests![secrets: secrets_stay_secret]);
    tests.extend(tests![signals: sigterm_takes_the_challenge_down]);
    tests.extend(
        tests![speed: one_name_takes_nine_requests_and_one_handshake, a_hundred_names_take_few_round_trips],
    );
    tests.extend(tests![startup: version_is_quick]);
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit();
}

fn trial(test: Test) -> Trial {
    let missing: Vec<&str> =
        test.needs.iter().copied().filter(|name| programs::find(name).is_none()).collect();
    if missing.is_empty() {
        return Trial::test(test.name, move || {
            (test.run)();
            Ok(())
        });
    }
    let missing = missing.join(", ");
    let kind = format!("needs {missing}");
    if std::env::var_os("CI").is_some() {
        return Trial::test(test.name, move || Err(Failed::from(format!("CI lacks {missing}"))))
            .with_kind(kind);
    }
    Trial::test(test.name, || Ok(())).with_kind(kind).with_ignored_flag(true)
}
