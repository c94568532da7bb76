//! May this act be done under these conditions? Allowed, gated or blocked, by which condition, under which article, and who
//! can lift it. The strictest wins; what clears an accused is routed and never blocked; an unknown code gates, and is never
//! dropped. Decides no law: a block of the machine is no refusal by a State.

pub mod asked;
pub mod book;
pub mod code;
mod test;

use serde::Serialize;

use crate::law::conditions::asked::{Act, Asked, Facts, Route};
use crate::law::conditions::book::CodeBook;
use crate::law::conditions::code::{Bite, Code, Firmness, GeneralRule, LiftedBy, Opening};
use crate::law::mark::Trust;
use crate::model::ident::AuthorityId;
use crate::model::package::{Condition, ConditionOrigin};

/// A condition on files, with what became of it.
#[derive(Debug, Clone, Copy)]
pub struct Term<'a> {
    /// The condition.
    pub condition: &'a Condition,
    /// Who set it on these files.
    pub setter: &'a AuthorityId,
    /// What became of it.
    pub standing: Standing,
}

/// What became of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It binds: by law, by an undertaking, or because it was accepted.
    Binds,
    /// It waits for an answer.
    Offered,
    /// Other words were proposed for it.
    Countered,
    /// It was declined.
    Declined,
    /// Its time ran out without an acceptance.
    Expired,
    /// A later offer stands in its place.
    Superseded,
    /// Its setter waived it.
    Waived,
    /// Its time ran out while it bound.
    Ended,
}

impl Standing {
    /// The word that people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binds => "binds",
            Self::Offered => "waits for an answer",
            Self::Countered => "other words were proposed",
            Self::Declined => "declined",
            Self::Expired => "expired: silence never accepts",
            Self::Superseded => "replaced by a later offer",
            Self::Waived => "waived",
            Self::Ended => "ended",
        }
    }

    /// What a condition does in that standing.
    const fn force(self) -> Force {
        match self {
            Self::Binds => Force::Rules,
            Self::Offered | Self::Countered | Self::Declined | Self::Expired => Force::Closes,
            Self::Superseded | Self::Waived | Self::Ended => Force::None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Force {
    /// Its rules are followed.
    Rules,
    /// What it covers stays closed.
    Closes,
    /// None any more.
    None,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "holds", rename_all = "kebab-case")]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It may be done once what is named is there.
    Gated(Vec<Hold>),
    /// It is not done.
    Blocked(Vec<Hold>),
}

impl Verdict {
    /// How strict it is.
    pub const fn strictness(&self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::Gated(_) => 1,
            Self::Blocked(_) => 2,
        }
    }

    /// What stands against the act.
    pub fn holds(&self) -> &[Hold] {
        match self {
            Self::Allowed => &[],
            Self::Gated(holds) | Self::Blocked(holds) => holds,
        }
    }
}

/// One condition that stands against an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Its name.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its text, which prevails.
    pub text: String,
    /// Why it stands against the act.
    pub why: String,
    /// The article.
    pub article: String,
    /// What would open it.
    pub needs: String,
    /// Who can lift it.
    pub lifted_by: String,
    /// How firmly.
    pub how: Firmness,
}

