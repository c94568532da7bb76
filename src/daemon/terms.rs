//! The terms on files, as the thread of their request says, and the gate at every exit of this node. Refuses what a condition
//! stands against, names it with its article and who can lift it, and records that somebody tried.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::daemon::desk::{self, DeskError, refuse};
use crate::daemon::evidence::EvidenceError;
use crate::daemon::lookup::LookupError;
use crate::daemon::node::Node;
use crate::daemon::officer::Admitted;
use crate::daemon::{clock, uses};
use crate::exchange::rows::{Direction, MessageRow, MessageState, PackageRow};
use crate::law::conditions::asked::{Act, Asked, Cleared, Facts, Route};
use crate::law::conditions::book::{CodeBook, CodeError, GrammarError};
use crate::law::conditions::code::Firmness;
use crate::law::conditions::{Hold, Standing, Term, Verdict, judge};
use crate::law::handshake::{Form, Handshake, Set};
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::Message;
use crate::model::package::{Condition, ConditionOrigin};
use crate::model::time::Timestamp;

static BOOK: LazyLock<Result<CodeBook, CodeError>> = LazyLock::new(CodeBook::standard);

/// The conditions vocabulary of this program.
///
/// # Errors
/// [`TermsError::Vocabulary`] when the program was built with a broken one.
pub fn book() -> Result<&'static CodeBook, TermsError> {
    BOOK.as_ref().map_err(|error| TermsError::Vocabulary(error.clone()))
}

/// A thread, as far as it speaks of terms.
pub struct Thread {
    /// What its messages say.
    pub handshake: Handshake,
    delivered: BTreeSet<Id>,
    own: Vec<String>,
}

