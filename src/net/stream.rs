//! One bidirectional stream of frames and part bytes. Refuses frames beyond the bounds before it keeps room for
//! them, and peers that make it wait. A bad stream ends alone; the connection and its other streams go on.
//!
//! ```text
//!  uint32 length │ frame │ uint32 length │ frame (Part) │ raw bytes of the part │ uint32 length │ ...
//! ```

use std::sync::Arc;
use std::time::Duration;

use quinn::{ReadError, ReadExactError, RecvStream, SendStream, WriteError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::model::limits::{FRAME_BYTES_MAX, PROGRESS_BYTES_MIN, SMALL_FRAME_BYTES_MAX};
use crate::model::refusal::RefusalCode;
use crate::net::loss::{Loss, error_code, told};
use crate::wire::frame::{self, Frame, FrameError, Told};

/// A stream. A future of it that is dropped before its end leaves the stream in the middle of something: reset it.
pub struct Stream {
    send: SendStream,
    receive: RecvStream,
    frame_limit: Duration,
    frame_buffer: Arc<Semaphore>,
    /// Keeps the connection open while the stream is in use.
    _connection: Arc<dyn Send + Sync>,
}

impl Stream {
    pub(crate) fn new(
        (send, receive): (SendStream, RecvStream),
        frame_limit: Duration,
        frame_buffer: Arc<Semaphore>,
        connection: Arc<dyn Send + Sync>,
    ) -> Self {
        Self { send, receive, frame_limit, frame_buffer, _connection: connection }
    }

    /// Sends one frame.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), StreamError> {
        let body = frame::encode(frame);
        let length = u32::try_from(body.len())
            .ok()
            .filter(|length| *length <= FRAME_BYTES_MAX as u32)
            .ok_or(StreamError::Frame(FrameError::TooLarge))?;
        self.send_bytes(length.to_be_bytes().to_vec()).await?;
        self.send_bytes(body).await
    }

    /// Sends bytes as they are: the body of a part. The peer must take some of them all the time.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) -> Result<(), StreamError> {
        let mut progress = Progress::new(self.frame_limit);
        let mut left = bytes.len();
        let mut rest = [bytes.into()];
        while left > 0 {
            let written = timeout_at(progress.deadline, self.send.write_chunks(&mut rest)).await;
            let written = written.map_err(|_| StreamError::TooSlow)??.bytes;
            progress.moved(written);
            left = left.saturating_sub(written);
        }
        Ok(())
    }

    /// Receives one frame. `Ended` where the peer finished instead.
    pub async fn receive(&mut self) -> Result<Frame, StreamError> {
        // One deadline for the whole frame: a peer that sends a byte now and then gets no further.
        timeout(self.frame_limit, self.receive_whole()).await.map_err(|_| StreamError::TooSlow)?
    }

    /// Receives exactly as many bytes as `bytes` has room for: the body of a part.
    pub async fn receive_exact(&mut self, bytes: &mut [u8]) -> Result<(), StreamError> {
        let mut progress = Progress::new(self.frame_limit);
        let mut rest = bytes;
        while !rest.is_empty() {
            let read = timeout_at(progress.deadline, self.receive.read(rest))
                .await
                .map_err(|_| StreamError::TooSlow)??
                .ok_or(StreamError::Cut)?;
            progress.moved(read);
            rest = rest.get_mut(read..).unwrap_or_default();
        }
        Ok(())
    }

    /// Lets urgent streams overtake this one: for the bodies of parts.
    pub fn bulk(&mut self) {
        // Fails only on a stream that is over, where priority means nothing.
        let _ = self.send.set_priority(-1);
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        // Fails only if the stream is over already.
        let _ = self.send.finish();
    }

    /// Refuses what the peer sent: tells it the code, finishes, and reads nothing more.
    pub async fn refuse(mut self, code: RefusalCode, retry_after_ms: u64) -> Result<(), StreamError> {
        let _ = self.receive.stop(error_code(Some(code)));
        self.send(&Frame::Refused { code: Told::Known(code), retry_after_ms }).await?;
        self.finish();
        Ok(())
    }

    /// Breaks the stream off, both ways.
    pub fn reset(mut self, code: RefusalCode) {
        // Each fails only where that way is over already.
        let _ = self.send.reset(error_code(Some(code)));
        let _ = self.receive.stop(error_code(Some(code)));
    }

    async fn receive_whole(&mut self) -> Result<Frame, StreamError> {
        let mut prefix = [0; 4];
        match self.receive.read_exact(&mut prefix).await {
            Err(ReadExactError::FinishedEarly(0)) => return Err(StreamError::Ended),
            other => other?,
        }
        let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(StreamError::Frame(FrameError::TooLarge));
        }
        if length == 0 {
            return Err(StreamError::Frame(FrameError::Malformed));
        }
        let mut key = [0; 1];
        self.receive.read_exact(&mut key).await?;
        let [key] = key;
        if length > frame::bytes_max(key)? {
            return Err(StreamError::Frame(FrameError::TooLarge));
        }
        let _room = self.room_for(length)?;
        // Grows as bytes arrive: a peer that only claims a length costs nothing.
        let mut bytes = Vec::with_capacity(length.min(SMALL_FRAME_BYTES_MAX));
        bytes.push(key);
        while bytes.len() < length {
            let chunk = self.receive.read_chunk(length - bytes.len(), true).await?.ok_or(StreamError::Cut)?;
            bytes.extend_from_slice(&chunk.bytes);
        }
        Ok(frame::decode(&bytes)?)
    }

    /// A place among the large frames of this connection. No waiting: unread streams would fill the window of
    /// the connection, and then none could move.
    fn room_for(&self, length: usize) -> Result<Option<OwnedSemaphorePermit>, StreamError> {
        if length <= SMALL_FRAME_BYTES_MAX {
            return Ok(None);
        }
        let bytes = u32::try_from(length).map_err(|_| StreamError::Frame(FrameError::TooLarge))?;
        Arc::clone(&self.frame_buffer).try_acquire_many_owned(bytes).map(Some).map_err(|_| StreamError::Busy)
    }
}

