//! One file of signed metadata: what it says, the canonical bytes that are signed, and the signatures. Refuses two
//! signatures under one key id, and a signature of one of the role's keepers that does not hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::crypto::digest::sha256;
use crate::crypto::ed25519::SigningKey;
use crate::exchange::canonical::{Json, JsonError};
use crate::exchange::keeper::{KeeperKey, KeyId, Signature};
use crate::exchange::metadata::{Metadata, MetadataError, Role, Root};
use crate::model::ident::Digest;
use crate::model::limits::{DIRECTORY_METADATA_BYTES_MAX, KEEPER_SIGNATURES_MAX};

/// A role's file. The value was decoded from the very bytes that the signatures are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<T> {
    value: T,
    signed: Json,
    signatures: BTreeMap<KeyId, Signature>,
}

impl<T: Metadata> Statement<T> {
    /// A statement that nobody signed yet.
    pub fn unsigned(value: T) -> Result<Self, StatementError> {
        value.check()?;
        let signed = Json::of(&value)?;
        Ok(Self { value, signed, signatures: BTreeMap::new() })
    }

    /// Reads a file; checks what it says, but no signature yet.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > DIRECTORY_METADATA_BYTES_MAX {
            return Err(StatementError::TooLarge);
        }
        let Json::Object(mut members) = Json::parse(bytes)? else { return Err(StatementError::NoEnvelope) };
        let (signed, list) = (members.remove("signed"), members.remove("signatures"));
        let (Some(signed), Some(list), true) = (signed, list, members.is_empty()) else {
            return Err(StatementError::NoEnvelope);
        };
        let list: Vec<SignatureRow> = list.decode()?;
        if list.len() > KEEPER_SIGNATURES_MAX {
            return Err(StatementError::TooManySignatures);
        }
        let mut signatures = BTreeMap::new();
        for row in list {
            if signatures.insert(row.keyid, row.sig).is_some() {
                return Err(StatementError::SignedTwice(row.keyid));
            }
        }
        let value: T = signed.decode()?;
        value.check()?;
        Ok(Self { value, signed, signatures })
    }

    /// The file, two spaces deep.
    pub fn to_json(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().map(|(keyid, sig)| SignatureRow { keyid: *keyid, sig: *sig }).collect();
        let envelope = Envelope { signatures, signed: &self.signed };
        let mut bytes = serde_json::to_vec_pretty(&envelope).expect("invariant: parsed JSON can be written");
        bytes.push(b'\n');
        bytes
    }

    /// What the file says.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The digest of what the file says, whoever signed it: SHA-256 of the canonical signed part.
    pub fn digest(&self) -> Digest {
        sha256(&self.signed.canonical())
    }

    /// Whether anybody signed it.
    pub fn has_signatures(&self) -> bool {
        !self.signatures.is_empty()
    }

    /// Who of the keepers of `role` in `root` signed it. A signature by a stranger is passed over (TUF 5.3.4 wants the
    /// old keepers' beside the new ones'); one of a keeper that does not hold is a sign of tampering and refused.
    pub fn signers(&self, root: &Root, role: &Role) -> Result<Signers, BadSignature> {
        let message = self.signed.canonical();
        let mut signers = Signers { signed: BTreeSet::new(), missing: BTreeSet::new(), threshold: role.threshold };
        for keeper in role.keepers(root) {
            match self.signatures.get(&keeper.id()) {
                None => signers.missing.insert(keeper),
                Some(signature) if keeper.signed(&message, signature) => signers.signed.insert(keeper),
                Some(_) => return Err(BadSignature(keeper)),
            };
        }
        Ok(signers)
    }

    /// The same statement with the signature of that key.
    pub fn signed_by(mut self, key: &SigningKey) -> Self {
        let signature = Signature::of(&self.signed.canonical(), key);
        self.signatures.insert(KeeperKey::of(key).id(), signature);
        self
    }
}

/// Which keepers signed a file, and how many must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// Those whose signature is there and holds. A set: no key counts twice.
    pub signed: BTreeSet<KeeperKey>,
    /// Those who may sign and did not.
    pub missing: BTreeSet<KeeperKey>,
    /// How many must.
    pub threshold: usize,
}

impl Signers {
    /// Whether enough signed.
    pub fn enough(&self) -> bool {
        self.signed.len() >= self.threshold
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    signatures: Vec<SignatureRow>,
    signed: &'a Json,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureRow {
    keyid: KeyId,
    sig: Signature,
}

/// A keeper's signature that is not of these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSignature(pub KeeperKey);

/// Why a file is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Beyond the limit.
    #[error("it is larger than {DIRECTORY_METADATA_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the strict JSON, or not of its type.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not an object of `signed` and `signatures`.
    #[error("it must be an object of `signed` and `signatures` and nothing else")]
    NoEnvelope,
    /// Beyond the limit.
    #[error("it has more than {KEEPER_SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// One key, two signatures.
    #[error("the key {0} signed it twice; a key counts once")]
    SignedTwice(KeyId),
    /// What it says cannot be.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
}
