//! Asks a time-stamp authority for a token over the newest published checkpoint, checks it, and logs both. An answer that
//! does not hold is never logged as a time-stamp; that there was none is logged once for each gap.

use std::sync::Arc;
use std::time::Duration;

use crate::crypto::digest::sha256;
use crate::crypto::random::{self, RandomError};
use crate::crypto::timestamp::{QUERY_TYPE, REPLY_TYPE, StampError, Stamped, TimeStamp, request};
use crate::custody::checkpoint::Checkpoint;
use crate::custody::note::Note;
use crate::daemon::clock;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::time_settings::TimeStampSettings;
use crate::daemon::time_watch::{ClockFinding, News};
use crate::exchange::act::Scene;
use crate::exchange::rows::{StampRow, tree};
use crate::model::event::Actor;
use crate::model::limits::{NOTE_BYTES_MAX, TIME_STAMP_BYTES_MAX, TIME_STAMP_CLOCK_MS_MAX};
use crate::model::time::Timestamp;
use crate::net::tls::Clock;
use crate::net::web::{WebClient, WebError, WebLimits};
use crate::store::ledger::AppendError;

/// A time-stamp that was obtained, checked and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obtained {
    /// Its record.
    pub index: u64,
    /// How many entries of the log it covers.
    pub size: u64,
    /// What the token says.
    pub stamped: Stamped,
    /// How this node's clock stands to it.
    pub clock: ClockFinding,
}

/// Asks one authority now, in the name of `actor`.
///
/// # Errors
/// [`StampingError`]; the beginning of a gap is in the log then, and nothing else changed.
pub async fn stamp(node: &Arc<Node>, settings: &TimeStampSettings, actor: Actor) -> Result<Obtained, StampingError> {
    let done = attempt(node, settings, actor).await;
    let name = settings.name.clone();
    match &done {
        Ok(obtained) => {
            let (size, time) = (obtained.size, obtained.stamped.time);
            tracing::info!(authority = name, size, %time, "the custody log is time-stamped");
            if obtained.clock != ClockFinding::Agrees {
                let told = obtained.clock.told();
                tracing::warn!(authority = name, %time, "the time-stamp differs from the clock: {told}; check both");
            }
            node.time.answered(&name, obtained.clock);
        }
        Err(error) => {
            if node.time.failed(&name, &error.to_string()) == News::New {
                tracing::warn!(authority = name, %error, "no time-stamp; work goes on, and it is asked again");
            }
            let word = error.word();
            if let Err(error) = blocking(node, move |node| begin_gap(node, &name, word)).await {
                tracing::warn!(%error, "a gap in the time-stamps could not be recorded");
            }
        }
    }
    done
}

async fn attempt(node: &Arc<Node>, settings: &TimeStampSettings, actor: Actor) -> Result<Obtained, StampingError> {
    let own = settings.clone();
    let prepared = blocking(node, move |node| prepare(node, &own)).await?;
    let Prepared { note, size, nonce, anchors, client } = prepared;
    let address = settings.address().map_err(StampingError::Settings)?;
    let limits = WebLimits { answer_bytes_max: TIME_STAMP_BYTES_MAX, ..WebLimits::default() };
    let before = clock::now();
    let answer = client.post(&address, QUERY_TYPE, request(sha256(&note), nonce), REPLY_TYPE, limits).await?;
    let after = clock::now();
    if answer.status != 200 {
        return Err(StampingError::Status(answer.status));
    }
    if answer.content_type != REPLY_TYPE {
        return Err(StampingError::ContentType);
    }
    let stamped = TimeStamp::read(&answer.body)?.check(&note, Some(nonce), &anchors)?;
    let slack_ms = TIME_STAMP_CLOCK_MS_MAX.saturating_add(stamped.accuracy_ms.unwrap_or(0));
    let clock = ClockFinding::of(stamped.time, before, after, slack_ms);
    let name = settings.name.clone();
    let index = blocking(node, move |node| record(node, actor, &name, note, answer.body)).await?;
    Ok(Obtained { index, size, stamped, clock })
}

/// What one question needs.
struct Prepared {
    note: Vec<u8>,
    size: u64,
    nonce: u64,
    anchors: Vec<Vec<u8>>,
    client: WebClient,
}

fn prepare(node: &Node, settings: &TimeStampSettings) -> Result<Prepared, StampingError> {
    let data = node.home().root();
    let anchors = settings.anchors(data).map_err(StampingError::Settings)?;
    let client = WebClient::new(&settings.roots(data), &Clock::new(clock::now));
    let (note, size) = newest_note(node)?;
    let nonce = u64::from_be_bytes(random::bytes()?);
    Ok(Prepared { note, size, nonce, anchors, client })
}

