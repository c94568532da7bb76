//! When a rule of the vocabulary bites, and when it is open. Where nobody said to whom or what for, it bites: the careful
//! answer costs a question, the other one a breach.

use crate::law::conditions::Term;
use crate::law::conditions::asked::{Act, Carried};
use crate::law::conditions::asked::{Asked, Cleared, Consent, Facts, Notice, RecipientKind, Route};
use crate::law::conditions::book::purposes;
use crate::law::conditions::code::{Opening, Permission, When};
use crate::model::time::Timestamp;

/// Whether the rule stands against the act.
pub(super) fn bites(when: When, term: &Term<'_>, asked: &Asked, facts: &Facts) -> bool {
    let condition = term.condition;
    let date = |key: &str| condition.params.get(key).and_then(|value| value.parse::<Timestamp>().ok());
    let to = |wanted: &[RecipientKind]| match recipient(asked) {
        Some(RecipientKind::Unknown) => true,
        Some(kind) => wanted.contains(&kind),
        // Nobody was named. What is shown or sent on goes to somebody.
        None => matches!(asked.act, Act::Forward | Act::Disclose),
    };
    match when {
        When::Always => true,
        When::OtherProceeding => other_proceeding(condition.params.get("proceeding"), asked, facts),
        When::ExcludedPurpose => {
            let excluded = condition.params.get("purpose").and_then(|value| purposes(value));
            match (asked.purpose, excluded) {
                (Some(purpose), Some(excluded)) => excluded.contains(&purpose),
                _ => true,
            }
        }
        When::Outside => {
            use RecipientKind::{Agency, Court, Defence, InternationalOrganisation, Prosecutor, Public, ThirdState};
            to(&[Agency, Court, Defence, InternationalOrganisation, Prosecutor, Public, ThirdState])
        }
        When::ThirdState => to(&[RecipientKind::ThirdState]),
        When::InternationalOrganisation => to(&[RecipientKind::InternationalOrganisation]),
        When::UnlistedAgency => unlisted(condition.params.get("agencies"), asked),
        When::ToDefenceOrPublic => to(&[RecipientKind::Defence, RecipientKind::Public]),
        When::ToPublic => to(&[RecipientKind::Public]),
        When::TermsLeftBehind => facts.terms == Carried::LeftBehind,
        When::UntilDate => date("until").is_none_or(|until| facts.now < until),
        When::AfterDate => date("date").is_none_or(|date| facts.now >= date),
        When::AssuranceMissing => true,
    }
}

/// Why it stands against the act.
pub(super) const fn why(when: When) -> &'static str {
    match when {
        When::Always => "it stands against this act",
        When::OtherProceeding => {
            "these are other proceedings than the named ones, or nobody said which (`--proceeding`)"
        }
        When::ExcludedPurpose => "the purpose is excluded, or was not said (`--use KIND`)",
        When::Outside => "it would go outside this authority, or nobody said to whom",
        When::ThirdState => "it would go to another State, or nobody said to whom (`--kind KIND`)",
        When::InternationalOrganisation => {
            "it would go to an international organisation, or nobody said to whom (`--kind KIND`)"
        }
        When::UnlistedAgency => "it would go to somebody who is not named in it",
        When::ToDefenceOrPublic => "it would go to the defence or the public, or nobody said to whom",
        When::ToPublic => "it would go to the public",
        When::TermsLeftBehind => "its conditions would not go along",
        When::UntilDate => "its day has not come",
        When::AfterDate => "its day has come: the files are to be destroyed",
        When::AssuranceMissing => "the assurance was not given, or not accepted",
    }
}

/// Whether what opens a rule is there.
pub(super) fn opened(opening: Opening, term: &Term<'_>, asked: &Asked, facts: &Facts) -> bool {
    match opening {
        Opening::Consent => {
            let setter = term.condition.inherited.as_ref().map_or(term.setter, |inherited| &inherited.setter);
            let consents = facts.consents.iter();
            let mut fit = consents.filter(|consent| speaks_for(consent, setter.as_str(), term));
            fit.any(|consent| covers(consent, asked, facts))
        }
        Opening::OriginatorConsent => {
            let Some(originator) = term.condition.params.get("originator") else { return false };
            let mut consents = facts.consents.iter();
            consents.any(|consent| {
                consent.on_behalf_of.iter().any(|name| name == originator) && covers(consent, asked, facts)
            })
        }
        Opening::SecondPerson => facts.cleared == Cleared::BySecondPerson,
        Opening::Notice => facts.notices.iter().any(|notice| notice_covers(notice, asked)),
        Opening::Assurance => facts.assured.contains(&term.condition.id),
        Opening::SameFacts => asked.route == Route::SameFacts && facts.permissions.contains(&Permission::SameFacts),
        Opening::PublicSafety => {
            asked.route == Route::PublicSafety && facts.permissions.contains(&Permission::PublicSafety)
        }
        Opening::Nothing => false,
    }
}

/// A notice names the proceedings in which the files are disclosed.
pub(super) fn notice_covers(notice: &Notice, asked: &Asked) -> bool {
    covers_objects(&notice.objects, asked) && asked.proceeding.as_ref().is_none_or(|named| *named == notice.proceeding)
}

/// The setter speaks for itself; whoever handed its conditions on speaks for it only where it says so.
fn speaks_for(consent: &Consent, setter: &str, term: &Term<'_>) -> bool {
    consent.by.as_str() == setter
        || consent.by == *term.setter && consent.on_behalf_of.iter().any(|name| name == setter)
}

pub(super) fn covers(consent: &Consent, asked: &Asked, facts: &Facts) -> bool {
    let in_time = consent.until.is_none_or(|until| facts.now < until);
    let proceeding = match &asked.proceeding {
        None => true,
        Some(named) => consent.proceeding.as_ref() == Some(named) || facts.own_proceedings.contains(named),
    };
    let purpose = match asked.purpose {
        None => true,
        Some(purpose) => {
            purpose == crate::law::conditions::asked::PurposeKind::Criminal || consent.purposes.contains(&purpose)
        }
    };
    // A consent to other proceedings is none to another State: whoever is outside the authority must be named.
    let recipient = match &asked.recipient {
        None => !matches!(asked.act, Act::Forward | Act::Disclose),
        Some(recipient) => consent.recipients.contains(&recipient.name),
    };
    in_time && proceeding && purpose && recipient && covers_objects(&consent.objects, asked)
}

fn covers_objects(given: &[u32], asked: &Asked) -> bool {
    given.is_empty() || !asked.objects.is_empty() && asked.objects.iter().all(|object| given.contains(object))
}

fn recipient(asked: &Asked) -> Option<RecipientKind> {
    asked.recipient.as_ref().map(|recipient| recipient.kind)
}

fn other_proceeding(named: Option<&String>, asked: &Asked, facts: &Facts) -> bool {
    match (&asked.proceeding, named) {
        // Those of the request, which is what the condition is about unless it names others.
        (None, None) => false,
        (None, Some(named)) => !facts.own_proceedings.contains(named) && asked.act != Act::Open,
        (Some(asked), Some(named)) => asked != named,
        (Some(asked), None) => !facts.own_proceedings.contains(asked),
    }
}

fn unlisted(agencies: Option<&String>, asked: &Asked) -> bool {
    let Some(recipient) = &asked.recipient else { return matches!(asked.act, Act::Forward | Act::Disclose) };
    let listed = agencies.is_some_and(|names| names.split(';').any(|name| name.trim() == recipient.name));
    !listed && recipient.kind != RecipientKind::Setter
}
