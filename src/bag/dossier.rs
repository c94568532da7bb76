//! What a node knows about one package, as exact bytes: all that a bag is made of but the files themselves. Pure data,
//! so that a daemon can hand it to the command line as JSON. Proves nothing; the writer and the verifier check it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// The files of the directory in force, by their names in its layout.
    pub directory: Vec<DirectoryPart>,
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
