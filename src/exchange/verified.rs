//! The one place where bytes from a peer become a message that may be acted upon. Everything that is wrong is refused here.
//!
//! Order: cheap and public facts first, so that a hostile peer pays more than we do; the identifier's history last,
//! because only a fully verified envelope may use one up.
//!
//! | step | refuses |
//! | --- | --- |
//! | decode, within bounds | malformed, too-large, unsupported-version |
//! | for us, from this peer | wrong-recipient, sender-mismatch |
//! | the directory knows the sender | unknown-authority |
//! | our clock and the envelope's time agree | clock-skew, expired |
//! | the envelope's signature | bad-signature, certificate-expired, certificate-revoked |
//! | a key of ours opens it | cannot-open |
//! | the message's signature, again by the sender | as above |
//! | the message says the same as the envelope | malformed, sender-mismatch, wrong-recipient |

use std::fmt;

use crate::crypto::certificate::CertificateError;
use crate::crypto::chunk;
use crate::crypto::digest::sha256;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::crypto::payload;
use crate::crypto::san::{SanError, authority_of};
use crate::crypto::signature::{self, SignatureError, SignerFacts};
use crate::exchange::keyring::{Keyring, KeyringError};
use crate::exchange::roster::Roster;
use crate::model::authority::Authority;
use crate::model::envelope::Envelope;
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::{CLOCK_SKEW_MS_MAX, ENVELOPE_LIFE_MS_MAX};
use crate::model::message::Message;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::wire::decode::DecodeError;
use crate::wire::envelope::SignedBytes;
use crate::wire::{envelope, message};

/// What verification needs to know of this node.
#[derive(Debug, Clone, Copy)]
pub struct Gate<'a> {
    /// Who we are.
    pub us: &'a AuthorityId,
    /// The authority at the other end of the connection, by its TLS certificate.
    pub peer: &'a AuthorityId,
    /// The directory in force.
    pub roster: &'a Roster,
    /// Our receiving keys.
    pub keys: &'a Keyring,
    /// Now.
    pub now: Timestamp,
}

/// An envelope that was opened and found in order. Only [`verify`] makes one.
pub struct Verified {
    envelope: Envelope,
    envelope_digest: Digest,
    signed_message: SignedBytes,
    message: Message,
    package_key: PackageKey,
    signer: SignerFacts,
}

impl Verified {
    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// SHA-256 of the signed envelope, exact bytes as they came.
    pub fn envelope_digest(&self) -> Digest {
        self.envelope_digest
    }

    /// The message with its signature, exact bytes.
    pub fn signed_message(&self) -> &SignedBytes {
        &self.signed_message
    }

    /// SHA-256 of the message bytes.
    pub fn message_digest(&self) -> Digest {
        sha256(&self.signed_message.content)
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The key of the package.
    pub fn package_key(&self) -> &PackageKey {
        &self.package_key
    }

    /// Who signed the message.
    pub fn signer(&self) -> &SignerFacts {
        &self.signer
    }
}

impl fmt::Debug for Verified {
    /// Names the envelope and shows nothing of what was in it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Verified({}, ..)", self.envelope.envelope_id)
    }
}

/// Verifies the exact bytes of a signed envelope that came from a peer.
///
/// # Errors
/// [`VerifyError`], whose [`VerifyError::code`] is all that the peer is told.
pub fn verify(bytes: &[u8], gate: &Gate<'_>) -> Result<Verified, VerifyError> {
    let signed = envelope::decode_signed(bytes)?;
    let envelope = envelope::decode(&signed.content)?;
    if envelope.recipient != *gate.us {
        return Err(VerifyError::WrongRecipient);
    }
    if envelope.sender != *gate.peer {
        return Err(VerifyError::SenderMismatch);
    }
    let sender = gate.roster.authority(&envelope.sender).ok_or(VerifyError::UnknownAuthority)?;
    check_times(&envelope, gate.now)?;
    check_signature(&signed, sender, gate.now)?;
    let package_key = gate.keys.open(&envelope.stanzas, envelope.seal_id, &envelope.sender, gate.us)?;
    let head_key = package_key.object_key(ObjectScope { seal_id: envelope.seal_id, object_id: 0 });
    let head = payload::open(&head_key, &envelope.head)?;
    let signed_message = envelope::decode_signed_message(&head)?;
    let signer = check_signature(&signed_message, sender, gate.now)?;
    let message = message::decode(&signed_message.content)?;
    check_agreement(&envelope, &message)?;
    Ok(Verified { envelope, envelope_digest: sha256(bytes), signed_message, message, package_key, signer })
}

