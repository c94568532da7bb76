//! The index: answers, batches, damage.

use super::*;

fn put(tree: &'static str, key: &str, value: &str) -> Change {
    Change { tree, key: key.into(), value: Some(value.into()) }
}

fn keys(pairs: Vec<Pair>) -> Vec<String> {
    pairs.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

#[test]
fn a_batch_is_there_after_a_restart_with_the_number_it_was_applied_through() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index");
    let (index, opened) = Index::open(&path).unwrap();
    assert_eq!((opened, index.applied_through().unwrap()), (Opened::Fresh, 0));
    index.apply(&[put("requests", "a", "1"), put("queue", "a", "2")], 7).unwrap();
    let gone = Change { tree: "queue", key: b"a".to_vec(), value: None };
    index.apply(&[gone, put("requests", "b", "3")], 8).unwrap();
    let digest = index.dump_digest().unwrap();
    index.flush().unwrap();
    drop(index);
    let (index, opened) = Index::open(&path).unwrap();
    assert_eq!((opened, index.applied_through().unwrap()), (Opened::Existing, 8));
    assert_eq!(index.get("requests", b"a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(index.get("queue", b"a").unwrap(), None);
    assert_eq!(index.dump_digest().unwrap(), digest);
}

#[test]
fn a_scan_stays_in_its_tree_and_prefix_in_both_directions() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(&dir.path().join("index")).unwrap();
    let mut changes: Vec<Change> = ["a1", "a2", "a3", "b1", "\u{7f}"].map(|key| put("t", key, key)).into();
    changes.push(put("s", "a9", ""));
    changes.push(put("tt", "a9", ""));
    index.apply(&changes, 1).unwrap();
    let scan = |prefix: &str, from: Option<&str>, limit, direction| {
        let from = from.map(str::as_bytes);
        keys(index.scan_prefix("t", prefix.as_bytes(), from, limit, direction).unwrap())
    };
    assert_eq!(scan("a", None, 9, Direction::Forward), ["a1", "a2", "a3"]);
    assert_eq!(scan("a", None, 9, Direction::Backward), ["a3", "a2", "a1"]);
    assert_eq!(scan("a", Some("a2"), 9, Direction::Forward), ["a2", "a3"]);
    assert_eq!(scan("a", Some("a2"), 9, Direction::Backward), ["a2", "a1"]);
    assert_eq!(scan("a", Some("b1"), 9, Direction::Forward), Vec::<String>::new());
    assert_eq!(scan("a", Some("b1"), 9, Direction::Backward), ["a3", "a2", "a1"]);
    assert_eq!(scan("a", Some("a"), 9, Direction::Backward), Vec::<String>::new());
    assert_eq!(scan("", None, 2, Direction::Backward), ["\u{7f}", "b1"]);
    assert_eq!(scan("", None, 9, Direction::Forward).len(), 5);
}

#[test]
fn the_same_content_gives_the_same_digest_however_it_came_there() {
    let dir = tempfile::tempdir().unwrap();
    let (one, _) = Index::open(&dir.path().join("one")).unwrap();
    let (two, _) = Index::open(&dir.path().join("two")).unwrap();
    one.apply(&[put("t", "a", "old")], 1).unwrap();
    one.apply(&[put("t", "b", "2"), put("t", "a", "1")], 2).unwrap();
    two.apply(&[put("t", "a", "1"), put("t", "b", "2")], 2).unwrap();
    assert_eq!(one.dump_digest().unwrap(), two.dump_digest().unwrap());
    two.apply(&[put("u", "a", "1")], 2).unwrap();
    assert_ne!(one.dump_digest().unwrap(), two.dump_digest().unwrap());
}

#[test]
fn a_flipped_byte_of_a_value_is_noticed_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(&dir.path().join("index")).unwrap();
    index.apply(&[put("t", "a", "value")], 1).unwrap();
    let key = full_key("t", b"a").unwrap();
    let mut stored = index.db().unwrap().get(&key).unwrap().unwrap().to_vec();
    stored[6] ^= 1;
    index.db().unwrap().insert(&key, stored).unwrap();
    assert!(matches!(index.get("t", b"a"), Err(IndexError::Damaged)));
    let scanned = index.scan_prefix("t", b"", None, 9, Direction::Forward);
    assert!(matches!(scanned, Err(IndexError::Damaged)));
    assert!(matches!(index.dump_digest(), Err(IndexError::Damaged)));
    let index = index.start_over().unwrap();
    assert_eq!(index.get("t", b"a").unwrap(), None);
    assert_eq!(index.applied_through().unwrap(), 0);
    assert!(dir.path().join("index.damaged-1/db").exists());
}

#[test]
fn a_damaged_or_foreign_index_is_set_aside_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index");
    for (number, damage) in [b"garbage".as_slice(), &[0; 4_096]].into_iter().enumerate() {
        let (index, _) = Index::open(&path).unwrap();
        index.apply(&[put("t", "a", "value")], 5).unwrap();
        index.flush().unwrap();
        drop(index);
        for file in ["conf", "db"] {
            fs::write(path.join(file), damage).unwrap();
        }
        let (index, opened) = Index::open(&path).unwrap();
        assert_eq!((opened, index.applied_through().unwrap()), (Opened::Recovered, 0));
        assert!(dir.path().join(format!("index.damaged-{}", number + 1)).exists());
    }
    let (index, _) = Index::open(&path).unwrap();
    let key = own_key("schema");
    index.db().unwrap().insert(&key, sealed(&key, &(SCHEMA + 1).to_be_bytes())).unwrap();
    drop(index);
    assert_eq!(Index::open(&path).unwrap().1, Opened::Recovered);
}

#[test]
fn a_torn_snapshot_does_not_keep_the_index_from_opening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("index");
    let (index, _) = Index::open(&path).unwrap();
    index.apply(&[put("t", "a", "value")], 5).unwrap();
    drop(index);
    fs::write(path.join("snap.0000000000000001.generating"), b"torn").unwrap();
    let (index, opened) = Index::open(&path).unwrap();
    assert_eq!((opened, index.applied_through().unwrap()), (Opened::Existing, 5));
}

#[test]
fn what_does_not_belong_into_an_index_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(&dir.path().join("index")).unwrap();
    let large = Change { tree: "t", key: Vec::new(), value: Some(vec![0; INDEX_VALUE_BYTES_MAX + 1]) };
    assert!(matches!(index.apply(&[large], 1), Err(IndexError::ValueTooLarge)));
    let long = Change { tree: "t", key: vec![0; INDEX_KEY_BYTES_MAX + 1], value: None };
    assert!(matches!(index.apply(&[long], 1), Err(IndexError::BadKey)));
    assert!(matches!(index.apply(&[put("", "a", "")], 1), Err(IndexError::BadKey)));
    assert_eq!(index.applied_through().unwrap(), 0);
}

#[test]
fn an_index_that_is_opened_again_goes_on_and_a_destroyed_one_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(&dir.path().join("index")).unwrap().0;
    index.apply(&[put("message", "a", "1")], 7).unwrap();
    assert_eq!(index.reopen().unwrap(), Opened::Existing);
    assert_eq!((index.applied_through().unwrap(), index.get("message", b"a").unwrap()), (7, Some(b"1".to_vec())));
    fs::remove_file(dir.path().join("index/db")).unwrap();
    assert_eq!(index.reopen().unwrap(), Opened::Recovered);
    assert_eq!((index.applied_through().unwrap(), index.get("message", b"a").unwrap()), (0, None));
    index.apply(&[put("message", "a", "1")], 1).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is set aside where room may be short");
}
