//! A row back into the text that its file holds; what was read writes itself again, field by field.

use crate::law::row::{Ends, Fact, Parts, Row};
use crate::law::row_text::{EndsName, FactName, RowText, SourceText, TestsText};

impl From<Row> for RowText {
    fn from(row: Row) -> Self {
        let mut text = Self {
            row: row.number,
            fact: FactName::Retraction,
            instrument: row.instrument,
            state: row.state,
            counterpart: row.counterpart,
            from: row.from,
            to: row.to,
            recorded: row.recorded.to_string(),
            replaces: row.replaces,
            territory: row.territory,
            source: SourceText {
                kind: row.source.kind.into(),
                note: row.source.note,
                sha256: row.source.document.map(|digest| digest.to_string()),
            },
            parts: None,
            of: None,
            annex: None,
            effective: None,
            before: None,
            articles: None,
            measures: None,
            extent: None,
            effect: None,
            request: None,
            signed_by: None,
            tests: None,
            on: None,
            channel: None,
            accepts: None,
            version: None,
        };
        text.put(row.fact);
        text
    }
}

impl RowText {
    fn put(&mut self, fact: Fact) {
        let name = match fact {
            Fact::Signature => FactName::Signature,
            Fact::Party => FactName::Party,
            Fact::Retraction => FactName::Retraction,
            Fact::Provisional(parts) => {
                self.parts = match parts {
                    Parts::Whole => None,
                    Parts::Some(parts) => Some(parts),
                };
                FactName::Provisional
            }
            Fact::Withdrawal { of, effective } => {
                self.effective = effective;
                self.of = Some(match of {
                    Ends::Treaty => EndsName::Treaty,
                    Ends::Provisional => EndsName::Provisional,
                    Ends::Annex(key) => {
                        self.annex = Some(key);
                        EndsName::Annex
                    }
                });
                FactName::Withdrawal
            }
            Fact::Annex { annex, effective } => {
                (self.annex, self.effective) = (Some(annex), effective);
                FactName::Annex
            }
            Fact::CutOff { before, annex } => {
                (self.before, self.annex) = (Some(before), annex);
                FactName::CutOff
            }
            Fact::Reservation { articles, measures, extent } => {
                self.articles = (!articles.is_empty()).then_some(articles);
                self.measures = (!measures.is_empty()).then_some(measures);
                self.extent = Some(extent.into());
                FactName::Reservation
            }
            other => self.put_more(other),
        };
        self.fact = name;
    }

    fn put_more(&mut self, fact: Fact) -> FactName {
        match fact {
            Fact::Objection(effect) => {
                self.effect = Some(effect.into());
                FactName::Objection
            }
            Fact::AdHoc { request, signed_by, tests } => {
                (self.request, self.signed_by) = (Some(request), Some(signed_by));
                self.tests = Some(TestsText {
                    international: tests.international.into(),
                    requesting: tests.requesting.into(),
                    requested: tests.requested.into(),
                });
                FactName::AdHoc
            }
            Fact::Agreement(on) => {
                self.on = Some(on.into());
                FactName::Agreement
            }
            Fact::Channel(channel) => {
                self.channel = Some(channel.into());
                FactName::Channel
            }
            Fact::TreatyBasis(accepts) => {
                self.accepts = Some(accepts.into());
                FactName::TreatyBasis
            }
            Fact::Version(version) => {
                self.version = Some(version);
                FactName::Version
            }
            Fact::Confirmation(articles) => {
                self.articles = Some(articles);
                FactName::Confirmation
            }
            _ => FactName::Retraction,
        }
    }
}
