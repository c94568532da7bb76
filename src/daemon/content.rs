//! What a request lacks, as this node can tell: by its instruments, by the law of the addressee as the directory tells it,
//! with what the registry's keepers confirmed. Holds up only what a text that was read asks for; decides no case.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::daemon::api_routes::NewRequest;
use crate::daemon::clock;
use crate::daemon::desk::{DeskError, read_message};
use crate::daemon::node::Node;
use crate::law::complete::{Deadline, Filing, Known, check};
use crate::law::content::{Contents, named};
use crate::law::demand::{Addressee, Way, agreed, way, way_by_registry};
use crate::law::finding::{Completeness, Finding, Findings, Ground, State};
use crate::law::instrument::Instrument;
use crate::law::library::Library;
use crate::law::opinion::Answer;
use crate::law::query::Query;
use crate::law::subject::Subject;
use crate::law::words;
use crate::model::asking::Asking;
use crate::model::authority::Authority;
use crate::model::date::Date;
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::{Body, Message};

static BOOKS: LazyLock<(Library, Contents)> = LazyLock::new(|| {
    let library = Library::standard().expect("invariant: a test reads these files of the program");
    let contents = Contents::standard().expect("invariant: a test reads these files of the program");
    (library, contents)
});

/// Checks what an officer wrote. Without a node nothing is known of the addressee, and nobody confirmed anything.
pub fn of_file(node: Option<&Node>, new: &NewRequest) -> Findings {
    let nobody: AuthorityId = "XA-NOBODY".parse().expect("invariant: a good identifier");
    let deadline = match new.reply_by {
        None => Deadline::None,
        Some(_) if new.reply_by_reason.trim().is_empty() => Deadline::Unreasoned,
        Some(_) => Deadline::Reasoned,
    };
    let filing = Filing {
        from: node.map_or(&nobody, |node| node.us()),
        request: &new.request,
        language: &new.language,
        deadline,
        legal_bases: &new.legal_bases,
    };
    checked(node, &new.to, &filing)
}

/// Checks a request in the log. Nothing for any other message.
pub fn of_message(node: &Node, message: &Message) -> Findings {
    let Some(request) = message.body.request() else { return Findings::default() };
    let filing = Filing {
        from: &message.sender.authority,
        request,
        language: &message.language,
        deadline: if message.reply_by.is_some() { Deadline::Reasoned } else { Deadline::None },
        legal_bases: &message.legal_bases,
    };
    let mut found = checked(Some(node), &message.recipient, &filing);
    if let Body::Asking(asking, _) = &message.body {
        found.0.iter_mut().for_each(|one| soften(*asking, one));
    }
    found
}

/// A short form is followed by a request with the rest: what is missing of the whole only advises there, what the help
/// itself needs to be told still holds it up. The shortest is for emergencies, and nothing holds it up but its own fields.
fn soften(asking: Asking, finding: &mut Finding) {
    let whole = finding.measure.is_none() || asking == Asking::Urgent;
    let short = !matches!(asking, Asking::Confirm | Asking::Supplement | Asking::Extradition);
    let own = finding.ground == Ground::House && asking.needs(&finding.what);
    if finding.state == State::Missing && short && whole && !own {
        finding.state = State::Doubtful;
    }
}

/// What the check finds in the newest request of a thread, for people.
///
/// # Errors
/// [`DeskError`] when there is none of that identifier.
pub fn of_request(node: &Node, id: Id) -> Result<Value, DeskError> {
    let mut found = Findings::default();
    for message_id in node.request(id)?.messages {
        let message = read_message(node, &node.message(message_id)?)?;
        if message.body.request().is_some() {
            found = of_message(node, &message);
        }
    }
    Ok(told(&found))
}

/// The findings as one document.
pub fn told(found: &Findings) -> Value {
    json!({ "complete": found.complete() == Completeness::Complete, "findings": found.0 })
}

/// What stands between a request and its being approved or sent.
///
/// # Errors
/// [`DeskError::Content`] names what is missing, and what asks for it.
pub fn ready(node: &Node, message: &Message) -> Result<(), DeskError> {
    let found = of_message(node, message);
    let gaps: Vec<String> = found.in_state(State::Missing).map(gap).collect();
    if gaps.is_empty() { Ok(()) } else { Err(DeskError::Content { gaps }) }
}

/// By which way a request to that authority must travel: by its own row of the directory, and by the registry for the
/// instruments that the request names.
pub fn way_to(node: &Node, peer: &Authority, message: &Message) -> Way {
    let addressee = addressee(peer);
    let by_row = way(&addressee, node.us());
    let Ok(law) = node.law() else { return by_row };
    if by_row != Way::Electronic || agreed(&addressee, node.us()) == Answer::Yes {
        return by_row;
    }
    let library = law.book().library();
    let bases = message.legal_bases.iter().filter_map(|basis| library.find(named(library, basis)?));
    let instruments: Vec<&Instrument> = bases.collect();
    // The route depends on the two sides and on the urgency alone; a question must name a crime and a help.
    let (Some(crime), Some(measure)) = (words::crimes().first(), words::measures().first()) else { return by_row };
    let (Ok(crime), Ok(measure)) = (crime.word.parse(), measure.word.parse()) else { return by_row };
    let (from, to) = (Subject::of(node.us()), Subject::of(&peer.id));
    let now = clock::now();
    let mut query = Query::new(from, to, crime, measure, Date::of(now), now);
    query.urgency = message.urgency;
    way_by_registry(&law.book().view(now), &instruments, &query)
}

fn gap(finding: &Finding) -> String {
    let measure = finding.measure.as_ref().map(|one| format!(" of help {one}")).unwrap_or_default();
    format!("{}{measure}: {} ({})", finding.what, finding.write, finding.ground.told())
}

fn checked(node: Option<&Node>, to: &AuthorityId, filing: &Filing<'_>) -> Findings {
    let law = node.and_then(|node| node.law().ok());
    let directory = node.and_then(Node::any_directory);
    let peer = directory.as_ref().and_then(|directory| directory.roster().authority(to));
    let known = Known {
        library: law.as_ref().map_or(&BOOKS.0, |law| law.book().library()),
        contents: &BOOKS.1,
        view: law.as_ref().map(|law| law.book().view(clock::now())),
        addressee: peer.map(addressee),
    };
    check(&known, filing)
}

fn addressee(peer: &Authority) -> Addressee<'_> {
    Addressee { authority: &peer.id, languages: &peer.languages, requirements: &peer.requirements }
}