/// Judges an act under every condition on the files that it concerns.
pub fn judge(book: &CodeBook, terms: &[Term<'_>], asked: &Asked, facts: &Facts) -> Verdict {
    if asked.route == Route::Exculpatory {
        return exculpatory(book, asked, facts);
    }
    let mut holds = Vec::new();
    for term in terms.iter().filter(|term| concerns(term.condition, asked)) {
        match term.standing.force() {
            Force::Rules => holds.extend(held(book, term, asked, facts)),
            Force::Closes => holds.push(closed(book, term)),
            Force::None => {}
        }
    }
    if holds.is_empty() {
        Verdict::Allowed
    } else if holds.iter().any(|hold| hold.how == Firmness::Hard) {
        Verdict::Blocked(holds)
    } else {
        Verdict::Gated(holds)
    }
}

/// Whether a condition covers any of the files that the act concerns.
fn concerns(condition: &Condition, asked: &Asked) -> bool {
    asked.objects.is_empty()
        || condition.objects.is_empty()
        || asked.objects.iter().any(|object| condition.objects.contains(object))
}

/// The law opens this way, whatever was agreed: what it asks for is a signed notice.
fn exculpatory(book: &CodeBook, asked: &Asked, facts: &Facts) -> Verdict {
    let told = facts.notices.iter().any(|notice| test::notice_covers(notice, asked));
    if told {
        return Verdict::Allowed;
    }
    Verdict::Gated(vec![Hold {
        id: "-".to_owned(),
        code: "USE.EXCULPATORY".to_owned(),
        text: "Evidence that clears an accused may be disclosed.".to_owned(),
        why: "the authority that sent it is told first, or without delay afterwards in an exceptional case".to_owned(),
        article: book.articles(GeneralRule::Exculpatory),
        needs: "a signed notice (`rogatory exculpatory PACKAGE --proceeding ...`), approved by a second officer"
            .to_owned(),
        lifted_by: "nobody has to lift anything: the notice opens it".to_owned(),
        how: Firmness::Gate,
    }])
}

/// What the law asks before files go on to another State or organisation, whatever conditions stand on them: the consent of
/// the authority that gave them.
pub fn onward(book: &CodeBook, giver: &AuthorityId, asked: &Asked, facts: &Facts) -> Option<Hold> {
    let outside = asked
        .recipient
        .as_ref()
        .is_none_or(|recipient| !matches!(recipient.kind, asked::RecipientKind::Setter | asked::RecipientKind::Agency));
    let given = facts.consents.iter().any(|consent| consent.by == *giver && test::covers(consent, asked, facts));
    (outside && !given).then(|| Hold {
        id: "-".to_owned(),
        code: "onward transfer".to_owned(),
        text: "What goes to another State or organisation needs the consent of the State that gave it.".to_owned(),
        why: "no consent names these files, this recipient and these proceedings".to_owned(),
        article: book.articles(GeneralRule::Onward),
        needs: format!("a signed consent of {giver} (`rogatory consent request`)"),
        lifted_by: format!("{giver}, by consenting"),
        how: Firmness::Hard,
    })
}

fn held(book: &CodeBook, term: &Term<'_>, asked: &Asked, facts: &Facts) -> Vec<Hold> {
    let Some(code) = book.find(&term.condition.code) else {
        return unknown(book, term, asked, facts).into_iter().collect();
    };
    let stops = |rule: &&Bite| {
        rule.acts.contains(&asked.act)
            && test::bites(rule.bites, term, asked, facts)
            && !rule.opens.iter().any(|opening| test::opened(*opening, term, asked, facts))
    };
    code.rules.iter().filter(stops).map(|rule| hold(code, rule, term)).collect()
}

fn hold(code: &Code, rule: &Bite, term: &Term<'_>) -> Hold {
    // By law, and nobody read the law: a person is asked, the machine stops nothing.
    let recalled = code.trust() == Trust::NeedsConfirmation && term.condition.origin == ConditionOrigin::DefaultByLaw;
    Hold {
        id: term.condition.id.clone(),
        code: code.code.clone(),
        text: term.condition.text.clone(),
        why: test::why(rule.bites).to_owned(),
        article: article(&term.condition.legal_source, &code.articles()),
        needs: rule.opens.iter().map(|opening| needs(*opening, term)).collect::<Vec<_>>().join("; or "),
        lifted_by: lifted_by(code.lifted_by, term),
        how: if recalled { Firmness::Gate } else { rule.how },
    }
}

/// Two persons of the receiver read the text, or its setter consents: nothing else is known of such a code.
fn unknown(book: &CodeBook, term: &Term<'_>, asked: &Asked, facts: &Facts) -> Option<Hold> {
    let opens = [Opening::SecondPerson, Opening::Consent];
    let open = |opening: &Opening| test::opened(*opening, term, asked, facts);
    if asked.act == Act::Transmit || opens.iter().any(open) {
        return None;
    }
    Some(Hold {
        id: term.condition.id.clone(),
        code: term.condition.code.clone(),
        text: term.condition.text.clone(),
        why: "this version does not know the code; the text decides".to_owned(),
        article: article(&term.condition.legal_source, &book.articles(GeneralRule::Unknown)),
        needs: opens.iter().map(|opening| needs(*opening, term)).collect::<Vec<_>>().join("; or "),
        lifted_by: lifted_by(LiftedBy::Setter, term),
        how: Firmness::Gate,
    })
}

/// What waits for an answer, was declined or ran out keeps what it covers closed.
fn closed(book: &CodeBook, term: &Term<'_>) -> Hold {
    let (needs, articles) = match term.standing {
        Standing::Offered | Standing::Countered => {
            ("two officers accept it (`rogatory conditions accept`)".to_owned(), GeneralRule::Acceptance)
        }
        _ => (format!("a new offer of {}", term.setter), GeneralRule::Silence),
    };
    let of_code = book.find(&term.condition.code).map(Code::articles).unwrap_or_default();
    Hold {
        id: term.condition.id.clone(),
        code: term.condition.code.clone(),
        text: term.condition.text.clone(),
        why: term.standing.name().to_owned(),
        article: article(&article(&term.condition.legal_source, &of_code), &book.articles(articles)),
        needs,
        lifted_by: format!("{}, by a signed waiver; or this authority, by accepting it", term.setter),
        how: Firmness::Hard,
    }
}

/// What its setter named first, then what the vocabulary knows.
fn article(named: &str, known: &str) -> String {
    match (named.is_empty(), known.is_empty()) {
        (true, _) => known.to_owned(),
        (false, true) => named.to_owned(),
        (false, false) => format!("{named}; {known}"),
    }
}

fn needs(opening: Opening, term: &Term<'_>) -> String {
    let setter = term.condition.inherited.as_ref().map_or(term.setter, |inherited| &inherited.setter);
    match opening {
        Opening::Consent => format!("a signed consent of {setter} (`rogatory consent request`)"),
        Opening::OriginatorConsent => {
            let whom = term.condition.params.get("originator").map_or("the originator", String::as_str);
            format!("a signed consent that speaks for {whom} (`rogatory consent request`)")
        }
        Opening::SecondPerson => "a second officer (`rogatory package clear`)".to_owned(),
        Opening::Notice => "a signed notice to it before (`rogatory exculpatory`)".to_owned(),
        Opening::Assurance => "the assurance, given by the other side and accepted here".to_owned(),
        Opening::SameFacts => "the permission for the same facts (`--route same-facts`)".to_owned(),
        Opening::PublicSafety => "the permission against a threat (`--route public-safety`)".to_owned(),
        Opening::Nothing => "its waiver".to_owned(),
    }
}

fn lifted_by(by: LiftedBy, term: &Term<'_>) -> String {
    let setter = term.condition.inherited.as_ref().map_or(term.setter, |inherited| &inherited.setter);
    match by {
        LiftedBy::Setter => format!("{setter}, by a signed waiver"),
        LiftedBy::Originator => {
            let whom = term.condition.params.get("originator").map_or("the originator", String::as_str);
            format!("{whom}, whose consent it asks for; or {setter}, by a signed waiver")
        }
        LiftedBy::Law => "nobody: it is the law".to_owned(),
    }
}

/// The conditions that go along with what is made of files: a copy, a transcript, a translation, an extract, an exhibit of
/// several. Every condition that binds or waits goes along and names where it came from.
pub fn inherited(package_id: crate::model::ident::Id, terms: &[Term<'_>], objects: &[u32]) -> Vec<Condition> {
    let covered = |term: &&Term<'_>| {
        term.standing.force() != Force::None
            && (objects.is_empty()
                || term.condition.objects.is_empty()
                || objects.iter().any(|object| term.condition.objects.contains(object)))
    };
    let of = |term: &Term<'_>| {
        let from = crate::model::condition::Inherited {
            setter: term.setter.clone(),
            package_id,
            condition_id: term.condition.id.clone(),
        };
        Condition {
            // What binds us by law or by our word binds the next one by acceptance.
            origin: ConditionOrigin::RequestedState,
            objects: Vec::new(),
            measures: Vec::new(),
            accept_by: None,
            supersedes: Vec::new(),
            inherited: Some(term.condition.inherited.clone().unwrap_or(from)),
            ..term.condition.clone()
        }
    };
    let mut carried: Vec<Condition> = terms.iter().filter(covered).map(of).collect();
    for (number, condition) in (1..).zip(&mut carried) {
        condition.id = format!("h{number}");
    }
    carried
}
