//! The directory of one package in the vault and the names in it. Makes names only from an identifier and a number, never from outside text.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::model::ident::Id;

const TEMPORARY: &str = ".tmp";
const REMOVED: &str = ".removed";
const INTAKE: &str = "intake";

/// The directory `<vault>/<seal_id>`, mode 0700; its files have mode 0600.
///
/// ```text
/// intake       what is being, or was, received under this seal_id; missing for what was sealed here
/// 1.sealed     a whole object: ciphertext
/// 1.parts      the hashes of its parts; derived
/// 2.partial    an object that is arriving: full length, reserved
/// 2.have       which of its parts are durable, and their hashes
/// *.tmp        being written; removed when the vault is opened
/// ```
#[derive(Debug, Clone)]
pub struct PackageDir {
    path: PathBuf,
}

/// What a file says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The whole ciphertext.
    Sealed,
    /// Hashes of the parts.
    Parts,
    /// Ciphertext that is arriving.
    Partial,
    /// Which parts of it are here.
    Have,
}

impl FileKind {
    const ALL: [Self; 4] = [Self::Sealed, Self::Parts, Self::Partial, Self::Have];

    const fn extension(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Parts => "parts",
            Self::Partial => "partial",
            Self::Have => "have",
        }
    }
}

impl PackageDir {
    /// The directory of a package; nothing is touched.
    pub fn of(vault: &Path, seal_id: Id) -> Self {
        Self { path: vault.join(seal_id.to_string()) }
    }

