//! The index: what the records fold to, in sled. Never a source of truth: a damaged one is set aside and made again from the journal.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::crypto::digest::Sha256;
use crate::model::ident::Digest;
use crate::model::limits::{INDEX_CACHE_BYTES, INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX};
use crate::store::index_dir;

const FLUSH_MS: u64 = 500;
/// The layout of keys and values below, and what the daemon folds into them. Another one is set aside.
const SCHEMA: u64 = 2;

/// Named trees of sorted keys. sled 0.34.7 lives in this file and nowhere else.
///
/// ```text
/// sled key:    u8 length of the tree's name | name | key        one sled tree, so that one batch is atomic over all
/// sled value:  crc32 of sled key and value, u32 | value         a flipped byte is noticed when it is read
/// name "":     "schema" u64, "applied" u64
/// ```
///
/// sled's flush is not durable against power loss and a batch may be lost; but never half of one, and the number of
/// entries applied is in the same batch. So after a start the daemon applies the journal from
/// [`Index::applied_through`] on. All access goes through one lock, which rules out sled's known concurrency defects.
#[derive(Debug)]
pub struct Index {
    dir: PathBuf,
    /// `None` only after it was closed and could not be opened again.
    db: Mutex<Option<sled::Db>>,
}

/// In what state an index was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// As it was left.
    Existing,
    /// There was none.
    Fresh,
    /// It was damaged, or of another schema; it was set aside and an empty one begun.
    Recovered,
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The tree's name, not empty, at most 255 bytes.
    pub tree: &'static str,
    /// The key.
    pub key: Vec<u8>,
    /// The new value; `None` removes the key.
    pub value: Option<Vec<u8>>,
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key on.
    Forward,
    /// From the largest key down.
    Backward,
}

impl Index {
    /// Opens the index in `dir`, or begins one. Damage is no error: it is set aside as `<dir>.damaged-N`.
    pub fn open(dir: &Path) -> Result<(Self, Opened), IndexError> {
        let existed = dir.join("db").exists();
        index_dir::remove_torn_snapshots(dir).map_err(|source| IndexError::Io { path: dir.to_owned(), source })?;
        match open_sound(dir, if existed { Opened::Existing } else { Opened::Fresh })? {
            Some(db) => {
                let index = Self { dir: dir.to_owned(), db: Mutex::new(Some(db)) };
                Ok((index, if existed { Opened::Existing } else { Opened::Fresh }))
            }
            None => Ok((Self::begin_anew(dir)?, Opened::Recovered)),
        }
    }

    /// Sets this index aside and begins an empty one: it is not of this log.
    pub fn start_over(self) -> Result<Self, IndexError> {
        let dir = self.dir.clone();
        drop(self);
        Self::begin_anew(&dir)
    }

    /// Removes this index, in which nothing is wrong, with those set aside, and begins an empty one.
    pub fn make_again(self) -> Result<Self, IndexError> {
        self.empty()?;
        Ok(self)
    }

    /// Removes the files of this index and of every one that was set aside, and begins an empty one: they hold what was
    /// erased from the log.
    pub fn empty(&self) -> Result<(), IndexError> {
        let mut held = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        let old = held.take();
        let _ = catch_unwind(AssertUnwindSafe(move || drop(old)));
        index_dir::remove(&self.dir).map_err(|source| IndexError::Io { path: self.dir.clone(), source })?;
        *held = Some(open_sound(&self.dir, Opened::Fresh)?.ok_or(IndexError::Damaged)?);
        Ok(())
    }

