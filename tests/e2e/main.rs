//! End-to-end tests: the built program in a clean environment, against our mock and against programs that others
//! wrote. A test whose programs are missing is reported as ignored, with their names; in CI that is a failure.
#![allow(clippy::unwrap_used, reason = "tests")]

mod account_keys;
mod accounts;
mod certificates;
mod checklist;
mod common;
mod dns;
mod eab_refusals;
mod failures;
mod first_certificate;
mod hooks;
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

use checklist::{
    accounts as checklist_accounts, documents as checklist_documents, lost_answers as checklist_lost_answers,
    nonces as checklist_nonces, refusals as checklist_refusals, waiting as checklist_waiting,
};
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
        a_binding_is_made_with_any_hmac, a_binding_takes_the_algorithm_that_the_server_asks_for,
        registering_at_once_makes_one_account,
        accounts_and_servers_stand_side_by_side, account_show_counts_all_orders,
    ]);
    tests.extend(tests![accounts:
        eab_key_from_a_file, eab_key_from_standard_input, eab_key_from_a_systemd_credential, eab_block_with_its_server,
        a_second_registration_changes_nothing, responsibility_must_be_accepted, acceptance_is_recorded,
        account_show_asks_the_server, a_lost_answer_is_made_up_for, contacts_are_updated,
        a_key_rollover_goes_on_with_the_new_key, a_rollover_that_died_is_made_up_for, a_deactivated_account_is_gone,
        a_deactivation_that_did_not_happen_is_told,
    ]);
    tests.extend(tests![certificates:
        international_names_are_shown_both_ways, a_thousand_names_are_one_certificate,
        a_hundred_names_are_proven_at_once, a_request_is_brought, a_request_under_way_is_taken_up, a_key_is_kept_at_renewals,
        profiles_are_listed_and_chosen, the_preferred_chain_is_taken, dates_are_asked_for,
        must_staple_is_asked_for_and_kept, a_dry_run_changes_nothing, issue_does_what_differs,
    ]);
    tests.extend(tests![dns:
        wildcard_and_base_side_by_side_with_bind ["named", "tsig-keygen", "dig"],
        updates_of_knot ["knotd", "tsig-keygen", "dig"],
        a_wrong_key_is_told_apart ["named", "tsig-keygen", "dig"],
        a_secondary_that_lags_is_awaited ["named", "knotd", "knotc", "tsig-keygen", "dig"],
        a_hundred_names_at_once ["named", "tsig-keygen", "dig"],
        c44_a_signal_takes_records_down ["named", "knotd", "tsig-keygen", "dig"],
        what_a_killed_run_left_is_taken_down_by_the_next ["named", "knotd", "tsig-keygen", "dig"],
        a_timeout_names_the_server_and_what_it_shows ["named", "knotd", "tsig-keygen", "dig"],
        proofs_stand_where_cname_records_lead ["named", "tsig-keygen", "dig"],
        a_wildcard_cname_is_not_followed ["named", "tsig-keygen", "dig"],
        an_alias_is_named_outright ["named", "tsig-keygen", "dig"],
        a_label_of_the_accounts_own ["named", "tsig-keygen", "dig"],
        resolvers_alone_are_asked_where_servers_cannot_be ["named", "tsig-keygen", "dig"],
        a_server_that_is_down_is_named ["named", "tsig-keygen", "dig"],
        a_record_that_stands_for_good ["named", "tsig-keygen", "dig", "nsupdate"],
        a_record_for_a_name_that_is_proven_already,
        records_by_hand ["named", "tsig-keygen", "dig", "nsupdate", "script"],
        ctrl_c_at_a_prompt_ends_the_run ["named", "tsig-keygen", "dig", "nsupdate", "script"],
        files_by_hand ["script"],
        nobody_is_asked_without_a_terminal,
        a_wildcard_its_base_and_two_addresses_in_one_certificate ["named", "tsig-keygen", "dig"],
    ]);
    tests.extend(
        tests![eab_refusals: without_eab, with_a_wrong_mac, with_a_revoked_kid, revoked_after_registration],
    );
    tests.extend(tests![checklist_accounts:
        c6_every_request_says_who_asks, c7_urls_are_used_as_the_directory_has_them,
        c8_a_directory_that_changed_is_followed, c38_an_account_comes_with_200_or_201,
        c40_external_account_required, c41_an_account_that_is_gone_is_told_and_not_used_again,
        c42_the_new_key_is_another_accounts, c43_the_answer_to_a_key_change_is_lost,
        c43_the_answer_to_an_account_request_is_lost,
    ]);
    tests.extend(tests![checklist_documents:
        c9_the_unknown_is_tolerated, c16_arrays_come_in_any_order,
        c17_fewer_or_more_authorizations_than_names, c18_an_order_born_ready, c19_an_order_born_valid,
        c20_c21_c22_what_is_valid_is_left_alone_and_in_the_certificate, c29_an_order_that_changes_is_given_up,
        c31_c33_alternates_are_found_in_several_link_headers_or_joined_ones, c32_a_relative_or_missing_location,
        c34_a_chain_with_anything_else_in_it_is_refused, c35_a_wrong_leaf_is_refused,
        c36_bodies_and_redirects_are_bounded, c37_urls_of_plain_http_are_refused,
    ]);
    tests.extend(tests![checklist_lost_answers:
        c43_the_answer_to_new_order_is_lost, c43_the_answer_to_finalize_is_lost,
        c43_the_answer_to_a_challenge_is_lost, c43_the_certificate_is_lost_on_its_way, c43_a_bad_line,
        c51_an_order_under_way_is_taken_up,
    ]);
    tests.extend(tests![checklist_nonces:
        c1_a_bad_nonce_is_replaced_by_the_one_it_brings, c2_five_bad_nonces_in_a_row,
        c3_an_invalid_nonce_is_ignored, c4_where_an_error_brings_no_nonce_one_is_fetched,
        c5_no_nonce_is_used_twice_however_concurrent, half_of_all_nonces_are_refused,
    ]);
    tests.extend(tests![checklist_refusals:
        c27_a_bad_csr_ends_it_with_the_reason, c28_each_refused_name_is_told,
        rights_are_told_in_cacerts_terms, c52_escape_sequences_never_reach_the_terminal,
    ]);
    tests.extend(tests![checklist_waiting:
        c10_retry_after_in_seconds, c11_retry_after_as_a_date, c12_an_odd_retry_after_is_bounded,
        c13_backs_off_when_there_were_too_many_requests, c14_error_pages_in_html_pass,
        c15_an_empty_body_is_asked_for_again, c23_processing_is_waited_for_everywhere,
        c24_finalize_answers_processing, c25_finalize_answers_valid,
        c26_an_order_that_is_not_ready_is_asked_for_again, c30_a_server_that_never_gets_ready_is_given_up,
    ]);
    tests.extend(tests![failures:
        json_errors_have_one_form, an_unreachable_server_is_status_6, an_untrusted_server_is_told_apart,
        a_name_outside_the_rights_is_status_4, c44_a_failed_challenge_is_status_5_and_is_cleaned_up,
        a_taken_port_is_status_5, bad_names_are_refused_before_anything_happens, the_config_file_is_read,
        other_names_are_not_replaced_silently, one_failure_stops_no_other, damage_is_told_and_mended,
        a_record_that_wants_more_is_due, output_that_cannot_be_written_is_no_panic, settings_are_told_with_their_place,
    ]);
    tests.extend(tests![first_certificate:
        exec_as_the_readme_says ["openssl"], several_names_and_an_address, methods_are_mixed_in_one_certificate, webroot_behind_nginx ["nginx"],
        every_key_type ["openssl"], revoked_certificates_are_replaced, standalone_is_shared_by_renewals, certificates_of_one_name_take_turns,
        a_long_processing_is_waited_for, list_and_show,
    ]);
    tests.extend(hooks());
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
        a_compromised_key_is_not_kept_by_the_version_that_shares_it,
    ]);
    tests.extend(tests![secrets: secrets_stay_secret]);
    tests.extend(tests![signals: c44_sigterm_takes_the_challenge_down]);
    tests.extend(
        tests![speed: one_name_takes_nine_requests_and_one_handshake, a_hundred_names_take_few_round_trips],
    );
    tests.extend(tests![startup: version_is_quick]);
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit();
}

