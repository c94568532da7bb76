//! What the schedule does, step by step.

use super::*;

fn row(index: u64, urgency: Urgency) -> OutboxRow {
    OutboxRow {
        envelope_id: Id::new(Timestamp::from_millis(index), [7; 10]),
        peer: "XB-MOJ".parse().unwrap(),
        urgency,
        expires_at: Some(Timestamp::from_millis(1_000_000)),
        waiting: Waiting::Envelope,
        index,
    }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn due(sender: &mut Sender, ms: u64) -> Vec<Step> {
    sender.due(at(ms))
}

#[test]
fn urgent_messages_overtake_routine_ones_queued_before_them_and_arrive_first() {
    let peer: AuthorityId = "XB-MOJ".parse().unwrap();
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    (2..=3).for_each(|index| sender.put(row(index, Urgency::Urgent)));
    sender.connected(&peer);
    let urgent: Vec<_> = (2..=3).map(|index| Step::HandOver(row(index, Urgency::Urgent))).collect();
    assert_eq!(due(&mut sender, 1), urgent);
    sender.settled(&peer, Urgency::Urgent, 2);
    assert_eq!((due(&mut sender, 2), sender.wakes_at()), (vec![], Some(at(1_000_000))), "one is in flight still");
    sender.settled(&peer, Urgency::Urgent, 3);
    assert_eq!(due(&mut sender, 3), [Step::HandOver(row(1, Urgency::Routine))]);
}

#[test]
fn an_urgent_message_that_the_peer_cannot_take_now_holds_nobody_back() {
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    sender.put(row(2, Urgency::Urgent));
    sender.connected(&"XB-MOJ".parse().unwrap());
    assert_eq!(due(&mut sender, 1), [Step::HandOver(row(2, Urgency::Urgent))]);
    sender.try_later(&row(2, Urgency::Urgent), at(1), 30_000, 0);
    assert_eq!(due(&mut sender, 2), [Step::HandOver(row(1, Urgency::Routine))]);
}

#[test]
fn a_peer_that_is_down_is_dialled_once_per_backoff_whatever_waits_for_it() {
    let peer: AuthorityId = "XB-MOJ".parse().unwrap();
    let mut sender = Sender::default();
    (1..=100).for_each(|index| sender.put(row(index, Urgency::Routine)));
    let mut dials = 0;
    for ms in (0..600_000).step_by(100) {
        for step in due(&mut sender, ms) {
            assert_eq!(step, Step::Dial(peer.clone()));
            dials += 1;
            sender.dial_failed(&peer, at(ms), u64::MAX);
        }
    }
    assert!((8..=16).contains(&dials), "{dials} dials in ten minutes");
}

#[test]
fn what_was_out_when_the_link_broke_is_handed_over_again() {
    let peer: AuthorityId = "XB-MOJ".parse().unwrap();
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    sender.connected(&peer);
    assert_eq!(due(&mut sender, 1).len(), 1);
    assert_eq!(due(&mut sender, 2), []);
    sender.disconnected(&peer, at(3), 0);
    assert_eq!(due(&mut sender, 60_000), [Step::Dial(peer.clone())]);
    sender.connected(&peer);
    assert_eq!(due(&mut sender, 60_001), [Step::HandOver(row(1, Urgency::Routine))]);
}

#[test]
fn a_message_whose_time_is_over_is_given_up_once_and_never_handed_over() {
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    sender.connected(&"XB-MOJ".parse().unwrap());
    assert_eq!(due(&mut sender, 1_000_000), [Step::Expire(row(1, Urgency::Routine))]);
    assert_eq!(due(&mut sender, 1_000_001), []);
}

#[test]
fn a_refusal_for_now_waits_at_least_as_long_as_the_peer_asked() {
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    sender.connected(&"XB-MOJ".parse().unwrap());
    due(&mut sender, 1);
    sender.try_later(&row(1, Urgency::Routine), at(1), 30_000, 0);
    assert_eq!(due(&mut sender, 30_000), []);
    assert_eq!(sender.wakes_at(), Some(at(30_001)));
    assert_eq!(due(&mut sender, 30_001).len(), 1);
}

#[test]
fn backoff_grows_to_a_quarter_of_an_hour_and_stays_there() {
    assert!(backoff_ms(0, 0) >= RETRY_MS_MIN / 2);
    assert!(backoff_ms(u32::MAX, u64::MAX) <= RETRY_MS_MAX);
    assert_eq!(backoff_ms(40, RETRY_MS_MAX / 2), RETRY_MS_MAX);
}

#[test]
fn no_more_than_the_limit_is_in_flight_to_one_peer() {
    let mut sender = Sender::default();
    (1..=200).for_each(|index| sender.put(row(index, Urgency::Routine)));
    sender.connected(&"XB-MOJ".parse().unwrap());
    assert_eq!(due(&mut sender, 1).len(), DELIVERIES_PER_PEER_MAX);
    sender.settled(&"XB-MOJ".parse().unwrap(), Urgency::Routine, 1);
    assert_eq!(due(&mut sender, 2).len(), 1);
}

#[test]
fn a_driver_is_not_woken_for_what_has_no_room() {
    let mut sender = Sender::default();
    (1..=65).for_each(|index| sender.put(row(index, Urgency::Routine)));
    sender.connected(&"XB-MOJ".parse().unwrap());
    due(&mut sender, 1);
    assert_eq!(sender.wakes_at(), Some(at(1_000_000)), "its expiry, not its turn");
}

#[test]
fn what_is_given_up_is_not_given_up_again_when_the_link_breaks_or_a_late_stream_does() {
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    assert_eq!(due(&mut sender, 1_000_000).first(), Some(&Step::Expire(row(1, Urgency::Routine))));
    sender.connected(&"XB-MOJ".parse().unwrap());
    sender.try_later(&row(1, Urgency::Routine), at(1_000_001), 0, 0);
    sender.disconnected(&"XB-MOJ".parse().unwrap(), at(1_000_002), 0);
    assert_eq!(due(&mut sender, 1_000_003), []);
}

#[test]
fn an_expiry_that_could_not_be_recorded_is_tried_again_after_a_wait() {
    let mut sender = Sender::default();
    sender.put(row(1, Urgency::Routine));
    sender.connected(&"XB-MOJ".parse().unwrap());
    let expire = [Step::Expire(row(1, Urgency::Routine))];
    assert_eq!(due(&mut sender, 1_000_000), expire);
    sender.expire_later(&row(1, Urgency::Routine), at(1_000_000), 0);
    let again = 1_000_000 + RETRY_MS_MIN / 2;
    assert_eq!((due(&mut sender, again - 1), sender.wakes_at()), (vec![], Some(at(again))), "no spin");
    assert_eq!(due(&mut sender, again), expire);
}

#[test]
fn a_link_that_is_kept_for_its_own_sake_is_dialled_with_nothing_to_hand_over_until_it_is_not() {
    let peer: AuthorityId = "XB-MOJ".parse().unwrap();
    let mut sender = Sender::default();
    sender.keep_links(&[peer.clone()].into());
    assert_eq!(due(&mut sender, 1), [Step::Dial(peer.clone())]);
    sender.dial_failed(&peer, at(1), 0);
    assert_eq!(sender.wakes_at(), Some(at(1 + RETRY_MS_MIN / 2)));
    sender.keep_links(&BTreeSet::new());
    assert_eq!((due(&mut sender, 1_000_000), sender.wakes_at()), (vec![], None));
}

#[test]
fn a_new_directory_releases_what_waits_and_takes_nothing_back_that_is_out() {
    let peer: AuthorityId = "XB-MOJ".parse().unwrap();
    let mut sender = Sender::default();
    sender.connected(&peer);
    (1..=2).for_each(|index| sender.put(row(index, Urgency::Routine)));
    assert_eq!(due(&mut sender, 1).len(), 2);
    sender.try_later(&row(1, Urgency::Routine), at(1), 900_000, 0);
    assert_eq!(due(&mut sender, 2), []);
    sender.directory_changed();
    assert_eq!(due(&mut sender, 3), [Step::HandOver(row(1, Urgency::Routine))]);
}
