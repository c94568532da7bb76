//! The bounds of an encoded message: its bytes and its fields. Refuses before anything is decoded what would take far
//! more memory decoded than encoded: an empty entry of a list is 2 bytes on the wire and some 170 in memory.

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use crate::wire::decode::DecodeError;

/// How large one kind of message may be.
pub(super) struct Shape {
    /// Its name, for errors.
    pub(super) what: &'static str,
    /// Most bytes.
    pub(super) bytes_max: usize,
    /// Most fields, each entry of a list counted, here and in the messages of `nested`.
    pub(super) fields_max: usize,
    /// The numbers of the fields whose messages hold lists themselves.
    pub(super) nested: &'static [u32],
}

impl Shape {
    /// Decodes protobuf after checking the size and counting the fields, before anything is allocated for it.
    pub(super) fn decode<M: Message + Default>(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        if bytes.len() > self.bytes_max {
            let (what, bytes_max) = (self.what, self.bytes_max);
            return Err(DecodeError::TooLarge { what, bytes: bytes.len(), bytes_max });
        }
        let mut left = self.fields_max;
        self.count(bytes, self.nested, &mut left)?;
        M::decode(bytes).map_err(|_| self.no_protobuf())
    }

    fn count(&self, mut bytes: &[u8], nested: &[u32], left: &mut usize) -> Result<(), DecodeError> {
        let cut = |_| self.no_protobuf();
        while !bytes.is_empty() {
            *left = left.checked_sub(1).ok_or_else(|| self.too_many())?;
            let (number, wire_type) = decode_key(&mut bytes).map_err(cut)?;
            let length = match wire_type {
                WireType::Varint => decode_varint(&mut bytes).map(|_| 0).map_err(cut)?,
                WireType::ThirtyTwoBit => 4,
                WireType::SixtyFourBit => 8,
                WireType::LengthDelimited => decode_varint(&mut bytes).map_err(cut)?,
                // proto3 has no groups; nobody who speaks this protocol writes one.
                WireType::StartGroup | WireType::EndGroup => return Err(self.no_protobuf()),
            };
            let length = usize::try_from(length).map_err(|_| self.no_protobuf())?;
            let body = bytes.get(..length).ok_or_else(|| self.no_protobuf())?;
            if wire_type == WireType::LengthDelimited && nested.contains(&number) {
                self.count(body, &[], left)?;
            }
            bytes.advance(length);
        }
        Ok(())
    }

    fn no_protobuf(&self) -> DecodeError {
        DecodeError::NotProtobuf { what: self.what }
    }

    fn too_many(&self) -> DecodeError {
        DecodeError::TooMany { field: self.what, found: self.fields_max.saturating_add(1), most: self.fields_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::proto;

    const SHAPE: Shape = Shape { what: "a sample", bytes_max: 1 << 20, fields_max: 100, nested: &[30] };

    fn decode(bytes: &[u8]) -> Result<proto::Message, DecodeError> {
        SHAPE.decode(bytes)
    }

    #[test]
    fn as_many_fields_as_the_bound_are_decoded_and_one_more_is_not() {
        let message = proto::Message { items: vec![proto::Item::default(); 100], ..proto::Message::default() };
        let mut bytes = message.encode_to_vec();
        assert_eq!(decode(&bytes), Ok(message));
        bytes.extend([0x78, 1]);
        let many = Err(DecodeError::TooMany { field: "a sample", found: 101, most: 100 });
        assert_eq!(decode(&bytes), many);
    }

    #[test]
    fn the_lists_of_a_nested_message_count_too_also_when_it_comes_in_pieces() {
        let body = |measures: usize| {
            let measures = vec![proto::Measure::default(); measures];
            let request = proto::RequestBody { measures, ..proto::RequestBody::default() };
            let body = Some(proto::message::Body::Request(request));
            proto::Message { body, ..proto::Message::default() }.encode_to_vec()
        };
        assert!(decode(&body(99)).is_ok());
        assert!(matches!(decode(&body(100)), Err(DecodeError::TooMany { .. })));
        // Protobuf merges the two into one list.
        assert!(decode(&[body(49), body(49)].concat()).is_ok());
        assert!(matches!(decode(&[body(49), body(50)].concat()), Err(DecodeError::TooMany { .. })));
    }

    #[test]
    fn what_is_cut_and_what_holds_a_group_is_no_protobuf() {
        let endless = [0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        for bytes in [&[0x0a, 2, b'x'][..], &endless, &[0x0a], &[0x0d, 1], &[0x0b, 0x0c]] {
            assert_eq!(decode(bytes), Err(DecodeError::NotProtobuf { what: "a sample" }), "{bytes:?}");
        }
    }
}
