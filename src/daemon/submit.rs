//! Submits our checkpoint to the independent witnesses of `<data>/custody/policy` (C2SP tlog-policy, tlog-witness). They are
//! optional: one that is slow or gone holds up nothing; the gap is recorded once, and that it healed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::custody::checkpoint::SignedCheckpoint;
use crate::custody::note::VerifierKey;
use crate::custody::policy::Policy;
use crate::custody::witness::{AddCheckpoint, parse_conflict_body};
use crate::daemon::clock;
use crate::daemon::home::Home;
use crate::daemon::node::Node;
use crate::daemon::receive::blocking;
use crate::daemon::watch::keep_lines;
use crate::exchange::act::Act;
use crate::model::event::{Event, Outcome};
use crate::model::limits::NOTE_BYTES_MAX;
use crate::model::time::Timestamp;
use crate::net::tls::Clock;
use crate::net::web::{WebClient, WebLimits};
use crate::net::web_address::Address;
use crate::net::web_roots::Roots;
use crate::store::files::{create_dir_durably, read_if_there, replace_durably};

/// The first submission follows the start.
const FIRST: Duration = Duration::from_secs(2);
/// What a witness may take for its answer, in milliseconds.
const ANSWER_MS: u64 = 10_000;

/// Since when witnesses of the policy do not answer: `<data>/witness/gaps`, and what each is believed to hold.
#[derive(Debug)]
pub struct Gaps {
    path: PathBuf,
    custody: PathBuf,
    open: Mutex<BTreeMap<String, Gap>>,
    shown: Mutex<BTreeMap<String, u64>>,
}

/// One witness that does not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    since: Timestamp,
    why: String,
    /// The record of our log that says so; none while the gap is short.
    record: Option<u64>,
}

impl Gaps {
    /// Reads what is there; a damaged file is no gap, the next failure opens it again.
    pub fn read(home: &Home) -> Self {
        let path = home.root().join("witness").join("gaps");
        let bytes = read_if_there(&path).ok().flatten();
        let open = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, custody: home.custody(), open: Mutex::new(open), shown: Mutex::default() }
    }

    /// The gaps, for people.
    pub fn view(&self) -> Value {
        let open = lock(&self.open);
        let gaps = open.iter().map(|(name, gap)| {
            json!({ "witness": name, "since": gap.since.to_string(), "why": gap.why, "recorded": gap.record.is_some() })
        });
        gaps.collect()
    }

    /// How many witnesses do not answer, and since when the first of them; none without a gap.
    pub fn since(&self) -> Option<(usize, Timestamp)> {
        let open = lock(&self.open);
        open.values().map(|gap| gap.since).min().map(|first| (open.len(), first))
    }

    /// The keys of the witnesses of the policy.
    pub fn witness_keys(&self) -> Vec<VerifierKey> {
        policy(&self.custody).map(|policy| policy.witness_keys()).unwrap_or_default()
    }

    fn save(&self, open: &BTreeMap<String, Gap>) {
        let text = serde_json::to_vec(open).unwrap_or_default();
        let dir = self.path.parent().unwrap_or(Path::new("."));
        if let Err(error) = create_dir_durably(dir).and_then(|()| replace_durably(&self.path, &text)) {
            tracing::warn!(%error, "gaps of witnesses cannot be kept; after a restart they may be recorded again");
        }
    }
}

/// Submits at the start and then by the timer, until `stop`.
pub async fn keep_submitting(node: Arc<Node>, stop: CancellationToken) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        submit(&node).await;
        pause = Duration::from_secs(u64::from(node.config().witness.every_minutes) * 60);
    }
}

/// Submits our newest published checkpoint to each witness of the policy that has an address.
pub async fn submit(node: &Arc<Node>) {
    let custody = node.home().custody();
    let Some(policy) = policy(&custody) else { return };
    let mut witnesses: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
    for witness in policy.witnesses() {
        if let Some(url) = &witness.url {
            witnesses.entry(url.clone()).or_default().push(witness.key.clone());
        }
    }
    let Some(checkpoint) = node.ledger.reader().published().filter(|signed| signed.checkpoint().size() > 0) else {
        return;
    };
    let roots = match &node.config().witness.ca_file {
        Some(path) => Roots::File(node.home().root().join(path)),
        None => Roots::System,
    };
    let client = WebClient::new(&roots, &Clock::new(clock::now));
    for (url, keys) in witnesses {
        let Some(name) = keys.first().map(|key| key.name().to_owned()) else { continue };
        let outcome = show(node, &client, &url, &keys, &checkpoint).await;
        blocking(node, move |node| match outcome {
            Ok(()) => healed(node, &name),
            Err(why) => failed(node, &name, &why),
        })
        .await;
    }
}

