//! What the addressee's own law asks of a request, judged against the request; and by which way it must travel. A local
//! belief only advises. Refuses nothing: what it finds, a person reads.

use crate::law::finding::{Finding, Ground, State};
use crate::law::instrument::Instrument;
use crate::law::opinion::{Answer, Reason, Route};
use crate::law::query::Query;
use crate::law::subject::Subject;
use crate::law::terms::route;
use crate::law::view::View;
use crate::model::authority::Provenance;
use crate::model::ident::AuthorityId;
use crate::model::request::RequestBody;
use crate::model::requirement::{Requirement, Topic};

/// The addressee as its row of the directory tells.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    /// Who it is.
    pub authority: &'a AuthorityId,
    /// The languages that it accepts; none: nobody told.
    pub languages: &'a [String],
    /// What its law asks.
    pub requirements: &'a [Requirement],
}

/// By which way a request must travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Electronically, node to node.
    Electronic,
    /// By another one: an electronic filing would not be made.
    Elsewhere {
        /// Which one, for people.
        way: String,
        /// Why: what the row says.
        why: String,
    },
}

/// By which way a request of `from` must travel to that addressee. A local belief never closes the electronic one.
pub fn way(addressee: &Addressee<'_>, from: &AuthorityId) -> Way {
    let declared = |topic: Topic| {
        addressee.requirements.iter().filter(move |one| one.topic == topic && one.source != Provenance::LocalBelief)
    };
    let told = |one: &Requirement| format!("{} ({})", one.says, source(one));
    let direct = declared(Topic::Channel).any(|one| one.value == "central-authority");
    if let Some(one) = declared(Topic::Channel).find(|one| one.value != "central-authority" && !direct) {
        let way = if one.value == "diplomatic" { "the diplomatic channel" } else { "INTERPOL" };
        return Way::Elsewhere { way: way.to_owned(), why: told(one) };
    }
    let agreed = declared(Topic::Electronic).any(|one| one.value == "agreed" && is_with(one, from));
    let paper = "its central authority, on paper".to_owned();
    match declared(Topic::Electronic).next() {
        Some(one) if !agreed => Way::Elsewhere { way: paper, why: told(one) },
        _ => Way::Electronic,
    }
}

/// By which way the registry says that a request under these instruments must travel: another one where none of them lets
/// the electronic one be called made. A doubt closes nothing; nothing is said of instruments that nobody described.
pub fn way_by_registry(view: &View<'_>, instruments: &[&Instrument], query: &Query) -> Way {
    let routes: Vec<Route> = instruments.iter().map(|one| route(view, one, query, query.date)).collect();
    match routes.first() {
        Some(first) if routes.iter().all(|one| one.electronic == Answer::No) => {
            let cited = |reason: &Reason| {
                let articles = reason.articles.iter().map(|one| format!("{} art. {}", one.short, one.article));
                let rows = reason.rows.iter().map(|one| format!("row {} of the registry", one.row));
                let grounds: Vec<String> = articles.chain(rows).collect();
                format!("{} ({})", reason.text, grounds.join(", "))
            };
            let why = first.reasons.first().map(cited).unwrap_or_default();
            Way::Elsewhere { way: first.ways.join(" or "), why }
        }
        _ => Way::Electronic,
    }
}

/// Whether the addressee's own row says that electronic filing was agreed with `from`.
pub fn agreed(addressee: &Addressee<'_>, from: &AuthorityId) -> Answer {
    let mut rows = addressee.requirements.iter().filter(|one| one.topic == Topic::Electronic);
    let yes = rows.any(|one| one.value == "agreed" && one.source != Provenance::LocalBelief && is_with(one, from));
    if yes { Answer::Yes } else { Answer::AskAHuman }
}

/// What the addressee's requirements find in the request.
pub fn demands(addressee: &Addressee<'_>, from: &AuthorityId, request: &RequestBody) -> Vec<Finding> {
    let asked = |one: &&Requirement| {
        one.measures.is_empty() || request.measures.iter().any(|measure| one.measures.contains(&measure.kind))
    };
    let mut found: Vec<Finding> = Vec::new();
    for one in addressee.requirements.iter().filter(asked) {
        let state = match (met(one, addressee, from, request), one.source) {
            (Met::Yes, _) => State::Fine,
            (Met::No, Provenance::LocalBelief) | (Met::Read, _) => State::Doubtful,
            (Met::No, _) => State::Missing,
        };
        let what = match one.value.as_str() {
            "" => one.topic.name().to_owned(),
            value => format!("{}: {value}", one.topic.name()),
        };
        let ground = Ground::Requirement {
            authority: addressee.authority.clone(),
            source: source_kind(one.source),
            note: one.note.clone(),
        };
        found.push(Finding { state, what, measure: None, write: one.says.clone(), ground });
    }
    found
}

