//! Servers and clients that other people wrote, as Debian and npm ship them, by their own documented flags.

pub(crate) mod acme_client;
pub(crate) mod caddy;
pub(crate) mod certbot;
pub(crate) mod dehydrated;
pub(crate) mod lego;
pub(crate) mod mod_md;
pub(crate) mod pebble;
pub(crate) mod uacme;

pub(crate) use acme_client::npm_acme_client_with_our_mock;
pub(crate) use caddy::caddy_with_our_mock;
pub(crate) use certbot::certbot_with_our_mock;
pub(crate) use dehydrated::dehydrated_with_our_mock;
pub(crate) use lego::lego_with_our_mock;
pub(crate) use mod_md::apache_mod_md_with_our_mock;
pub(crate) use pebble::our_client_with_pebble;
pub(crate) use uacme::uacme_and_acme_tiny_with_our_mock;
