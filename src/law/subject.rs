//! Whom the law binds: a State, or one named international body such as the Court. Refuses any other text.

use std::fmt;
use std::str::FromStr;

use crate::model::ident::AuthorityId;

/// A State by its two letters (`XA`), or an international body by its full name (`INT-ICC`): bodies share no treaties
/// just because they share a prefix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// The subject that an authority speaks for.
    pub fn of(authority: &AuthorityId) -> Self {
        match authority.state() {
            "INT" => Self(authority.as_str().to_owned()),
            state => Self(state.to_owned()),
        }
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A State, or a body of States.
    pub fn kind(&self) -> SubjectKind {
        if self.0.len() == 2 { SubjectKind::State } else { SubjectKind::Body }
    }
}

/// What a subject is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubjectKind {
    /// A State.
    State,
    /// An international court, mechanism or organisation.
    Body,
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let bad = || SubjectError(text.chars().filter(|c| !c.is_control()).take(40).collect());
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(text.to_owned()));
        }
        match text.parse::<AuthorityId>() {
            Ok(authority) if authority.state() == "INT" => Ok(Self::of(&authority)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that names no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a State (two capital letters) nor an international body (INT-NAME)")]
pub struct SubjectError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_of_one_state_are_one_subject_and_bodies_are_each_their_own() {
        let of = |text: &str| Subject::of(&text.parse().unwrap());
        assert_eq!(of("XA-MOJ"), of("XA-POLICE"));
        assert_ne!(of("INT-ICC"), of("INT-EUROJUST"));
        assert_eq!(of("INT-ICC").kind(), SubjectKind::Body);
        assert_eq!("XA".parse::<Subject>().unwrap().kind(), SubjectKind::State);
        for bad in ["", "X", "xa", "XAB", "INT", "XA-MOJ", "INT-"] {
            assert!(bad.parse::<Subject>().is_err(), "{bad}");
        }
    }
}
