//! What became of conditions, as the messages of a thread say: offered, accepted, declined, countered, waived, expired;
//! consents, notices and assurances with them. The same messages in another order give the same answer; silence never
//! accepts; only the other side accepts and only the setter waives. Refuses nothing: what speaks out of turn has no effect.

use std::collections::{BTreeMap, BTreeSet};

use crate::law::conditions::asked::{Consent, Notice as Told, PurposeKind};
use crate::law::conditions::book::CodeBook;
use crate::law::conditions::code::Permission;
use crate::law::conditions::{Standing, Term};
use crate::model::ident::{AuthorityId, Id};
use crate::model::message::{Body, Message, MessageKind};
use crate::model::notice::Notice;
use crate::model::notice_table::Verdict;
use crate::model::package::Condition;
use crate::model::time::Timestamp;

/// What a thread says of conditions.
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    sets: BTreeMap<Id, Set>,
    accepted: Vec<Answer>,
    refused: Vec<(MessageKind, Answer)>,
    waived: Vec<Answer>,
    assurances: BTreeMap<Id, Assurance>,
    asked: BTreeMap<Id, (AuthorityId, Notice)>,
    consents: Vec<(Id, AuthorityId, Notice)>,
    told: Vec<(Id, AuthorityId, Notice)>,
}

/// Conditions that one authority set together: on a package, or in an offer.
#[derive(Debug, Clone)]
pub struct Set {
    /// The package, or the message of the offer: what answers name.
    pub target: Id,
    /// Who set them.
    pub setter: AuthorityId,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Until when they can be accepted.
    pub accept_by: Option<Timestamp>,
    /// The offer or package in whose place they stand.
    pub replaces: Option<Id>,
    /// Whether they came as an offer, before any file.
    pub form: Form,
}

/// How conditions were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// With files.
    OnFiles,
    /// In an offer.
    Offer,
}

#[derive(Debug, Clone)]
struct Answer {
    target: Id,
    by: AuthorityId,
    ids: Vec<String>,
    at: Timestamp,
}

impl Answer {
    fn names(&self, id: &str) -> bool {
        self.ids.is_empty() || self.ids.iter().any(|name| name == id)
    }
}

#[derive(Debug, Clone)]
struct Assurance {
    by: AuthorityId,
    target: Option<Id>,
    ids: Vec<String>,
    verdicts: Vec<(AuthorityId, Verdict)>,
}

impl Handshake {
    /// Whether a message of that kind says anything here.
    pub const fn hears(kind: MessageKind) -> bool {
        use MessageKind::{
            AssuranceAnswer, AssuranceGive, ConditionsAccept, ConditionsCounter, ConditionsDecline, ConditionsOffer,
            ConditionsWaive, EvidenceTransmit, ExculpatoryNotice, SpontaneousTransmit, UseConsentGrant,
            UseConsentRequest,
        };
        matches!(kind, EvidenceTransmit | SpontaneousTransmit | ConditionsAccept | ConditionsOffer | ConditionsDecline)
            || matches!(kind, ConditionsCounter | ConditionsWaive | AssuranceGive | AssuranceAnswer)
            || matches!(kind, UseConsentRequest | UseConsentGrant | ExculpatoryNotice)
    }

