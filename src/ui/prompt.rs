//! Questions at a terminal.

use std::io::{self, BufRead as _, Write as _};

use zeroize::Zeroizing;

/// Asks for a line of text.
pub(super) fn line(question: &str) -> io::Result<String> {
    // No lock is held while somebody thinks: the log goes on.
    write!(io::stderr(), "{question} ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Asks a question; only the whole word `yes` agrees.
pub(super) fn confirm(question: &str) -> io::Result<bool> {
    Ok(line(&format!("{question} Type «yes» to agree:"))?.eq_ignore_ascii_case("yes"))
}

/// Asks for a secret, which is not shown.
pub(super) fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    rpassword::prompt_password(format!("{question} ")).map(Zeroizing::new)
}
