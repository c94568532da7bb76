//! What the fuzz target of the list of files does with its bytes.

use rogatory::model::ident::{Digest, Id};
use rogatory::model::listed::Listed;
use rogatory::model::package::{Consignment, Item, ItemForm, ItemRole};
use rogatory::model::time::Timestamp;
use rogatory::wire::file_list as wire_list;

use crate::memory::bounded;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// A line of a list of files, and a list against the message that names it.
pub fn file_list(bytes: &[u8]) {
    let pack = Item {
        object_id: 1,
        name: "pack-0001".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        plaintext_bytes: 1 << 20,
        sha256: Digest([0; 32]),
        ciphertext_root: Digest([0; 32]),
        role: ItemRole::Evidence,
        description: String::new(),
        form: ItemForm::Pack,
        further: Vec::new(),
    };
    let list = Item { object_id: 2, form: ItemForm::List, ..pack.clone() };
    let consignment = Consignment::new(Id::new(NOW, [7; 10]), vec![pack, list]).unwrap();
    let mut reader = wire_list::ListReader::new(&consignment);
    let mut taken = 0_u64;
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(entry) = bounded(line.len(), 32, || wire_list::decode(line)) {
            assert_eq!(wire_list::decode(&wire_list::encode(&entry)).as_ref(), Ok(&entry));
        }
        match reader.take(line) {
            Ok(Some(Listed::File(file))) => taken += file.extents.iter().map(|extent| extent.bytes).sum::<u64>(),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // However the list is written, its files never have more bytes than were sealed.
    assert!(taken <= 1 << 20);
}