    /// Closes the index and opens it again. sled keeps its first failure (a full disk) for ever; what it had not written
    /// is to be applied again. If it cannot be used it is removed, which gives its room back, and an empty one begun.
    pub fn reopen(&self) -> Result<Opened, IndexError> {
        let mut held = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        let old = held.take();
        // sled flushes when it is dropped, and may panic where that fails.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(old)));
        if self.dir.join("db").exists()
            && let Some(db) = open_sound(&self.dir, Opened::Existing)?
        {
            *held = Some(db);
            return Ok(Opened::Existing);
        }
        match fs::remove_dir_all(&self.dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(IndexError::Io { path: self.dir.clone(), source });
            }
            _ => {}
        }
        *held = Some(open_sound(&self.dir, Opened::Fresh)?.ok_or(IndexError::Damaged)?);
        Ok(Opened::Recovered)
    }

    /// The value of a key.
    pub fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        let full = full_key(tree, key)?;
        match self.db()?.get(&full)? {
            Some(stored) => Ok(Some(unsealed(&full, &stored)?)),
            None => Ok(None),
        }
    }

    /// Up to `limit` pairs of a tree whose keys begin with `prefix`, from the key `from` (itself included) on.
    pub fn scan_prefix(
        &self,
        tree: &str,
        prefix: &[u8],
        from: Option<&[u8]>,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Pair>, IndexError> {
        let low = full_key(tree, prefix)?;
        let high = successor(&low);
        let start = from.map(|from| full_key(tree, from)).transpose()?;
        let name_bytes = 1 + tree.len();
        let db = self.db()?;
        let (low, high) = match (direction, start) {
            (Direction::Forward, Some(start)) => (start.max(low), high),
            (Direction::Backward, Some(mut start)) => {
                // The first key behind `from`: itself and a zero byte.
                start.push(0);
                (low, Some(high.map_or(start.clone(), |high| high.min(start))))
            }
            (_, None) => (low, high),
        };
        if high.as_ref().is_some_and(|high| *high <= low) {
            return Ok(Vec::new());
        }
        let range = match high {
            Some(high) => db.range(low..high),
            None => db.range(low..),
        };
        let pair = |found: Result<(sled::IVec, sled::IVec), sled::Error>| {
            let (key, stored) = found?;
            let value = unsealed(&key, &stored)?;
            Ok((key.get(name_bytes..).unwrap_or_default().to_vec(), value))
        };
        match direction {
            Direction::Forward => range.take(limit).map(pair).collect(),
            Direction::Backward => range.rev().take(limit).map(pair).collect(),
        }
    }

    /// Applies a batch, whole or not at all, and with it that all entries below `applied_through` are applied.
    pub fn apply(&self, changes: &[Change], applied_through: u64) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for change in changes {
            if change.tree.is_empty() {
                return Err(IndexError::BadKey);
            }
            let key = full_key(change.tree, &change.key)?;
            match &change.value {
                Some(value) if value.len() > INDEX_VALUE_BYTES_MAX => {
                    return Err(IndexError::ValueTooLarge);
                }
                Some(value) => batch.insert(key.as_slice(), sealed(&key, value)),
                None => batch.remove(key),
            }
        }
        let key = own_key("applied");
        batch.insert(key.as_slice(), sealed(&key, &applied_through.to_be_bytes()));
        Ok(self.db()?.apply_batch(batch)?)
    }

    /// How many entries of the log, from the first on, are applied.
    pub fn applied_through(&self) -> Result<u64, IndexError> {
        let db = self.db()?;
        Ok(own_number(&db, "applied")?.unwrap_or(0))
    }

    /// A digest over every key and value of the trees, in order: two indexes with the same digest give the same answers.
    /// How many entries were applied is not in it: an entry that changes no answer changes no digest.
    pub fn dump_digest(&self) -> Result<Digest, IndexError> {
        let mut hasher = Sha256::new();
        for found in self.db()?.iter() {
            let (key, stored) = found?;
            let value = unsealed(&key, &stored)?;
            if key.first() == Some(&0) {
                continue;
            }
            for bytes in [&key[..], &value[..]] {
                hasher.update(&(bytes.len() as u64).to_be_bytes());
                hasher.update(bytes);
            }
        }
        Ok(hasher.finish())
    }

    /// Writes out what is in memory, so that the next start has less to apply again. No promise rests on it.
    pub fn flush(&self) -> Result<(), IndexError> {
        self.db()?.flush()?;
        let db_file = self.dir.join("db");
        let synced = fs::File::open(&db_file).and_then(|file| file.sync_data());
        synced.map_err(|source| IndexError::Io { path: db_file, source })
    }

    fn begin_anew(dir: &Path) -> Result<Self, IndexError> {
        index_dir::set_aside(dir).map_err(|source| IndexError::Io { path: dir.to_owned(), source })?;
        let db = open_sound(dir, Opened::Fresh)?.ok_or(IndexError::Damaged)?;
        Ok(Self { dir: dir.to_owned(), db: Mutex::new(Some(db)) })
    }

    fn db(&self) -> Result<Held<'_>, IndexError> {
        let held = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() { Ok(Held(held)) } else { Err(IndexError::Closed) }
    }
}

