//! A running node: its log, index, vault, keys and directory in one place. Does nothing by itself.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::daemon::basis::LawShelf;
use crate::daemon::config::{Config, ConfigError};
use crate::daemon::holds::{Holds, HoldsError};
use crate::daemon::home::Home;
use crate::daemon::keys::{Keys, KeysError};
use crate::daemon::lane::Lanes;
use crate::daemon::leftovers;
use crate::daemon::log_keys;
use crate::daemon::meters::Meters;
use crate::daemon::packing::{OpenPackages, PackingError};
use crate::daemon::registrar::{self, Registrar, RegistrarError, WakeSender};
use crate::daemon::rounds::Rounds;
use crate::daemon::submit::Gaps;
use crate::daemon::time_watch::TimeWatch;
use crate::daemon::traces::step;
use crate::daemon::transfers::Transfers;
use crate::daemon::turnstile::Turnstile;
use crate::daemon::version::VersionError;
use crate::daemon::witness::Witness;
use crate::daemon::{clock, destroying, erasing, restart, rotate, version};
use crate::exchange::act::{Act, Scene};
use crate::exchange::directory::Accepted;
use crate::model::event::{Event, NamedDigest};
use crate::model::ident::{AuthorityId, Digest};
use crate::model::limits::START_LOCK_MS_MAX;
use crate::model::refusal::RefusalCode;
use crate::model::time::Timestamp;
use crate::store::directory::{DirectoryFileError, NodeDirectory};
use crate::store::erasure::EraseError;
use crate::store::index::{Index, IndexError, Opened};
use crate::store::ledger::{AppendError, Appended, Entry, Ledger, OpenError};
use crate::store::lock::{DirLock, LockError};
use crate::store::vault::{Vault, VaultError};

/// A node with its data directory open. One process at a time has it.
pub struct Node {
    us: AuthorityId,
    home: Home,
    config: ArcSwap<Config>,
    directory: ArcSwapOption<Accepted>,
    pub(super) keys: ArcSwap<Keys>,
    /// The name of the log that is written.
    pub(super) origin: String,
    /// What an operator stopped for now.
    pub(super) holds: Holds,
    /// Held by whatever must not run beside another such thing: a backup, a rotation, an erasure.
    pub(super) alone: Mutex<()>,
    pub(super) ledger: Ledger,
    pub(super) index: IndexSlot,
    pub(super) vault: Vault,
    /// Acts on one request, message or package pass one at a time.
    pub(super) turnstile: Turnstile,
    /// Packages that officers are filling.
    pub(super) open_packages: OpenPackages,
    /// What each peer may occupy.
    pub(super) lanes: Lanes,
    /// What is held of other logs, and what witnesses said of ours.
    pub(super) witness: Witness,
    /// Since when witnesses of the policy do not answer.
    pub(super) gaps: Gaps,
    /// One round of watching at a time with each peer.
    pub(super) rounds: Rounds,
    pub(super) registrar: Registrar,
    /// What was heard last from time-stamp authorities.
    pub(super) time: TimeWatch,
    /// What it counts.
    pub(super) meters: Meters,
    pub(super) transfers: Transfers,
    /// The registry, indexed.
    pub(super) law: LawShelf,
    pub(super) wake: WakeSender,
    pub(super) refusals_logged: Mutex<std::collections::BTreeMap<AuthorityId, (u64, u32)>>,
    _lock: DirLock,
}

