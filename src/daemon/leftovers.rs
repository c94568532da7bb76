//! Removes from the vault, at start, what a crash left there and no record names. Destroys nothing that the log knows.
//!
//! A file is sealed into the vault before the draft that names it is in the log. A package that was being filled has a state
//! of its own and is taken up again; without one its key is lost: nobody could ever open such files, or would remove them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::daemon::node::{Node, StartError};
use crate::daemon::packing_resume;
use crate::daemon::registrar::RegistrarError;
use crate::exchange::rows::tree;
use crate::model::ident::Id;
use crate::wire::record;

/// Removes every package of the vault that no record names, but those that are being sealed. Only while nobody seals or
/// fetches yet.
///
/// # Errors
/// [`StartError`] when the log or the vault cannot be read; nothing was removed then.
pub fn remove(node: &Node) -> Result<(), StartError> {
    let mut unnamed = BTreeSet::new();
    let sealing = packing_resume::on_disk(node).map_err(Box::new)?;
    for package_id in node.vault.packages()?.into_iter().chain(sealing) {
        if node.index.get(tree::PACKAGE, package_id.as_bytes())?.is_none() {
            unnamed.insert(package_id);
        }
    }
    if !unnamed.is_empty() {
        // The index is derived; evidence is never destroyed on its word alone.
        forget_named(node, &mut unnamed)?;
    }
    for package_id in packing_resume::restore(node, |package_id| !unnamed.contains(&package_id)).map_err(Box::new)? {
        unnamed.remove(&package_id);
    }
    for package_id in &unnamed {
        node.vault.remove(*package_id)?;
    }
    if !unnamed.is_empty() {
        tracing::info!(packages = unnamed.len(), "removed sealed files that were never drafted; seal them again");
    }
    Ok(())
}

fn forget_named(node: &Node, unnamed: &mut BTreeSet<Id>) -> Result<(), StartError> {
    let mut failed = None;
    let scanned = node.ledger.reader().scan(0, |stored| {
        let Some(content) = &stored.content else { return ControlFlow::Continue(()) };
        match record::decode(&content.record) {
            Ok(found) => {
                if let Some(package_id) = found.subject.package_id {
                    unnamed.remove(&package_id);
                }
                ControlFlow::Continue(())
            }
            Err(cause) => {
                failed = Some(RegistrarError::Record { index: stored.index, cause });
                ControlFlow::Break(())
            }
        }
    });
    scanned.map_err(RegistrarError::from)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}
