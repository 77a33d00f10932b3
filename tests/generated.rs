//! The committed completions and manual pages are those of the program.
//!
//! `UPDATE=1 cargo test --test generated` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use cacert_acme::commands::{documented, render_man_pages};
use clap_complete::{Shell, generate};

#[test]
fn completions_are_current() {
    let shells =
        [(Shell::Bash, "cacert-acme.bash"), (Shell::Zsh, "_cacert-acme"), (Shell::Fish, "cacert-acme.fish")];
    let scripts = shells.map(|(shell, file)| {
        let mut script = Vec::new();
        generate(shell, &mut documented(), "cacert-acme", &mut script);
        (file.to_owned(), script)
    });
    compare(Path::new("completions"), &scripts);
}

#[test]
fn manual_pages_are_current() {
    compare(Path::new("man"), &render_man_pages().unwrap());
}

fn compare(folder: &Path, wanted: &[(String, Vec<u8>)]) {
    if std::env::var_os("UPDATE").is_some() {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder).unwrap();
        for (file, text) in wanted {
            fs::write(folder.join(file), text).unwrap();
        }
    }
    let mut present: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut names: Vec<String> = wanted.iter().map(|(file, _)| file.clone()).collect();
    present.sort();
    names.sort();
    let remedy = "write them anew with: UPDATE=1 cargo test --test generated";
    assert_eq!(present, names, "{}: {remedy}", folder.display());
    for (file, text) in wanted {
        assert!(
            fs::read(folder.join(file)).unwrap() == *text,
            "{}/{file} is stale; {remedy}",
            folder.display()
        );
    }
}