impl Node {
    /// Opens the data directory: keys, log, index (rebuilt where it is behind or damaged), vault, directory.
    ///
    /// # Errors
    /// [`StartError`] says what is wrong and what to do.
    pub fn open(data: &Path, wake: WakeSender, opening: Opening) -> Result<Self, StartError> {
        let home = Home::at(data);
        version::check(&home)?;
        let config = Config::read(&home.config())?;
        let lock = lock(data, opening)?;
        rotate::resume(&home, &config.authority).map_err(Box::new)?;
        let keys = Keys::read(&home)?;
        let directory = NodeDirectory::of(data).current()?;
        let slot = Arc::new(OnceLock::new());
        let registrar = Registrar::new(Arc::clone(&slot), wake.clone());
        restart::finish(&home)?;
        let origin = log_keys::origin(&home, &config.authority)?;
        if opening == Opening::ToServe {
            version::mark(&home)?;
            log_keys::complete(&home)?;
        }
        let holds = Holds::read(&home)?;
        let ledger = Ledger::open(&home.custody(), origin.clone(), log_keys::log_signer(&home)?, registrar.observer())?;
        erasing::forget_derived(&home.index(), &ledger)?;
        let (mut index, opened) = Index::open(&home.index())?;
        if index.applied_through()? > ledger.reader().size() {
            // An index of another log, or of a log that was put back from a backup: it knows nothing that counts.
            index = index.start_over()?;
        } else if opening == Opening::ToRebuild && opened == Opened::Existing {
            index = index.make_again()?;
        }
        if slot.set(index).is_err() {
            return Err(StartError::Origin);
        }
        let reserve_bytes = config.delivery.reserve_mib.saturating_mul(1 << 20);
        let vault = Vault::open(&home.vault())?.with_reserve(reserve_bytes);
        let gaps = Gaps::read(&home);
        let origin = origin.as_str().to_owned();
        let witness = Witness::open(&home, &config.authority);
        let node = Self {
            us: config.authority.clone(),
            home,
            config: ArcSwap::from_pointee(config),
            directory: ArcSwapOption::from(directory.map(Arc::new)),
            keys: ArcSwap::from_pointee(keys),
            origin,
            holds,
            alone: Mutex::default(),
            ledger,
            index: IndexSlot(slot),
            vault,
            turnstile: Turnstile::default(),
            open_packages: OpenPackages::default(),
            lanes: Lanes::default(),
            witness,
            gaps,
            rounds: Rounds::default(),
            registrar,
            time: TimeWatch::default(),
            meters: Meters::default(),
            transfers: Transfers::default(),
            law: LawShelf::default(),
            wake,
            refusals_logged: Mutex::default(),
            _lock: lock,
        };
        node.bring_index_up_to_date(opened, opening)?;
        erasing::settle(&node)?;
        if opening == Opening::ToServe {
            node.begin()?;
        }
        Ok(node)
    }

    /// What a node does before it serves. One whose log came from a backup does nothing of it: it takes no record.
    fn begin(&self) -> Result<(), StartError> {
        if self.ledger.is_put_back() {
            tracing::warn!("this log came from a backup and takes nothing; run `rogatory restore compare`");
            return Ok(());
        }
        destroying::finish(self);
        leftovers::remove(self)?;
        restart::record_if_missing(self)?;
        self.commit(self.started())?;
        log_keys::announce(self)
    }

    fn bring_index_up_to_date(&self, opened: Opened, opening: Opening) -> Result<(), StartError> {
        registrar::follow_shape(&self.index)?;
        let behind = registrar::catch_up(&self.index, self.ledger.reader())?;
        if opened == Opened::Recovered {
            tracing::warn!(records = behind, "the index was damaged; set aside and rebuilt from the custody log");
        }
        let rebuilt = opened == Opened::Recovered || opening == Opening::ToRebuild;
        if rebuilt && opening != Opening::ToRead && !self.ledger.is_put_back() {
            self.commit(Act { record: self.scene().record(Event::IndexRebuilt), enclosures: Vec::new() })?;
        }
        registrar::load_queues(&self.index, &self.wake)?;
        Ok(())
    }

    /// Brings the index up to date if it stopped following the log. Blocks.
    ///
    /// # Errors
    /// [`StartError`] while the cause lasts; letters and officers are refused for now.
    pub fn mend_index(&self) -> Result<(), StartError> {
        if !self.registrar.is_behind() {
            return Ok(());
        }
        if self.registrar.mend(self.ledger.reader())? == Opened::Recovered {
            self.commit(Act { record: self.scene().record(Event::IndexRebuilt), enclosures: Vec::new() })?;
        }
        tracing::warn!(records = self.ledger.reader().size(), "the index follows the custody log again");
        Ok(())
    }

    fn started(&self) -> Act {
        let mut record = self.scene().record(Event::NodeStarted);
        record.reason = format!("rogatory {}", env!("CARGO_PKG_VERSION"));
        Act { record, enclosures: Vec::new() }
    }

    /// Who this node speaks for.
    pub fn us(&self) -> &AuthorityId {
        &self.us
    }

    /// Where its data lies.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The settings in force.
    pub fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// An act of the node itself, now.
    pub fn scene(&self) -> Scene {
        Scene::node(&self.us, clock::now())
    }

    /// Logs an act and returns when it is durable, signed and seen by the index.
    ///
    /// # Errors
    /// [`AppendError`]: nothing was acknowledged.
    pub fn commit(&self, act: Act) -> Result<Appended, AppendError> {
        if self.holds.stops(act.record.event) {
            return Err(AppendError::Frozen);
        }
        let (begun, step) = (clock::ticks(), step!("custody.append").entered());
        let record = act.record_bytes();
        let appended = self.ledger.append(Entry { record, enclosures: act.enclosures });
        step.record("failed", appended.is_err());
        let appended = appended?;
        self.meters.appended(begun.elapsed());
        self.meters.recorded(act.record.event);
        Ok(appended)
    }