/// One module a dialect.
fn hooks() -> Vec<Test> {
    use hooks::{acme_sh, certbot, dehydrated, lego, originals, uacme};
    let mut tests = Vec::new();
    tests.extend(tests![lego:
        exec ["curl"], an_alias_is_told_to_the_hook ["curl"],
        a_valid_authorization_calls_no_hook ["curl"], one_call_at_a_time ["curl"], a_failure_is_told_and_cleaned_up, raw_for_files,
        a_signal_ends_the_hook, what_a_killed_run_left_is_cleaned_up ["curl"], httpreq,
    ]);
    tests.extend(tests![certbot: dns ["curl"], files_with_two_commands]);
    tests.extend(tests![dehydrated:
        dns ["curl"], begin_and_end_once ["curl"], chain ["curl"], files, tls ["openssl"],
        failures_are_fatal ["curl"], an_invalid_challenge_is_told ["curl"],
    ]);
    tests.extend(tests![acme_sh:
        helpers_in_dash_and_bash ["dash", "bash", "curl", "openssl"], a_json_api ["curl", "openssl"],
        a_form_api ["curl", "openssl"], nsupdate_and_bind ["named", "tsig-keygen", "dig", "nsupdate"],
    ]);
    tests.extend(tests![uacme: dns ["curl"], the_next_type_is_tried ["curl"], files, the_packages_own_script ["uacme"], failures]);
    tests.extend(tests![originals:
        lego ["lego", "curl"], certbot ["certbot", "curl"], dehydrated ["dehydrated", "curl", "openssl"],
        uacme ["uacme", "unshare", "curl"],
    ]);
    for test in &mut tests {
        test.name = format!("hooks::{}", test.name).leak();
    }
    tests
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