/// Reads the thread of a request. What was drafted and not sent says nothing yet; what was erased says nothing any more, so
/// that an acceptance that is gone opens nothing.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn thread(node: &Node, request_id: Id) -> Result<Thread, DeskError> {
    let request = node.request(request_id)?;
    let (mut messages, mut delivered): (Vec<Message>, BTreeSet<Id>) = (Vec::new(), BTreeSet::new());
    for id in &request.messages {
        let row = node.message(*id)?;
        let said = row.direction == Direction::Incoming || row.envelope_index.is_some();
        if !said || !Handshake::hears(row.kind) {
            continue;
        }
        if row.state == MessageState::Delivered {
            delivered.insert(row.message_id);
        }
        match desk::read_message(node, &row) {
            Ok(message) => messages.push(message),
            Err(DeskError::Lookup(LookupError::Erased { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    let own = if request.reference.trim().is_empty() { Vec::new() } else { vec![request.reference] };
    Ok(Thread { handshake: Handshake::of(&messages), delivered, own })
}

impl Thread {
    /// What is known when something is done with a package.
    pub fn facts(&self, node: &Node, package: &PackageRow, book: &CodeBook, now: Timestamp) -> Facts {
        let set = self.handshake.set(package.package_id);
        Facts {
            now,
            own_proceedings: self.own.clone(),
            consents: self.handshake.consents(package.package_id),
            notices: self.handshake.notices(package.package_id, node.us(), &self.delivered),
            permissions: set.map(|set| self.handshake.permissions(book, set, now)).unwrap_or_default(),
            ..Facts::default()
        }
    }

    /// The conditions on a package with what became of each.
    pub fn terms(&self, package_id: Id, now: Timestamp) -> Vec<Term<'_>> {
        self.handshake.set(package_id).map(|set| self.handshake.terms(set, now)).unwrap_or_default()
    }
}

/// The gate: whether the officer may do this with a package that came from another authority. What this authority sealed
/// itself is its own.
///
/// # Errors
/// [`TermsError::Held`] names each condition, its article and who can lift it; the attempt is recorded.
pub fn pass(
    node: &Node,
    officer: &Admitted,
    package: &PackageRow,
    row: &MessageRow,
    asked: &Asked,
) -> Result<(), EvidenceError> {
    if package.direction == Direction::Outgoing || package.conditions.is_empty() {
        return Ok(());
    }
    let (book, now) = (book().map_err(DeskError::from)?, clock::now());
    let thread = thread(node, package.request_id)?;
    let terms = thread.terms(package.package_id, now);
    if asked.route != Route::Exculpatory {
        accepted(node, officer, package.package_id, row, &terms, asked)?;
    }
    let mut facts = thread.facts(node, package, book, now);
    let mut verdict = judge(book, &terms, asked, &facts);
    if matches!(verdict, Verdict::Gated(_)) && uses::cleared(node, package, asked, now)? {
        facts.cleared = Cleared::BySecondPerson;
        verdict = judge(book, &terms, asked, &facts);
    }
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::Gated(holds) | Verdict::Blocked(holds) => Err(held(node, officer, row, asked.act, &holds).into()),
    }
}

/// What waits for acceptance is told first: it has a command of its own.
fn accepted(
    node: &Node,
    officer: &Admitted,
    package_id: Id,
    row: &MessageRow,
    terms: &[Term<'_>],
    asked: &Asked,
) -> Result<(), EvidenceError> {
    let waits = |term: &&Term<'_>| {
        matches!(term.standing, Standing::Offered | Standing::Countered)
            && (asked.objects.is_empty() || asked.objects.iter().any(|object| term.condition.covers(*object)))
    };
    let open: Vec<String> =
        terms.iter().filter(waits).map(|term| format!("{} ({})", term.condition.id, term.condition.code)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let rule = format!("condition-not-accepted: {}", open.join(", "));
    let why = DeskError::State { act: "open", state: MessageState::Received };
    match refuse(node, officer, row, &rule, why) {
        DeskError::State { .. } => Err(EvidenceError::Conditions { package_id, open }),
        other => Err(other.into()),
    }
}

/// What stands against sending files: an offer of ours that nobody accepted, an assurance that is missing.
///
/// # Errors
/// [`TermsError::Held`], recorded.
pub fn may_transmit(node: &Node, officer: &Admitted, row: &MessageRow) -> Result<(), DeskError> {
    let (book, now) = (book()?, clock::now());
    let thread = thread(node, row.request_id)?;
    let message = desk::read_message(node, row)?;
    let asked = Asked::plain(Act::Transmit);
    let mut holds = Vec::new();
    let offers = thread.handshake.sets().filter(|set| set.setter == *node.us() && set.form == Form::Offer);
    for set in offers {
        let facts = Facts { now, assured: thread.handshake.assured(set), ..Facts::default() };
        // Acts that were declined or not answered do not stand against the others: the sender continues with the rest.
        let terms = thread.handshake.terms(set, now).into_iter();
        let terms: Vec<Term<'_>> =
            terms.filter(|term| term.condition.measures.is_empty() || term.standing == Standing::Binds).collect();
        holds.extend(judge(book, &terms, &asked, &facts).holds().to_vec());
    }
    // Those on the files themselves are accepted when the files are there; an assurance is due before.
    let own = Set {
        target: row.package_id.unwrap_or(row.message_id),
        setter: node.us().clone(),
        conditions: message.conditions.clone(),
        accept_by: None,
        replaces: None,
        form: Form::OnFiles,
    };
    let term = |condition| Term { condition, setter: &own.setter, standing: Standing::Binds };
    let terms: Vec<Term<'_>> = own.conditions.iter().map(term).collect();
    let mut facts = Facts { now, assured: thread.handshake.assured(&own), ..Facts::default() };
    facts.assured.extend(carried_assurances(&thread, node, &own.conditions));
    holds.extend(judge(book, &terms, &asked, &facts).holds().to_vec());
    if holds.is_empty() { Ok(()) } else { Err(held(node, officer, row, Act::Transmit, &holds)) }
}

/// A condition of an accepted offer goes along with the files; its assurance was given for the offer.
fn carried_assurances(thread: &Thread, node: &Node, conditions: &[Condition]) -> BTreeSet<String> {
    let offers = thread.handshake.sets().filter(|set| set.setter == *node.us() && set.form == Form::Offer);
    let mut codes = BTreeSet::new();
    for set in offers {
        let assured = thread.handshake.assured(set);
        let given = set.conditions.iter().filter(|condition| assured.contains(&condition.id));
        codes.extend(given.map(|condition| condition.code.clone()));
    }
    conditions.iter().filter(|one| codes.contains(&one.code)).map(|one| one.id.clone()).collect()
}

/// What the other side accepted in an offer goes along with the files as its undertaking.
///
/// # Errors
/// [`DeskError`] when the log cannot be read.
pub fn accepted_offers(node: &Node, request_id: Id) -> Result<Vec<Condition>, DeskError> {
    let (thread, now) = (thread(node, request_id)?, clock::now());
    let mut carried = Vec::new();
    for set in thread.handshake.sets().filter(|set| set.setter == *node.us() && set.form == Form::Offer) {
        let terms = thread.handshake.terms(set, now).into_iter();
        for term in terms.filter(|term| term.standing == Standing::Binds && term.condition.measures.is_empty()) {
            carried.push(Condition {
                id: format!("o{}", carried.len() + 1),
                origin: ConditionOrigin::RequesterUndertaking,
                accept_by: None,
                supersedes: Vec::new(),
                ..term.condition.clone()
            });
        }
    }
    Ok(carried)
}

pub(super) fn held(node: &Node, officer: &Admitted, row: &MessageRow, act: Act, holds: &[Hold]) -> DeskError {
    let names: Vec<String> = holds.iter().map(|hold| format!("{} ({})", hold.id, hold.code)).collect();
    let hard = holds.iter().any(|hold| hold.how == Firmness::Hard);
    let how = if hard { "blocked" } else { "gated" };
    let rule = format!("condition-{how}: {}: {}", act.name(), names.join(", "));
    refuse(node, officer, row, &rule, TermsError::Held { act, how, told: told(holds) }.into())
}

/// Each condition with its text, its article, what opens it and who can lift it.
fn told(holds: &[Hold]) -> String {
    let mut out = String::new();
    for hold in holds {
        let Hold { id, code, text, why, article, needs, lifted_by, .. } = hold;
        let _ = write!(
            out,
            "\n  {id} ({code}): {why}\n    text:     {text}\n    article:  {article}\n    needs:    {needs}\n    lifted by {lifted_by}"
        );
    }
    out
}

/// Why terms stand against an act. The officer sees the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Conditions stand against it.
    #[error("{how}: cannot {} these files now{told}", act.name())]
    Held {
        /// The act.
        act: Act,
        /// Blocked, or gated.
        how: &'static str,
        /// Each condition with its article, what it needs and who can lift it.
        told: String,
    },
    /// A condition that an officer wrote.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// A step that would say nothing.
    #[error("{0}")]
    OutOfPlace(&'static str),
    /// A file that came from somebody else.
    #[error(
        "a file of it came from {from}: send it on with `rogatory package forward {package_id} --request REQUEST`, so that \
         its conditions go along"
    )]
    Received {
        /// The package that it came in.
        package_id: Id,
        /// From whom.
        from: AuthorityId,
    },
    /// The vocabulary that the program was built with.
    #[error("the conditions vocabulary of this program does not read: {0}")]
    Vocabulary(CodeError),
}