    /// The directory in force.
    ///
    /// # Errors
    /// The code that a peer would be told: none was imported, or it has expired.
    pub fn directory(&self, now: Timestamp) -> Result<Arc<Accepted>, RefusalCode> {
        let directory = self.directory.load_full().ok_or(RefusalCode::DirectoryExpired)?;
        if directory.fresh_at(now).is_err() { Err(RefusalCode::DirectoryExpired) } else { Ok(directory) }
    }

    /// The directory as last imported, fresh or not.
    pub fn any_directory(&self) -> Option<Arc<Accepted>> {
        self.directory.load_full()
    }

    /// Reads settings and directory again; records a directory that is new.
    ///
    /// # Errors
    /// [`StartError`]; the old ones stay in force.
    pub fn reload(&self) -> Result<(), StartError> {
        let config = Config::read(&self.home.config())?;
        if config.authority != self.us {
            return Err(StartError::OtherAuthority);
        }
        let found = NodeDirectory::of(self.home.root()).current()?;
        // The record first: what cannot be logged does not come into force, neither it nor the settings.
        if let Some(found) = &found {
            self.record_directory(found)?;
        }
        self.directory.store(found.map(Arc::new));
        self.vault.set_reserve(config.delivery.reserve_mib.saturating_mul(1 << 20));
        self.config.store(Arc::new(config));
        Ok(())
    }

    /// Every directory version that comes into force stands in the log once.
    pub(super) fn record_directory(&self, directory: &Accepted) -> Result<(), StartError> {
        let digest = directory.digest();
        let known = self.index.get(registrar::DIRECTORY_TREE, &digest.0)?;
        if known.is_none() && !self.ledger.is_put_back() {
            let mut record = self.scene().record(Event::DirectoryAccepted);
            record.digests = vec![NamedDigest::new("directory", digest)];
            let registry = directory.registry().map(|named| Digest::from(named.sha256()));
            record.digests.extend(registry.map(|digest| NamedDigest::new("registry", digest)));
            record.reason = format!("version {}", directory.version());
            self.commit(Act { record, enclosures: Vec::new() })?;
        }
        Ok(())
    }
}

/// Takes the data directory. A node that starts waits a little for a command that reads it while no node runs: a restart
/// after a crash must not fail because somebody was looking.
fn lock(data: &Path, opening: Opening) -> Result<DirLock, LockError> {
    const STEP_MS: u64 = 50;
    let first = DirLock::exclusive(data);
    if opening != Opening::ToServe || !matches!(first, Err(LockError::InUse(_))) {
        return first;
    }
    tracing::info!("another process has the data directory; waiting a little for its end");
    for _ in 0..START_LOCK_MS_MAX / STEP_MS {
        std::thread::sleep(Duration::from_millis(STEP_MS));
        match DirLock::exclusive(data) {
            Err(LockError::InUse(_)) => {}
            taken => return taken,
        }
    }
    first
}

/// What a data directory is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// To run the node: the start is recorded.
    ToServe,
    /// To read while no node runs: nothing is recorded.
    ToRead,
    /// To make the index again: that is recorded.
    ToRebuild,
}

/// The index of a node: set once, when the log was opened.
#[derive(Debug, Clone)]
pub struct IndexSlot(Arc<OnceLock<Index>>);

impl std::ops::Deref for IndexSlot {
    type Target = Index;

    fn deref(&self) -> &Index {
        self.0.get().expect("the index was set before the node was made")
    }
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another process has the data directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryFileError),
    /// The custody log.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Packages that were being sealed.
    #[error(transparent)]
    Packing(#[from] Box<PackingError>),
    /// Bringing the index up to date.
    #[error(transparent)]
    Registrar(#[from] RegistrarError),
    /// The first record.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// An erasure that was cut short.
    #[error(transparent)]
    Erase(#[from] EraseError),
    /// The version of the data.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// What an operator stopped.
    #[error(transparent)]
    Holds(#[from] HoldsError),
    /// A rotation of keys that was cut short.
    #[error("a rotation of keys was cut short and cannot be ended now: {0}")]
    Rotate(#[from] Box<rotate::RotateError>),
    /// The authority makes no log name.
    #[error("the authority's identifier makes no log name")]
    Origin,
    /// The settings now name another authority.
    #[error("config.toml names another authority now; a node speaks for one authority for ever")]
    OtherAuthority,
}
