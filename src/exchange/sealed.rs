//! Signs a message and seals it: after this only the named recipients can read it, and its bytes are fixed for ever.
//!
//! ```text
//!  Message ──encode──► bytes ──CAdES──► SignedMessage ──chunks under the package key──► head
//!  head + stanzas + blobs + route = Envelope ──encode──► bytes ──CAdES──► SignedEnvelope (what travels)
//! ```
//! Sender and recipient stand inside the inner signature, inside the HPKE info of every stanza, and inside the outer
//! signature: an envelope cannot be forwarded as if its new recipient had been meant (surreptitious forwarding).

use crate::crypto::chunk::SALT_BYTES;
use crate::crypto::cms::{SignError, Signer};
use crate::crypto::hybrid::HybridPublicKey;
use crate::crypto::package_key::{ObjectScope, PackageKey};
use crate::crypto::payload;
use crate::crypto::stanza::{WRAP_RANDOM_BYTES, WrapError, WrapScope, wrap};
use crate::model::envelope::{Blob, Envelope, Stanza};
use crate::model::ident::{AuthorityId, Id};
use crate::model::limits::{ENVELOPE_BYTES_MAX, MESSAGE_BYTES_MAX, STANZAS_MAX};
use crate::model::message::Urgency;
use crate::model::time::Timestamp;
use crate::wire::envelope::{self, SignedBytes};

/// Media type that the CAdES signature over a message states.
pub const MESSAGE_MEDIA_TYPE: &str = "application/vnd.rogatory.message+protobuf";
/// Media type that the CAdES signature over an envelope states.
pub const ENVELOPE_MEDIA_TYPE: &str = "application/vnd.rogatory.envelope+protobuf";

/// Fresh random bytes, given by the caller.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;

/// Whence and whither, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Names the delivery.
    pub envelope_id: Id,
    /// Names the key scope.
    pub seal_id: Id,
    /// Who sends.
    pub sender: AuthorityId,
    /// Who shall receive.
    pub recipient: AuthorityId,
    /// Now.
    pub created_at: Timestamp,
    /// When it counts as not delivered.
    pub expires_at: Timestamp,
    /// How soon.
    pub urgency: Urgency,
}

/// A key to seal to, and whose it is.
#[derive(Debug, Clone)]
pub struct RecipientKey {
    /// Whose.
    pub authority: AuthorityId,
    /// The key.
    pub key: HybridPublicKey,
}

/// An envelope that is ready to travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What it says, decoded.
    pub envelope: Envelope,
    /// Exact bytes of the `SignedEnvelope`.
    pub bytes: Vec<u8>,
}

/// Signs the exact bytes of a message as the authority's legal act.
///
/// # Errors
/// [`SealError`] when it is larger than any receiver takes, or the signing key fails.
pub fn sign_message(message: Vec<u8>, signer: &Signer, now: Timestamp) -> Result<SignedBytes, SealError> {
    if message.len() > MESSAGE_BYTES_MAX {
        return Err(SealError::TooLarge { bytes: message.len(), bytes_max: MESSAGE_BYTES_MAX });
    }
    let cms = signer.sign(&message, MESSAGE_MEDIA_TYPE, now)?;
    Ok(SignedBytes { content: message, cms })
}

/// Seals a signed message to its recipients and signs the envelope.
///
/// # Errors
/// [`SealError`] when there are too many recipients, the result is too large, or a key fails.
pub fn seal(
    message: &SignedBytes,
    route: Route,
    blobs: Vec<Blob>,
    package_key: &PackageKey,
    recipients: &[RecipientKey],
    signer: &Signer,
    random: &mut Random<'_>,
) -> Result<Sealed, SealError> {
    if recipients.is_empty() || recipients.len() > STANZAS_MAX {
        return Err(SealError::Recipients(recipients.len()));
    }
    let head_key = package_key.object_key(ObjectScope { seal_id: route.seal_id, object_id: 0 });
    let mut salt = [0_u8; SALT_BYTES];
    random(&mut salt);
    let head = payload::seal(&head_key, salt, &envelope::encode_signed_message(message))?;
    let mut stanzas = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let mut seed = [0_u8; WRAP_RANDOM_BYTES];
        random(&mut seed);
        let scope = WrapScope { seal_id: route.seal_id, sender: &route.sender, recipient: &recipient.authority };
        stanzas.push(Stanza {
            recipient: recipient.authority.clone(),
            key_id: recipient.key.id(),
            wrapped: wrap(package_key, &recipient.key, scope, seed)?,
        });
    }
    let now = route.created_at;
    let envelope = Envelope {
        envelope_id: route.envelope_id,
        sender: route.sender,
        recipient: route.recipient,
        created_at: route.created_at,
        expires_at: route.expires_at,
        urgency: route.urgency,
        seal_id: route.seal_id,
        stanzas,
        head,
        blobs,
    };
    let content = envelope::encode(&envelope);
    if content.len() > ENVELOPE_BYTES_MAX {
        return Err(SealError::TooLarge { bytes: content.len(), bytes_max: ENVELOPE_BYTES_MAX });
    }
    let cms = signer.sign(&content, ENVELOPE_MEDIA_TYPE, now)?;
    Ok(Sealed { envelope, bytes: envelope::encode_signed(&SignedBytes { content, cms }) })
}

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No recipient, or too many.
    #[error("{0} recipients; an envelope has 1 to {STANZAS_MAX}")]
    Recipients(usize),
    /// The message or its envelope would be too large for any receiver.
    #[error("the message has {bytes} bytes, at most {bytes_max} travel; attach long texts as files")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many may be.
        bytes_max: usize,
    },
    /// The signing key.
    #[error("signing failed: {0}")]
    Sign(#[from] SignError),
    /// A recipient's key.
    #[error("wrapping the key failed: {0}")]
    Wrap(#[from] WrapError),
    /// The sealing of the message.
    #[error("sealing failed: {0}")]
    Payload(#[from] payload::SealError),
}
