//! Signed notes (C2SP signed-note) and verifier keys. A bad signature of a known key refuses the whole note; unknown keys are passed over.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use crate::crypto::digest::sha256_of_parts;
use crate::crypto::ed25519::{self, PUBLIC_KEY_BYTES, SigningKey};
use crate::model::base64;
use crate::model::limits::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX};

/// The algorithm byte of a plain Ed25519 signature over the text. Cosignatures are 0x04 and 0x06; their lines are
/// kept as they are.
const ED25519: u8 = 0x01;
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
        let line = SignatureLine {
            name: name.0.clone(),
            key_id: key_id(&name.0, ED25519, &key.public_key()),
            signature: key.sign(text.as_bytes()).to_vec(),
        };
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

    /// The keys of `trusted` that signed. Refuses a note that none of them signed, and one in which a line bears
    /// the name and id of a trusted key but not its signature.
    pub fn verify<'k>(&self, trusted: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for line in &self.signatures {
            let known = |key: &&VerifierKey| key.id == line.key_id && key.name.0 == line.name;
            let Some(key) = trusted.iter().find(known) else { continue };
            ed25519::verify(&key.public_key, self.text.as_bytes(), &line.signature)
                .map_err(|_| NoteError::BadSignature)?;
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
    public_key: [u8; PUBLIC_KEY_BYTES],
}

impl VerifierKey {
    /// The Ed25519 key of that name.
    pub fn new(name: KeyName, public_key: [u8; PUBLIC_KEY_BYTES]) -> Self {
        let id = key_id(&name.0, ED25519, &public_key);
        Self { name, id, public_key }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name.0
    }

    /// Its id.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Its 32 bytes.
    pub fn public_key(&self) -> &[u8; PUBLIC_KEY_BYTES] {
        &self.public_key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], &self.public_key[..]].concat();
        write!(out, "{}+{}+{}", self.name.0, HEXLOWER.encode(&self.id), base64::encode(&key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        let mut fields = text.splitn(3, '+');
        let mut field = || fields.next().ok_or(KeyTextError::Form);
        let (name, id, key) = (field()?, field()?, field()?);
        let name: KeyName = name.parse()?;
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| KeyTextError::Form)?;
        let key = base64::decode(key).map_err(|_| KeyTextError::Form)?;
        let (algorithm, key) = key.split_first().ok_or(KeyTextError::Form)?;
        if *algorithm != ED25519 {
            return Err(KeyTextError::Algorithm(*algorithm));
        }
        let key = Self::new(name, key.try_into().map_err(|_| KeyTextError::Form)?);
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
    /// Another algorithm than Ed25519.
    #[error("the verifier key is of type {0}; this program checks type 1, Ed25519")]
    Algorithm(u8),
    /// The id does not belong to the name and key: a digit was mistyped.
    #[error("the id of the verifier key does not fit its name and key; copy it again")]
    Id,
}

#[cfg(test)]
mod tests;
