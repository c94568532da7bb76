//! Signed notes (C2SP signed-note) and verifier keys. A bad signature of a known key refuses the whole note; unknown keys are passed over.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::crypto::digest::sha256_of_parts;
use crate::crypto::ed25519::{self, SigningKey};
use crate::crypto::mldsa;
use crate::custody::algorithm::Algorithm;
use crate::custody::cosignature;
use crate::model::base64;
use crate::model::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, VKEY_BYTES_MAX};

/// An em dash and a space begin each signature line.
const LINE_START: &str = "\u{2014} ";

/// A text and the signatures below it.
///
/// ```text
/// text, any lines, ends in a newline
/// (empty line)
/// — <key name> <base64(key id[4] || signature)>
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature line, of any algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl Note {
    /// Signs `text` with the Ed25519 key of that name.
    pub fn sign(text: String, name: &KeyName, key: &SigningKey) -> Result<Self, NoteError> {
        check_text(&text)?;
        let line = VerifierKey::new(name.clone(), key.public_key()).line(key.sign(text.as_bytes()).to_vec());
        Ok(Self { text, signatures: vec![line] })
    }

    /// Reads a note. Bounded and total; checks its form, not its signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        let all = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed)?;
        // The text may hold empty lines itself: the last one ends it.
        let split = all.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, rest) = all.split_at_checked(split + 1).ok_or(NoteError::Malformed)?;
        let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        check_text(text)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == NOTE_SIGNATURES_MAX {
                return Err(NoteError::TooLarge);
            }
            signatures.push(SignatureLine::parse(line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Reads signature lines alone, as a witness answers them: each with its newline, at least one.
    ///
    /// # Errors
    /// [`NoteError`] as [`Self::parse`].
    pub fn parse_lines(bytes: &[u8]) -> Result<Vec<SignatureLine>, NoteError> {
        let note = [b"\n\n", bytes].concat();
        Self::parse(&note).map(|note| note.signatures)
    }

    /// The keys of `trusted` that signed. Refuses a note that none of them signed, and one in which a line bears
    /// the name and id of a trusted key but not its signature.
    pub fn verify<'k>(&self, trusted: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for line in &self.signatures {
            let Some(key) = trusted.iter().find(|key| key.is_of(line)) else { continue };
            key.check(&self.text, line)?;
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() { Err(NoteError::NoTrustedSignature) } else { Ok(signers) }
    }

    /// The text that was signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Puts another signature line below, such as a cosignature.
    pub fn push(&mut self, line: SignatureLine) {
        self.signatures.push(line);
    }

    /// The note with the first line of each of those keys alone. It may be left without any. Attack: the holder of an
    /// ML-DSA-44 key can make any number of good lines, and have whoever keeps them keep all.
    pub fn only_of(&self, keys: &[VerifierKey]) -> Self {
        let mut signatures: Vec<SignatureLine> = Vec::new();
        for line in self.signatures.iter().filter(|line| keys.iter().any(|key| key.is_of(line))) {
            if !signatures.iter().any(|kept| kept.name == line.name && kept.key_id == line.key_id) {
                signatures.push(line.clone());
            }
        }
        Self { text: self.text.clone(), signatures }
    }

    /// Adds the lines of another note of the same text that are not here yet. Checks none of them.
    ///
    /// # Errors
    /// [`NoteError::OtherText`], or [`NoteError::TooLarge`] when the whole could not be read again; nothing is added then.
    pub fn merge(&mut self, other: &Self) -> Result<(), NoteError> {
        if other.text != self.text {
            return Err(NoteError::OtherText);
        }
        let mut merged = self.clone();
        for line in &other.signatures {
            if !merged.signatures.contains(line) {
                merged.push(line.clone());
            }
        }
        if merged.signatures.len() > NOTE_SIGNATURES_MAX || merged.to_string().len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge);
        }
        *self = merged;
        Ok(())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl SignatureLine {
    /// Reads one line, without its newline.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let rest = line.strip_prefix(LINE_START).ok_or(NoteError::Malformed)?;
        let (name, payload) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
        let name: KeyName = name.parse().map_err(|_| NoteError::Malformed)?;
        let payload = base64::decode(payload).map_err(|_| NoteError::Malformed)?;
        match payload.split_first_chunk::<4>() {
            Some((key_id, signature)) if !signature.is_empty() => {
                Ok(Self { name: name.0, key_id: *key_id, signature: signature.to_vec() })
            }
            _ => Err(NoteError::Malformed),
        }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key.
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// What follows the key id: for an Ed25519 line the 64 bytes of the signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = [&self.key_id[..], &self.signature].concat();
        write!(out, "{LINE_START}{} {}", self.name, base64::encode(&payload))
    }
}

