//! The legal basis of requests, looked up in the registry of the directory in force: when an officer writes one, when one
//! comes in, and when the registry changes. Records what it finds; refuses nothing that a peer sends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::daemon::clock;
use crate::daemon::desk::{DeskError, read_message};
use crate::daemon::drafting::Draft;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::exchange::act::BASIS_REVIEW;
use crate::exchange::basis::{Answered, Asked, CannotAsk, Gap, LawBook, On, gaps, look_up, look_up_again};
use crate::exchange::comparison::{Names, compare, not_compared};
use crate::exchange::metadata::TargetFile;
use crate::exchange::rows::{BasisRow, Direction, MessageRow, RequestRow, RequestState, from_bytes, tree};
use crate::law::library::Library;
use crate::law::registry::Registry;
use crate::model::basis::{Agreement, BasisComparison, BasisLookup, BasisQuestion, BasisReview, Verdict};
use crate::model::date::Date;
use crate::model::event::Event;
use crate::model::ident::{AuthorityId, Digest, Id};
use crate::model::message::Message;
use crate::store::directory::NodeDirectory;
use crate::store::index::Direction as Order;
use crate::wire::basis;

/// Requests that one page of a review reads from the index.
const PAGE_ROWS: usize = 1_000;

/// The registry of the directory in force, read and indexed when it is first asked.
#[derive(Debug, Default)]
pub struct LawShelf {
    book: Mutex<Option<(TargetFile, Result<Arc<LawBook>, String>)>>,
    /// What the directory in force changed for open requests: whoever reloads is told, even if a watch came first.
    told: Mutex<(Option<Digest>, Vec<Affected>)>,
}

impl Node {
    /// What the node looks the law up in.
    ///
    /// # Errors
    /// [`NoLaw`] says why there is nothing to look it up in.
    pub fn law(&self) -> Result<Arc<LawBook>, NoLaw> {
        let directory = self.any_directory().ok_or(NoLaw::NoRegistry)?;
        let named = directory.registry().ok_or(NoLaw::NoRegistry)?;
        let mut shelf = self.law.book.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((held, law)) = &*shelf
            && held == named
        {
            return law.clone().map_err(NoLaw::Unusable);
        }
        let read = || -> Result<LawBook, Box<dyn std::error::Error>> {
            let bytes = NodeDirectory::of(self.home().root()).registry(&directory)?.ok_or("it is not there")?;
            Ok(LawBook::new(Library::standard()?, Registry::parse(&bytes)?)?)
        };
        let law = read().map(Arc::new).map_err(|error| error.to_string());
        if let Err(why) = &law {
            tracing::warn!(%why, "the registry cannot be used; no legal basis is looked up");
        }
        *shelf = Some((named.clone(), law.clone()));
        law.map_err(NoLaw::Unusable)
    }
}

/// What an officer adds to a request so that its legal basis can be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasisWish {
    /// What only the officer knows.
    pub question: BasisQuestion,
    /// Why the officer goes on although the answer is not YES.
    pub reason: String,
}

/// Looks up what a draft puts as a question. Nothing for what is no request, without a registry, and where no crime is
/// named: that is a gap, told by [`ready`].
///
/// # Errors
/// [`DeskError::Question`] when the question that was put cannot be answered.
pub fn of_draft(node: &Node, draft: &Draft) -> Result<Option<Box<BasisLookup>>, DeskError> {
    let Some(request) = draft.body.request() else { return Ok(None) };
    let law = match node.law() {
        Ok(law) if !draft.basis.question.crimes.is_empty() => law,
        _ => return Ok(None),
    };
    let measures: Vec<&str> = request.measures.iter().map(|one| one.kind.as_str()).collect();
    let wish = &draft.basis;
    let answered = answer(node, &law, &draft.to, &measures, draft, &request.reference, wish)?;
    Ok(Some(Box::new(answered.lookup)))
}

fn answer(
    node: &Node,
    law: &LawBook,
    to: &AuthorityId,
    measures: &[&str],
    draft: &Draft,
    reference: &str,
    wish: &BasisWish,
) -> Result<Answered, CannotAsk> {
    let now = clock::now();
    let asked = Asked {
        from: node.us(),
        to,
        measures,
        urgency: draft.urgency,
        reference,
        legal_bases: &draft.legal_bases,
        question: &wish.question,
        reason: &wish.reason,
        day: Date::of(now),
    };
    look_up(law, &asked, On { now })
}

