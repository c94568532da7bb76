//! TUF 1.0 metadata as this directory uses it: root, timestamp, snapshot, targets, each a statement with signatures.
//! Refuses an unknown field, a key under a name that is not its digest, and a second signature by one key.
//!
//! ```text
//!  N.root.json      who the keepers are, and how many of them must sign     ── signed by the keepers of N-1 and of N
//!  timestamp.json   names the version of ▼
//!  snapshot.json    names the version of ▼                                  ── each signed by the keepers of the
//!  targets.json     names length and SHA-256 of ▼                              newest root
//!  directory.json   the list of authorities
//!  registry.json    what States did about treaties, where the keepers keep that too
//! ```
//!
//! Timestamp and snapshot name versions, not digests of files (both are lawful, TUF 4.4 and 4.5): a file's bytes change
//! with every keeper that signs it, and offices that sign one after the other by mail must not undo each other's work.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::exchange::keeper::{FileDigest, KeeperKey, KeyId};
use crate::model::limits::{DIRECTORY_VERSION_MAX, KEEPERS_MAX};
use crate::model::time::Timestamp;

/// What every file of metadata has.
pub trait Metadata: Serialize + DeserializeOwned {
    /// Its version.
    fn version(&self) -> u64;
    /// The first instant at which it no longer holds.
    fn expires(&self) -> Timestamp;
    /// What its type alone cannot say.
    fn check(&self) -> Result<(), MetadataError>;
}

macro_rules! metadata {
    ($(#[doc = $doc:literal])+ $name:ident, $kind:ident, $tag:literal { $($(#[$attr:meta])* $field:ident: $type:ty,)* }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The role's name.
            #[serde(rename = "_type")]
            pub kind: $kind,
            /// TUF's own version.
            pub spec_version: SpecVersion,
            /// The version of this file.
            pub version: u64,
            /// The first instant at which it no longer holds.
            pub expires: Expiry,
            $($(#[$attr])* pub $field: $type,)*
        }

        /// The one name that this role has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $kind {
            /// That name.
            #[serde(rename = $tag)]
            Only,
        }
    };
}

metadata! {
    /// Who may sign what.
    Root, RootKind, "root" {
        /// False: the folder is one state, distributed whole, so its files need no version in their names.
        consistent_snapshot: bool,
        /// Every key, by its id.
        keys: BTreeMap<KeyId, Key>,
        /// Who signs which file.
        roles: Roles,
    }
}

metadata! {
    /// Names the current snapshot.
    TimestampRole, TimestampKind, "timestamp" {
        /// The one file it names.
        meta: SnapshotMeta,
    }
}

metadata! {
    /// Names the current targets file.
    Snapshot, SnapshotKind, "snapshot" {
        /// The one file it names.
        meta: TargetsMeta,
    }
}

metadata! {
    /// Names the list of authorities.
    Targets, TargetsKind, "targets" {
        /// The one file it names.
        targets: TargetFiles,
    }
}

macro_rules! dated {
    ($($name:ty: $check:expr),+ $(,)?) => {$(
        impl Metadata for $name {
            fn version(&self) -> u64 {
                self.version
            }
            fn expires(&self) -> Timestamp {
                self.expires.0
            }
            fn check(&self) -> Result<(), MetadataError> {
                if !(1..=DIRECTORY_VERSION_MAX).contains(&self.version) {
                    return Err(MetadataError("a version is from 1 to 2^53 - 1"));
                }
                $check(self)
            }
        }
    )+};
}

dated!(
    Root: Root::check_roles,
    TimestampRole: |_: &TimestampRole| Ok(()),
    Snapshot: |_: &Snapshot| Ok(()),
    Targets: |_: &Targets| Ok(()),
);

impl Root {
    /// A root in which the same keepers, by the same threshold, sign everything.
    pub fn of(version: u64, keepers: &BTreeSet<KeeperKey>, threshold: usize, expires: Timestamp) -> Self {
        let role = Role { keyids: keepers.iter().map(KeeperKey::id).collect(), threshold };
        Self {
            kind: RootKind::Only,
            spec_version: SpecVersion,
            version,
            expires: Expiry(expires),
            consistent_snapshot: false,
            keys: keepers.iter().map(|keeper| (keeper.id(), Key::from(*keeper))).collect(),
            roles: Roles { root: role.clone(), snapshot: role.clone(), targets: role.clone(), timestamp: role },
        }
    }

    fn check_roles(&self) -> Result<(), MetadataError> {
        if self.consistent_snapshot {
            return Err(MetadataError("`consistent_snapshot` must be false"));
        }
        if self.keys.len() > 4 * KEEPERS_MAX {
            return Err(MetadataError("it has too many keys"));
        }
        if self.keys.iter().any(|(id, key)| key.keyval.public.id() != *id) {
            return Err(MetadataError("a key id is not the digest of its key"));
        }
        let roles = &self.roles;
        [&roles.root, &roles.timestamp, &roles.snapshot, &roles.targets].into_iter().try_for_each(|role| {
            let distinct: BTreeSet<_> = role.keyids.iter().collect();
            if distinct.len() != role.keyids.len() || distinct.len() > KEEPERS_MAX {
                return Err(MetadataError("a role names a key twice, or too many keys"));
            }
            if role.keyids.iter().any(|id| !self.keys.contains_key(id)) {
                return Err(MetadataError("a role names a key that is not there"));
            }
            if role.threshold == 0 || role.threshold > distinct.len() {
                return Err(MetadataError("a threshold is from 1 to the number of the role's keys"));
            }
            Ok(())
        })
    }
}

impl TimestampRole {
    /// Names that version of the snapshot.
    pub fn of(version: u64, snapshot: u64, expires: Timestamp) -> Self {
        let meta = SnapshotMeta { snapshot: VersionOf { version: snapshot } };
        Self { kind: TimestampKind::Only, spec_version: SpecVersion, version, expires: Expiry(expires), meta }
    }
}

impl Snapshot {
    /// Names that version of the targets file.
    pub fn of(version: u64, targets: u64, expires: Timestamp) -> Self {
        let meta = TargetsMeta { targets: VersionOf { version: targets } };
        Self { kind: SnapshotKind::Only, spec_version: SpecVersion, version, expires: Expiry(expires), meta }
    }
}

impl Targets {
    /// Names those bytes as the list, and that file as the registry.
    pub fn of(version: u64, directory: &[u8], registry: Option<TargetFile>, expires: Timestamp) -> Self {
        let targets = TargetFiles { directory: TargetFile::of(directory), registry };
        Self { kind: TargetsKind::Only, spec_version: SpecVersion, version, expires: Expiry(expires), targets }
    }
}

/// A key object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    keytype: Ed25519Tag,
    scheme: Ed25519Tag,
    keyval: KeyValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Ed25519Tag {
    #[serde(rename = "ed25519")]
    Only,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValue {
    public: KeeperKey,
}

impl From<KeeperKey> for Key {
    fn from(public: KeeperKey) -> Self {
        Self { keytype: Ed25519Tag::Only, scheme: Ed25519Tag::Only, keyval: KeyValue { public } }
    }
}

/// The four roles of a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Who signs this root and the next.
    pub root: Role,
    /// Who signs `snapshot.json`.
    pub snapshot: Role,
    /// Who signs `targets.json`.
    pub targets: Role,
    /// Who signs `timestamp.json`.
    pub timestamp: Role,
}

/// Some keys, of which so many must sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The keys.
    pub keyids: Vec<KeyId>,
    /// How many different ones of them must sign.
    pub threshold: usize,
}

