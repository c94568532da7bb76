//! What of a volume passes, and what does not.

use super::*;

fn volume() -> Vec<u8> {
    let key = HybridSecretKey::from_seed(&[4; 32]);
    let place = Place { chain: Id::from_bytes([7; 16]), number: 1, previous: None };
    let mut out = Vec::new();
    let us = "XA-MOJ".parse().unwrap();
    let begun = VolumeWriter::begin(&mut out, place, &us, Timestamp::from_millis(9), key.public()).unwrap();
    let mut volume = begun.0;
    volume.item(&Item::Data { path: "a".to_owned(), from: 0, bytes: 3 }).unwrap();
    volume.bytes(b"xyz").unwrap();
    volume.item(&Item::End { files: 0, log_size: 1, log_root: Digest([0; 32]) }).unwrap();
    volume.finish().unwrap();
    out
}

fn read(bytes: &[u8], key: u8) -> Result<Vec<u8>, VolumeError> {
    let mut from = bytes;
    let mut volume = VolumeReader::open(&mut from, &HybridSecretKey::from_seed(&[key; 32]))?;
    let mut data = Vec::new();
    loop {
        match volume.item()? {
            Item::Data { bytes, .. } => volume.copy(bytes, &mut data)?,
            Item::End { .. } => break,
            _ => {}
        }
    }
    volume.end()?;
    Ok(data)
}

#[test]
fn a_volume_opens_with_its_own_key_only_and_no_cut_or_changed_one_passes() {
    let whole = volume();
    assert_eq!(read(&whole, 4).unwrap(), b"xyz");
    assert!(matches!(read(&whole, 5), Err(VolumeError::OtherKey(_))));
    for cut in (0..whole.len()).step_by(7) {
        assert!(read(&whole[..cut], 4).is_err(), "{cut}");
    }
    for at in (0..whole.len()).step_by(11) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed, 4).is_err(), "{at}");
    }
    let mut longer = whole;
    longer.push(0);
    assert!(read(&longer, 4).is_err());
}
