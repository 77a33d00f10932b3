//! `man`: the manual pages.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Kind};
use crate::ui::Report;

use super::documented;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// When the folder can't be written to.
pub(super) fn run(args: &Args) -> Result<Report, Error> {
    let failed = |path: &Path| {
        let message = format!("could not write {}", path.display());
        move |error: std::io::Error| Error::new(Kind::Local, message).because(error.to_string())
    };
    std::fs::create_dir_all(&args.folder).map_err(failed(&args.folder))?;
    let mut written = Vec::new();
    for (file, page) in render().map_err(failed(&args.folder))? {
        let path = args.folder.join(file);
        std::fs::write(&path, page).map_err(failed(&path))?;
        written.push(path.display().to_string());
    }
    let text = format!("Wrote {} pages to {}.", written.len(), args.folder.display());
    Ok(Report::new(text, json!({ "pages": written })))
}

/// Every page: its file's name and its text in roff.
///
/// # Errors
/// Never, as it writes to memory.
pub fn render() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = documented();
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    Ok(pages)
}

fn collect(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let man =
        clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).date("").manual("cacert-acme");
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for subcommand in command.get_subcommands().filter(|subcommand| subcommand.get_name() != "help") {
        collect(subcommand, pages)?;
    }
    Ok(())
}
