//! `rogatory directory`: the keepers' verbs and the node's import. Needs no daemon; changes nothing that is signed.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::directory_args::{DirectoryArgs, KeeperArgs, ValidityArgs, Verb};
use crate::cli::directory_import;
use crate::cli::directory_registry;
use crate::cli::directory_view::{print_authorities, print_signatures};
use crate::crypto::ed25519::{KeyError, SEED_BYTES, SigningKey, pkcs8_of_seed};
use crate::crypto::pem::{self, Label, PemError};
use crate::crypto::random::{self, RandomError};
use crate::exchange::canonical::JsonError;
use crate::exchange::directory::DirectoryError;
use crate::exchange::entry::{Entry, EntryError};
use crate::exchange::keeper::{Fingerprint, KeeperKey};
use crate::exchange::keeping::{self, Change, Expiries, KeepError, Keepers};
use crate::exchange::listing::Put;
use crate::exchange::reading::{ReadError, Reading};
use crate::exchange::registry::NotGrown;
use crate::exchange::repository::Files;
use crate::exchange::repository::RepositoryError;
use crate::law::instrument::InstrumentError;
use crate::law::registry::RegistryError;
use crate::law::view::BookError;
use crate::model::limits::DIRECTORY_BYTES_MAX;
use crate::model::time::Timestamp;
use crate::store::directory::{self, DirectoryFileError, NodeDirectory, Outcome, Trust};

