//! The table in the README that says which test covers which check.
//!
//! `UPDATE=1 cargo test -p server-mock --test conformance checks` writes it anew.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

const BEGIN: &str = "<!-- checks: begin -->\n";
const END: &str = "<!-- checks: end -->\n";
/// A number, a tab and what is expected; one check a line, in order.
const CHECKS: &str = include_str!("checks.txt");

/// The tests of each number, as `file::name`: those on the wire, and those of single parts.
fn tests() -> BTreeMap<u16, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests/conformance"] {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let mut tests = BTreeMap::<u16, Vec<String>>::new();
    for file in files {
        let module = file.strip_prefix(root).unwrap().with_extension("");
        let module = module.to_str().unwrap().replace("tests/conformance/", "");
        let text = fs::read_to_string(&file).unwrap();
        let mut attributed = false;
        for line in text.lines() {
            let line = line.trim_start();
            let name = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
            let name = name.and_then(|rest| rest.split(['(', '<']).next());
            if let (true, Some(name)) = (attributed, name)
                && let Some(number) = number(name)
            {
                tests.entry(number).or_default().push(format!("{module}::{name}"));
            }
            attributed = line.starts_with("#[tokio::test") || line == "#[test]";
        }
    }
    tests
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

/// The number in a test's name, such as `s038_…`.
fn number(name: &str) -> Option<u16> {
    let digits = name.strip_prefix('s')?.get(..3)?;
    (name.get(4..5) == Some("_")).then(|| digits.parse().ok()).flatten()
}

fn checks() -> impl Iterator<Item = (u16, &'static str)> {
    CHECKS.lines().map(|line| {
        let (number, text) = line.split_once('\t').unwrap();
        (number.parse().unwrap(), text)
    })
}

fn table() -> String {
    let tests = tests();
    let all = checks().count();
    let covered = checks().filter(|(number, _)| tests.contains_key(number)).count();
    let mut table = format!("{covered} of {all} checks have a test.\n\n| | check | test |\n|---|---|---|\n");
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
fn the_table_in_the_readme_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the table");
    let (shown, after) = rest.split_once(END).expect("the end of the table");
    let table = table();
    if shown == table {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    panic!("the table is stale: UPDATE=1 cargo test -p server-mock --test conformance checks");
}

#[test]
fn every_numbered_test_has_a_check_and_a_number_of_its_own() {
    let numbers: Vec<u16> = checks().map(|(number, _)| number).collect();
    assert!(numbers.iter().copied().eq(1..=179), "each number once, in order");
    for (number, tests) in tests() {
        // 0 is for what the others build on: the unchanged request.
        assert!(number == 0 || numbers.contains(&number), "{tests:?}");
        for test in tests {
            let others = test.split("_s").skip(1).filter(|rest| rest.get(..3).is_some_and(is_number));
            assert_eq!(others.count(), 0, "{test}: one number each");
        }
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