/// The open database, for as long as nobody else may use it.
struct Held<'a>(MutexGuard<'a, Option<sled::Db>>);

impl std::ops::Deref for Held<'_> {
    type Target = sled::Db;

    fn deref(&self) -> &sled::Db {
        self.0.as_ref().expect("invariant: it was looked at when it was taken")
    }
}

/// Opens sled; `None` if what is there cannot be used. sled panics on some damage instead of reporting it.
fn open_sound(dir: &Path, expected: Opened) -> Result<Option<sled::Db>, IndexError> {
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(INDEX_CACHE_BYTES)
        .flush_every_ms(Some(FLUSH_MS))
        .mode(sled::Mode::HighThroughput)
        .use_compression(false);
    let db = match catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(db)) => db,
        Ok(Err(sled::Error::Io(source)))
            if !matches!(source.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            return Err(IndexError::Io { path: dir.to_owned(), source });
        }
        Ok(Err(_)) | Err(_) => return Ok(None),
    };
    match own_number(&db, "schema") {
        Ok(Some(SCHEMA)) => Ok(Some(db)),
        Ok(None) if db.is_empty() && expected == Opened::Fresh => {
            let key = own_key("schema");
            db.insert(&key, sealed(&key, &SCHEMA.to_be_bytes()))?;
            db.flush()?;
            Ok(Some(db))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}

fn full_key(tree: &str, key: &[u8]) -> Result<Vec<u8>, IndexError> {
    let name_bytes = u8::try_from(tree.len()).map_err(|_| IndexError::BadKey)?;
    if key.len() > INDEX_KEY_BYTES_MAX {
        return Err(IndexError::BadKey);
    }
    Ok([&[name_bytes], tree.as_bytes(), key].concat())
}

fn own_key(name: &str) -> Vec<u8> {
    [&[0], name.as_bytes()].concat()
}

fn own_number(db: &sled::Db, name: &str) -> Result<Option<u64>, IndexError> {
    let key = own_key(name);
    let Some(stored) = db.get(&key)? else { return Ok(None) };
    let value = unsealed(&key, &stored)?;
    let bytes = value.try_into().map_err(|_| IndexError::Damaged)?;
    Ok(Some(u64::from_be_bytes(bytes)))
}

fn sealed(key: &[u8], value: &[u8]) -> Vec<u8> {
    [&checksum(key, value)[..], value].concat()
}

fn unsealed(key: &[u8], stored: &[u8]) -> Result<Vec<u8>, IndexError> {
    let (crc, value) = stored.split_first_chunk::<4>().ok_or(IndexError::Damaged)?;
    if *crc == checksum(key, value) { Ok(value.to_vec()) } else { Err(IndexError::Damaged) }
}

fn checksum(key: &[u8], value: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize().to_be_bytes()
}

/// The smallest key behind all that begin with `prefix`; `None` if there is no such key.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

/// Why the index gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// What is stored is not what was written. Nothing is lost: the journal has it.
    #[error("the index is damaged; run `rogatory index rebuild` (the custody log is not affected)")]
    Damaged,
    /// It was closed and could not be opened again.
    #[error("the index could not be opened again; free some disk space, or restart the node")]
    Closed,
    /// A key or a tree's name that the index does not take.
    #[error("a key of the index has at most {INDEX_KEY_BYTES_MAX} bytes and its tree a name")]
    BadKey,
    /// A value that belongs into a file.
    #[error("a value of the index has at most {INDEX_VALUE_BYTES_MAX} bytes")]
    ValueTooLarge,
    /// The system refused.
    #[error("cannot use the index {}: {source}", path.display())]
    Io {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl From<sled::Error> for IndexError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(source) => Self::Io { path: PathBuf::from("index"), source },
            _ => Self::Damaged,
        }
    }
}

#[cfg(test)]
mod tests;