    /// Reads the messages of one thread, in any order.
    pub fn of<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        let mut found = Self::default();
        let mut verdicts = Vec::new();
        for message in messages {
            found.hear(message, &mut verdicts);
        }
        for (about, by, verdict) in verdicts {
            if let Some(assurance) = found.assurances.get_mut(&about) {
                assurance.verdicts.push((by, verdict));
            }
        }
        found
    }

    fn hear(&mut self, message: &Message, verdicts: &mut Vec<(Id, AuthorityId, Verdict)>) {
        let by = message.sender.authority.clone();
        let at = message.created_at;
        if let Some(consignment) = &message.consignment
            && !message.conditions.is_empty()
        {
            let (target, conditions) = (consignment.seal_id, message.conditions.clone());
            let set =
                Set { target, setter: by.clone(), conditions, accept_by: None, replaces: None, form: Form::OnFiles };
            self.sets.insert(target, set);
        }
        match &message.body {
            Body::Acceptance(body) => {
                let ids = body.condition_ids.clone();
                // An acceptance names what it accepts; an empty list accepts nothing.
                if !ids.is_empty() {
                    self.accepted.push(Answer { target: body.package_id, by, ids, at });
                }
            }
            Body::Notice(notice) => self.hear_notice(message, notice, verdicts),
            _ => {}
        }
    }

    fn hear_notice(&mut self, message: &Message, notice: &Notice, verdicts: &mut Vec<(Id, AuthorityId, Verdict)>) {
        let (id, by, at) = (message.message_id, message.sender.authority.clone(), message.created_at);
        let target = notice.package_id.or(notice.about);
        let answer = |target| Answer { target, by: by.clone(), ids: notice.names.clone(), at };
        match (notice.kind, target) {
            (MessageKind::ConditionsOffer, _) => {
                let set = Set {
                    target: id,
                    setter: by,
                    conditions: message.conditions.clone(),
                    accept_by: notice.due,
                    replaces: notice.about,
                    form: Form::Offer,
                };
                self.sets.insert(id, set);
            }
            (MessageKind::ConditionsDecline | MessageKind::ConditionsCounter, Some(target)) => {
                self.refused.push((notice.kind, answer(target)));
            }
            // A waiver names what it waives.
            (MessageKind::ConditionsWaive, Some(target)) if !notice.names.is_empty() => {
                self.waived.push(answer(target));
            }
            (MessageKind::AssuranceGive, target) => {
                let ids = notice.names.clone();
                self.assurances.insert(id, Assurance { by, target, ids, verdicts: Vec::new() });
            }
            (MessageKind::AssuranceAnswer, _) => {
                if let (Some(about), Some(verdict)) = (notice.about, notice.verdict) {
                    verdicts.push((about, by, verdict));
                }
            }
            (MessageKind::UseConsentRequest, _) => {
                self.asked.insert(id, (by, notice.clone()));
            }
            (MessageKind::UseConsentGrant, _) => self.consents.push((id, by, notice.clone())),
            (MessageKind::ExculpatoryNotice, _) => self.told.push((id, by, notice.clone())),
            _ => {}
        }
    }

    /// Every set of conditions.
    pub fn sets(&self) -> impl Iterator<Item = &Set> {
        self.sets.values()
    }

    /// The conditions on a package or in an offer.
    pub fn set(&self, target: Id) -> Option<&Set> {
        self.sets.get(&target)
    }

    /// What became of one condition.
    pub fn standing(&self, set: &Set, condition: &Condition, now: Timestamp) -> Standing {
        let named = |answer: &&Answer| answer.target == set.target && answer.names(&condition.id);
        if self.waived.iter().filter(named).any(|answer| answer.by == set.setter) {
            return Standing::Waived;
        }
        let accepted = !condition.origin.needs_acceptance() || self.accepted_in_time(set, condition);
        if self.superseded(set, condition, accepted) {
            return Standing::Superseded;
        }
        if accepted {
            let ended = condition.ends_at.is_some_and(|end| end <= now);
            return if ended { Standing::Ended } else { Standing::Binds };
        }
        let by_other = |(_, answer): &&(MessageKind, Answer)| named(&answer) && answer.by != set.setter;
        let mut refusals: Vec<MessageKind> = self.refused.iter().filter(by_other).map(|(kind, _)| *kind).collect();
        refusals.sort_unstable();
        if refusals.contains(&MessageKind::ConditionsDecline) {
            Standing::Declined
        } else if time_limit(set, condition).is_some_and(|limit| limit < now) {
            Standing::Expired
        } else if refusals.is_empty() {
            Standing::Offered
        } else {
            Standing::Countered
        }
    }

    /// The conditions of a set with what became of each.
    pub fn terms<'a>(&'a self, set: &'a Set, now: Timestamp) -> Vec<Term<'a>> {
        let term = |condition: &'a Condition| Term {
            condition,
            setter: &set.setter,
            standing: self.standing(set, condition, now),
        };
        set.conditions.iter().map(term).collect()
    }

    fn accepted_in_time(&self, set: &Set, condition: &Condition) -> bool {
        let limit = time_limit(set, condition);
        let fits = |answer: &&Answer| {
            answer.target == set.target
                && answer.names(&condition.id)
                && answer.by != set.setter
                && limit.is_none_or(|limit| answer.at <= limit)
        };
        self.accepted.iter().any(|answer| fits(&answer))
    }

    /// A later offer of the same authority stands in its place; in the place of what binds only once it binds itself.
    fn superseded(&self, set: &Set, condition: &Condition, binds: bool) -> bool {
        let later = self.sets.values().filter(|later| later.replaces == Some(set.target) && later.setter == set.setter);
        later.flat_map(|later| later.conditions.iter().map(move |one| (later, one))).any(|(later, one)| {
            let replaces = one.supersedes.is_empty() || one.supersedes.contains(&condition.id);
            replaces && (!binds || self.accepted_in_time(later, one))
        })
    }

    /// What the setter of a package consented to.
    pub fn consents(&self, package_id: Id) -> Vec<Consent> {
        let of = |(id, by, grant): &(Id, AuthorityId, Notice)| {
            let (asker, wanted) = self.asked.get(&grant.about?)?;
            let fits = wanted.package_id == Some(package_id) && asker != by;
            let purpose = |word: &String| PurposeKind::ALL.into_iter().find(|kind| kind.name() == word);
            fits.then(|| Consent {
                message_id: *id,
                by: by.clone(),
                on_behalf_of: grant.names.clone(),
                objects: wanted.objects.clone(),
                proceeding: (!wanted.reference.is_empty()).then(|| wanted.reference.clone()),
                recipients: wanted.names.clone(),
                purposes: wanted.codes.iter().filter_map(purpose).collect(),
                until: grant.due,
            })
        };
        self.consents.iter().filter_map(of).collect()
    }

    /// Who asked for a consent, and for what.
    pub fn consent_request(&self, id: Id) -> Option<&(AuthorityId, Notice)> {
        self.asked.get(&id)
    }

    /// The notices of disclosure about a package that this authority signed. One that goes before the disclosure counts once
    /// it was handed over; one of an exceptional case at once.
    pub fn notices(&self, package_id: Id, by: &AuthorityId, delivered: &BTreeSet<Id>) -> Vec<Told> {
        let of = |(id, from, notice): &(Id, AuthorityId, Notice)| {
            let counts = notice.verdict == Some(Verdict::Afterwards) || delivered.contains(id);
            (notice.package_id == Some(package_id) && from == by && counts).then(|| Told {
                message_id: *id,
                objects: notice.objects.clone(),
                proceeding: notice.reference.clone(),
            })
        };
        self.told.iter().filter_map(of).collect()
    }

    /// The conditions of a set whose assurance the other side gave and the setter accepted.
    pub fn assured(&self, set: &Set) -> BTreeSet<String> {
        let good = |assurance: &&Assurance| {
            assurance.by != set.setter
                && assurance.target.is_none_or(|target| target == set.target)
                && assurance.verdicts.iter().any(|(by, verdict)| *by == set.setter && *verdict == Verdict::Accepted)
                && !assurance.verdicts.iter().any(|(by, verdict)| *by == set.setter && *verdict == Verdict::Rejected)
        };
        let names = |assurance: &Assurance| match assurance.ids.as_slice() {
            [] => set.conditions.iter().map(|condition| condition.id.clone()).collect::<Vec<_>>(),
            some => some.to_vec(),
        };
        self.assurances.values().filter(good).flat_map(names).collect()
    }

    /// The ways round that conditions of a set allow.
    pub fn permissions(&self, book: &CodeBook, set: &Set, now: Timestamp) -> BTreeSet<Permission> {
        let terms = self.terms(set, now).into_iter();
        let binding = terms.filter(|term| term.standing == Standing::Binds);
        binding.filter_map(|term| book.find(&term.condition.code)?.permits).collect()
    }
}

fn time_limit(set: &Set, condition: &Condition) -> Option<Timestamp> {
    condition.accept_by.or(set.accept_by)
}
