//! Randomness, injected: the operating system's, or a seeded stream for runs that repeat exactly.

use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A source of random bytes.
pub trait Random: Send + Sync + 'static {
    /// Overwrites `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);

    /// `bytes` random bytes in base64url without padding; 16 are the least that RFC 8555 §8 and §6.5 ask for.
    fn token(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        URL_SAFE_NO_PAD.encode(buffer)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    /// # Panics
    /// When the system has no generator at all: nothing safe could be done without one.
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("every supported system has a random generator");
    }
}

/// A reproducible stream: the same seed, asked in the same order, gives the same bytes.
///
/// Anybody who knows the seed knows every key made from it.
pub struct SeededRandom(Mutex<ChaCha20Rng>);

impl SeededRandom {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::stream(seed, 0)
    }

    /// One of the streams of this seed; they are independent of each other.
    #[must_use]
    pub fn stream(seed: u64, number: u64) -> Self {
        let mut stream = ChaCha20Rng::seed_from_u64(seed);
        stream.set_stream(number);
        Self(Mutex::new(stream))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_stream() {
        let (one, two, other) = (SeededRandom::new(7), SeededRandom::new(7), SeededRandom::new(8));
        let first = one.token(16);
        assert_eq!(first, two.token(16));
        assert_ne!(first, one.token(16), "the stream goes on");
        assert_ne!(first, other.token(16));
        assert_ne!(first, SeededRandom::stream(7, 1).token(16));
    }

    #[test]
    fn tokens_are_unpadded_base64url_of_the_asked_length() {
        let token = OsRandom.token(16);
        assert_eq!(URL_SAFE_NO_PAD.decode(&token).unwrap().len(), 16);
        assert_ne!(token, OsRandom.token(16));
    }
}