    /// Makes the directory, durable in the vault.
    pub fn create(&self) -> io::Result<()> {
        create_private_dir(&self.path)
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// The path of one of an object's files.
    pub fn file(&self, object_id: u32, kind: FileKind) -> PathBuf {
        self.path.join(format!("{object_id}.{}", kind.extension()))
    }

    /// The path that the file has while it is written.
    pub fn temporary(&self, object_id: u32, kind: FileKind) -> PathBuf {
        self.path.join(format!("{object_id}.{}{TEMPORARY}", kind.extension()))
    }

    /// The path of the description of what is received here.
    pub fn intake(&self) -> PathBuf {
        self.path.join(INTAKE)
    }

    /// The path of that description while it is written.
    pub fn intake_temporary(&self) -> PathBuf {
        self.path.join(format!("{INTAKE}{TEMPORARY}"))
    }

    /// The objects that have files here, with their kinds. Other names are passed over.
    pub fn files(&self) -> io::Result<Vec<(u32, FileKind)>> {
        let mut found = Vec::new();
        for name in names(&self.path)? {
            found.extend(parse_file(&name));
        }
        Ok(found)
    }

    /// Whether there is nothing in it but what is being written.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(names(&self.path)?.iter().all(|name| name.ends_with(TEMPORARY)))
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> io::Result<()> {
        sync_dir(&self.path)
    }

    /// Removes the package: first its name, in one step, then its files. A crash in between leaves only what
    /// [`sweep`] ends.
    pub fn remove(&self) -> io::Result<()> {
        let vault = self.path.parent().unwrap_or(Path::new("."));
        let mut gone = self.path.clone().into_os_string();
        gone.push(REMOVED);
        let gone = PathBuf::from(gone);
        if gone.exists() {
            fs::remove_dir_all(&gone)?;
        }
        match fs::rename(&self.path, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return sync_dir(vault),
            renamed => renamed?,
        }
        sync_dir(vault)?;
        fs::remove_dir_all(&gone)?;
        sync_dir(vault)
    }
}

/// The packages of a vault. Other names are passed over.
pub fn packages(vault: &Path) -> io::Result<Vec<Id>> {
    let mut found: Vec<Id> = names(vault)?.iter().filter_map(|name| parse_package(name)).collect();
    found.sort();
    Ok(found)
}

/// Ends what a crash left half done: files that were being written, packages that were being removed. Only for the
/// one process that holds the data directory.
pub fn sweep(vault: &Path) -> io::Result<()> {
    for name in names(vault)? {
        let path = vault.join(&name);
        if name.strip_suffix(REMOVED).is_some_and(|rest| parse_package(rest).is_some()) {
            fs::remove_dir_all(&path)?;
        } else if parse_package(&name).is_some() {
            for inner in names(&path)? {
                let whole = inner.strip_suffix(TEMPORARY);
                if whole.is_some_and(|whole| whole == INTAKE || parse_file(whole).is_some()) {
                    fs::remove_file(path.join(inner))?;
                }
            }
        }
    }
    Ok(())
}

/// Makes a directory that only its owner enters, and its missing ancestors, each durable in its parent.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_private_dir(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// How the vault opens a file to write it: for its owner alone, and not for the programs the owner starts.
pub fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// The length of a file; `None` if there is none.
pub fn length_if_there(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be gone already.
pub fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether the system refused because disk, quota or file size limit is used up.
pub fn is_out_of_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn parse_package(name: &str) -> Option<Id> {
    let id: Id = name.parse().ok()?;
    (id.to_string() == name).then_some(id)
}

fn parse_file(name: &str) -> Option<(u32, FileKind)> {
    let (number, extension) = name.split_once('.')?;
    let object_id: u32 = number.parse().ok()?;
    let kind = FileKind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
    (object_id.to_string() == number).then_some((object_id, kind))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::model::time::Timestamp;

    fn package() -> (tempfile::TempDir, Id, PackageDir) {
        let vault = tempfile::tempdir().unwrap();
        let seal_id = Id::new(Timestamp::from_millis(1_000), [7; 10]);
        let dir = PackageDir::of(vault.path(), seal_id);
        dir.create().unwrap();
        (vault, seal_id, dir)
    }

    #[test]
    fn a_sweep_ends_what_was_begun_and_leaves_what_is_whole_or_foreign() {
        let (vault, seal_id, dir) = package();
        for path in [dir.temporary(1, FileKind::Sealed), dir.intake_temporary(), dir.file(2, FileKind::Sealed)] {
            fs::write(path, b"x").unwrap();
        }
        fs::write(dir.path.join("notes.tmp"), b"x").unwrap();
        fs::create_dir(vault.path().join(format!("{seal_id}.removed"))).unwrap();
        fs::create_dir(vault.path().join("lost+found")).unwrap();
        sweep(vault.path()).unwrap();
        assert_eq!(dir.files().unwrap(), [(2, FileKind::Sealed)]);
        assert_eq!(names(&dir.path).unwrap().len(), 2);
        assert_eq!(names(vault.path()).unwrap().len(), 2);
        assert_eq!(packages(vault.path()).unwrap(), [seal_id]);
    }

    #[test]
    fn removing_a_package_ends_a_removal_that_was_cut_short_and_may_be_repeated() {
        let (vault, seal_id, dir) = package();
        fs::write(dir.file(1, FileKind::Sealed), b"x").unwrap();
        let half = vault.path().join(format!("{seal_id}.removed"));
        fs::create_dir(&half).unwrap();
        fs::write(half.join("1.sealed"), b"x").unwrap();
        dir.remove().unwrap();
        dir.remove().unwrap();
        assert_eq!(names(vault.path()).unwrap(), [""; 0]);
    }

    #[test]
    fn only_the_owner_may_enter_or_read() {
        let (_vault, _, dir) = package();
        let path = dir.file(1, FileKind::Have);
        private_file().create_new(true).open(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path), 0o700);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_name_that_the_vault_would_not_write_is_not_read_as_one() {
        for name in ["01.sealed", "+1.sealed", "1.sealed.tmp", "1", "-1.have", "4294967296.parts", "1.SEALED"] {
            assert_eq!(parse_file(name), None, "{name}");
        }
        assert_eq!(parse_file("4294967295.parts"), Some((u32::MAX, FileKind::Parts)));
        assert_eq!(parse_package("018f0000-0000-7000-8000-00000000000A"), None);
    }
}
