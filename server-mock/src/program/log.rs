//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Sets the log up: `usual`, and a level more for each `-v`; what libraries say comes two levels later.
/// Colours only on a terminal, and not if `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn start(usual: LevelFilter, verbose: u8) {
    let colours =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let filter = Targets::new()
        .with_target("server_mock", louder(usual, verbose))
        .with_default(louder(LevelFilter::ERROR, verbose.saturating_sub(1)));
    let layer = fmt::layer().with_writer(io::stderr).with_ansi(colours);
    tracing_subscriber::registry().with(layer).with(filter).init();
}

fn louder(level: LevelFilter, steps: u8) -> LevelFilter {
    const LEVELS: [LevelFilter; 5] =
        [LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG, LevelFilter::TRACE];
    let index = LEVELS.iter().position(|known| *known == level).unwrap_or(0);
    LEVELS[(index + usize::from(steps)).min(LEVELS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_is_a_level() {
        assert_eq!(louder(LevelFilter::WARN, 0), LevelFilter::WARN);
        assert_eq!(louder(LevelFilter::WARN, 2), LevelFilter::DEBUG);
        assert_eq!(louder(LevelFilter::INFO, 200), LevelFilter::TRACE);
    }
}
