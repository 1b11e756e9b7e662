//! Random tokens from one seed, so that the state is a pure function of its input.

use sha2::{Digest, Sha256};

/// SHA-256 in counter mode. [`super::server`] draws the seed from the system's generator.
pub(super) struct Random {
    seed: [u8; 32],
    stream: u64,
    drawn: u64,
}

impl Random {
    /// Streams of the same seed are independent.
    pub(super) fn new(seed: [u8; 32], stream: u64) -> Self {
        Random { seed, stream, drawn: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let mut hash = Sha256::new().chain_update(self.seed);
        hash.update(self.stream.to_be_bytes());
        hash.update(self.drawn.to_be_bytes());
        hash.finalize().into()
    }

    /// `1000.<32 hex>.<32 hex>`: the format of Zoho's codes, access tokens and refresh tokens.
    pub(super) fn token(&mut self) -> String {
        format!("1000.{}.{}", self.hex(32), self.hex(32))
    }

    /// Lowercase hexadecimal digits, at most 64.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        hex::encode(&self.block()[..digits / 2])
    }

    /// Uppercase letters and digits without look-alikes, at most 32, for client IDs and user codes.
    pub(super) fn letters(&mut self, count: usize) -> String {
        const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        self.block()[..count].iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
    }

    /// Decimal digits, for record and organization IDs.
    pub(super) fn digits(&mut self, count: usize) -> String {
        self.block()[..count].iter().map(|byte| char::from(b'1' + byte % 9)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_look_like_zohos_and_never_repeat() {
        let mut random = Random::new([7; 32], 0);
        let (one, two) = (random.token(), random.token());
        assert_ne!(one, two);
        let parts: Vec<&str> = one.split('.').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [4, 32, 32]);
    }
}