/// What stands between a request and its being sent, as far as its legal basis goes: each gap that no officer took on
/// by a reason. Nothing where the node has no registry to look in.
///
/// # Errors
/// [`DeskError::Basis`] names the gaps.
pub fn ready(node: &Node, message: &Message) -> Result<(), DeskError> {
    let gaps = open_gaps(node, message);
    if gaps.is_empty() { Ok(()) } else { Err(DeskError::Basis { gaps: gaps.into_iter().map(told).collect() }) }
}

/// The gaps of a request that no reason answers.
pub fn open_gaps(node: &Node, message: &Message) -> Vec<Gap> {
    let (Some(_), Ok(law)) = (message.body.request(), node.law()) else { return Vec::new() };
    let Some(lookup) = &message.basis else {
        return vec![Gap { answer: Verdict::AskAHuman, text: CannotAsk::NoCrime.to_string() }];
    };
    if !lookup.reason.trim().is_empty() {
        return Vec::new();
    }
    let mut found = gaps(&law, lookup, &message.legal_bases);
    if let Some(Ok(again)) = look_up_again(&law, message, On { now: clock::now() })
        && changed(lookup, &again.lookup)
    {
        let text = "the registry answers otherwise than when this was drafted; write a new draft".to_owned();
        found.push(Gap { answer: Verdict::AskAHuman, text });
    }
    found
}

fn told(gap: Gap) -> String {
    format!("{}: {}", gap.answer.word(), gap.text)
}

/// Looks the legal basis of a request that came in up again, and records what was found. What cannot be looked up or
/// recorded is told in the log lines: the request stands in the custody log all the same.
pub fn on_receipt(node: &Node, message: &Message) {
    if message.basis.is_none() {
        return;
    }
    let recorded = node.message(message.message_id).map_err(DeskError::from).and_then(|row| {
        let review = review_of(node, message);
        record(node, Event::BasisCompared, &row, &review)
    });
    if let Err(error) = recorded {
        tracing::warn!(%error, "the legal basis of a request that came in was not looked up; the next start does it");
    }
}

/// What the other side is told with the acknowledgement of a request.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn to_acknowledge(node: &Node, request_id: Id) -> Result<Option<Box<BasisComparison>>, DeskError> {
    Ok(newest(node, request_id)?.map(|review| Box::new(review.comparison)))
}

