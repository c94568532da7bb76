//! A folder, walked in one fixed order: names by their bytes, everything below a folder right behind it. Follows no link, and
//! stops at what cannot be read instead of leaving it out.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::model::path::RelativePath;

/// Something in the folder.
#[derive(Debug)]
pub struct Found {
    /// Its place, the name of the named folder or file first.
    pub path: RelativePath,
    /// Where it is.
    pub disk: PathBuf,
    /// What it is.
    pub kind: Kind,
}

/// What something in a folder is.
#[derive(Debug)]
pub enum Kind {
    /// A file.
    File(Metadata),
    /// A folder with nothing in it.
    EmptyFolder,
    /// A symbolic link, with what it points to.
    Link(PathBuf),
    /// A pipe, a socket, a device.
    Special,
}

/// Walks files and folders that were named. Holds the names of the folders it is in, not of all.
#[derive(Debug)]
pub struct Walk {
    /// What is still to come of each folder on the way, the last name first.
    stack: Vec<Vec<(PathBuf, Vec<u8>)>>,
}

impl Walk {
    /// Begins at these files and folders, by their names in order.
    ///
    /// # Errors
    /// When one has no name, or two have the same.
    pub fn of(roots: &[PathBuf]) -> anyhow::Result<Self> {
        let (mut named, mut seen) = (Vec::new(), BTreeSet::new());
        for root in roots {
            if fs::symlink_metadata(root).with_context(|| format!("cannot read {}", root.display()))?.is_symlink() {
                bail!("{} is a link; name what it points to", root.display());
            }
            let whole = root.canonicalize().with_context(|| format!("cannot read {}", root.display()))?;
            let name = whole.file_name().map(OsStr::as_bytes).unwrap_or_default().to_vec();
            if name.is_empty() {
                bail!("{} has no name; name a folder below it", root.display());
            }
            if !seen.insert(name.clone()) {
                bail!("two of what is to be sealed are called {}; seal the folder that holds both", root.display());
            }
            named.push((whole, name));
        }
        named.sort_by(|one, other| other.1.cmp(&one.1));
        Ok(Self { stack: vec![named] })
    }

    fn found(&mut self, disk: PathBuf, path: Vec<u8>) -> anyhow::Result<Option<Found>> {
        let told = || format!("cannot read {}", disk.display());
        let metadata = fs::symlink_metadata(&disk).with_context(told)?;
        let kind = if metadata.is_file() {
            Kind::File(metadata)
        } else if metadata.is_symlink() {
            Kind::Link(fs::read_link(&disk).with_context(told)?)
        } else if metadata.is_dir() {
            let below = names(&disk).with_context(told)?;
            if !below.is_empty() {
                let child = |name: OsString| {
                    let path = [path.as_slice(), b"/", name.as_bytes()].concat();
                    (disk.join(name), path)
                };
                self.stack.push(below.into_iter().map(child).collect());
                return Ok(None);
            }
            Kind::EmptyFolder
        } else {
            Kind::Special
        };
        let path = RelativePath::from_bytes(&path);
        let path = path.with_context(|| format!("{} cannot be sealed under its name", disk.display()))?;
        Ok(Some(Found { path, disk, kind }))
    }
}

/// The names in a folder, the last one first.
fn names(folder: &Path) -> std::io::Result<Vec<OsString>> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>()?;
    names.sort_unstable_by(|one, other| other.as_bytes().cmp(one.as_bytes()));
    Ok(names)
}

impl Iterator for Walk {
    type Item = anyhow::Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(folder) = self.stack.last_mut() {
            let Some((disk, path)) = folder.pop() else {
                self.stack.pop();
                continue;
            };
            match self.found(disk, path) {
                Ok(None) => {}
                Ok(Some(found)) => return Some(Ok(found)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_is_walked_in_the_order_of_its_paths_and_no_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("case");
        fs::create_dir_all(root.join("a/z")).unwrap();
        fs::create_dir_all(root.join("empty")).unwrap();
        for name in ["a/z/1", "a/2", "a.b", "a-", ".hidden"] {
            fs::write(root.join(name), name).unwrap();
        }
        symlink("/etc", root.join("etc")).unwrap();
        let found: Vec<Found> = Walk::of(std::slice::from_ref(&root)).unwrap().map(Result::unwrap).collect();
        let paths: Vec<RelativePath> = found.iter().map(|one| one.path.clone()).collect();
        assert!(paths.is_sorted());
        let texts: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let expected = [".hidden", "a/2", "a/z/1", "a-", "a.b", "empty", "etc"].map(|name| format!("case/{name}"));
        assert_eq!(texts, expected);
        assert!(matches!(&found[6].kind, Kind::Link(target) if target == Path::new("/etc")));
        assert!(matches!(found[5].kind, Kind::EmptyFolder));
        assert!(Walk::of(&[root.join("a"), root.join("a")]).is_err());
        assert!(Walk::of(&[root.join("etc")]).is_err());
    }
}