/// The published checkpoint: the exact note that anybody can read, with the log's own signature lines. It follows the log
/// within a moment, which is waited for, so that what was logged before the question is covered.
fn newest_note(node: &Node) -> Result<(Vec<u8>, u64), StampingError> {
    const STEP: Duration = Duration::from_millis(25);
    const STEPS: u32 = 80;
    let reader = node.ledger.reader();
    let wanted = reader.size();
    for _ in 0..STEPS {
        if reader.published_size() >= wanted {
            break;
        }
        std::thread::sleep(STEP);
    }
    let bytes = std::fs::read(node.home().custody().join("checkpoint")).map_err(StampingError::Unpublished)?;
    let damaged = StampingError::Checkpoint;
    if bytes.len() > NOTE_BYTES_MAX {
        return Err(damaged);
    }
    let said = Note::parse(&bytes).ok().and_then(|note| Checkpoint::parse(note.text()).ok()).ok_or(damaged)?;
    let ours = said.origin() == node.origin() && reader.root_at(said.size()).is_ok_and(|r| r == said.root());
    if ours { Ok((bytes, said.size())) } else { Err(StampingError::Checkpoint) }
}

fn record(node: &Node, actor: Actor, name: &str, note: Vec<u8>, answer: Vec<u8>) -> Result<u64, StampingError> {
    let _one_at_a_time = node.time.recording();
    let links = newest_row(node, name)?.map(|row| row.index).into_iter().collect();
    let scene = Scene { us: node.us().clone(), now: clock::now(), actor };
    Ok(node.commit(scene.time_stamped(name, note, answer, links))?.index)
}

fn begin_gap(node: &Node, name: &str, word: &str) -> Result<(), StampingError> {
    let _one_at_a_time = node.time.recording();
    let newest = newest_row(node, name)?;
    if newest.as_ref().is_some_and(|row| row.stamp.is_none()) {
        return Ok(());
    }
    let links = newest.map(|row| row.index).into_iter().collect();
    node.commit(node.scene().time_stamp_missed(name, word, links))?;
    Ok(())
}

/// The newest time-stamp or gap of an authority.
pub(super) fn newest_row(node: &Node, name: &str) -> Result<Option<StampRow>, LookupError> {
    node.row(tree::STAMP_NEWEST, name.as_bytes())
}

/// Whether it is time to ask an authority again, by what the log says; `None`: at once.
pub(super) fn due_at(settings: &TimeStampSettings, newest: Option<&StampRow>, now: Timestamp) -> Option<Timestamp> {
    let row = newest.filter(|row| row.stamp.is_some())?;
    // A clock that was put back must not stop the stamps until it catches up.
    let due = row.at.plus_millis(u64::from(settings.every_hours) * 3_600_000);
    (row.at <= now && now < due).then_some(due)
}

/// Why there is no time-stamp.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// The CA file or the address.
    #[error("the settings of the time-stamp authority: {0}")]
    Settings(String),
    /// The checkpoint is not there.
    #[error("the published checkpoint cannot be read: {0}")]
    Unpublished(std::io::Error),
    /// The checkpoint is not the log's.
    #[error("the published checkpoint does not fit the log; run `rogatory custody fsck --repair` on the stopped node")]
    Checkpoint,
    /// The authority cannot be asked.
    #[error("the time-stamp authority: {0}")]
    Web(#[from] WebError),
    /// It answered with another status.
    #[error("the time-stamp authority answered with status {0} instead of 200")]
    Status(u16),
    /// It answered with something else, for example a page for people.
    #[error("the time-stamp authority answered with something that is no {REPLY_TYPE}; check its address")]
    ContentType,
    /// The token does not hold.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// It could not be logged.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The index.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl StampingError {
    /// The short word in the record of a gap.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Unpublished(_) | Self::Checkpoint | Self::Append(_) | Self::Lookup(_) | Self::Random(_) => {
                "own-fault"
            }
            Self::Web(WebError::TooSlow { .. }) => "too-slow",
            Self::Web(WebError::Tls(_) | WebError::Roots(_)) => "tls",
            Self::Web(WebError::Unreachable(_)) => "unreachable",
            Self::Web(_) | Self::Status(_) | Self::ContentType => "wrong-answer",
            Self::Stamp(StampError::Denied(_)) => "denied",
            Self::Stamp(_) => "bad-token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::rows::Stamp;

    #[test]
    fn an_authority_is_due_after_its_hours_after_a_gap_and_after_a_clock_that_was_put_back() {
        let settings = TimeStampSettings {
            name: "a".to_owned(),
            url: "http://a".to_owned(),
            ca_file: "a.pem".into(),
            every_hours: 2,
            tls_ca_file: None,
        };
        let at = |hours: u64| Timestamp::from_millis(hours * 3_600_000);
        let row = |stamp| StampRow { index: 3, name: "a".to_owned(), at: at(10), stamp };
        let stamped = row(Some(Stamp { time: at(10), size: 3 }));
        assert_eq!(due_at(&settings, Some(&stamped), at(11)), Some(at(12)));
        assert_eq!(due_at(&settings, Some(&stamped), at(12)), None);
        assert_eq!(due_at(&settings, Some(&stamped), at(9)), None);
        assert_eq!(due_at(&settings, Some(&row(None)), at(11)), None);
        assert_eq!(due_at(&settings, None, at(11)), None);
    }
}