impl Role {
    /// The keys of this role in that root.
    pub fn keepers(&self, root: &Root) -> BTreeSet<KeeperKey> {
        self.keyids.iter().filter_map(|id| root.keys.get(id)).map(|key| key.keyval.public).collect()
    }
}

/// What a timestamp names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotMeta {
    /// The snapshot.
    #[serde(rename = "snapshot.json")]
    pub snapshot: VersionOf,
}

/// What a snapshot names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetsMeta {
    /// The targets file.
    #[serde(rename = "targets.json")]
    pub targets: VersionOf,
}

/// A file by its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionOf {
    /// The version.
    pub version: u64,
}

/// What a targets file names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFiles {
    /// The list of authorities.
    #[serde(rename = "directory.json")]
    pub directory: TargetFile,
    /// The registry of treaty actions, if the keepers keep one.
    #[serde(rename = "registry.json", default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<TargetFile>,
}

/// A file by its length and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    length: u64,
    hashes: Hashes,
}

impl TargetFile {
    /// The name of those bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { length, hashes: Hashes { sha256: FileDigest::of(bytes) } }
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its SHA-256, under which a node keeps it.
    pub fn sha256(&self) -> FileDigest {
        self.hashes.sha256
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hashes {
    sha256: FileDigest,
}

/// TUF's own version: 1.0 with any patch level is read, 1.0.31 is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecVersion;

impl Serialize for SpecVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("1.0.31")
    }
}

impl<'de> Deserialize<'de> for SpecVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let patch = text.strip_prefix("1.0.").unwrap_or_default();
        if (1..=4).contains(&patch.len()) && patch.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom("`spec_version` must be 1.0 with a patch level, e.g. 1.0.31"))
        }
    }
}

/// An end of validity; written in one way only, `2026-11-22T00:22:03Z` (TUF 4.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(pub Timestamp);

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<Timestamp>() {
            Ok(instant) if instant.to_string() == text => Ok(Self(instant)),
            _ => Err(serde::de::Error::custom("`expires` must be an instant like 2026-11-22T09:30:00Z")),
        }
    }
}

/// What a file of metadata says that it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MetadataError(&'static str);
