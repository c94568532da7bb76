//! What a stream carries, and what a bad one costs: an error with its code, and never the connection.

use std::time::Duration;

use rogatory::model::ident::Digest;
use rogatory::model::limits::{ENVELOPE_BYTES_MAX, PART_BYTES};
use rogatory::model::refusal::RefusalCode;
use rogatory::net::limits::Limits;
use rogatory::net::loss::Loss;
use rogatory::net::stream::{Stream, StreamError};
use rogatory::wire::frame::{Frame, FrameError, Told};

use crate::peers::{Pair, pair};

fn impatient() -> Limits {
    Limits { frame_ms_max: 600, ..Limits::default() }
}

/// Opens a stream and sends these bytes as they are; gives both ends.
async fn opened(pair: &Pair, bytes: &[u8]) -> (Stream, Stream) {
    let mut here = pair.dialled.open().await.unwrap();
    here.send_bytes(bytes.to_vec()).await.unwrap();
    let there = pair.accepted.accept().await.unwrap();
    (here, there)
}

/// A stream on which one frame has passed already.
async fn talking(pair: &Pair) -> (Stream, Stream) {
    let mut here = pair.dialled.open().await.unwrap();
    here.send(&Frame::Pushed).await.unwrap();
    let mut there = pair.accepted.accept().await.unwrap();
    assert_eq!(there.receive().await, Ok(Frame::Pushed));
    (here, there)
}

async fn assert_alive(pair: &Pair) {
    let mut here = pair.dialled.open().await.unwrap();
    here.send(&Frame::Pushed).await.unwrap();
    let mut there = pair.accepted.accept().await.unwrap();
    assert_eq!(there.receive().await, Ok(Frame::Pushed));
}

fn part(length: usize) -> Frame {
    Frame::Part { index: 3, length: u32::try_from(length).unwrap(), proof: vec![Digest([5; 32]); 20] }
}

#[tokio::test]
async fn frames_and_part_bodies_pass_in_order_until_the_stream_is_finished() {
    let pair = pair(Limits::default()).await;
    let body: Vec<u8> = (0..PART_BYTES).map(|i| (i % 251) as u8).collect();
    let (mut here, mut there) = talking(&pair).await;
    let sending = async {
        here.bulk();
        here.send(&part(PART_BYTES)).await.unwrap();
        here.send_bytes(body.clone()).await.unwrap();
        here.send(&Frame::FetchEnd).await.unwrap();
        here.finish();
    };
    let receiving = async {
        assert_eq!(there.receive().await, Ok(part(PART_BYTES)));
        let mut found = vec![0; PART_BYTES];
        there.receive_exact(&mut found).await.unwrap();
        assert_eq!(found, body);
        assert_eq!(there.receive().await, Ok(Frame::FetchEnd));
        assert_eq!(there.receive().await, Err(StreamError::Ended));
    };
    tokio::join!(sending, receiving);
}

#[tokio::test]
async fn the_largest_envelope_passes() {
    let pair = pair(Limits::default()).await;
    let frame = Frame::Deliver { signed_envelope: vec![7; ENVELOPE_BYTES_MAX] };
    let mut here = pair.dialled.open().await.unwrap();
    let receiving = async { pair.accepted.accept().await.unwrap().receive().await };
    let (sent, received) = tokio::join!(here.send(&frame), receiving);
    sent.unwrap();
    assert_eq!(received, Ok(frame));
}

#[tokio::test]
async fn every_malformed_frame_has_its_code_and_the_connection_survives() {
    let pair = pair(Limits::default()).await;
    let three_mib = (3_u32 << 20).to_be_bytes();
    let small_kind = [&three_mib[..], &[0x22]].concat();
    for (bytes, error, code) in [
        // No byte of the claimed four gigabytes ever comes: the prefix alone is refused.
        (&[0xff; 4][..], FrameError::TooLarge, RefusalCode::TooLarge),
        // 3 MiB are within the bound of all frames, but not of a Refused; the first byte shows it.
        (&small_kind, FrameError::TooLarge, RefusalCode::TooLarge),
        (&[0; 4], FrameError::Malformed, RefusalCode::Malformed),
        (&[0, 0, 0, 2, 0x4a, 9], FrameError::Malformed, RefusalCode::Malformed),
        (&[0, 0, 0, 3, 0x82, 0x01, 0], FrameError::UnknownKind, RefusalCode::UnsupportedVersion),
    ] {
        let (mut here, mut there) = opened(&pair, bytes).await;
        let seen = there.receive().await.unwrap_err();
        assert_eq!(seen, StreamError::Frame(error));
        assert_eq!(seen.code(), Some(code));
        there.refuse(code, 0).await.unwrap();
        assert_eq!(here.receive().await, Ok(Frame::Refused { code: Told::Known(code), retry_after_ms: 0 }));
        assert_alive(&pair).await;
    }
}