enum Met {
    Yes,
    No,
    /// A person must read it.
    Read,
}

fn met(one: &Requirement, addressee: &Addressee<'_>, from: &AuthorityId, request: &RequestBody) -> Met {
    let yes = |good: bool| if good { Met::Yes } else { Met::No };
    match one.topic {
        Topic::DualCriminality => yes(!request.dual_criminality.trim().is_empty()),
        Topic::Undertaking => yes(request.undertakings.iter().any(|given| given.code == one.value)),
        Topic::Enclosure => yes(request.enclosures.iter().any(|file| file.kind == one.value)),
        Topic::CertifiedTranslation => {
            let mut translations = request.enclosures.iter().filter(|file| file.kind == "translation");
            yes(translations.all(|file| !file.certified_by.trim().is_empty()))
        }
        // It holds nothing up: the request travels another way, and sending says so.
        Topic::Channel | Topic::Electronic => match way(addressee, from) {
            Way::Electronic => Met::Yes,
            Way::Elsewhere { .. } => Met::Read,
        },
        Topic::Other => Met::Read,
    }
}

fn is_with(one: &Requirement, from: &AuthorityId) -> bool {
    let state = Subject::of(from).to_string();
    one.with.is_empty() || one.with.iter().any(|other| *other == state || other == from.as_str())
}

const fn source_kind(source: Provenance) -> &'static str {
    match source {
        Provenance::Depositary => "depositary",
        Provenance::PeerNotice => "peer notice",
        Provenance::InterimSupport => "interim support",
        Provenance::LocalBelief => "local belief",
    }
}

fn source(one: &Requirement) -> String {
    match one.note.as_str() {
        "" => source_kind(one.source).to_owned(),
        note => format!("{}: {note}", source_kind(one.source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(topic: Topic, value: &str, source: Provenance) -> Requirement {
        let (value, says) = (value.to_owned(), "as notified".to_owned());
        Requirement { topic, value, measures: vec![], with: vec![], says, source, note: String::new() }
    }

    fn way_of(requirements: &[Requirement]) -> Way {
        let (authority, from) = ("XB-MOJ".parse().unwrap(), "XA-MOJ".parse().unwrap());
        way(&Addressee { authority: &authority, languages: &[], requirements }, &from)
    }

    #[test]
    fn another_channel_closes_the_electronic_way_unless_the_central_authority_is_open_too() {
        let diplomatic = row(Topic::Channel, "diplomatic", Provenance::Depositary);
        let found = way_of(std::slice::from_ref(&diplomatic));
        assert!(matches!(found, Way::Elsewhere { way, .. } if way.contains("diplomatic")));
        let central = row(Topic::Channel, "central-authority", Provenance::Depositary);
        assert_eq!(way_of(&[diplomatic, central]), Way::Electronic);
        assert_eq!(way_of(&[row(Topic::Channel, "interpol", Provenance::LocalBelief)]), Way::Electronic);
        assert_eq!(way_of(&[]), Way::Electronic);
    }

    #[test]
    fn electronic_filing_that_was_agreed_with_somebody_else_is_not_agreed_with_us() {
        let agreed = |with: &[&str]| Requirement {
            with: with.iter().map(|one| (*one).to_owned()).collect(),
            ..row(Topic::Electronic, "agreed", Provenance::PeerNotice)
        };
        assert_eq!(way_of(&[agreed(&["XA"])]), Way::Electronic);
        assert_eq!(way_of(&[agreed(&[])]), Way::Electronic);
        assert!(matches!(way_of(&[agreed(&["XC", "XD-MOJ"])]), Way::Elsewhere { .. }));
        assert!(matches!(
            way_of(&[row(Topic::Electronic, "not-agreed", Provenance::PeerNotice)]),
            Way::Elsewhere { .. }
        ));
    }
}