/// Shows the checkpoint to one witness; twice, where it first says what it holds.
async fn show(
    node: &Arc<Node>,
    client: &WebClient,
    url: &str,
    keys: &[VerifierKey],
    ours: &Arc<SignedCheckpoint>,
) -> Result<(), String> {
    let address: Address = url.parse().map_err(|error| format!("its address in the policy: {error}"))?;
    let address = address.below("/add-checkpoint").map_err(|error| format!("its address in the policy: {error}"))?;
    let limits = WebLimits { total_ms_max: ANSWER_MS, answer_bytes_max: NOTE_BYTES_MAX };
    let size = ours.checkpoint().size();
    for _ in 0..2 {
        let old_size = lock(&node.gaps.shown).get(url).copied().unwrap_or(0).min(size);
        let proof = node.ledger.reader().consistency(old_size, size).map_err(|error| error.to_string())?;
        let request = AddCheckpoint { old_size, proof, checkpoint: ours.note().clone() };
        let body = request.to_string().into_bytes();
        let answer = client.post(&address, "text/plain; charset=utf-8", body, "*/*", limits).await;
        let answer = answer.map_err(|error| error.to_string())?;
        match answer.status {
            200 => {
                lock(&node.gaps.shown).insert(url.to_owned(), size);
                let (keys, ours) = (keys.to_vec(), Arc::clone(ours));
                let lines = String::from_utf8(answer.body).map_err(|_| "its answer is no text".to_owned())?;
                let kept = blocking(node, move |node| keep_lines(node, &keys, &ours, &lines)).await;
                return kept.map_err(|error| error.to_string());
            }
            409 => {
                let held = parse_conflict_body(&answer.body).ok_or("it answers 409 without a size")?;
                if held > node.ledger.reader().size() {
                    return Err(format!("it says that it holds {held} entries; this log has fewer"));
                }
                // What it holds is newer than what is published here: nothing to show this time.
                if held > size {
                    return Ok(());
                }
                lock(&node.gaps.shown).insert(url.to_owned(), held);
            }
            status => return Err(format!("it answers {status}")),
        }
    }
    Err("it names another size each time".to_owned())
}

fn failed(node: &Node, name: &str, why: &str) {
    let mut open = lock(&node.gaps.open);
    let now = clock::now();
    let gap = open.entry(name.to_owned()).or_insert_with(|| {
        tracing::warn!(witness = name, why, "a witness of the policy did not cosign; trying again");
        Gap { since: now, why: why.to_owned(), record: None }
    });
    why.clone_into(&mut gap.why);
    let patience_ms = u64::from(node.config().witness.gap_minutes) * 60_000;
    if gap.record.is_none() && now.millis_since(gap.since) >= patience_ms {
        let mut record = node.scene().record(Event::WitnessUnreachable);
        record.reason = format!("{name}, since {}: {why}", gap.since);
        record.outcome = Outcome::Failed("no-cosignature".to_owned());
        match node.commit(Act { record, enclosures: Vec::new() }) {
            Ok(appended) => gap.record = Some(appended.index),
            Err(error) => tracing::warn!(witness = name, %error, "the gap of a witness could not be recorded"),
        }
    }
    node.gaps.save(&open);
}

fn healed(node: &Node, name: &str) {
    let mut open = lock(&node.gaps.open);
    let Some(gap) = open.get(name).cloned() else { return };
    if let Some(index) = gap.record {
        let mut record = node.scene().record(Event::WitnessHealed);
        record.reason = format!("{name}, silent since {}", gap.since);
        record.links = vec![index];
        if let Err(error) = node.commit(Act { record, enclosures: Vec::new() }) {
            tracing::warn!(witness = name, %error, "the end of a gap could not be recorded");
            return;
        }
    }
    tracing::info!(witness = name, since = %gap.since, "a witness of the policy cosigns again");
    open.remove(name);
    node.gaps.save(&open);
}

/// The policy of this node, if there is a good one.
fn policy(custody: &Path) -> Option<Policy> {
    let bytes = read_if_there(&custody.join("policy")).ok().flatten()?;
    match Policy::parse(&bytes) {
        Ok(policy) => Some(policy),
        Err(error) => {
            tracing::warn!(%error, "custody/policy cannot be read; submitting to no witness");
            None
        }
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
