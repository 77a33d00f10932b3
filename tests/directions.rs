//! Dependencies run one way: `main → cli → commands → issuance → edges → core` in the client, `main → {web, admin} →
//! {va, ca, store, policy, protocol} → model` in the mock. This test reads the `crate::` paths of every file and
//! fails where one runs against the directions that ARCHITECTURE.md draws.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A part of a package (a file or folder below `src`), and the parts that it may use.
type Rule = (&'static str, &'static [&'static str]);

const CLIENT: &[Rule] = &[
    ("main", &[]),
    ("lib", &[]),
    ("cli", &["commands", "config", "core", "env", "error", "ui"]),
    (
        "commands",
        &["acme", "challenge", "config", "core", "env", "error", "hooks", "issuance", "keys", "store", "ui"],
    ),
    ("issuance", &["acme", "challenge", "core", "error", "keys", "store", "ui"]),
    ("ui", &["core", "error"]),
    // What a person is told of an edge's failure: it knows the edges' errors, and they do not know it.
    ("error", &["acme", "challenge", "config", "core", "dns", "hooks", "keys", "store"]),
    ("acme", &["core"]),
    ("challenge", &["core", "dns", "hooks"]),
    ("dns", &["core"]),
    ("hooks", &["core"]),
    ("store", &["core"]),
    ("keys", &["core"]),
    ("config", &[]),
    ("env", &[]),
    ("core", &[]),
];

/// What the core of either package must not touch: it is given time and randomness, and does no I/O.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::env",
    "std::process",
    "reqwest",
    "now_utc",
    "::now()",
    "SystemRandom",
    "rand::",
];

#[test]
fn the_client_depends_in_one_direction() {
    check(Path::new("src"), CLIENT);
}

#[test]
fn the_mock_depends_in_one_direction() {
    const EDGES: &[&str] = &["clock", "model", "random"];
    const INNER: &[&str] = &["model", "protocol"];
    const SERVING: &[&str] = &[
        "background",
        "ca",
        "clock",
        "faults",
        "model",
        "policy",
        "protocol",
        "random",
        "services",
        "store",
        "testbed",
        "va",
    ];
    let root = Path::new("server-mock/src");
    let everything: Vec<&str> = parts(root).into_iter().map(|part| &*part.leak()).collect();
    let everything: &'static [&str] = everything.leak();
    check(
        root,
        &[
            ("model", &[]),
            ("protocol", INNER),
            ("policy", INNER),
            ("store", EDGES),
            ("ca", EDGES),
            ("va", EDGES),
            ("testbed", &[]),
            // Whose work it is.
            ("background", &["model"]),
            ("clock", &[]),
            ("random", &[]),
            ("services", SERVING),
            ("web", SERVING),
            ("admin", SERVING),
            // Around the handlers, which know nothing of it.
            ("faults", &["ca", "model", "protocol", "random", "server", "store"]),
            ("host", &[]),
            ("config", &["ca", "faults", "host", "model"]),
            ("server", &[]),
            ("endpoint_tls", &["ca", "host"]),
            ("demo", &["admin", "model"]),
            // What outlives a run, and what ends without being asked.
            ("state", &["ca", "config", "endpoint_tls", "model", "store"]),
            ("sweeper", &["services"]),
            ("courier", &["model", "services"]),
            ("mock_server", everything),
            ("lib", &[]),
            ("main", &[]),
            // The program uses the library by its name, as anybody would.
            ("program", &[]),
        ],
    );
}

#[test]
fn the_core_is_pure() {
    for root in ["src/core", "server-mock/src/model", "server-mock/src/policy", "server-mock/src/protocol"] {
        for file in sources(Path::new(root)) {
            let text = code(&file);
            for word in IMPURE {
                assert!(!text.contains(word), "{} is in the pure core and has {word:?}", file.display());
            }
        }
    }
}

#[test]
fn client_and_mock_share_no_code() {
    let manifest: toml::Table = fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    assert!(!manifest["dependencies"].as_table().unwrap().contains_key("server-mock"));
    let manifest: toml::Table = fs::read_to_string("server-mock/Cargo.toml").unwrap().parse().unwrap();
    for section in ["dependencies", "dev-dependencies"] {
        assert!(!manifest[section].as_table().unwrap().contains_key("cacert-acme"), "{section}");
    }
}

fn check(root: &Path, rules: &[Rule]) {
    let known: BTreeSet<String> = rules.iter().map(|(part, _)| (*part).to_owned()).collect();
    assert_eq!(parts(root), known, "every part of {} has a rule, and every rule a part", root.display());
    for file in sources(root) {
        let part = part_of(root, &file);
        let (_, allowed) = rules.iter().find(|(name, _)| *name == part).unwrap();
        for used in used_parts(&code(&file)) {
            let fine = used == part || allowed.contains(&used.as_str()) || !known.contains(&used);
            assert!(fine, "{} uses crate::{used}, but {part} may only use {allowed:?}", file.display());
        }
    }
}

/// The first path segment after every `crate::`, also within `crate::{a, b::c}`.
fn used_parts(code: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => drop(parts.insert(first_word(rest))),
            Some(list) => {
                let mut depth = 0;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => drop(parts.insert(first_word(&std::mem::take(&mut item)))),
                        c => item.push(c),
                    }
                }
                parts.insert(first_word(&item));
            }
        }
    }
    parts.remove("");
    parts
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// A file's code without comments and without its tests, which stand at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every Rust file below a folder; `tests.rs` holds a module's tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

fn parts(root: &Path) -> BTreeSet<String> {
    sources(root).iter().map(|file| part_of(root, file)).collect()
}

fn part_of(root: &Path, file: &Path) -> String {
    let first = file.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

#[test]
fn the_reader_understands_every_form_of_path() {
    let used = used_parts("use crate::{a, b::{c, d}, e as f};\nuse crate::g::h;\nlet x = crate::i::j();");
    assert_eq!(used.into_iter().collect::<Vec<_>>(), ["a", "b", "e", "g", "i"]);
}
