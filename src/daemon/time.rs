//! The timer of time-stamps: asks each authority of the settings when it is due, and again, less and less often, while it
//! does not answer. Stops nothing else, whatever an authority does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::daemon::clock;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::stamping::{due_at, newest_row, stamp};
use crate::daemon::time_settings::TimeStampSettings;
use crate::model::event::Actor;
use crate::model::limits::{TIME_STAMP_RETRY_MS_MAX, TIME_STAMP_RETRY_MS_MIN};
use crate::model::time::Timestamp;

/// How often the settings are looked at again.
const LOOK_MS: u64 = 60_000;

/// When to ask authorities that did not answer.
#[derive(Debug, Default)]
struct Retries(BTreeMap<String, (u32, Timestamp)>);

impl Retries {
    fn after(&self, name: &str) -> Option<Timestamp> {
        self.0.get(name).map(|(_, at)| *at)
    }

    fn failed(&mut self, name: &str, now: Timestamp) {
        let (times, at) = self.0.entry(name.to_owned()).or_default();
        let wait_ms = TIME_STAMP_RETRY_MS_MIN.saturating_mul(1 << (*times).min(16)).min(TIME_STAMP_RETRY_MS_MAX);
        *times = times.saturating_add(1);
        *at = now.plus_millis(wait_ms);
    }
}

/// Asks until `stop`.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut retries = Retries::default();
    loop {
        let wait = tokio::select! {
            () = stop.cancelled() => return,
            wait = round(&node, &mut retries) => wait,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Asks all that are due, at once. Returns how long until the next one is, or the settings are looked at again.
async fn round(node: &Arc<Node>, retries: &mut Retries) -> Duration {
    let now = clock::now();
    let settings = node.config().time_stamp.clone();
    let mut next = now.plus_millis(LOOK_MS);
    let mut asked = JoinSet::new();
    for one in settings {
        match when(node, &one, retries, now).await {
            Some(at) => next = next.min(at),
            None => {
                let node = Arc::clone(node);
                asked.spawn(async move { (stamp(&node, &one, Actor::Node).await.is_ok(), one.name) });
            }
        }
    }
    while let Some(done) = asked.join_next().await {
        match done {
            Ok((true, name)) => {
                retries.0.remove(&name);
            }
            Ok((false, name)) => {
                retries.failed(&name, clock::now());
                next = retries.after(&name).map_or(next, |at| next.min(at));
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    clock::until(next).max(Duration::from_millis(100))
}

/// When an authority is asked next; `None`: now.
async fn when(
    node: &Arc<Node>,
    settings: &TimeStampSettings,
    retries: &mut Retries,
    now: Timestamp,
) -> Option<Timestamp> {
    let name = settings.name.clone();
    let newest = match blocking(node, move |node| newest_row(node, &name)).await {
        Ok(newest) => newest,
        // The index is behind; it is being mended.
        Err(_) => return Some(now.plus_millis(TIME_STAMP_RETRY_MS_MIN)),
    };
    let due = due_at(settings, newest.as_ref(), now);
    if due.is_some() {
        // An officer may have asked meanwhile, with success.
        retries.0.remove(&settings.name);
    }
    due.or_else(|| retries.after(&settings.name).filter(|at| now < *at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_does_not_answer_is_asked_less_and_less_often_and_never_forgotten() {
        let mut retries = Retries::default();
        let now = Timestamp::from_millis(1_000_000);
        let mut waits = Vec::new();
        for _ in 0..40 {
            retries.failed("a", now);
            waits.push(retries.after("a").unwrap().millis_since(now));
        }
        assert_eq!(waits[..3], [5_000, 10_000, 20_000]);
        assert!(waits.iter().zip(&waits[1..]).all(|(one, next)| one <= next));
        assert_eq!(waits.last(), Some(&TIME_STAMP_RETRY_MS_MAX));
    }
}