#[tokio::test]
async fn a_frame_or_a_part_that_breaks_off_is_cut() {
    let pair = pair(Limits::default()).await;
    for bytes in [&[0, 0][..], &[0, 0, 0, 9, 0x12], &[0, 0, 0, 9, 0x12, 7, 1]] {
        let (mut here, mut there) = opened(&pair, bytes).await;
        here.finish();
        assert_eq!(there.receive().await, Err(StreamError::Cut));
    }
    let (mut here, mut there) = opened(&pair, &[1; 10]).await;
    here.finish();
    let error = there.receive_exact(&mut [0; 11]).await.unwrap_err();
    assert_eq!(error.code(), Some(RefusalCode::Malformed));
    assert_alive(&pair).await;
}

#[tokio::test]
async fn a_peer_that_sends_a_frame_byte_by_byte_is_too_slow() {
    let pair = pair(impatient()).await;
    let (mut here, mut there) = opened(&pair, &[0, 0, 1, 0]).await;
    let trickle = async {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if here.send_bytes(vec![0x0a]).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let seen = tokio::select! {
        seen = there.receive() => seen,
        () = trickle => unreachable!(),
    };
    assert_eq!(seen, Err(StreamError::TooSlow));
    there.reset(RefusalCode::TooSlow);
    assert_alive(&pair).await;
}

#[tokio::test]
async fn a_part_that_does_not_come_is_too_slow() {
    let pair = pair(impatient()).await;
    let (_here, mut there) = opened(&pair, &[1]).await;
    let mut body = vec![0; PART_BYTES];
    let seen = there.receive_exact(&mut body).await;
    assert_eq!(seen, Err(StreamError::TooSlow));
    assert_alive(&pair).await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_too_slow() {
    let pair = pair(impatient()).await;
    let (mut here, _there) = opened(&pair, &[1]).await;
    let more_than_any_window = vec![0; 64 << 20];
    let seen = here.send_bytes(more_than_any_window).await;
    assert_eq!(seen, Err(StreamError::TooSlow));
    here.reset(RefusalCode::TooSlow);
    assert_alive(&pair).await;
}

#[tokio::test]
async fn large_frames_beyond_the_room_of_a_connection_are_told_to_come_later() {
    let limits = Limits { frame_buffer_bytes_max: 1 << 20, ..Limits::default() };
    let pair = pair(limits).await;
    let claims_a_mebibyte = [0, 0x10, 0, 0, 0x12];
    let (_first_here, mut first) = opened(&pair, &claims_a_mebibyte).await;
    let (_second_here, mut second) = opened(&pair, &claims_a_mebibyte).await;
    let seen = tokio::select! {
        seen = first.receive() => seen,
        seen = second.receive() => seen,
    };
    assert_eq!(seen, Err(StreamError::Busy));
    assert_eq!(seen.unwrap_err().code(), Some(RefusalCode::Busy));
    assert_alive(&pair).await;
}

#[tokio::test]
async fn the_peer_learns_the_code_of_a_reset_in_both_directions() {
    let pair = pair(Limits::default()).await;
    let (mut here, there) = opened(&pair, &[1]).await;
    there.reset(RefusalCode::NotFound);
    let told = StreamError::Reset(Told::Known(RefusalCode::NotFound));
    assert_eq!(here.receive().await, Err(told));
    let sending = async {
        loop {
            if let Err(error) = here.send_bytes(vec![0; 1000]).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(sending.await, told);
    assert_alive(&pair).await;
}

#[tokio::test]
async fn the_peer_learns_the_code_of_a_closed_connection() {
    let pair = pair(Limits::default()).await;
    let (_here, mut there) = opened(&pair, &[1]).await;
    pair.dialled.close(Some(RefusalCode::DirectoryExpired));
    let loss = Loss::Closed(Told::Known(RefusalCode::DirectoryExpired));
    assert_eq!(pair.accepted.closed().await, loss);
    assert_eq!(there.receive().await, Err(StreamError::Lost(loss)));
    assert_eq!(pair.accepted.open().await.err(), Some(loss));
    assert_eq!(pair.dialled.loss(), Some(Loss::Here));
}

#[tokio::test]
async fn a_connection_closes_when_its_last_handle_is_dropped_but_not_while_a_stream_is_used() {
    let pair = pair(Limits::default()).await;
    let (mut here, mut there) = talking(&pair).await;
    let Pair { dialled, accepted, a, .. } = pair;
    drop(dialled);
    here.send(&Frame::Pushed).await.unwrap();
    assert_eq!(there.receive().await, Ok(Frame::Pushed));
    assert_eq!(a.endpoint.connections(), 1);
    drop(here);
    assert_eq!(accepted.closed().await, Loss::Done);
    assert_eq!(a.endpoint.connections(), 0);
}