/// The newest look-up that this node recorded on a request.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn newest(node: &Node, request_id: Id) -> Result<Option<BasisReview>, DeskError> {
    let Some(row) = node.row::<BasisRow>(tree::BASIS, request_id.as_bytes())? else { return Ok(None) };
    match node.enclosure(row.index, BASIS_REVIEW) {
        Ok(bytes) => Ok(Some(basis::decode_review(&bytes)?)),
        Err(LookupError::Erased { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An open request whose legal basis the registry now answers otherwise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Affected {
    /// The request.
    pub request_id: Id,
    /// The other authority.
    pub counterpart: AuthorityId,
    /// What was answered before; nothing where nothing was looked up yet.
    pub before: Option<Verdict>,
    /// What is answered now; nothing where nothing can be looked up.
    pub now: Option<Verdict>,
    /// Whether both sides answer the same now.
    pub agreement: Agreement,
    /// How the answers differ.
    pub differences: Vec<String>,
}

/// Looks every open request up again, without recording anything.
///
/// # Errors
/// [`DeskError`] when index or log cannot be read.
pub fn affected(node: &Node) -> Result<Vec<Affected>, DeskError> {
    each_open(node, |_, _, _, _| Ok(()))
}

/// Looks every open request up again and records, for each, an answer that changed. Tells all that changed under the
/// directory in force.
///
/// # Errors
/// As [`affected`].
pub fn review(node: &Node) -> Result<Vec<Affected>, DeskError> {
    let mut told = node.law.told.lock().unwrap_or_else(PoisonError::into_inner);
    let found = each_open(node, |node, event, row, review| record(node, event, row, review))?;
    let directory = node.any_directory().map(|directory| directory.digest());
    if told.0 != directory {
        *told = (directory, Vec::new());
    }
    told.1.extend(found);
    Ok(told.1.clone())
}

type Found<'a> = dyn Fn(&Node, Event, &MessageRow, &BasisReview) -> Result<(), DeskError> + 'a;

fn each_open(
    node: &Node,
    found: impl Fn(&Node, Event, &MessageRow, &BasisReview) -> Result<(), DeskError>,
) -> Result<Vec<Affected>, DeskError> {
    let mut all = Vec::new();
    let mut from: Option<Vec<u8>> = None;
    loop {
        let page = node.index.scan_prefix(tree::REQUEST, &[], from.as_deref(), PAGE_ROWS, Order::Forward);
        let page = page.map_err(LookupError::from)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        from = Some(last.iter().copied().chain([0]).collect());
        for (_, value) in &page {
            let request: RequestRow = from_bytes(value).map_err(LookupError::from)?;
            all.extend(again(node, &request, &found)?);
        }
    }
}

const fn is_open(state: RequestState) -> bool {
    !matches!(
        state,
        RequestState::Executed | RequestState::Refused | RequestState::Withdrawn | RequestState::NotDelivered
    )
}

fn again(node: &Node, request: &RequestRow, found: &Found<'_>) -> Result<Option<Affected>, DeskError> {
    let Some(first) = request.messages.first().filter(|_| is_open(request.state)) else { return Ok(None) };
    let row = node.message(*first)?;
    let message = match read_message(node, &row) {
        Err(DeskError::Lookup(LookupError::Erased { .. })) => return Ok(None),
        read => read?,
    };
    let Some(sent) = message.basis.as_deref() else { return Ok(None) };
    let before = newest(node, request.request_id)?;
    let event = match (&before, request.direction) {
        (None, Direction::Incoming) => Event::BasisCompared,
        _ => Event::BasisChanged,
    };
    let old = match (&before, request.direction) {
        (Some(review), _) => review.own.as_ref(),
        (None, Direction::Outgoing) => Some(sent),
        (None, Direction::Incoming) => None,
    };
    let review = review_of(node, &message);
    let same = match (old, &review.own) {
        (Some(old), Some(now)) => !changed(old, now),
        (None, None) => before.is_some() || request.direction == Direction::Outgoing,
        // Without a registry nothing new is known.
        (Some(_), None) => true,
        (None, Some(_)) => false,
    };
    if same {
        return Ok(None);
    }
    found(node, event, &row, &review)?;
    Ok(Some(Affected {
        request_id: request.request_id,
        counterpart: request.counterpart.clone(),
        before: old.map(|old| old.answer),
        now: review.own.as_ref().map(|own| own.answer),
        agreement: review.comparison.agreement,
        differences: review.comparison.differences,
    }))
}

/// Whether two look-ups of one question answer differently.
fn changed(old: &BasisLookup, now: &BasisLookup) -> bool {
    old.measures != now.measures || old.findings != now.findings
}

/// What this node finds on a request now, beside what came or went with it.
fn review_of(node: &Node, message: &Message) -> BasisReview {
    let unable = |why: &str| BasisReview { comparison: not_compared(why), own: None };
    let Some(sent) = message.basis.as_deref() else { return unable("no look-up was sent") };
    let law = match node.law() {
        Ok(law) => law,
        Err(error) => return unable(&error.to_string()),
    };
    match look_up_again(&law, message, On { now: clock::now() }) {
        Some(Ok(answered)) => {
            let theirs = message.sender.authority.as_str();
            let ours = if message.sender.authority == *node.us() { "now" } else { node.us().as_str() };
            let comparison = compare(&law, sent, &answered, Names { theirs, ours });
            BasisReview { comparison, own: Some(answered.lookup) }
        }
        Some(Err(error)) => unable(&error.to_string()),
        None => unable("no look-up was sent"),
    }
}

fn record(node: &Node, event: Event, row: &MessageRow, review: &BasisReview) -> Result<(), DeskError> {
    node.commit(node.scene().looked_up(event, row, review))?;
    Ok(())
}

/// Why there is nothing to look the law up in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLaw {
    /// No registry was signed.
    #[error("the directory of this node has no registry of what States did; no legal basis is looked up")]
    NoRegistry,
    /// There is one, and it cannot be read.
    #[error("the registry of the directory cannot be used: {0}")]
    Unusable(String),
}