/// Demands a least rate: a deadline that moves on only when enough bytes have moved.
struct Progress {
    limit: Duration,
    deadline: Instant,
    bytes: usize,
}

impl Progress {
    fn new(limit: Duration) -> Self {
        Self { limit, deadline: Instant::now() + limit, bytes: 0 }
    }

    fn moved(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= PROGRESS_BYTES_MIN {
            self.bytes = 0;
            self.deadline = Instant::now() + self.limit;
        }
    }
}

/// Why a stream gave no frame or took none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// What the peer sent is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer was too slow.
    #[error("the peer was too slow; check the line, then try again")]
    TooSlow,
    /// Too many large frames at once.
    #[error("the peer sends too many large frames at once; it will try again")]
    Busy,
    /// The peer finished in the middle of a frame or a part.
    #[error("the peer broke off in the middle of a frame; try again")]
    Cut,
    /// The peer finished, where a frame could have begun.
    #[error("the peer has nothing more to say on this stream")]
    Ended,
    /// The peer broke the stream off.
    #[error("the peer broke the stream off: {0}")]
    Reset(Told),
    /// The stream was used after this side had ended it.
    #[error("the stream is over on this side; this is a fault of the program")]
    Over,
    /// The connection is no more.
    #[error(transparent)]
    Lost(#[from] Loss),
}

impl StreamError {
    /// What to tell the peer; `None` where there is nobody to tell or nothing to blame.
    pub fn code(self) -> Option<RefusalCode> {
        match self {
            Self::Frame(error) => Some(error.code()),
            Self::TooSlow => Some(RefusalCode::TooSlow),
            Self::Busy => Some(RefusalCode::Busy),
            Self::Cut => Some(RefusalCode::Malformed),
            Self::Ended | Self::Reset(_) | Self::Over | Self::Lost(_) => None,
        }
    }
}

impl From<ReadError> for StreamError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(code) => Self::Reset(told(code)),
            ReadError::ConnectionLost(error) => Self::Lost(error.into()),
            ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected => Self::Over,
        }
    }
}

impl From<ReadExactError> for StreamError {
    fn from(error: ReadExactError) -> Self {
        match error {
            ReadExactError::FinishedEarly(_) => Self::Cut,
            ReadExactError::ReadError(error) => error.into(),
        }
    }
}

impl From<WriteError> for StreamError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stopped(code) => Self::Reset(told(code)),
            WriteError::ConnectionLost(error) => Self::Lost(error.into()),
            WriteError::ClosedStream | WriteError::ZeroRttRejected => Self::Over,
        }
    }
}
