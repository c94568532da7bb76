//! What a node knows about one package, as exact bytes: all that a bag is made of but the files themselves. Pure data,
//! so that a daemon can hand it to the command line as JSON. Proves nothing; the writer and the verifier check it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bag::extract::Extract;
use crate::custody::checkpoint::Checkpoint;
use crate::custody::note::Note;
use crate::model::base64;
use crate::model::ident::AuthorityId;
use crate::wire::envelope::SignedBytes;

/// Everything about one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// Who exports.
    pub exporter: AuthorityId,
    /// The message that names the files.
    pub message: SignedPart,
    /// The signed envelope it travelled in.
    pub signed_envelope: Bytes,
    /// The request it answers, unless it is the message itself or is not known.
    pub request: Option<SignedPart>,
    /// Acceptances of its conditions, in the order in which they were made.
    pub acceptances: Vec<SignedPart>,
    /// Records of the exporter's own log about this request.
    pub records: Vec<RecordPart>,
    /// Receipts of the other authority, each a record of its log.
    pub receipts: Vec<Bytes>,
    /// The exporter's newest signed checkpoint.
    pub checkpoint: Bytes,
    /// Checkpoints of the exporter's log with all their lines (cosignatures among them), each linked to the newest one.
    #[serde(default)]
    pub cosigned: Vec<CheckpointPart>,
    /// Every rotation of the keys of the exporter's log, as its custody folder holds them.
    #[serde(default)]
    pub rotations: Vec<Bytes>,
    /// Time-stamps over checkpoints of the exporter's log.
    #[serde(default)]
    pub time_stamps: Vec<StampPart>,
    /// Checkpoints of the other authority's log: those that its receipts are proven under, each linked to the newest
    /// one that the exporter holds, and that one.
    #[serde(default)]
    pub peer_links: Vec<CheckpointPart>,
    /// What the bag is to hold, if it is not the whole package.
    #[serde(default)]
    pub extract: Option<Extract>,
    /// The files of the directory in force, by their names in its layout.
    pub directory: Vec<DirectoryPart>,
}

impl Dossier {
    /// How many of the exporter's records stand under a checkpoint with a line of somebody else than the log, as its notes say.
    /// Checks no signature: that is the verifier's work.
    pub fn cosigned_records(&self) -> usize {
        let end = self.cosigned.iter().filter_map(|part| cosigned_size(&part.note.0)).max().unwrap_or_default();
        self.records.iter().filter(|record| record.index < end).count()
    }
}

/// The size of a checkpoint with a line of another name than the log's.
fn cosigned_size(note: &[u8]) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    let said = Checkpoint::parse(note.text()).ok()?;
    note.signatures().iter().any(|line| line.name() != said.origin()).then(|| said.size())
}

/// Exact bytes and the detached CAdES signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedPart {
    /// The bytes.
    pub content: Bytes,
    /// DER of the CMS SignedData.
    pub cms: Bytes,
}

impl From<SignedBytes> for SignedPart {
    fn from(signed: SignedBytes) -> Self {
        Self { content: Bytes(signed.content), cms: Bytes(signed.cms) }
    }
}

/// A custody record with what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordPart {
    /// Its place in the exporter's log.
    pub index: u64,
    /// Its bytes.
    pub record: Bytes,
    /// Its salt, 32 bytes.
    pub salt: Bytes,
    /// The C2SP tlog-proof with its checkpoint; best all under the newest one.
    pub proof: String,
}

/// A checkpoint of a log, and how it is the beginning of a later one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointPart {
    /// The signed note with every signature line that is known for it.
    pub note: Bytes,
    /// The way to a later checkpoint of the same log; none for the newest, or where it is not known.
    #[serde(default)]
    pub link: Option<LinkPart>,
}

/// A consistency proof (RFC 6962, 2.1.2) from the checkpoint beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkPart {
    /// The size of the later checkpoint.
    pub new_size: u64,
    /// The hashes, 32 bytes each.
    pub hashes: Vec<Bytes>,
}

/// A time-stamp (RFC 3161) over the exact bytes of a signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StampPart {
    /// What was stamped: the checkpoint with the log's own signature lines.
    pub note: Bytes,
    /// DER of the TimeStampResp or TimeStampToken, as it was obtained.
    pub token: Bytes,
}

/// A file of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryPart {
    /// Its name, e.g. `metadata/1.root.json`.
    pub name: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Bytes that are base64 in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&base64::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        base64::decode(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_reads_back_from_its_json_and_loose_base64_is_refused() {
        let part = SignedPart { content: Bytes(vec![0, 1, 255]), cms: Bytes(Vec::new()) };
        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(json, r#"{"content":"AAH/","cms":""}"#);
        assert_eq!(serde_json::from_str::<SignedPart>(&json).unwrap(), part);
        assert!(serde_json::from_str::<SignedPart>(r#"{"content":"AAH","cms":""}"#).is_err());
        assert!(serde_json::from_str::<SignedPart>(r#"{"content":"","cms":"","more":1}"#).is_err());
    }
}
