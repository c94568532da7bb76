//! JSON as it is signed: the strict subset that every reader reads alike, in the OLPC canonical form. Refuses a name
//! used twice in one object, a number that is no unsigned 64-bit integer, and a control character in a string.
//!
//! TUF 1.0, 4.2.1 signs this form, <http://wiki.laptop.org/go/Canonical_JSON>: no white space, names in the order of
//! their code points, only `"` and `\` escaped. A value is decoded from these very bytes ([`Json::decode`]), so what is
//! understood is what was signed. Two readers that disagree on a doubled name (first wins, last wins) would otherwise
//! see two directories under one signature.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A JSON value of the strict subset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer without sign, fraction or exponent.
    Integer(u64),
    /// A string without control characters.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object; every name stands once.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads one JSON document. Its size is the caller's to bound; serde_json bounds its depth (128).
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(bytes).map_err(|error| JsonError::of(&error))
    }

    /// The value as the strict subset has it.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, JsonError> {
        let text = serde_json::to_vec(value).map_err(|error| JsonError::of(&error))?;
        Self::parse(&text)
    }

    /// The canonical bytes: what is signed, and what digests of a value are taken over.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Decodes the canonical bytes as a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        serde_json::from_slice(&self.canonical()).map_err(|error| JsonError::of(&error))
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' || byte == b'\\' {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(number) => serializer.serialize_u64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members),
        }
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("null, true, false, an unsigned integer, a string, a list or an object")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Json, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Json, E> {
        plain(&value)?;
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            plain(&name)?;
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the name `{name}` stands twice in one object")));
            }
            let value = map.next_value()?;
            members.insert(name, value);
        }
        Ok(Json::Object(members))
    }
}

/// OLPC writes a control character as it is, which JSON forbids: such a string would be signed in a form that no JSON
/// reader takes back.
fn plain<E: serde::de::Error>(text: &str) -> Result<(), E> {
    if text.bytes().any(|byte| byte < 0x20) { Err(E::custom("a string holds a control character")) } else { Ok(()) }
}

/// Why a document is not of the strict subset, or not of the type it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl JsonError {
    /// What serde_json said, cut to a length that a log line bears: it quotes names that came from outside.
    pub fn of(error: &serde_json::Error) -> Self {
        Self(error.to_string().chars().filter(|c| !c.is_control()).take(300).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(Json::parse(text.as_bytes()).unwrap().canonical()).unwrap()
    }

    #[test]
    fn names_are_sorted_and_white_space_is_dropped() {
        assert_eq!(
            canonical("{ \"b\": [1, true,\n null], \"a\": {\"é\": \"x\", \"z\": \"\"} }"),
            "{\"a\":{\"z\":\"\",\"é\":\"x\"},\"b\":[1,true,null]}"
        );
    }

    #[test]
    fn only_the_quote_and_the_backslash_are_escaped() {
        assert_eq!(canonical(r#""\u00e9\/\"\\""#), "\"é/\\\"\\\\\"");
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for bad in [
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "1.0",
            "-1",
            "1e3",
            "18446744073709551616",
            "\"\\n\"",
            "[1,]",
        ] {
            assert!(Json::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Json::parse(b"{} {}").is_err());
        assert!(Json::parse(&[b'[', b'"', 0xff, b'"', b']']).is_err());
        assert!(Json::parse("[".repeat(10_000).as_bytes()).is_err());
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            any::<u64>().prop_map(Json::Integer),
            "[^\\x00-\\x1f]{0,12}".prop_map(Json::String),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                prop::collection::btree_map("[^\\x00-\\x1f]{0,6}", inner, 0..4).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn canonical_bytes_read_back_as_the_same_value(value in any_json()) {
            prop_assert_eq!(Json::parse(&value.canonical()).unwrap(), value);
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = Json::parse(&bytes) {
                prop_assert_eq!(Json::parse(&value.canonical()).unwrap(), value);
            }
        }
    }
}