fn check_times(envelope: &Envelope, now: Timestamp) -> Result<(), VerifyError> {
    if envelope.created_at > now.plus_millis(CLOCK_SKEW_MS_MAX) {
        return Err(VerifyError::ClockSkew { ahead_ms: envelope.created_at.millis_since(now) });
    }
    if envelope.expires_at <= now {
        return Err(VerifyError::Expired);
    }
    let life_ms = envelope.expires_at.millis_since(envelope.created_at);
    if life_ms == 0 || life_ms > ENVELOPE_LIFE_MS_MAX { Err(VerifyError::Life) } else { Ok(()) }
}

/// The signature holds, and the certificate speaks for that very authority: an issuer that the directory lists for it
/// has signed it, and the certificate names it.
///
/// # Errors
/// [`VerifyError::Signature`], or [`VerifyError::SenderMismatch`] when it speaks for another authority.
pub fn check_signature(signed: &SignedBytes, sender: &Authority, now: Timestamp) -> Result<SignerFacts, VerifyError> {
    let facts = signature::verify(&signed.cms, &signed.content, &sender.issuers, &sender.revocation_lists, now)?;
    if authority_of(facts.certificate_der())? == sender.id { Ok(facts) } else { Err(VerifyError::SenderMismatch) }
}

/// What the message says about itself and its files is what the envelope says.
///
/// # Errors
/// [`VerifyError`] names what differs.
pub fn check_agreement(envelope: &Envelope, message: &Message) -> Result<(), VerifyError> {
    if message.sender.authority != envelope.sender {
        return Err(VerifyError::SenderMismatch);
    }
    if message.recipient != envelope.recipient {
        return Err(VerifyError::WrongRecipient);
    }
    if message.urgency != envelope.urgency {
        return Err(VerifyError::Disagreement("urgency"));
    }
    let Some(consignment) = &message.consignment else {
        return if envelope.blobs.is_empty() { Ok(()) } else { Err(VerifyError::Disagreement("items")) };
    };
    if consignment.seal_id != envelope.seal_id || consignment.items.len() != envelope.blobs.len() {
        return Err(VerifyError::Disagreement("items"));
    }
    for (item, blob) in consignment.items.iter().zip(&envelope.blobs) {
        let sealed_bytes = chunk::ciphertext_bytes(item.plaintext_bytes);
        if item.ciphertext_root != blob.root || sealed_bytes != Some(blob.ciphertext_bytes) {
            return Err(VerifyError::Disagreement("items"));
        }
    }
    Ok(())
}

/// Why an envelope was refused. The text is for the operator; it holds no content.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not an envelope or message of this protocol.
    #[error("the bytes were refused: {0}")]
    Decode(#[from] DecodeError),
    /// For another authority.
    #[error("the envelope or its message is addressed to another authority; its sender should check the directory")]
    WrongRecipient,
    /// From another authority than the connection's, or signed for another one.
    #[error("the envelope, its message, its certificate and the connection do not all name one sender")]
    SenderMismatch,
    /// Not in the directory.
    #[error("the sender is not in the directory in force here; import a newer directory if it should be")]
    UnknownAuthority,
    /// Made in the future.
    #[error("the envelope was made {ahead_ms} ms ahead of this clock; check the clocks of both nodes")]
    ClockSkew {
        /// How far.
        ahead_ms: u64,
    },
    /// Over.
    #[error("the envelope's time is over; the sender must send it anew")]
    Expired,
    /// A life that no envelope has.
    #[error("the envelope lives for no time, or for longer than 400 days")]
    Life,
    /// The signature.
    #[error("the signature was refused: {0}")]
    Signature(#[from] SignatureError),
    /// The certificate names nobody.
    #[error("the signing certificate was refused: {0}")]
    Certificate(#[from] SanError),
    /// No key.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The sealed message.
    #[error("the sealed message does not open: {0}")]
    Open(#[from] payload::OpenError),
    /// The message and its envelope say different things.
    #[error("the message and its envelope differ about `{0}`")]
    Disagreement(&'static str),
}

impl VerifyError {
    /// What the peer is told.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::Decode(cause) => cause.code(),
            Self::WrongRecipient => RefusalCode::WrongRecipient,
            Self::SenderMismatch => RefusalCode::SenderMismatch,
            Self::UnknownAuthority => RefusalCode::UnknownAuthority,
            Self::ClockSkew { .. } => RefusalCode::ClockSkew,
            Self::Expired => RefusalCode::Expired,
            Self::Signature(cause) => cause.code(),
            Self::Certificate(_) => RefusalCode::BadSignature,
            Self::Keyring(_) | Self::Open(_) => RefusalCode::CannotOpen,
            Self::Life | Self::Disagreement(_) => RefusalCode::Malformed,
        }
    }

    /// The certificate's part of the failure, if it is one.
    pub const fn certificate(&self) -> Option<&CertificateError> {
        match self {
            Self::Signature(SignatureError::Certificate(cause)) => Some(cause),
            _ => None,
        }
    }
}
