//! A private key file under a passphrase: Argon2id (RFC 9106) makes the key, ChaCha20-Poly1305 (RFC 8439) seals the file. Refuses
//! costs that no honest writer asks for, and a file of which one bit changed.
//!
//! ```text
//! 1 | memory KiB u32be | passes u32be | lanes u32be | salt[16] | nonce[12] | sealed PEM text, tag[16]
//! └───────────────── authenticated with it ──────────────────────────────┘
//! ```
//! All files of one directory may share a salt, so that one derivation opens them all; each has a nonce of its own.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::crypto::random::{self, RandomError};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 12 + SALT_BYTES + 12;
const SALT_BYTES: usize = 16;
/// 64 MiB and three passes: the second choice of RFC 9106, section 4.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a file may ask for: a forged one must not take the machine's memory.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

/// How the key is made from a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT_BYTES],
}

impl Costs {
    /// The costs of a new directory of keys, with a fresh salt.
    ///
    /// # Errors
    /// [`LockedError::Random`].
    pub fn fresh() -> Result<Self, LockedError> {
        Ok(Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt: random::bytes()? })
    }

    /// The costs that a file names.
    ///
    /// # Errors
    /// [`LockedError::Malformed`].
    pub fn of(file: &[u8]) -> Result<Self, LockedError> {
        let bad = LockedError::Malformed;
        let (version, rest) = file.split_first().ok_or(bad)?;
        let mut rest = rest;
        let mut number = || -> Result<u32, LockedError> {
            let (four, after) = rest.split_first_chunk::<4>().ok_or(LockedError::Malformed)?;
            rest = after;
            Ok(u32::from_be_bytes(*four))
        };
        let (memory_kib, passes, lanes) = (number()?, number()?, number()?);
        let salt = *rest.first_chunk::<SALT_BYTES>().ok_or(LockedError::Malformed)?;
        let modest = (8 * lanes.min(LANES_MAX)..=MEMORY_KIB_MAX).contains(&memory_kib)
            && (1..=PASSES_MAX).contains(&passes)
            && (1..=LANES_MAX).contains(&lanes);
        if *version == VERSION && modest { Ok(Self { memory_kib, passes, lanes, salt }) } else { Err(bad_costs()) }
    }

    /// Makes the key. Takes the memory that it says, and a fraction of a second.
    ///
    /// # Errors
    /// [`LockedError::Malformed`] when the costs are none.
    pub fn derive(&self, passphrase: &[u8]) -> Result<FileKey, LockedError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| bad_costs())?;
        let mut key = Zeroizing::new([0; 32]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(passphrase, &self.salt, key.as_mut_slice()).map_err(|_| bad_costs())?;
        Ok(FileKey { costs: *self, key })
    }
}

const fn bad_costs() -> LockedError {
    LockedError::Malformed
}

/// The key of the files of one directory.
pub struct FileKey {
    costs: Costs,
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for FileKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("FileKey(..)")
    }
}

impl FileKey {
    /// How it was made.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Seals a file.
    ///
    /// # Errors
    /// [`LockedError::Random`].
    pub fn seal(&self, text: &[u8]) -> Result<Vec<u8>, LockedError> {
        let nonce: [u8; 12] = random::bytes()?;
        let Costs { memory_kib, passes, lanes, salt } = self.costs;
        let mut file = vec![VERSION];
        for number in [memory_kib, passes, lanes] {
            file.extend_from_slice(&number.to_be_bytes());
        }
        file.extend_from_slice(&salt);
        file.extend_from_slice(&nonce);
        let mut body = text.to_vec();
        let sealed = self.cipher()?.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(file.as_slice()),
            &mut body,
        );
        sealed.map_err(|_| LockedError::Malformed)?;
        file.extend_from_slice(&body);
        Ok(file)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// [`LockedError::WrongPassphrase`] also for a file that was changed: nobody can tell the two apart.
    pub fn open(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, LockedError> {
        let (header, body) = file.split_at_checked(HEADER_BYTES).ok_or(LockedError::Malformed)?;
        let nonce = *header.last_chunk::<12>().ok_or(LockedError::Malformed)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.cipher()?.open_in_place(nonce, Aad::from(header), body.as_mut_slice());
        let length = opened.map_err(|_| LockedError::WrongPassphrase)?.len();
        body.truncate(length);
        Ok(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, LockedError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, self.key.as_slice()).map_err(|_| LockedError::Malformed)?;
        Ok(LessSafeKey::new(key))
    }
}

/// Why a locked file stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LockedError {
    /// No such file.
    #[error("it is no locked key file of this program, or one of a newer program")]
    Malformed,
    /// Another passphrase.
    #[error("the passphrase does not open it, or it was changed")]
    WrongPassphrase,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Costs {
        Costs { memory_kib: 64, passes: 1, lanes: 1, salt: [7; SALT_BYTES] }
    }

    #[test]
    fn a_file_opens_with_its_passphrase_only_and_not_with_one_bit_changed_or_cut() {
        let key = cheap().derive(b"correct horse").unwrap();
        let file = key.seal(b"a key").unwrap();
        assert_eq!(Costs::of(&file), Ok(cheap()));
        assert_eq!(key.open(&file).unwrap().as_slice(), b"a key");
        let other = cheap().derive(b"correct horsf").unwrap();
        assert_eq!(other.open(&file), Err(LockedError::WrongPassphrase));
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open(&changed).is_err(), "{bit}");
        }
        for cut in 0..file.len() {
            assert!(key.open(&file[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn costs_that_would_take_the_machine_are_refused() {
        let file = |costs: Costs| FileKey { costs, key: Zeroizing::new([0; 32]) }.seal(b"").unwrap();
        for bad in [
            Costs { memory_kib: MEMORY_KIB_MAX + 1, ..cheap() },
            Costs { passes: PASSES_MAX + 1, ..cheap() },
            Costs { passes: 0, ..cheap() },
            Costs { lanes: 0, ..cheap() },
            Costs { lanes: LANES_MAX + 1, memory_kib: 1024, ..cheap() },
            Costs { memory_kib: 1, ..cheap() },
        ] {
            assert_eq!(Costs::of(&file(bad)), Err(LockedError::Malformed), "{bad:?}");
        }
    }
}