/// The name of a key: not empty, no space of any kind, no `+`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(String);

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let bad = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.chars().any(bad) {
            return Err(KeyTextError::Name);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A public key that a note may be checked with; its text is the C2SP vkey `name+id+base64(type || key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: [u8; 4],
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Ed25519([u8; ed25519::PUBLIC_KEY_BYTES]),
    Ed25519Cosignature([u8; ed25519::PUBLIC_KEY_BYTES]),
    MlDsa44Cosignature(mldsa::PublicKey),
}

impl VerifierKey {
    /// The Ed25519 key of that name that signs texts: a log's.
    pub fn new(name: KeyName, public_key: [u8; ed25519::PUBLIC_KEY_BYTES]) -> Self {
        Self::of(name, Material::Ed25519(public_key))
    }

    /// The Ed25519 key of that name that cosigns: a witness's.
    pub fn ed25519_cosigner(name: KeyName, public_key: [u8; ed25519::PUBLIC_KEY_BYTES]) -> Self {
        Self::of(name, Material::Ed25519Cosignature(public_key))
    }

    /// The ML-DSA-44 key of that name: a log's or a witness's.
    pub fn ml_dsa_44(name: KeyName, public_key: mldsa::PublicKey) -> Self {
        Self::of(name, Material::MlDsa44Cosignature(public_key))
    }

    fn of(name: KeyName, material: Material) -> Self {
        let mut key = Self { name, id: [0; 4], material };
        key.id = key_id(&key.name.0, key.algorithm().type_byte(), key.public_key());
        key
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name.0
    }

    /// Its id.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// What it signs and how.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Ed25519(_) => Algorithm::Ed25519,
            Material::Ed25519Cosignature(_) => Algorithm::Ed25519Cosignature,
            Material::MlDsa44Cosignature(_) => Algorithm::MlDsa44Cosignature,
        }
    }

    /// Its 32 or 1,312 bytes.
    pub fn public_key(&self) -> &[u8] {
        match &self.material {
            Material::Ed25519(key) | Material::Ed25519Cosignature(key) => key,
            Material::MlDsa44Cosignature(key) => key.as_bytes(),
        }
    }

    /// Whether a line bears its name and id.
    pub fn is_of(&self, line: &SignatureLine) -> bool {
        self.id == line.key_id && self.name.0 == line.name
    }

    /// The line with that signature of this key's holder.
    pub fn line(&self, signature: Vec<u8>) -> SignatureLine {
        SignatureLine { name: self.name.0.clone(), key_id: self.id, signature }
    }

    /// Checks that this key's holder signed `text`. A cosignature tells when: in seconds since the Unix epoch, with zero for
    /// "no statement on the time". A plain signature tells no time.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`]; also where the key cannot have signed such a text (ML-DSA-44 signs checkpoints only).
    pub fn check(&self, text: &str, line: &SignatureLine) -> Result<Option<u64>, NoteError> {
        let bad = NoteError::BadSignature;
        match &self.material {
            Material::Ed25519(key) => {
                ed25519::verify(key, text.as_bytes(), &line.signature).map_err(|_| bad)?;
                Ok(None)
            }
            Material::Ed25519Cosignature(key) => {
                let (time, signature) = cosignature::split(&line.signature).ok_or(bad)?;
                let message = cosignature::ed25519_message(time, text);
                ed25519::verify(key, &message, signature).map_err(|_| bad)?;
                Ok(Some(time))
            }
            Material::MlDsa44Cosignature(key) => {
                let (time, signature) = cosignature::split(&line.signature).ok_or(bad)?;
                let message = cosignature::ml_dsa_44_message(self.name(), time, text).ok_or(bad)?;
                key.verify(&message, signature).map_err(|_| bad)?;
                Ok(Some(time))
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm().type_byte()], self.public_key()].concat();
        write!(out, "{}+{}+{}", self.name.0, HEXLOWER.encode(&self.id), base64::encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let form = KeyTextError::Form;
        if text.len() > VKEY_BYTES_MAX {
            return Err(form);
        }
        let mut fields = text.splitn(3, '+');
        let mut field = || fields.next().ok_or(form);
        let (name, id, key) = (field()?, field()?, field()?);
        let name: KeyName = name.parse()?;
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| form)?;
        let key = base64::decode(key).map_err(|_| form)?;
        let (algorithm, key) = key.split_first().ok_or(form)?;
        let ed25519 = || key.try_into().map_err(|_| form);
        let key = match algorithm {
            0x01 => Self::new(name, ed25519()?),
            0x04 => Self::ed25519_cosigner(name, ed25519()?),
            0x06 => Self::ml_dsa_44(name, mldsa::PublicKey::try_from(key).map_err(|_| form)?),
            other => return Err(KeyTextError::Algorithm(*other)),
        };
        if key.id == id.as_slice() { Ok(key) } else { Err(KeyTextError::Id) }
    }
}

fn key_id(name: &str, algorithm: u8, public_key: &[u8]) -> [u8; 4] {
    let digest = sha256_of_parts(&[name.as_bytes(), b"\n", &[algorithm], public_key]);
    let [a, b, c, d, ..] = digest.0;
    [a, b, c, d]
}

fn check_text(text: &str) -> Result<(), NoteError> {
    let control = text.bytes().any(|byte| byte < 0x20 && byte != b'\n');
    if text.ends_with('\n') && !control { Ok(()) } else { Err(NoteError::Malformed) }
}

/// Why a note was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes or more signatures than the limits allow.
    #[error("the signed note is larger than this program reads")]
    TooLarge,
    /// Not a text with signature lines below.
    #[error("not a signed note")]
    Malformed,
    /// A line in the name of a trusted key whose signature does not hold.
    #[error("a signature in the name of a trusted key does not hold; the note was altered or forged")]
    BadSignature,
    /// No trusted key signed.
    #[error("no trusted key signed the note")]
    NoTrustedSignature,
    /// Two notes that say different things have no lines in common.
    #[error("the two notes are not about the same text")]
    OtherText,
}

/// Why the text of a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// Not a key name.
    #[error("a key name is not empty and has no space and no `+`")]
    Name,
    /// Not three fields.
    #[error("not a verifier key; it reads name+8 hexadecimal digits+base64")]
    Form,
    /// Another algorithm than the ones here.
    #[error("the verifier key is of type {0}; this program checks types 1 and 4 (Ed25519) and 6 (ML-DSA-44)")]
    Algorithm(u8),
    /// The id does not belong to the name and key: a digit was mistyped.
    #[error("the id of the verifier key does not fit its name and key; copy it again")]
    Id,
}

#[cfg(test)]
mod tests;
