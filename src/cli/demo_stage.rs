//! The folder that the demo plays in. Refuses one that holds anything.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::crypto::random;
use crate::daemon::clock;
use crate::model::ident::Id;

/// The folder of the demo; removed at the end unless it is to be kept.
#[derive(Debug)]
pub struct Stage {
    path: PathBuf,
    keep: Keep,
}

#[derive(Debug, PartialEq)]
enum Keep {
    Yes,
    No,
}

impl Stage {
    /// The folder to keep, or one that ends with the demo.
    ///
    /// # Errors
    /// When it is not empty or cannot be made.
    pub fn make(keep: Option<&Path>) -> anyhow::Result<Self> {
        let path = match keep {
            Some(path) => path.to_owned(),
            None => {
                let id = Id::new(clock::now(), random::bytes()?);
                std::env::temp_dir().join(format!("rogatory-demo-{id}"))
            }
        };
        if path.exists() && fs::read_dir(&path)?.next().is_some() {
            bail!("{} is not empty; name a new folder with --keep", path.display());
        }
        DirBuilder::new().mode(0o700).recursive(true).create(&path)?;
        Ok(Self { path, keep: if keep.is_some() { Keep::Yes } else { Keep::No } })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.keep == Keep::No
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            eprintln!("rogatory: cannot remove {}: {error}", self.path.display());
        }
    }
}
