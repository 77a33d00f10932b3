//! The table in CONTRIBUTING.md that says which test covers which number of the client's checklist for any server.
//!
//! `UPDATE=1 cargo test --test checks` writes it anew.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- checks: begin -->\n";
const END: &str = "<!-- checks: end -->\n";
const DOCUMENT: &str = "CONTRIBUTING.md";
/// A number, a tab and what is checked; one a line, in order.
const CHECKS: &str = include_str!("checks.txt");

fn checks() -> impl Iterator<Item = (u16, &'static str)> {
    CHECKS.lines().map(|line| {
        let (number, text) = line.split_once('\t').unwrap();
        (number.parse().unwrap(), text)
    })
}

/// The tests of each number, as `file::name`: in the files of what they test, and end to end.
fn tests() -> BTreeMap<u16, Vec<String>> {
    let mut files = Vec::new();
    for folder in ["src", "tests/e2e"] {
        collect(Path::new(folder), &mut files);
    }
    files.sort();
    let mut tests = BTreeMap::<u16, Vec<String>>::new();
    for file in files {
        let module = file.with_extension("").to_str().unwrap().replace("tests/", "");
        for line in fs::read_to_string(&file).unwrap().lines() {
            let Some((_, rest)) = line.split_once("fn ") else { continue };
            let name = rest.split(['(', '<']).next().unwrap();
            for number in numbers(name) {
                tests.entry(number).or_default().push(format!("{module}::{name}"));
            }
        }
    }
    tests
}

/// The numbers that a test's name begins with: `c20_c22_…` is about two.
fn numbers(name: &str) -> Vec<u16> {
    let number = |word: &str| word.strip_prefix('c')?.parse().ok();
    name.split('_').map_while(number).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn table() -> String {
    let tests = tests();
    let covered = checks().filter(|(number, _)| tests.contains_key(number)).count();
    let mut table =
        format!("{covered} of {} have a test.\n\n| | | test |\n|---|---|---|\n", checks().count());
    for (number, text) in checks() {
        let tests = match tests.get(&number) {
            Some(tests) => tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", "),
            None => "none yet".to_owned(),
        };
        writeln!(table, "| {number} | {text} | {tests} |").unwrap();
    }
    table
}

#[test]
fn the_table_of_checks_is_true() {
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the beginning of the table");
    let (shown, after) = rest.split_once(END).expect("the end of the table");
    let table = table();
    if shown == table {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(DOCUMENT, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    panic!("the table in {DOCUMENT} is stale: UPDATE=1 cargo test --test checks");
}

#[test]
fn every_numbered_test_has_a_check() {
    assert!(checks().map(|(number, _)| number).eq(1..=52), "each number once, in order");
    let known: Vec<u16> = checks().map(|(number, _)| number).collect();
    for (number, tests) in tests() {
        assert!(known.contains(&number), "{tests:?}");
    }
}

#[test]
fn names_are_read_for_their_numbers() {
    assert_eq!(numbers("c20_c22_what_is_valid"), [20, 22]);
    assert_eq!(numbers("c3_x_c4"), [3]);
    assert!(numbers("certificates_c3").is_empty());
}