/// Runs one verb. What it says goes to `out`.
pub fn run(args: DirectoryArgs, now: Timestamp, out: &mut dyn Write) -> Result<ExitCode, DirectoryCommandError> {
    match args.verb {
        Verb::Keygen { out: path } => keygen(&path, out)?,
        Verb::New { path, keepers, validity } => new(&path, &keepers, &validity, now, out)?,
        Verb::Add { path, entries, valid_days } => {
            let rows = entries.iter().map(|entry| read_entry(entry)).collect::<Result<_, _>>()?;
            change(&path, Change::Put(rows), later(now, valid_days), out)?;
        }
        Verb::Remove { path, authority, valid_days } => {
            change(&path, Change::Remove(authority), later(now, valid_days), out)?;
        }
        Verb::Renew { path, valid_days } => change(&path, Change::Renew, later(now, valid_days), out)?,
        Verb::Rotate { path, keepers, validity } => {
            let files = directory::read(&path)?;
            let files = keeping::hand_over(&files, &keepers.read()?, validity.from(now))?;
            directory::write(&path, &files)?;
            writeln!(out, "The next root names the new keepers.")?;
            next_is_signing(&path, out)?;
        }
        Verb::Sign { path, key } => sign(&path, &key, out)?,
        Verb::Verify { path, trust_root, form } => {
            return print_signatures(&directory::read(&path)?, trust_root, now, form.form(), out);
        }
        Verb::Show { path, form } => print_authorities(&directory::read(&path)?, form.form(), out)?,
        Verb::Pack { from, to, without_registry } => {
            let read = directory::read(&from)?;
            let files = if without_registry { read.without_registry() } else { read };
            not_there(&to)?;
            directory::write(&to, &files)?;
            writeln!(out, "Wrote {}.", to.display())?;
        }
        Verb::Registry { verb } => return directory_registry::run(&verb, now, out),
        Verb::Import { path, data, trust_root, trust_first_root } => {
            let trust = match (trust_root, trust_first_root) {
                (Some(fingerprint), _) => Trust::Root(fingerprint),
                (None, true) => Trust::FirstRoot,
                (None, false) => Trust::Confirmed,
            };
            import(&path, &data, trust, now, out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn keygen(path: &Path, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let seed = zeroize::Zeroizing::new(random::bytes::<SEED_BYTES>()?);
    let text = pem::encode(Label::PrivateKey, &pkcs8_of_seed(&seed));
    write_private(path, text.as_bytes()).map_err(|source| file_error(path, source))?;
    writeln!(out, "{}", KeeperKey::of(&SigningKey::from_seed(&seed)))?;
    Ok(())
}

fn new(
    path: &Path,
    keepers: &KeeperArgs,
    validity: &ValidityArgs,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    not_there(path)?;
    let files = keeping::found(&keepers.read()?, validity.from(now))?;
    let fingerprint = Fingerprint::from(Reading::of(&files)?.root().digest());
    directory::write(path, &files)?;
    writeln!(out, "Founded {}.", path.display())?;
    writeln!(out, "Fingerprint of the first root, for the keepers to publish: {fingerprint}")?;
    writeln!(out, "Next: rogatory directory add {} ENTRY.json, then sign.", path.display())?;
    Ok(())
}

/// Changes the list, and says that the keepers sign next.
///
/// # Errors
/// Why the keepers' act is not possible.
pub fn change(
    path: &Path,
    change: Change,
    expires: Timestamp,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let changed = keeping::change(&directory::read(path)?, change, expires)?;
    directory::write(path, &changed.files)?;
    for (id, put) in &changed.rows {
        writeln!(out, "{} {id}", if *put == Put::Added { "added   " } else { "replaced" })?;
    }
    writeln!(out, "Version {}, valid until {expires}, not signed yet.", changed.version)?;
    next_is_signing(path, out)
}

fn sign(path: &Path, key: &Path, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    let key = read_key(key)?;
    let (files, signed) = keeping::sign(&directory::read(path)?, &key)?;
    if signed.is_empty() {
        writeln!(out, "This key has signed everything already.")?;
        return Ok(());
    }
    directory::write(path, &files)?;
    let reading = Reading::of(&files)?;
    signed.iter().try_for_each(|name| writeln!(out, "signed {name}"))?;
    writeln!(out, "Version {}, SHA-256 {}", reading.listing().version(), reading.listing_digest())?;
    if reading.signatures().iter().all(|file| file.enough()) {
        writeln!(out, "Complete. Next: rogatory directory import {} --data DIR", path.display())?;
    } else {
        writeln!(out, "Other keepers must sign too: rogatory directory verify {}", path.display())?;
    }
    Ok(())
}

fn import(
    path: &Path,
    data: &Path,
    trust: Trust,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<(), DirectoryCommandError> {
    let files: Files = match directory::read(path) {
        Err(DirectoryFileError::Repository(source)) => {
            return Err(DirectoryCommandError::NoDirectory { path: path.to_owned(), source });
        }
        read => read?,
    };
    let node = NodeDirectory::of(data);
    let before = node.current()?.map(|held| node.registry(&held)).transpose()?.flatten();
    let (accepted, outcome) = node.import(&files, trust, now)?;
    match outcome {
        Outcome::First | Outcome::Newer => writeln!(out, "Accepted version {}", accepted.version())?,
        Outcome::Unchanged => writeln!(out, "Version {} was accepted before; nothing changed", accepted.version())?,
    }
    writeln!(out, "authorities   {}", accepted.roster().len())?;
    writeln!(out, "valid until   {}", accepted.expires_at())?;
    writeln!(out, "SHA-256       {}", accepted.digest())?;
    if let Some(root) = node.trusted_root()? {
        writeln!(out, "trusted root  {root}")?;
    }
    if let Some(registry) = node.registry(&accepted)? {
        directory_import::print_registry(data, before.as_deref(), &registry, out)?;
    }
    if outcome != Outcome::Unchanged {
        writeln!(out, "A running node takes it over with `rogatory reload`.")?;
    }
    Ok(())
}

impl KeeperArgs {
    fn read(&self) -> Result<Keepers, DirectoryCommandError> {
        let of_files = self.keys.iter().map(|path| read_key(path).map(|key| KeeperKey::of(&key)));
        let keys: Vec<KeeperKey> = self.keepers.iter().copied().map(Ok).chain(of_files).collect::<Result<_, _>>()?;
        Ok(Keepers::new(keys, self.threshold)?)
    }
}

impl ValidityArgs {
    fn from(&self, now: Timestamp) -> Expiries {
        Expiries { root: later(now, self.root_valid_days), list: later(now, self.valid_days) }
    }
}

fn later(now: Timestamp, days: u32) -> Timestamp {
    now.plus_millis(u64::from(days) * 86_400_000)
}

fn next_is_signing(path: &Path, out: &mut dyn Write) -> Result<(), DirectoryCommandError> {
    writeln!(out, "Next: each keeper runs rogatory directory sign {} --key FILE", path.display())?;
    Ok(())
}

fn not_there(path: &Path) -> Result<(), DirectoryCommandError> {
    match path.symlink_metadata() {
        Ok(_) => Err(DirectoryCommandError::Exists(path.to_owned())),
        Err(_) => Ok(()),
    }
}

fn read_key(path: &Path) -> Result<SigningKey, DirectoryCommandError> {
    let text = zeroize::Zeroizing::new(read_small(path)?);
    let bad = |source| DirectoryCommandError::Pem { path: path.to_owned(), source };
    Ok(SigningKey::from_pkcs8(&pem::decode(Label::PrivateKey, &text).map_err(bad)?)?)
}

fn read_entry(path: &Path) -> Result<Entry, DirectoryCommandError> {
    let bytes = read_small(path)?;
    Entry::parse(&bytes).map_err(|source| DirectoryCommandError::Entry { path: path.to_owned(), source })
}

fn read_small(path: &Path) -> Result<Vec<u8>, DirectoryCommandError> {
    read_bounded(path, DIRECTORY_BYTES_MAX)
}

/// Reads a file up to a bound; what is behind it makes the content malformed.
///
/// # Errors
/// When it cannot be read.
pub fn read_bounded(path: &Path, bytes_max: usize) -> Result<Vec<u8>, DirectoryCommandError> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|source| file_error(path, source))?;
    Ok(bytes)
}

/// Never over another file: a keeper's key that is overwritten is a keeper less.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn file_error(path: &Path, source: io::Error) -> DirectoryCommandError {
    DirectoryCommandError::File { path: path.to_owned(), source }
}

/// Why a verb of `rogatory directory` was not done.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryCommandError {
    /// Reading, writing or importing failed.
    #[error(transparent)]
    Store(#[from] DirectoryFileError),
    /// The keepers' act is not possible.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The files do not fit each other.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory is not acceptable.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Something is there already.
    #[error("{} exists; choose another name, or change it with `rogatory directory add`", .0.display())]
    Exists(PathBuf),
    /// The file is none of a directory.
    #[error("{}: {source}", path.display())]
    NoDirectory {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: RepositoryError,
    },
    /// An entry is malformed.
    #[error("{}: {source}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: EntryError,
    },
    /// A key file is malformed.
    #[error("{}: {source}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// A key file holds another kind of key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No randomness for a key.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The directory has no registry.
    #[error("{} has no registry; `rogatory directory registry add` begins one", .0.display())]
    NoRegistry(PathBuf),
    /// A registry, or rows for it, are malformed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An instrument is malformed.
    #[error(transparent)]
    Instrument(#[from] InstrumentError),
    /// Rows are about something that nobody described.
    #[error(transparent)]
    Book(#[from] BookError),
    /// A newer registry takes something back.
    #[error(transparent)]
    NotGrown(#[from] NotGrown),
    /// A registry has no digest.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is to be said cannot be written.
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
}
