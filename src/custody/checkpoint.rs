//! Checkpoints (C2SP tlog-checkpoint): a log's signed word for its size and root. Refuses one whose origin is not its key's name.

use std::fmt;

use crate::crypto::ed25519::SigningKey;
use crate::crypto::mldsa;
use crate::custody::note::{KeyName, Note, NoteError, SignatureLine, VerifierKey};
use crate::custody::tree::empty_root;
use crate::model::base64;
use crate::model::ident::Digest;

/// What a checkpoint says. Unsigned, or not yet checked.
///
/// ```text
/// <origin>\n <size, decimal>\n <root, base64>\n [extension lines, kept and not understood]
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// The statement that the log `origin` has `size` entries under `root`.
    pub fn new(origin: &KeyName, size: u64, root: Digest) -> Self {
        Self { origin: origin.as_str().to_owned(), size, root, extensions: Vec::new() }
    }

    /// Reads the text of a checkpoint.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let bad = CheckpointError::Malformed;
        let mut lines = text.strip_suffix('\n').ok_or(bad)?.split('\n');
        let mut line = || lines.next().ok_or(bad);
        let (origin, size_text, root) = (line()?, line()?, line()?);
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        let size: u64 = size_text.parse().map_err(|_| bad)?;
        let root = base64::decode(root).map_err(|_| bad)?;
        let root = Digest::try_from(root.as_slice()).map_err(|_| bad)?;
        let canonical = size.to_string() == size_text;
        if origin.is_empty() || !canonical || extensions.iter().any(String::is_empty) {
            return Err(bad);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of its tree.
    pub fn root(&self) -> Digest {
        self.root
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n{}\n{}", self.origin, self.size, base64::encode(&self.root.0))?;
        self.extensions.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

/// A checkpoint whose log signature holds, with the exact note. Made by signing or by checking, in no other way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Signs a statement of one's own log; the origin is the key's name.
    pub fn sign(origin: &KeyName, size: u64, root: Digest, key: &SigningKey) -> Self {
        let checkpoint = Checkpoint::new(origin, size, root);
        let note =
            Note::sign(checkpoint.to_string(), origin, key).expect("invariant: a checkpoint's text is a note's text");
        Self { checkpoint, note }
    }

    /// Checks a note: one of `log_keys` signed it, and its origin is the name of that key. Were it another name, a
    /// log could sign in the place of another one that shares its verifiers.
    pub fn open(note: &[u8], log_keys: &[VerifierKey]) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let signers = note.verify(log_keys)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        if signers.iter().any(|key| key.name() == checkpoint.origin && key.algorithm().signs_logs()) {
            Ok(Self { checkpoint, note })
        } else {
            Err(CheckpointError::Origin)
        }
    }

    /// The same checkpoint with further lines below: a second signature of the log, or cosignatures. They are not checked.
    pub fn with_lines(mut self, lines: impl IntoIterator<Item = SignatureLine>) -> Self {
        lines.into_iter().for_each(|line| self.note.push(line));
        self
    }

    /// The same checkpoint with the lines of those keys alone.
    pub fn only_of(&self, keys: &[VerifierKey]) -> Self {
        Self { checkpoint: self.checkpoint.clone(), note: self.note.only_of(keys) }
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed note.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The exact bytes of the signed note.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.to_string().into_bytes()
    }
}

/// The keys with which a log signs its own checkpoints: Ed25519 each batch, ML-DSA-44, if there is one, what is published.
#[derive(Debug)]
pub struct LogSigner {
    /// Signs every checkpoint.
    pub ed25519: SigningKey,
    /// Adds its line to the published ones: too slow, and too long, for each batch.
    pub ml_dsa_44: Option<mldsa::SigningKey>,
}

impl LogSigner {
    /// The public keys of the log of that name, Ed25519 first.
    pub fn verifier_keys(&self, origin: &KeyName) -> Vec<VerifierKey> {
        let lasting = self.ml_dsa_44.as_ref();
        let lasting = lasting.map(|key| VerifierKey::ml_dsa_44(origin.clone(), key.public_key().clone()));
        std::iter::once(VerifierKey::new(origin.clone(), self.ed25519.public_key())).chain(lasting).collect()
    }
}

impl From<SigningKey> for LogSigner {
    fn from(ed25519: SigningKey) -> Self {
        Self { ed25519, ml_dsa_44: None }
    }
}

/// Why a checkpoint was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not origin, size and root.
    #[error("the signed text is no checkpoint: origin, size without leading zeros, and root in base64")]
    Malformed,
    /// A tree without entries has one root only.
    #[error("the checkpoint is of a log without entries and has the root of another one")]
    EmptyRoot,
    /// The origin is not the name of the key that signed.
    #[error("the checkpoint names another log than the key that signed it")]
    Origin,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin() -> KeyName {
        "xa-moj.rogatory/custody".parse().unwrap()
    }

    fn key() -> SigningKey {
        SigningKey::from_seed(&[3; 32])
    }

    fn trusted() -> Vec<VerifierKey> {
        vec![VerifierKey::new(origin(), key().public_key())]
    }

    #[test]
    fn a_checkpoint_reads_back_from_its_note() {
        let signed = SignedCheckpoint::sign(&origin(), 7, Digest([9; 32]), &key());
        let bytes = signed.to_bytes();
        let text = "xa-moj.rogatory/custody\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n\n\u{2014} ";
        assert!(bytes.starts_with(text.as_bytes()));
        let opened = SignedCheckpoint::open(&bytes, &trusted()).unwrap();
        assert_eq!(opened, signed);
        assert_eq!(opened.checkpoint().size(), 7);
    }

    #[test]
    fn a_checkpoint_of_another_origin_than_its_key_is_refused() {
        let other: KeyName = "xb-moj.rogatory/custody".parse().unwrap();
        let text = Checkpoint::new(&other, 1, Digest([9; 32])).to_string();
        let note = Note::sign(text, &origin(), &key()).unwrap().to_string();
        assert_eq!(SignedCheckpoint::open(note.as_bytes(), &trusted()), Err(CheckpointError::Origin));
    }

    #[test]
    fn a_text_that_is_no_checkpoint_is_refused() {
        let root = base64::encode(&[9; 32]);
        for bad in [
            String::new(),
            "\n".to_owned(),
            format!("log\n7\n{root}"),
            format!("\n7\n{root}\n"),
            format!("log\n07\n{root}\n"),
            format!("log\n+7\n{root}\n"),
            format!("log\n-7\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            format!("log\n7\n{}\n", &root[..40]),
            format!("log\n7\n{root}\n\n"),
            format!("log\n7\n{root}\nextension\n\n"),
        ] {
            assert_eq!(Checkpoint::parse(&bad), Err(CheckpointError::Malformed), "{bad:?}");
        }
        assert_eq!(Checkpoint::parse(&format!("log\n0\n{root}\n")), Err(CheckpointError::EmptyRoot));
    }

    #[test]
    fn extension_lines_are_kept() {
        let text = format!("log\n7\n{}\nmore\nand more\n", base64::encode(&[9; 32]));
        assert_eq!(Checkpoint::parse(&text).unwrap().to_string(), text);
    }

    proptest! {
        #[test]
        fn reading_arbitrary_text_never_panics_and_what_is_read_is_canonical(text in "([a-z0-9=\n]{0,50}\n)*") {
            if let Ok(checkpoint) = Checkpoint::parse(&text) {
                prop_assert_eq!(checkpoint.to_string(), text);
            }
        }
    }
}
