//! Rotation of a key while the node works: the same plan, record and files as for a stopped node. What was begun with the old key
//! ends with it; what begins afterwards has the new one.

use std::sync::Arc;

use crate::daemon::crash;
use crate::daemon::keys::Keys;
use crate::daemon::log_keys;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::rotate::{
    ANY_ROLE, Kind, NEXT, RotateError, Rotated, decide, drop_plan, keep_evidence, put_in_place,
};

/// Replaces a key of the running node. New links take up a new TLS key when the caller reloads the transport.
///
/// # Errors
/// [`RotateError`] says why nothing was replaced; what was logged is ended by the next start.
pub fn rotate(node: &Node, officer: &Admitted, kind: Kind) -> Result<Rotated, RotateError> {
    let actor = officer.acting_as(ANY_ROLE)?;
    let _alone = node.alone()?;
    let home = node.home().clone();
    let decided = decide(&home, node.us(), kind, actor)?;
    crash::point("rotate: decided, not logged");
    let appended = match kind {
        Kind::Log => {
            let next = log_keys::log_signer_of(&home, NEXT)?;
            let (plan, at) = (decided.plan.clone(), home.clone());
            node.ledger.rotate(
                decided.entry,
                next,
                Box::new(move |reader, index| {
                    crash::point("rotate: logged, old key in place");
                    let kept = keep_evidence(&at, reader, &plan, index).and_then(|()| put_in_place(&at, &plan));
                    kept.map_err(std::io::Error::other)
                }),
            )
        }
        _ => node.ledger.append(decided.entry),
    };
    let record = match appended {
        Ok(appended) => appended.index,
        Err(error) => {
            // A log that failed may hold the record: the next start looks.
            if !matches!(error, crate::store::ledger::AppendError::Poisoned(_)) {
                drop_plan(&home, &decided.plan)?;
            }
            return Err(error.into());
        }
    };
    if kind != Kind::Log {
        crash::point("rotate: logged, old key in place");
        put_in_place(&home, &decided.plan)?;
    }
    node.keys.store(Arc::new(Keys::read(&home)?));
    node.witness.reread(&home, node.us());
    Ok(Rotated { record, keys: decided.keys, row_changed: decided.row_changed })
}
