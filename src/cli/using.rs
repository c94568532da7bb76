//! What an officer says about a use on the command line: proceedings, purpose, recipient, route, and conditions as text.
//! Refuses a word that the vocabulary does not have.

use anyhow::{Context, bail};
use serde::Serialize;

use crate::daemon::api::percent_encoded;
use crate::law::conditions::asked::{Act, Asked, PurposeKind, Recipient, RecipientKind, Route};
use crate::model::package::{Condition, ConditionOrigin};
use crate::model::text::{Need, line};

/// For which proceedings, purpose and recipient.
#[derive(Debug, Clone, clap::Args)]
pub struct UseArgs {
    /// In which proceedings; those of the request without
    #[arg(long, value_name = "NAME")]
    proceeding: Option<String>,
    /// What kind of purpose: criminal, political, military, fiscal, administrative, immigration, intelligence, public-safety
    #[arg(long = "use", value_name = "KIND", value_parser = purpose_kind)]
    purpose_kind: Option<PurposeKind>,
    /// What the recipient is: court, prosecutor, agency, defence, public, third-state, international-organisation, setter
    #[arg(long, value_name = "KIND", value_parser = recipient_kind)]
    kind: Option<RecipientKind>,
    /// By which way round conditions: ordinary, same-facts, public-safety, exculpatory
    #[arg(long, value_name = "WAY", default_value = "ordinary", value_parser = route)]
    route: Route,
}

impl UseArgs {
    /// The act in the words of the conditions.
    pub fn asked(&self, act: Act, objects: &[u32], recipient: Option<&str>) -> Asked {
        let name = recipient.unwrap_or_default().trim().to_owned();
        let known = self.kind.or((!name.is_empty()).then_some(RecipientKind::Unknown));
        Asked {
            objects: objects.to_vec(),
            proceeding: self.proceeding.clone(),
            purpose: self.purpose_kind,
            recipient: known.map(|kind| Recipient { name, kind }),
            route: self.route,
            ..Asked::plain(act)
        }
    }

    /// The same as a query of a call that opens files.
    pub fn query(&self) -> String {
        let mut query = String::new();
        if let Some(proceeding) = &self.proceeding {
            query.push_str(&format!("&proceeding={}", percent_encoded(proceeding)));
        }
        if let Some(purpose) = self.purpose_kind {
            query.push_str(&format!("&purpose_kind={}", purpose.name()));
        }
        if self.route != Route::Ordinary {
            query.push_str(&format!("&route={}", word(&self.route)));
        }
        query
    }

    /// The kind of the recipient as a part of a query.
    pub fn kind_query(&self) -> String {
        self.kind.map(|kind| format!("&kind={}", kind.name())).unwrap_or_default()
    }
}

/// A condition as an officer writes it: `CODE=TEXT`, or `CODE(KEY=VALUE;KEY=VALUE)=TEXT`.
///
/// # Errors
/// What to write instead.
pub fn condition(number: usize, text: &str) -> anyhow::Result<Condition> {
    let bad = || format!("`{text}` is no condition; write CODE=TEXT, or CODE(KEY=VALUE;...)=TEXT");
    let mut condition =
        Condition { id: format!("c{number}"), origin: ConditionOrigin::RequestedState, ..Condition::default() };
    let head = text.split(['=', '(']).next().unwrap_or_default();
    let rest = text.get(head.len()..).unwrap_or_default();
    head.clone_into(&mut condition.code);
    let words = match rest.strip_prefix('(') {
        None => rest,
        Some(inside) => {
            let (params, rest) = inside.split_once(")=").with_context(bad)?;
            for param in params.split(';') {
                let (key, value) = param.split_once('=').with_context(bad)?;
                if condition.params.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
                    bail!("`{key}` stands twice in `{text}`");
                }
            }
            rest
        }
    };
    let words = if rest.starts_with('(') { words } else { words.strip_prefix('=').with_context(bad)? };
    line("condition code", head, Need::Required)?;
    words.clone_into(&mut condition.text);
    Ok(condition)
}

/// An act by its word.
///
/// # Errors
/// The words there are.
pub fn act(text: &str) -> Result<Act, String> {
    one_of(text, Act::ALL.into_iter().map(|act| (act.name(), act)))
}

fn purpose_kind(text: &str) -> Result<PurposeKind, String> {
    one_of(text, PurposeKind::ALL.into_iter().map(|kind| (kind.name(), kind)))
}

fn recipient_kind(text: &str) -> Result<RecipientKind, String> {
    one_of(text, RecipientKind::ALL.into_iter().map(|kind| (kind.name(), kind)))
}

fn route(text: &str) -> Result<Route, String> {
    let all = [Route::Ordinary, Route::SameFacts, Route::PublicSafety, Route::Exculpatory];
    let named: Vec<(String, Route)> = all.into_iter().map(|route| (word(&route), route)).collect();
    one_of(text, named.iter().map(|(name, route)| (name.as_str(), *route)))
}

fn one_of<'a, T>(text: &str, all: impl Iterator<Item = (&'a str, T)>) -> Result<T, String> {
    let mut names = Vec::new();
    for (name, one) in all {
        if name == text {
            return Ok(one);
        }
        names.push(name.to_owned());
    }
    Err(format!("write one of {}", names.join(", ")))
}

/// The word of a value in JSON.
fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_code_with_parameters_and_a_text_that_may_hold_anything() {
        let plain = condition(1, "USE.REPORT=Tell us (all) = everything").unwrap();
        assert_eq!((plain.code.as_str(), plain.text.as_str()), ("USE.REPORT", "Tell us (all) = everything"));
        let full = condition(2, "DESTROY.BY(date=2027-01-01; note=x=y)=By then (at the latest)=").unwrap();
        assert_eq!((full.id.as_str(), full.text.as_str()), ("c2", "By then (at the latest)="));
        assert_eq!(full.params.get("date").map(String::as_str), Some("2027-01-01"));
        assert_eq!(full.params.get("note").map(String::as_str), Some("x=y"));
        for bad in ["", "CODE", "CODE(date)=x", "CODE(date=1", "=text", "CODE(a=1;a=2)=x"] {
            assert!(condition(1, bad).is_err(), "{bad}");
        }
    }
}
