//! Named places at which a test makes the real process die, as a power cut would. Does nothing in an ordinary run.
//!
//! `ROGATORY_CRASH_AT="<name>"` kills the process with SIGKILL at the first passage of that name;
//! `ROGATORY_CRASH_AT="<name>#3"` at the third. The crash tests walk through every name in [`POINTS`].

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every named place, in the order of a message's journey; but for the two of a folder that is being sealed, whose tests are
/// with the folders.
pub const POINTS: &[&str] = &[
    "commit: durable, index not told",
    "commit: index told, nobody answered",
    "seal: in the vault, not drafted",
    "send: sealed, not logged",
    "send: logged, not answered",
    "deliver: sent, no receipt yet",
    "deliver: receipt came, not logged",
    "deliver: receipt logged",
    "received: logged, receipt not sent",
    "fetch: part verified, not stored",
    "fetch: part stored",
    "fetch: all parts stored, not completed",
    "fetch: completed, not logged",
    "fetch: content logged",
    "receipt: pushed, not logged",
    "receipt: taken, not answered",
    "open: logged, not released",
    "export: logged, not given",
    "witness: checkpoint kept, not answered",
    "erase: asked, tombstone not logged",
    "erase: tombstone logged, nothing overwritten",
    "erase: half a record overwritten",
    "erase: overwritten, index not made again",
    "erase: index made again, not settled",
    "destroy: decided, nothing gone",
    "destroy: key gone, files there",
    "destroy: files gone, not logged",
    "destroy: logged, not answered",
    "rotate: decided, not logged",
    "rotate: logged, old key in place",
    "rotate: one key in place",
];

static PLAN: OnceLock<Option<(String, u32)>> = OnceLock::new();
static PASSED: AtomicU32 = AtomicU32::new(0);

/// Passes a named place.
pub fn point(name: &str) {
    let plan = PLAN.get_or_init(|| {
        let text = std::env::var("ROGATORY_CRASH_AT").ok()?;
        match text.rsplit_once('#') {
            Some((name, count)) => Some((name.to_owned(), count.parse().unwrap_or(1))),
            None => Some((text, 1)),
        }
    });
    if let Some((wanted, count)) = plan
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        // A signal that cannot be caught: no destructor runs, no buffer is flushed.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}
