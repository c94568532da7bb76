//! What a node is asked about: rows of its index, records of its log, their proofs. Writes nothing; refuses to answer
//! from an index that no longer follows the log.

use crate::crypto::digest::sha256;
use crate::daemon::node::Node;
use crate::exchange::rows::{EnvelopeRow, MessageRow, PackageRow, RequestRow, RowError, from_bytes, tree};
use crate::model::event::CustodyRecord;
use crate::model::ident::{Digest, Id};
use crate::store::index::IndexError;
use crate::store::journal::Content;
use crate::store::reader::ReadError;
use crate::wire::decode::DecodeError;
use crate::wire::receipt::ReceiptParts;
use crate::wire::{envelope, receipt, record};

impl Node {
    /// A row of the index.
    ///
    /// # Errors
    /// [`LookupError`] when the index is damaged.
    pub fn row<R: serde::de::DeserializeOwned>(
        &self,
        tree: &'static str,
        key: &[u8],
    ) -> Result<Option<R>, LookupError> {
        Ok(self.read(tree, key)?.as_deref().map(from_bytes).transpose()?)
    }

    /// The bytes of a row of the index.
    ///
    /// # Errors
    /// [`LookupError`] when the index is damaged.
    pub fn read(&self, tree: &'static str, key: &[u8]) -> Result<Option<Vec<u8>>, LookupError> {
        if self.registrar.is_behind() {
            return Err(LookupError::IndexBehind);
        }
        Ok(self.index.get(tree, key)?)
    }

    /// One message.
    ///
    /// # Errors
    /// [`LookupError::Unknown`] when there is none of that identifier.
    pub fn message(&self, id: Id) -> Result<MessageRow, LookupError> {
        self.row(tree::MESSAGE, id.as_bytes())?.ok_or(LookupError::Unknown { what: "message", id })
    }

    /// One request.
    ///
    /// # Errors
    /// As [`Node::message`].
    pub fn request(&self, id: Id) -> Result<RequestRow, LookupError> {
        self.row(tree::REQUEST, id.as_bytes())?.ok_or(LookupError::Unknown { what: "request", id })
    }

    /// One package.
    ///
    /// # Errors
    /// As [`Node::message`].
    pub fn package(&self, id: Id) -> Result<PackageRow, LookupError> {
        self.row(tree::PACKAGE, id.as_bytes())?.ok_or(LookupError::Unknown { what: "package", id })
    }

    /// One envelope.
    ///
    /// # Errors
    /// As [`Node::message`].
    pub fn envelope(&self, id: Id) -> Result<EnvelopeRow, LookupError> {
        self.row(tree::ENVELOPE, id.as_bytes())?.ok_or(LookupError::Unknown { what: "envelope", id })
    }

    /// A record and what is kept beside it.
    ///
    /// # Errors
    /// [`LookupError`] when it was erased, or the journal is damaged there.
    pub fn record(&self, index: u64) -> Result<(CustodyRecord, Content), LookupError> {
        let content = self.ledger.reader().read(index)?.content.ok_or(LookupError::Erased { index })?;
        Ok((record::decode(&content.record)?, content))
    }

    /// What a record encloses under that name.
    ///
    /// # Errors
    /// [`LookupError`] when it does not.
    pub fn enclosure(&self, index: u64, name: &'static str) -> Result<Vec<u8>, LookupError> {
        let (record, content) = self.record(index)?;
        enclosure_of(&record, &content, name).ok_or(LookupError::Enclosure { index, name })
    }

    /// The exact bytes of a message and, once it was sent or received, its signature.
    ///
    /// # Errors
    /// [`LookupError`] when the log does not hold it.
    pub fn message_bytes(&self, row: &MessageRow) -> Result<(Vec<u8>, Option<Vec<u8>>), LookupError> {
        use crate::exchange::rows::Direction::{Incoming, Outgoing};
        match (row.direction, row.envelope_index) {
            (Incoming, _) => {
                let bytes = self.enclosure(row.bytes_index, "signed-message")?;
                let signed = envelope::decode_signed_message(&bytes)?;
                Ok((signed.content, Some(signed.cms)))
            }
            (Outgoing, Some(index)) => {
                Ok((self.enclosure(index, "message")?, Some(self.enclosure(index, "message-signature")?)))
            }
            (Outgoing, None) => Ok((self.enclosure(row.bytes_index, "message")?, None)),
        }
    }

    /// Discloses a record of ours with its proof: a receipt.
    ///
    /// # Errors
    /// [`LookupError`] when the log cannot prove it.
    pub fn receipt(&self, index: u64) -> Result<Vec<u8>, LookupError> {
        let content = self.ledger.reader().read(index)?.content.ok_or(LookupError::Erased { index })?;
        let proof = self.ledger.reader().prove(index)?;
        Ok(receipt::encode(&ReceiptParts { record: content.record, salt: content.salt, proof }))
    }

    /// How many records the index follows, and the digest of all that is in it.
    ///
    /// # Errors
    /// [`LookupError`] when the index is damaged.
    pub fn index_digest(&self) -> Result<(u64, Digest), LookupError> {
        Ok((self.index.applied_through()?, self.index.dump_digest()?))
    }

    /// The C2SP tlog-proof that an entry is in the log.
    ///
    /// # Errors
    /// [`LookupError`] when there is no such entry.
    pub fn prove(&self, index: u64) -> Result<String, LookupError> {
        Ok(self.ledger.reader().prove(index)?)
    }
}

/// What a record encloses under that name.
fn enclosure_of(record: &CustodyRecord, content: &Content, name: &str) -> Option<Vec<u8>> {
    let wanted: Digest = record.digests.iter().find(|digest| digest.name == name)?.sha256;
    content.enclosures.iter().find(|bytes| sha256(bytes) == wanted).cloned()
}

/// Why something was not found.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// No such thing.
    #[error("no {what} {id} is known here; see the lists for the identifiers")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// Its identifier.
        id: Id,
    },
    /// The record was erased.
    #[error("record {index} was erased; its place in the log and its proof remain")]
    Erased {
        /// Its index.
        index: u64,
    },
    /// A record does not hold what it should.
    #[error("record {index} encloses no `{name}`")]
    Enclosure {
        /// Its index.
        index: u64,
        /// What was looked for.
        name: &'static str,
    },
    /// The index stopped following the log.
    #[error("the index does not follow the custody log now; free some disk space: the node then mends it by itself")]
    IndexBehind,
    /// Files about witnesses.
    #[error("what is held of witnesses and other logs cannot be read: {0}")]
    Files(std::io::Error),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Bytes in the log.
    #[error("the custody log holds bytes that do not decode: {0}")]
    Decode(#[from] DecodeError),
}
