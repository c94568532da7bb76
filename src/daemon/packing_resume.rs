//! Packages that are being filled, looked at and taken up again: after a break by their officer, after a crash by the node.
//! Refuses to guess: a state that is damaged is told and left as it is.

use std::io::Read;

use serde_json::{Value, json};

use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::packing::{PackingError, idle_and_his, open_packages, root};
use crate::daemon::packing_state::{Busy, read};
use crate::model::ident::Id;
use crate::model::package::{Item, ItemForm};
use crate::store::packing_dir::PackingDir;

/// Every package that is being filled here, with how far it is.
pub fn all(node: &Node) -> Value {
    let packages = open_packages(node);
    let shown = packages.iter().map(|(id, package)| {
        json!({
            "package_id": id,
            "officer": package.officer.as_str(),
            "purpose": package.purpose,
            "sealing": package.busy == Busy::Sealing,
            "objects": package.items.len(),
            "sealed_bytes": package.items.iter().map(|item| item.plaintext_bytes).sum::<u64>(),
            "files": package.mark.entries,
            "whole": package.is_whole(),
        })
    });
    shown.collect()
}

/// Where to go on with a package.
///
/// # Errors
/// [`PackingError`] when it is not open, or being filled.
pub fn resume_point(node: &Node, officer: &Admitted, package_id: Id) -> Result<Value, PackingError> {
    let packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    idle_and_his(package, officer, package_id)?;
    let files: Vec<&Item> = package.items.iter().filter(|item| item.form == ItemForm::File).collect();
    Ok(json!({
        "package_id": package_id,
        "purpose": package.purpose,
        "plan": package.plan,
        "items": files,
        "mark": package.mark,
        "whole": package.is_whole(),
    }))
}

/// The list of the files that are sealed already.
///
/// # Errors
/// [`PackingError`] when it is not open, or being filled.
pub fn listed(node: &Node, officer: &Admitted, package_id: Id) -> Result<(Box<dyn Read + Send>, u64), PackingError> {
    let packages = open_packages(node);
    let package = packages.get(&package_id).ok_or(PackingError::NotOpen(package_id))?;
    idle_and_his(package, officer, package_id)?;
    let bytes = package.mark.list_bytes;
    Ok((Box::new(package.dir.read_list(bytes).map_err(PackingError::State)?), bytes))
}

/// The packages that have a state on disk.
///
/// # Errors
/// [`PackingError`] when the directory cannot be read.
pub(super) fn on_disk(node: &Node) -> Result<Vec<Id>, PackingError> {
    let all = PackingDir::all(&root(node)).map_err(PackingError::State)?;
    Ok(all.into_iter().map(|(package_id, _)| package_id).collect())
}

/// Takes up, at a start, the packages that an earlier process was filling; gives all that have a state. `is_drafted` says
/// of a package whether the log holds it: then its state is done with.
///
/// # Errors
/// [`PackingError`] when the directory cannot be read. A state that is damaged is told and left for a person to look at.
pub(super) fn restore(node: &Node, is_drafted: impl Fn(Id) -> bool) -> Result<Vec<Id>, PackingError> {
    let mut kept = Vec::new();
    for (package_id, dir) in PackingDir::all(&root(node)).map_err(PackingError::State)? {
        if is_drafted(package_id) {
            dir.remove().map_err(PackingError::State)?;
            continue;
        }
        kept.push(package_id);
        match read(node, package_id, dir) {
            Ok(package) => {
                // An object that was whole before its line was written is sealed again.
                let next = u32::try_from(package.items.len() + 1).map_err(|_| PackingError::Full)?;
                node.vault.remove_object(package_id, next)?;
                open_packages(node).insert(package_id, package);
            }
            Err(error) => tracing::error!(%error, "a package that was being sealed cannot be taken up again"),
        }
    }
    Ok(kept)
}
